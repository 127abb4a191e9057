"""What runs on a GPU is right on a CPU first, at sizes that no block divides.

Kernels of numba.cuda run in Numba's simulator.  CuPy is stood in for by NumPy, and its
kernels are compiled by the host's compiler: see `fake_gpu`.  Neither proves a speed.
"""

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from arraylab import records
from arraylab.arrays import library_of

ROOT = Path(__file__).resolve().parents[1]
FAKE = ROOT / "tests" / "fake_gpu"

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


def on_gpus(library):
    """Return the cases' implementations of a library that computes on a GPU alone."""
    return [
        pytest.param(case, name, id=f"{case}-{name}")
        for case, names in records.cases().items()
        for name in names
        if library_of(name) == library
    ]


def right(case, name, library, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN, case, name, library],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("right\n")


@pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed"
)
@pytest.mark.parametrize(("case", "name"), on_gpus("numba_cuda"))
def test_a_kernel_in_python_is_right_in_the_simulator(case, name):
    right(case, name, "numba_cuda", NUMBA_ENABLE_CUDASIM="1")


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")
@pytest.mark.parametrize(("case", "name"), on_gpus("cupy"))
def test_what_cupy_is_told_is_right_on_the_host(case, name):
    places = os.pathsep.join([str(FAKE), str(ROOT)])
    right(case, name, "cupy", PYTHONPATH=places)
