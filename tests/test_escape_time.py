"""Every implementation of escape_time counts the steps that the definition counts."""

import importlib
from decimal import Decimal, localcontext
from functools import partial

import numpy as np
import pytest

from case_studies import escape_time
from case_studies.escape_time import problem
from tests import solvers
from tests.solvers import handed_out

DTYPES = ("float32", "float64")
SHAPES = ((1, 1), (1, 7), (7, 1), (33, 65), (5, 40))
SAME_BITS = (
    "numpy_compaction",
    "numba_serial",
    "numba_parallel",
    "numba_dealt",
    "numba_lanes",
    "dask_tiles",
    "dask_numba_tiles",
)

solver = partial(solvers.solver, escape_time)
solve = solvers.fixture_of(escape_time)


def grid(shape, dtype, low=(-2.1, -1.2), high=(0.6, 1.2), n_iterations=50):
    """A grid of any shape and place, and the number of iterations."""
    axes = [
        np.linspace(a, b, n).astype(dtype)
        for a, b, n in zip(low, high, shape, strict=True)
    ]
    return (*handed_out(*axes), n_iterations)


# What every implementation promises


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_counts_as_the_definition_does(solve, shape, dtype):
    given = grid(shape, dtype)
    escape_time.check(solve(*given), *given)


@pytest.mark.parametrize("n_iterations", [0, 1, 2, 7, 8, 9, 33])
def test_stops_at_the_number_of_iterations(solve, n_iterations):
    given = grid((9, 34), "float64", n_iterations=n_iterations)
    counts = solve(*given)
    assert counts.max() == n_iterations
    escape_time.check(counts, *given)


@pytest.mark.parametrize("dtype", DTYPES)
def test_counts_are_int32(solve, dtype):
    assert solve(*grid((3, 5), dtype)).dtype == np.int32


def test_what_lies_outside_escapes_at_once(solve):
    counts = solve(*grid((6, 33), "float64", low=(2.1, -3), high=(4, 3)))
    np.testing.assert_array_equal(counts, 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_a_cycle_attracts_never_escapes(solve, dtype):
    heart = grid((9, 33), dtype, low=(-0.4, -0.4), high=(0.2, 0.4))
    disc = grid((9, 33), dtype, low=(-1.12, -0.12), high=(-0.88, 0.12))
    for given in (heart, disc):
        np.testing.assert_array_equal(solve(*given), 50)


def test_points_far_outside_do_no_harm(solve):
    given = grid((4, 40), "float32", low=(-1e15, -1e15), high=(1e15, 1e15))
    with np.errstate(over="ignore", invalid="ignore"):
        np.testing.assert_array_equal(solve(*given), 1)


def test_a_real_number_counts_as_worked_out_by_hand(solve):
    # c = 1: 0, 1, 2, 5;  c = ½: 0, 0.5, 0.75, 1.0625, 1.63, 3.15;  c = -2 stays at 2
    x = np.array([1, 0.5, -2, 0.25, -2.5, 2])
    counts = solve(*handed_out(x, np.zeros(1)), 30)
    assert counts.ravel().tolist() == [3, 5, 30, 30, 1, 2]


@pytest.mark.parametrize("dtype", DTYPES)
def test_counts_are_symmetric_about_the_real_axis(solve, dtype):
    x, y, _ = escape_time.inputs(66, dtype)
    np.testing.assert_array_equal(y, -y[::-1])
    counts = solve(*handed_out(x, y), 60)
    np.testing.assert_array_equal(counts, counts[:, ::-1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SAME_BITS)
def test_the_same_order_of_operations_gives_the_same_counts(name, dtype):
    for given in (
        grid((65, 129), dtype, n_iterations=200),
        grid((40, 70), dtype, (-0.76, 0.05), (-0.73, 0.11), 300),  # nearly all edge
    ):
        np.testing.assert_array_equal(
            solver(name)(*given), escape_time.counts_by_numpy(*given)
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["dask_tiles", "dask_numba_tiles"])
def test_tiles_that_do_not_divide_the_grid_are_no_matter(monkeypatch, name, dtype):
    module = importlib.import_module(f"case_studies.escape_time.{name}")
    for tile in (1, 3, 8):
        monkeypatch.setattr(module, "TILE", tile)
        given = grid((10, 17), dtype)
        np.testing.assert_array_equal(
            solver(name)(*given), escape_time.counts_by_numpy(*given)
        )


# What the judges promise


def test_the_inputs_are_as_symmetric_as_the_set():
    for n in (1, 2, 7, 1000):
        x, y, n_iterations = escape_time.inputs(n)
        assert x.shape == y.shape == (n,)
        assert n_iterations == 200
        np.testing.assert_array_equal(y, -y[::-1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_quick_counts_are_the_oracles(dtype):
    for given in (
        grid((41, 37), dtype, n_iterations=200),
        grid((20, 30), dtype, (-0.76, 0.05), (-0.73, 0.11), 150),
        grid((20, 30), dtype, (0.2, -0.1), (0.3, 0.1), 150),  # the slow cusp
        grid((3, 1), dtype, (-2, 0), (2, 0), 100),
    ):
        np.testing.assert_array_equal(
            escape_time.counts_by_numpy(*given), escape_time.oracle(*given)
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_never_computed_never_escapes(dtype):
    x, y, n_iterations = grid((60, 61), dtype, n_iterations=200)
    sure = problem._never_escapes(np.repeat(x, y.size), np.tile(y, x.size))
    counts = escape_time.oracle(x, y, n_iterations).ravel()
    assert sure.sum() > 300
    np.testing.assert_array_equal(counts[sure], n_iterations)


def exact_count(x, y, n_iterations):
    """Return the count of one point, computed with 60 digits."""
    with localcontext() as context:
        context.prec = 60
        u, v = Decimal(float(x)), Decimal(float(y))
        a = b = Decimal(0)
        for k in range(n_iterations):
            if a * a + b * b > 4:
                return k
            a, b = a * a - b * b + u, 2 * a * b + v
    return n_iterations


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bound_contains_the_exact_count_and_that_of_either_dtype(dtype):
    x, y, n_iterations = grid((23, 31), dtype, (-0.76, 0.05), (-0.73, 0.11), 250)
    c = (x[:, None] + 1j * y).ravel()
    low, high = escape_time.possible(c, n_iterations, np.finfo(dtype).eps)
    exact = [exact_count(a, b, n_iterations) for a in x for b in y]
    in_double = escape_time.oracle(x.astype(float), y.astype(float), n_iterations)
    for counts in (exact, in_double, escape_time.oracle(x, y, n_iterations)):
        counts = np.ravel(counts)
        assert ((low <= counts) & (counts <= high)).all()
    assert (low == high).mean() > {"float32": 0.3, "float64": 0.97}[dtype]


def rounded_otherwise(x, y, n_iterations):
    """Counts in another order of operations: the same mathematics, other roundings."""
    c = (x[:, None] + 1j * y).astype(np.result_type(x, np.complex64))
    counts = np.zeros(c.shape, np.int32)
    a, b = np.zeros_like(c.real), np.zeros_like(c.real)
    for _ in range(n_iterations):
        inside = np.hypot(a, b) <= 2
        counts += inside
        a, b = (
            np.where(inside, (a - b) * (a + b) + c.real, a),
            np.where(inside, 2 * (a * b) + c.imag, b),
        )
    return counts


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_check_admits_other_roundings(dtype):
    given = grid((150, 151), dtype, n_iterations=200)
    counts = rounded_otherwise(*given)
    if dtype == "float32":
        assert (counts != escape_time.counts_by_numpy(*given)).any()
    escape_time.check(counts, *given)


def changed(counts, by=1, at=(0, 0)):
    counts = counts.copy()
    counts[at] += by
    return counts


def in_half(x, y, n_iterations):
    return problem.oracle(x.astype("f2"), y.astype("f2"), n_iterations)


def alone(step, inside=lambda z: abs(z) <= 2):
    """Counts with something else than z² + c, or another test, in its place."""

    def counts(x, y, n_iterations):
        result = np.zeros((x.size, y.size), np.int32)
        for i, j in np.ndindex(result.shape):
            z, c = 0j, complex(x[i], y[j])
            while result[i, j] < n_iterations and inside(z):
                z = step(z, c)
                result[i, j] += 1
        return result

    return counts


right = problem.counts_by_numpy
WRONG = {
    "one too many": lambda x, y, n: np.minimum(right(x, y, n) + 1, n),
    "one too few": lambda x, y, n: right(x, y, n) - 1,
    "the set as zero": lambda x, y, n: right(x, y, n) % n,
    "stops early": lambda x, y, n: right(x, y, n - 1),
    "in steps of eight": lambda x, y, n: np.minimum(-(-right(x, y, n) // 8) * 8, n),
    "one count is wrong": lambda x, y, n: changed(right(x, y, n)),
    "a point of the set escapes": lambda x, y, n: changed(right(x, y, n), -1, (40, 30)),
    "the last row is missing": lambda x, y, n: changed(right(x, y, n), 1, -1),
    "the transpose": lambda x, y, n: np.ascontiguousarray(right(x, y, n).T),
    "upside down": lambda x, y, n: right(x, y, n)[::-1],
    "all of the set": lambda x, y, n: np.full((x.size, y.size), n),
    "half precision": in_half,
    "cubes": alone(lambda z, c: z**3 + c),
    "forgets to double": alone(
        lambda z, c: complex(z.real**2 - z.imag**2, z.real * z.imag) + c
    ),
    "real part first": alone(
        lambda z, c: complex(
            a := z.real**2 - z.imag**2 + c.real, 2 * a * z.imag + c.imag
        )
    ),
    "conjugates": alone(lambda z, c: z.conjugate() ** 2 + c),
    "stops at |z| = 4": alone(lambda z, c: z * z + c, lambda z: abs(z) <= 4),
    "tests the real part": alone(lambda z, c: z * z + c, lambda z: abs(z.real) <= 2),
    "tests |z|² against 2": alone(lambda z, c: z * z + c, lambda z: abs(z) ** 2 <= 2),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_the_check_rejects_wrong_answers(wrong):
    given = grid((61, 61), "float64", n_iterations=60)
    with pytest.raises(AssertionError, match="counts are wrong"):
        problem.check(wrong(*given), *given)


def test_the_check_rejects_single_precision():
    given = grid((300, 300), "float64", n_iterations=200)
    x, y, n_iterations = given
    single = problem.counts_by_numpy(x.astype("f4"), y.astype("f4"), n_iterations)
    with pytest.raises(AssertionError, match="counts are wrong"):
        problem.check(single, *given)


def test_the_check_rejects_more_differences_than_roundings_make():
    given = grid((50, 50), "float32", (-0.76, 0.05), (-0.73, 0.11), 250)
    x, y, n_iterations = given
    c = (x[:, None] + 1j * y).ravel()
    _, high = problem.possible(c, n_iterations, np.finfo("f4").eps)
    with pytest.raises(AssertionError, match="more than roundings explain"):
        problem.check(high.reshape(50, 50), *given)


TIPS = {
    "one too many": "one too high",
    "one too few": "one too low",
    "the transpose": "it is the transpose",
}


@pytest.mark.parametrize(("name", "tip"), TIPS.items(), ids=TIPS.keys())
def test_the_check_has_a_tip_for_usual_mistakes(name, tip):
    given = grid((61, 61), "float64", n_iterations=60)
    with pytest.raises(AssertionError, match=tip):
        problem.check(WRONG[name](*given), *given)


MALFORMED = {
    "None": (None, r"expected an array of shape \(5, 4\), got NoneType"),
    "a list": ([[1] * 4] * 5, "got list"),
    "another shape": (np.ones((4, 5), int), "is it transposed"),
    "flat": (np.ones(20, int), r"got \(20,\)"),
    "floats": (np.ones((5, 4)), "expected an array of integers, got float64"),
    "truth": (np.ones((5, 4), bool), "expected an array of integers, got bool"),
    "negative": (np.full((5, 4), -1), "expected counts from 0 to 50, got -1"),
    "too large": (np.full((5, 4), 51), "expected counts from 0 to 50, got 51 to 51"),
}


@pytest.mark.parametrize(
    ("result", "message"), MALFORMED.values(), ids=MALFORMED.keys()
)
def test_the_check_says_what_is_no_array_of_counts(result, message):
    with pytest.raises(AssertionError, match=message):
        problem.check(result, *grid((5, 4), "float64"))


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_the_check_takes_counts_of_any_integer_type(dtype):
    given = grid((5, 4), "float64")
    problem.check(problem.oracle(*given).astype(dtype), *given)


@pytest.mark.parametrize("dtype", DTYPES)
def test_work_counts_steps_and_bytes(dtype):
    given = grid((6, 9), dtype)
    steps = int(problem.oracle(*given).sum())
    size = np.dtype(dtype).itemsize
    assert problem.work(*given) == (7 * steps, 15 * size + 4 * 54)
