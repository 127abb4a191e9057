"""CUDA kernels of the course on the CPU: the host's compiler takes their source.

It proves what a kernel computes, which elements it covers and what it leaves alone, and
no speed.  A kernel whose threads wait for each other can't run so.
"""

import ctypes
import functools
import hashlib
import subprocess
import tempfile
from pathlib import Path

import numpy

FOLDER = tempfile.TemporaryDirectory(prefix="kernels-")
TYPES = {
    "float32": "float",
    "float64": "double",
    "int32": "int",
    "int64": "long long",
    "uint32": "unsigned int",
    "uint64": "unsigned long long",
    "bool": "bool",
}
HOST = """
#include <algorithm>
#include <cmath>
#include <tuple>
using namespace std;
#define __global__
#define __device__
struct Place { unsigned x, y, z; };
static Place blockIdx, threadIdx, blockDim, gridDim;
"""
LAUNCH = """
template <typename... A, size_t... I>
void call(void (*kernel)(A...), void** given, index_sequence<I...>) {
    kernel(*static_cast<A*>(given[I])...);
}
template <typename... A>
void launch(void (*kernel)(A...), const unsigned* sizes, void** given) {
    gridDim = {sizes[0], sizes[1], sizes[2]};
    blockDim = {sizes[3], sizes[4], sizes[5]};
    for (unsigned b = 0; b < sizes[0] * sizes[1] * sizes[2]; b++)
        for (unsigned t = 0; t < sizes[3] * sizes[4] * sizes[5]; t++) {
            blockIdx = {b % sizes[0], b / sizes[0] % sizes[1],
                        b / sizes[0] / sizes[1]};
            threadIdx = {t % sizes[3], t / sizes[3] % sizes[4],
                         t / sizes[3] / sizes[4]};
            call(kernel, given, index_sequence_for<A...>{});
        }
}
"""


@functools.cache
def library(source):
    """Return the compiled source.  Products are not fused into sums."""
    stem = Path(FOLDER.name, hashlib.sha256(source.encode()).hexdigest()[:16])
    stem.with_suffix(".cpp").write_text(source, encoding="utf-8")
    options = ["-std=c++17", "-O1", "-ffp-contract=off", "-shared", "-fPIC"]
    command = ["g++", *options, f"{stem}.cpp", "-o", f"{stem}.so"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the kernel does not compile:\n{done.stderr}")
    return ctypes.CDLL(f"{stem}.so")


def pointers(arguments):
    """Return a C array of pointers to the arguments; arrays are passed as pointers."""
    kept = [
        ctypes.c_void_p(a.ctypes.data)
        if isinstance(a, numpy.ndarray) and a.ndim
        else numpy.array(a).ctypes
        for a in arguments
    ]
    places = [ctypes.addressof(k) if hasattr(k, "value") else k.data for k in kept]
    return (ctypes.c_void_p * len(places))(*places), kept


class RawModule:
    """Functions in CUDA C++, asked for by name; started with a grid and a block."""

    def __init__(self, code, options=(), name_expressions=()):
        self.code, self.names = code, name_expressions

    def get_function(self, name):
        assert name in self.names, f"{name} is not among the name_expressions"
        start = f"launch(&{name}, sizes, given);"
        head = 'extern "C" void start(const unsigned* sizes, void** given)'
        source = f"{HOST}{self.code}{LAUNCH}{head} {{ {start} }}"

        def kernel(grid, block, arguments):
            for argument in arguments:  # CUDA takes their bytes as they are
                assert isinstance(argument, numpy.ndarray | numpy.generic)
            sizes = [*(*grid, 1, 1)[:3], *(*block, 1, 1)[:3]]
            given, _kept = pointers(arguments)
            library(source).start((ctypes.c_uint * 6)(*sizes), given)

        return kernel


class Kernel:
    """What the two kinds of short kernels share: the types of their parameters."""

    def __init__(self, inputs, outputs, *code, preamble="", options=()):
        self.inputs, self.outputs = (
            [one.split() for one in words.split(",")] for words in (inputs, outputs)
        )
        self.code, self.preamble = code, preamble

    def types(self, arguments):
        """Return the dtype of every type's name; arrays decide what a letter means."""
        known = {}
        for (*_, kind, _), argument in zip(
            [*self.inputs, *self.outputs], arguments, strict=False
        ):
            if kind not in TYPES and isinstance(argument, numpy.ndarray):
                assert known.setdefault(kind, argument.dtype) == argument.dtype
        return {name: numpy.dtype(name) for name in TYPES} | known

    def source(self, types):
        """Return the source of a function that loops over all elements."""
        letters = "".join(
            f"typedef {TYPES[dtype.name]} {name};\n"
            for name, dtype in types.items()
            if name != TYPES[dtype.name] and name != "bool"
        )
        parameters, body = self.function()
        return (
            f"{HOST}{letters}{self.preamble}\n"
            f'extern "C" void kernel({parameters}) {{ {body} }}'
        )

    def placed(self, arguments, types):
        """Return the inputs in their common shape; raw ones as they are."""
        wide = [
            numpy.asarray(a, types[kind])
            for (*raw, kind, _), a in zip(self.inputs, arguments, strict=False)
            if not raw
        ]
        shape = numpy.broadcast_shapes(*(a.shape for a in wide))
        wide = iter(wide)
        return shape, [
            numpy.ascontiguousarray(a if raw else numpy.broadcast_to(next(wide), shape))
            for (*raw, _, _), a in zip(self.inputs, arguments, strict=False)
        ]


class ElementwiseKernel(Kernel):
    """The same statements for every element."""

    def __init__(self, inputs, outputs, code, name="kernel", **more):
        super().__init__(inputs, outputs, code, **more)

    def __call__(self, *arguments):
        types = self.types(arguments)
        shape, given = self.placed(arguments[: len(self.inputs)], types)
        ((kind, _),) = self.outputs
        rest = arguments[len(self.inputs) :]
        out = rest[0] if rest else numpy.empty(shape, types[kind])
        given = [
            numpy.ascontiguousarray(numpy.broadcast_to(a, out.shape)) if not raw else a
            for (*raw, _, _), a in zip(self.inputs, given, strict=True)
        ]
        assert out.flags.c_contiguous
        addresses = [ctypes.c_void_p(a.ctypes.data) for a in (*given, out)]
        library(self.source(types)).kernel(ctypes.c_longlong(out.size), *addresses)
        return out

    def function(self):
        """Return the parameters and the body of a function that does all elements."""
        ((kind, result),) = self.outputs
        pointed = [f"const {k}* {'' if r else '_'}{n}" for *r, k, n in self.inputs]
        each = "".join(
            f"const auto {name} = _{name}[i];"
            for *raw, _, name in self.inputs
            if not raw
        )
        parameters = ", ".join(["long long n__", *pointed, f"{kind}* _{result}"])
        body = f"""for (long long i = 0; i < n__; i++) {{
            {each} {kind}& {result} = _{result}[i];
            {self.code[0]};
        }}"""
        return parameters, body


class ReductionKernel(Kernel):
    """An expression of every element, joined two by two."""

    def __init__(self, inputs, outputs, map_, join, post, identity, name="", **more):
        super().__init__(inputs, outputs, map_, join, post, identity, **more)

    def __call__(self, *arguments, axis=None):
        types = self.types(arguments)
        shape, given = self.placed(arguments, types)
        ((kind, _),) = self.outputs
        if axis is None:
            kept, given = (), [a.reshape(-1) for a in given]
        else:
            kept = tuple(numpy.delete(shape, axis))
            given = [
                numpy.ascontiguousarray(numpy.moveaxis(a, axis, -1)) for a in given
            ]
        out = numpy.empty(kept, types[kind])
        length = numpy.prod(shape, dtype=int) // max(1, out.size)
        addresses = [ctypes.c_void_p(a.ctypes.data) for a in (*given, out)]
        lengths = ctypes.c_longlong(out.size), ctypes.c_longlong(int(length))
        library(self.source(types)).kernel(*lengths, *addresses)
        return out[()]

    def function(self):
        """Return the parameters and the body of a function that does all elements."""
        ((kind, result),) = self.outputs
        map_, join, post, identity = self.code
        each = "".join(
            f"const auto {n} = _{n}[o__ * m__ + i__];" for *_, n in self.inputs
        )
        pointed = [f"const {k}* _{n}" for *_, k, n in self.inputs]
        parameters = ", ".join(
            ["long long n__", "long long m__", *pointed, f"{kind}* _{result}"]
        )
        body = f"""for (long long o__ = 0; o__ < n__; o__++) {{
            {kind} sum__ = {identity};
            for (long long i__ = 0; i__ < m__; i__++) {{
                {each} {kind} a = sum__, b = {map_};
                sum__ = {join};
            }}
            {kind} a = sum__; {kind}& {result} = _{result}[o__];
            {post};
        }}"""
        return parameters, body
