"""What runs on a GPU is right on a CPU first, at sizes that no block divides.

Kernels of numba.cuda run in Numba's simulator.  CuPy is stood in for by NumPy, and its
kernels are compiled by the host's compiler: see `fake_gpu`.  Neither proves a speed.
"""

import importlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from arraylab import records
from arraylab.arrays import library_of

ROOT = Path(__file__).resolve().parents[1]
PLACES = os.pathsep.join([str(ROOT / "tests" / "fake_gpu"), str(ROOT)])

RUN = """
import importlib
import itertools
import sys

import numpy as np

from arraylab.arrays import finish, place

case, name, library = sys.argv[1:]
problem = importlib.import_module(f"case_studies.{case}")
module = importlib.import_module(f"case_studies.{case}.{name}")
if library == "numba_cuda":  # the simulator starts a Python thread for each
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
    if case in ("stateful_filter", "quadratic_map"):
        return problem.inputs(n if library == "numba_cuda" else 97 * n + 1, dtype)
    return problem.inputs(n, dtype)


sizes = (1, 6, 9) if library == "numba_cuda" else (1, 15, 16, 17, 130)
for n, dtype in itertools.product(sizes, ("float32", "float64")):
    given = small(case, n, dtype)
    for array in given:
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    before = [np.array(value) for value in given]
    result = getattr(module, case)(*place(library, *given))
    for part in result if isinstance(result, tuple) else (result,):
        home = type(part).__module__.split(".")[0]
        assert home in ("cupy", "numba", "numpy"), home
        assert home != "numpy" or not np.ndim(part), "an array came back on the host"
    problem.check(finish(result), *given)
    for was, now in zip(before, given, strict=True):
        np.testing.assert_array_equal(was, now)
print("right")
"""


# For NVIDIA's compilers, with all arrays on the host: nothing is run.
COMPILE = """
import importlib
import sys

import numpy as np

case, name, library = sys.argv[1:]
problem = importlib.import_module(f"case_studies.{case}")


def by_nvrtc(source):
    from cuda.bindings import nvrtc

    _, program = nvrtc.nvrtcCreateProgram(source.encode(), b"kernel.cu", 0, [], [])
    options = [b"--std=c++17", b"--gpu-architecture=compute_80"]
    (status,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
    log = b" " * nvrtc.nvrtcGetProgramLogSize(program)[1]
    nvrtc.nvrtcGetProgramLog(program, log)
    assert status == nvrtc.nvrtcResult.NVRTC_SUCCESS, log.decode()
    print("compiled")


if library == "cupy":
    module = importlib.import_module(f"case_studies.{case}.{name}")
    for kernel in vars(module).values():
        if hasattr(kernel, "for_gpu"):
            for source in kernel.for_gpu():
                by_nvrtc(source)
else:
    from numba import cuda, typeof

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


def done(code, case, name, library, **environment):
    """Return what a Python of its own printed."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, case, name, library],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
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

    @has("nvidia-nvvm")
    def test_compiles_for_a_gpu(self, case, name):
        assert "compiled" in done(COMPILE, case, name, "numba_cuda")


@pytest.mark.parametrize(("case", "name"), on_gpus("cupy"))
class TestCuPy:
    @pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")
    def test_is_right_on_the_host(self, case, name):
        assert done(RUN, case, name, "cupy", PYTHONPATH=PLACES) == ["right"]

    @has("cuda-bindings", "nvidia-cuda-nvrtc")
    def test_compiles_for_a_gpu(self, case, name):
        text = (ROOT / "case_studies" / case / f"{name}.py").read_text("utf-8")
        n_kernels = text.count("Kernel(") + text.count("RawModule(")
        said = done(COMPILE, case, name, "cupy", PYTHONPATH=PLACES)
        assert len(said) >= n_kernels
