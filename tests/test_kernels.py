"""What runs on a GPU is right on a CPU first, at sizes that no block divides.

Kernels of numba.cuda run in Numba's simulator.  CuPy is stood in for by NumPy, and its
kernels are compiled by the host's compiler: see `fake_gpu`.  Neither proves a speed.
"""

import importlib
import importlib.metadata
import os
import shutil
import sys
from pathlib import Path

import pytest

from arraylab import records
from arraylab.arrays import library_of
from tests.apart import ran

ROOT = Path(__file__).resolve().parents[1]
PLACES = os.pathsep.join([str(ROOT / "tests" / "fake_gpu"), str(ROOT)])

RUN = """
import importlib
import itertools
import sys

import numpy as np

from arraylab.arrays import finish, place

case, name, library, *blocks = sys.argv[1:]
problem = importlib.import_module(f"case_studies.{case}")
module = importlib.import_module(f"case_studies.{case}.{name}")
if library == "numba_cuda" and not blocks:  # a thread of Python for each of CUDA's
    for constant, value in vars(module).items():
        if constant == "THREADS":
            module.THREADS = (4, 2) if isinstance(value, tuple) else 4
        if constant == "MOST_BLOCKS":
            module.MOST_BLOCKS = (2, 2) if isinstance(value, tuple) else 2


def small(case, n, dtype):
    # inputs of awkward sizes, and few steps
    if case == "grid_max":
        x, y = problem.inputs(n + 3, dtype)
        return x[: n + 1], y
    if case == "column_stats":
        rows = problem.inputs(max(2, n // 4), dtype)[0][: 3 * n + 1]
        x = rows.copy()
        x[:, 0] = x[0, 0]  # a column of equal numbers
        return (x,)
    if case == "escape_time":
        x, y, _ = problem.inputs(2 * n + 1, dtype)
        return x[: n + 1], y, 50
    if case == "heat":
        u, r, _ = problem.inputs(n + 4, dtype)
        return np.ascontiguousarray(u[: n + 2]), r, 3
    if case == "quadratic_ensemble":
        return (*problem.inputs(n, dtype)[:2], 61)
    if case == "option_price":
        return problem.inputs(25 * (20 * n + 1), dtype)
    if case == "savings":
        return problem.inputs(3 + n // 4, dtype)
    if case == "pipeline":
        return problem.inputs(5 + n, dtype)  # a median wants five pixels
    if case in ("stateful_filter", "quadratic_map"):
        return problem.inputs(n if library == "numba_cuda" else 97 * n + 1, dtype)
    return problem.inputs(n, dtype)


def one_past(case, dtype):
    # one more than a block takes in each direction, blocks as they are on a GPU
    if case == "grid_max":
        rows, columns = (2, 257) if "block" in name else (9, 33)
        return problem.inputs(rows, dtype)[0], problem.inputs(columns, dtype)[1]
    if case == "column_stats":
        return (problem.inputs(33, dtype)[0][:9].copy(),)
    if case == "escape_time":
        x, y, _ = problem.inputs(33, dtype)
        return x[:9], y, 50
    if case == "heat":
        u, r, _ = problem.inputs(33, dtype)
        return u[:9].copy(), r, 2
    if case == "quadratic_ensemble":
        return (*problem.inputs(129, dtype)[:2], 61)
    if case == "stateful_filter":
        return problem.inputs(64 * 1024 + 1, dtype)


sizes = (1, 6, 9) if library == "numba_cuda" else (1, 15, 16, 17, 130)
for n, dtype in itertools.product(
    [0] if blocks else sizes, ("float32", "float64")
):
    given = small(case, n, dtype) if n else one_past(case, dtype)
    for array in given:
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    before = [np.array(value) for value in given]
    result = getattr(module, case)(*place(library, *given))
    for part in result if isinstance(result, tuple) else (result,):
        home = type(part).__module__.split(".")[0]
        ours = ("cupy", "numba", "numpy", "jaxlib" if "jax" in name else "cupy")
        assert home in ours, home
        assert home != "numpy" or not np.ndim(part), "an array came back on the host"
    problem.check(finish(result), *given)
    for was, now in zip(before, given, strict=True):
        np.testing.assert_array_equal(was, now)
print("right")
"""


# For NVIDIA's compilers; nothing is run.  CuPy itself writes the sources.
COMPILE_CUPY = """
import importlib
import sys

import cupy
import numpy as np
from cuda.bindings import nvrtc
from cupy._core import _carray, _kernel, _reduction, _scalar, core

case, name, library = sys.argv[1:]
ARRAY, INDEX, NUMBER = 1, 2, 3  # CuPy's kinds of arguments
FOLDERS = [f"-I{core._get_header_dir_path()}", *core._get_cccl_include_options()]
HEADS = "".join(f"#include <{name}>\\n" for name in core._cupy_header_list)
elementwise, reduction, module = (
    cupy.ElementwiseKernel,
    cupy.ReductionKernel,
    cupy.RawModule,
)
made = []


def noting(kind):
    def make(*args, **kwargs):
        made.append((kind(*args, **kwargs), args, kwargs))
        return made[-1][0]

    return make


def by_nvrtc(source, options, names=()):
    _, program = nvrtc.nvrtcCreateProgram(source.encode(), b"kernel.cu", 0, [], [])
    for name in names:
        nvrtc.nvrtcAddNameExpression(program, name.encode())
    options = ["--std=c++17", "--gpu-architecture=compute_80", *FOLDERS, *options]
    options = [option.encode() for option in options]
    (status,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
    log = b" " * nvrtc.nvrtcGetProgramLogSize(program)[1]
    nvrtc.nvrtcGetProgramLog(program, log)
    assert status == nvrtc.nvrtcResult.NVRTC_SUCCESS, log.decode()
    print("compiled")


def argument(parameter, real, reduces):
    # what CuPy notes of an argument
    info, dtype = _kernel._ArgInfo, parameter.dtype or real
    if parameter.ctype is None:
        return info(INDEX, _carray.Indexer, None, 2, True, True)
    if parameter.dtype is None or reduces and parameter.name[0] != "_":
        return info(ARRAY, cupy.ndarray, dtype, 2, False, True)
    return info(NUMBER, _scalar.CScalar, dtype, 0, True, True)


def source(kernel, args, kwargs, real):
    # what CuPy writes where T is `real`
    reduces = isinstance(kernel, reduction)
    parameters = kernel._params if reduces else kernel.params
    infos = tuple(argument(p, real, reduces) for p in parameters)
    if not reduces:
        types = _kernel._TypeMap((("T", real),))
        return _kernel._get_elementwise_kernel_code(
            infos, types, parameters, kernel.operation, kernel.name, kernel.preamble
        )
    types = _kernel._TypeMap((("T", real), ("IndexT", np.dtype("int32"))))
    each, joined, last, start = args[2:6]
    return _reduction._ReductionKernel_get_cached_function_code(
        *(kernel.nin, kernel.nout, parameters, infos, types, kernel.name, 256, "T"),
        *(start, each, joined, last, kwargs.get("preamble", ""), ()),
    )


cupy.ElementwiseKernel, cupy.ReductionKernel, cupy.RawModule = map(
    noting, (elementwise, reduction, module)
)
importlib.import_module(f"case_studies.{case}.{name}")
for kernel, args, kwargs in made:
    if isinstance(kernel, module):
        by_nvrtc(kernel.code, kernel.options, kernel.name_expressions)
        continue
    for real in map(np.dtype, ("float32", "float64")):
        text = source(kernel, args, kwargs, real)
        by_nvrtc(HEADS + text, kwargs.get("options", ()))
"""
COMPILE = """
import importlib
import sys

import numpy as np
from numba import cuda, typeof

case, name, library = sys.argv[1:]
problem = importlib.import_module(f"case_studies.{case}")


class Host(np.ndarray):
    def copy_to_device(self, other):
        self[...] = other

    def copy_to_host(self):
        return np.array(self)


class Kernel:
    def __init__(self, function):
        self.function, self.known = function, set()

    def __getitem__(self, grid):
        return self

    def __call__(self, *arguments):
        types = (np.array(a) if np.ndim(a) else a for a in arguments)
        signature = tuple(typeof(a) for a in types)
        if signature in self.known:
            return
        self.known.add(signature)
        ptx, _ = cuda.compile_ptx(self.function, signature, cc=(8, 0))
        assert ".visible .entry" in ptx or ".visible .func" in ptx
        print("compiled")


cuda.jit = Kernel
cuda.to_device = lambda array: np.array(array).view(Host)
cuda.device_array_like = lambda array: np.empty_like(array).view(Host)
cuda.device_array = lambda *args: np.empty(*args).view(Host)
module = importlib.import_module(f"case_studies.{case}.{name}")
for dtype in ("float32", "float64"):
    given = problem.inputs(problem.SIZES[0], dtype)
    getattr(module, case)(
        *(cuda.to_device(a) if isinstance(a, np.ndarray) else a for a in given)
    )
"""


def on_gpus(library):
    """Return the cases' implementations of a library that computes on a GPU alone."""
    return [
        pytest.param(case, name, id=f"{case}-{name}")
        for case, names in records.cases().items()
        for name in names
        if library_of(name) == library
    ]


def done(code, *words, **environment):
    """Return what a Python of its own printed."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    run = ran([sys.executable, "-W", "ignore", "-c", code, *words], env=env)
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def has(*distributions):
    """Return a mark: skip where one of them is not installed."""
    known = {found.name for found in importlib.metadata.distributions()}
    absent = ", ".join(name for name in distributions if name not in known)
    return pytest.mark.skipif(bool(absent), reason=f"{absent}: not installed")


@has("numba-cuda")
@pytest.mark.parametrize(("case", "name"), on_gpus("numba_cuda"))
class TestNumbaCuda:
    def test_is_right_in_the_simulator(self, case, name):
        said = done(RUN, case, name, "numba_cuda", NUMBA_ENABLE_CUDASIM="1")
        assert said == ["right"]

    def test_covers_one_past_its_blocks(self, case, name):
        settings = {"NUMBA_ENABLE_CUDASIM": "1"}
        assert done(RUN, case, name, "numba_cuda", "own", **settings) == ["right"]

    @has("nvidia-nvvm")
    def test_compiles_for_a_gpu(self, case, name):
        assert "compiled" in done(COMPILE, case, name, "numba_cuda")


@pytest.mark.parametrize(("case", "name"), on_gpus("cupy"))
class TestCuPy:
    @pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")
    def test_is_right_on_the_host(self, case, name):
        assert done(RUN, case, name, "cupy", PYTHONPATH=PLACES) == ["right"]

    @has("cupy-cuda13x", "cuda-bindings", "nvidia-cuda-nvrtc")
    def test_compiles_for_a_gpu(self, case, name):
        text = (ROOT / "case_studies" / case / f"{name}.py").read_text("utf-8")
        n_kernels = text.count("Kernel(") + text.count("RawModule(")
        said = done(COMPILE_CUPY, case, name, "cupy")
        assert len(said) >= n_kernels


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")
def test_lanes_of_cupy_cover_one_past_a_block():
    words = "stateful_filter", "cupy_lanes", "cupy", "own"
    assert done(RUN, *words, PYTHONPATH=PLACES) == ["right"]
