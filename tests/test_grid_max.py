"""Every implementation of grid_max finds the maximum, wherever it is hidden."""

import importlib
import importlib.util
import json
import math
import os
import sys
from decimal import Decimal, localcontext
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from case_studies import grid_max
from case_studies.grid_max import problem
from tests import solvers
from tests.apart import ran
from tests.solvers import handed_out

FOLDER = Path(problem.__file__).parent
ROOT = FOLDER.parent.parent
DTYPES = ("float32", "float64")
SHAPES = ((1, 1), (1, 7), (7, 1), (64, 65), (257, 40))
# A GPU is too large for these grids, and Numba says so.
pytestmark = pytest.mark.filterwarnings("ignore:Grid size")

solver = partial(solvers.solver, grid_max)
solve = solvers.fixture_of(grid_max)


def planted(shape, at, dtype):
    """Coordinates whose only positive value is at index `at`; it is 0.98."""
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(1.3, 1.5, n).astype(dtype) for n in shape)
    x[at[0]] = y[at[1]] = 0.1
    return handed_out(x, y)


def between(low, high, dtype, shape=(50, 67)):
    """Two shuffled vectors from one range: on what is the maximum, nobody planned."""
    rng = np.random.default_rng(1)
    return handed_out(*(rng.uniform(low, high, n).astype(dtype) for n in shape))


def places(shape):
    """The four corners and a place in the middle."""
    corners = [(i, j) for i in (0, -1) for j in (0, -1)]
    return [*corners, (shape[0] // 2, shape[1] // 3)]


# What every implementation promises


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_finds_the_maximum_at_every_corner_and_inside(solve, shape, dtype):
    for at in places(shape):
        x, y = planted(shape, at, dtype)
        problem.check(solve(x, y), x, y)


@pytest.mark.parametrize("dtype", DTYPES)
def test_finds_a_maximum_below_zero(solve, dtype):
    x, y = between(1.3, 1.5, dtype)
    assert problem.oracle(x, y) < -0.02
    problem.check(solve(x, y), x, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reach", [(-40, -2), (10, 60), (100, 3000)], ids=str)
def test_is_right_far_from_the_origin(solve, reach, dtype):
    x, y = between(*reach, dtype)
    problem.check(solve(x, y), x, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "name", grid_max.IMPLEMENTATIONS[1:]
)  # Python has float64 only
def test_computes_in_the_dtype_of_the_inputs(name, dtype):
    x, y = between(0.3, 2.9, dtype)
    result = solver(name)(x, y)
    assert getattr(result, "dtype", dtype) == dtype
    # Numba returns a Python float: that it was float32 shows in its digits.
    assert float(np.asarray(result, dtype)) == float(result)


SIMULATE = """
import json, sys
import numpy as np
from numba import cuda
from case_studies.grid_max import numba_cuda_block_reduction, numba_cuda_grid_stride
numba_cuda_grid_stride.THREADS = 2, 4  # the simulator starts a Python thread for each
numba_cuda_grid_stride.MOST_BLOCKS = 2, 2
numba_cuda_block_reduction.THREADS = 16
numba_cuda_block_reduction.MOST_BLOCKS = 2
results = []
for dtype, x, y in json.load(sys.stdin):
    for module in (numba_cuda_grid_stride, numba_cuda_block_reduction):
        placed = [cuda.to_device(np.array(a, dtype)) for a in (x, y)]
        result = module.grid_max(*placed)
        results.append((module.__name__, str(result.dtype), float(result)))
print(json.dumps(results))
"""


@pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed"
)
def test_the_cuda_kernels_are_right_in_the_simulator():
    grids = [
        planted(shape, at, dtype)
        for dtype in DTYPES
        for shape in ((1, 1), (3, 2), (5, 65), (33, 17))
        for at in ((0, 0), (-1, -1))
    ]
    grids += [between(1.3, 1.5, dtype, (4, 5)) for dtype in DTYPES]
    asked = [(str(x.dtype), x.tolist(), y.tolist()) for x, y in grids]
    done = ran(
        [sys.executable, "-c", SIMULATE],
        input=json.dumps(asked),
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert len(results) == 2 * len(grids)
    for (_, dtype, value), (x, y) in zip(
        results, (grid for grid in grids for _ in range(2)), strict=True
    ):
        assert dtype == x.dtype
        problem.check(value, x, y)


@pytest.mark.parametrize("dtype", DTYPES)
def test_work_counts_points_and_bytes(dtype):
    x, y = np.ones(3, dtype), np.ones(5, dtype)
    operations = {"float32": 20, "float64": 28}[dtype]
    assert problem.work(x, y) == (15 * operations, 8 * x.itemsize)


# What the judges promise


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [5, 6, 7, 50, 101])
def test_the_two_oracles_agree(n, dtype):
    x, y = grid_max.inputs(n, dtype)
    assert problem.nearest(x, y) == problem.oracle(x, y)


def test_the_nearest_point_is_not_trusted_where_a_farther_one_may_win():
    trusted = 0
    for low in np.linspace(0, 2.4, 49):
        x, y = between(low, low + 2, "float64", (9, 11))
        value = problem.nearest(x, y)
        assert value in (None, problem.oracle(x, y))
        trusted += value is not None
    assert 10 < trusted < 40  # of 49: both answers were put to the test


def exact_cosine(turns):
    """Return cos(2π turns) to 30 digits, from its series."""
    tau = Decimal("6.28318530717958647692528676655900576839433879875021")
    whole = round(Decimal(float(turns)))
    square = ((Decimal(float(turns)) - whole) * tau) ** 2
    term = total = Decimal(1)
    for k in range(1, 40):
        term *= -square / ((2 * k - 1) * (2 * k))
        total += term
    return total


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_polynomial_is_a_cosine_to_four_eps(dtype):
    pytest.importorskip("numba")
    module = importlib.import_module("case_studies.grid_max.numba_polynomial")
    real = np.dtype(dtype).type
    coefficients = tuple(real(c) for c in problem.COSINE[dtype])
    eps = float(np.finfo(dtype).eps)
    with localcontext() as context:
        context.prec = 40
        for turns in np.linspace(-0.5, 0.5, 1001, dtype=dtype):
            exact = exact_cosine(turns)
            error = abs(Decimal(module.cosine(turns, coefficients)) - exact)
            assert error < 4 * eps
            for far in (turns + real(1), turns * real(12_345)):
                error_far = Decimal(module.cosine(far, coefficients)) - exact_cosine(
                    far
                )
                assert abs(error_far) < 4 * eps
            r = 2 * math.pi * abs(float(turns))
            assert error / Decimal(1 + r) < eps  # what reaches f
            # The polynomial itself, without roundings:
            square, value = Decimal(float(turns)) ** 2, Decimal(0)
            for coefficient in coefficients:
                value = value * square + Decimal(float(coefficient))
            assert abs(value - exact) < eps / 5


def f(a, b):
    return math.cos(a * a + b * b) / (1 + a * a + b * b)


def values(x, y):
    return np.array([[f(a, b) for b in y.tolist()] for a in x.tolist()])


def best_of(g, x, y):
    """The largest g(r), with something else than f in its place."""
    return max(g(a * a + b * b) for a in x.tolist() for b in y.tolist())


WRONG = {
    "drops the last row": lambda x, y: problem.oracle(x[:-1], y),
    "drops the last column": lambda x, y: problem.oracle(x, y[:-1]),
    "every other row": lambda x, y: problem.oracle(x[::2], y),
    "y in place of x": lambda x, y: problem.oracle(y[:-1], y),
    "f(x, y) without a mesh": lambda x, y: max(map(f, x[:-1], y)),
    "a launch that covers 0.08 %": lambda x, y: values(x, y).flat[:4].max(),
    "half precision": lambda x, y: problem.oracle(x.astype("f2"), y.astype("f2")),
    "single precision": lambda x, y: np.float32(problem.oracle(x, y)),
    "rounded for display": lambda x, y: round(problem.oracle(x, y), 6),
    "one": lambda x, y: 1.0,
    "minimum": lambda x, y: values(x, y).min(),
    "mean": lambda x, y: values(x, y).mean(),
    "the place of the maximum": lambda x, y: float(values(x, y).argmax()),
    "degrees": lambda x, y: best_of(
        lambda r: math.cos(math.radians(r)) / (1 + r), x, y
    ),
    "divides by r": lambda x, y: best_of(lambda r: math.cos(r) / r, x, y),
    "sine": lambda x, y: best_of(lambda r: math.sin(r) / (1 + r), x, y),
    "distance, not its square": lambda x, y: best_of(
        lambda r: math.cos(math.sqrt(r)) / (1 + math.sqrt(r)), x, y
    ),
    "forgets to divide": lambda x, y: best_of(math.cos, x, y),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_the_check_rejects_wrong_answers(wrong):
    x, y = planted((64, 65), (-1, -1), "float64")
    with pytest.raises(AssertionError, match="not the largest value on the grid"):
        problem.check(wrong(x, y), x, y)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_check_rejects_a_running_maximum_that_starts_at_zero(dtype):
    x, y = between(1.3, 1.5, dtype)
    with pytest.raises(AssertionError, match=r"expected -0\.\d+, got 0"):
        problem.check(max(0, problem.oracle(x, y)), x, y)
    with pytest.raises(AssertionError, match="not the largest"):
        problem.check(np.abs(values(x, y)).max(), x, y)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_check_rejects_the_limit_of_a_fine_grid(dtype):
    x, y = grid_max.inputs(3_000, dtype)
    with pytest.raises(AssertionError, match=r"expected 0\.99999"):
        problem.check(1.0, x, y)


def test_the_check_names_single_precision():
    x, y = planted((5, 5), (2, 2), "float64")
    with pytest.raises(AssertionError, match="was it computed in float32"):
        problem.check(np.float32(problem.oracle(x, y)), x, y)


MALFORMED = {
    "None": (None, "expected a floating-point number, got NoneType"),
    "nan": (math.nan, "expected a finite number, got nan"),
    "inf": (np.float32("inf"), "expected a finite number, got inf"),
    "complex": (1 + 0j, "expected a floating-point number, got complex"),
    "NumPy complex": (
        np.complex128(1),
        "expected a floating-point number, got complex",
    ),
    "text": ("0.98", "expected a floating-point number, got str"),
    "truth": (np.True_, "expected a floating-point number, got bool"),
    "one in a list": ([0.98], "expected a floating-point number, got list"),
    "row maxima": (np.ones(5), r"expected one number, got an array of shape \(5,\)"),
    "one in an array": (np.ones((1, 1)), r"got an array of shape \(1, 1\)"),
}


@pytest.mark.parametrize(
    ("result", "message"), MALFORMED.values(), ids=MALFORMED.keys()
)
def test_the_check_says_what_is_not_a_number(result, message):
    x, y = planted((5, 5), (2, 2), "float64")
    with pytest.raises(AssertionError, match=message):
        problem.check(result, x, y)


@pytest.mark.parametrize("wrap", [float, np.float64, np.asarray])
def test_the_check_takes_a_number_in_any_wrapping(wrap):
    x, y = planted((5, 5), (2, 2), "float64")
    problem.check(wrap(problem.oracle(x, y)), x, y)
