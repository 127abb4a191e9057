"""A CuPy that computes with NumPy: it proves what is computed, and no speed.

Its arrays are of a class of their own, so that what returns NumPy's is found out; its
kernels are compiled for the CPU (`compiled`).
"""

from types import SimpleNamespace

import compiled
import numpy


class ndarray(numpy.ndarray):  # CuPy's name
    """An array "on the GPU"."""

    device = SimpleNamespace(id=0)

    def __array_wrap__(self, array, context=None, return_scalar=False):
        """Keep single numbers on the GPU, too."""
        return array.view(ndarray)

    def __getitem__(self, key):
        return asarray(super().__getitem__(key), copy=False)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def get(self):
        return numpy.array(self)

    def set(self, array, stream=None):
        """Copy from the host; as with CuPy, dtype and shape have to be the same."""
        assert type(array) is numpy.ndarray
        assert (array.dtype, array.shape) == (self.dtype, self.shape)
        self[...] = array

    def sum(self, *args, **kwargs):
        return asarray(super().sum(*args, **kwargs))


ndarray.__module__ = "cupy"


class Device:
    """The only device; its clock is the CPU's."""

    def __init__(self, number=0):
        self.id = number

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def synchronize(self):
        return None


class Stream(Device):
    """A queue; here everything is done at once."""

    def __init__(self, non_blocking=False):
        super().__init__()


def asarray(array, dtype=None, copy=True):
    return numpy.array(array, dtype=dtype, copy=copy or None).view(ndarray)


def returning(function):
    """Return the function with its arrays as arrays "on the GPU"."""

    def call(*args, **kwargs):
        result = function(*args, **kwargs)
        return result.view(ndarray) if isinstance(result, numpy.ndarray) else result

    return call


def __getattr__(name):
    """Return NumPy's object of that name; its functions return arrays of ours."""
    if name.startswith("__"):
        raise AttributeError(name)
    found = getattr(numpy, name)
    return (
        returning(found) if callable(found) and not isinstance(found, type) else found
    )


def fuse(function):
    return function


class ElementwiseKernel(compiled.ElementwiseKernel):
    def __call__(self, *args):
        return super().__call__(*args).view(ndarray)


class ReductionKernel(compiled.ReductionKernel):
    def __call__(self, *args, axis=None):
        return asarray(super().__call__(*args, axis=axis))


RawModule = compiled.RawModule


class RawKernel:
    """A function in CUDA C++ of a name that is not mangled; started, it does nothing.

    No result may depend on it.
    """

    def __init__(self, code, name):
        assert f"void {name}(" in code

    def __call__(self, grid, block, arguments):
        assert {type(grid), type(block)} == {tuple}
        assert arguments == ()


class Generator:
    """A generator of NumPy's, with the signature of CuPy's."""

    def __init__(self, seed):
        self.generator = numpy.random.default_rng(seed)

    def standard_normal(self, size=None, dtype=float):
        return asarray(self.generator.standard_normal(size, dtype))

    def random(self, size=None, dtype=float):
        return asarray(self.generator.random(size, dtype))


random = SimpleNamespace(default_rng=Generator)

runtime = SimpleNamespace(
    getDeviceCount=lambda: 1,
    getDeviceProperties=lambda number: {"name": b"NVIDIA Fake", "l2CacheSize": 1 << 20},
    runtimeGetVersion=lambda: 13000,
    deviceSynchronize=lambda: None,
    memGetInfo=lambda: (1 << 26, 1 << 27),
)
cuda = SimpleNamespace(
    Device=Device,
    Stream=Stream,
    get_current_stream=Stream,
    is_available=lambda: True,
    runtime=runtime,
)


def get_default_memory_pool():
    return SimpleNamespace(
        total_bytes=lambda: 1 << 20,
        used_bytes=lambda: 1 << 19,
        free_all_blocks=lambda: None,
    )
