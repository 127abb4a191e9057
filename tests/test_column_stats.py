"""Every implementation of column_stats standardises every column, and says how wide."""

import importlib
import math
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from case_studies import column_stats
from case_studies.column_stats import problem
from tests import solvers

DTYPES = ("float32", "float64")
SHAPES = ((1, 1), (1, 7), (2, 3), (7, 1), (64, 65), (257, 40), (1_025, 9))
ALWAYS_NEW = {
    "numpy_usual",
    "jax_jit",
    "jax_one_pass",
    "dask_blocks",
    "dask_numba_one_pass",
    "array_api_usual",
}  # all others hand out one buffer again and again
SHIFTED = (
    "numpy_blocked",
    "numba_one_pass",
    "numba_streamed",
    "dask_numba_one_pass",
    "jax_one_pass",
)  # subtract a number of the column first

solver = partial(solvers.solver, column_stats)
solve = solvers.fixture_of(column_stats)


def handed_out(x, dtype="float64"):
    """A matrix as a lecture hands it out: C order, and nobody may write into it."""
    x = np.ascontiguousarray(x, dtype=dtype)
    x.flags.writeable = False
    return x


def matrix(shape, dtype="float64", level=3.0, seed=0):
    """Columns of varied level and spread, bell-shaped."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) * rng.uniform(0.1, 9, shape[1])
    return handed_out(x + rng.uniform(-level, level, shape[1]), dtype)


# What every implementation promises


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_standardises_matrices_of_every_shape(solve, shape, dtype):
    for seed in (0, 1):  # the second call meets what the first one left in a buffer
        x = matrix(shape, dtype, seed=seed)
        problem.check(solve(x), x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_agrees_with_the_oracle(solve, dtype):
    x = matrix((65, 33), dtype)
    z, variances = solve(x)
    right_z, right_variances = problem.oracle(x)
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    np.testing.assert_allclose(variances, right_variances, rtol=tolerance)
    np.testing.assert_allclose(z, right_z, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
def test_leaves_mean_0_and_variance_1(solve, dtype):
    x = matrix((2_000, 17), dtype)
    z = solve(x)[0].astype(float)
    tolerance = {"float32": 2e-5, "float64": 1e-13}[dtype]
    assert np.abs(z.mean(axis=0)).max() < tolerance
    assert np.abs(z.var(axis=0) - 1).max() < tolerance


@pytest.mark.parametrize("dtype", DTYPES)
def test_knows_the_variance_of_a_ramp(solve, dtype):
    for m in (2, 9, 100):
        x = handed_out(np.outer(np.arange(m), [1, -2, 0.5]), dtype)
        z, variances = solve(x)
        one = (m**2 - 1) / 12
        np.testing.assert_allclose(variances, one * x[1].astype(float) ** 2, rtol=1e-5)
        np.testing.assert_allclose(
            z[0], [-math.sqrt(3 * (m - 1) / (m + 1))] * 3 * np.sign(x[1]), rtol=1e-5
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_gives_zeros_for_a_column_of_equal_numbers(solve, dtype):
    x = np.array(matrix((40, 5), dtype))
    x[:, 1], x[:, 4] = 3, 0  # their sums are exact, in whatever order
    x = handed_out(x, dtype)
    z, variances = solve(x)
    assert not z[:, [1, 4]].any()
    assert not variances[[1, 4]].any()
    problem.check((z, variances), x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SHIFTED)
def test_a_shift_gives_zeros_for_every_constant(name, dtype):
    x = handed_out(np.tile([0.1, -1e6 / 3, 1e-20], (1_000, 1)), dtype)
    z, variances = solver(name)(x)
    assert not z.any()
    assert not variances.any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SHIFTED)
def test_a_shift_makes_variances_blind_to_the_level(name, dtype):
    rng = np.random.default_rng(3)
    eps = float(np.finfo(dtype).eps)
    steps = rng.integers(-25_600, 25_601, (3_000, 8)) * 2.0**-12
    steps[0, 0] = 1e4  # a first row far out of line
    level = 2.0**11 if dtype == "float32" else 2.0**40  # x stays exact
    x = handed_out(level + steps, dtype)
    exact = problem.moments(handed_out(steps))[1]
    got = solver(name)(x)[1].astype(float)
    assert np.abs(got / exact - 1).max() < problem.TOLERANCE * math.sqrt(len(x)) * eps


@pytest.mark.parametrize("dtype", DTYPES)
def test_fills_its_buffer_anew(solve, dtype):
    x = matrix((50, 31), dtype)
    z, _ = solve(x)
    if z.flags.writeable:  # what JAX hands out is not
        z.fill(np.nan)
    problem.check(solve(x), x)


@pytest.mark.parametrize("name", column_stats.IMPLEMENTATIONS)
def test_keeps_one_buffer_or_none_as_its_docstring_says(name):
    x, other = matrix((50, 31)), matrix((50, 31), seed=1)
    solve = solver(name)
    module = importlib.import_module(f"case_studies.column_stats.{name}")
    reused = solve(x)[0] is solve(other)[0]
    assert reused == (name not in ALWAYS_NEW)
    assert reused == ("buffer" in module.column_stats.__doc__)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("elements", [1, 64, 100])
@pytest.mark.parametrize("name", ["dask_blocks", "dask_numba_one_pass"])
def test_dask_needs_no_blocks_that_divide_the_rows(monkeypatch, name, elements, dtype):
    module = importlib.import_module(f"case_studies.column_stats.{name}")
    monkeypatch.setattr(module, "ELEMENTS", elements)
    for shape in ((1, 7), (65, 9), (10, 101)):
        x = matrix(shape, dtype)
        problem.check(solver(name)(x), x)


@pytest.mark.parametrize("elements", [1, 64, 100])
def test_blocks_that_do_not_divide_the_rows_are_no_matter(monkeypatch, elements):
    module = importlib.import_module("case_studies.column_stats.numpy_blocked")
    monkeypatch.setattr(module, "IN_CACHE", elements)
    monkeypatch.setattr(problem, "BLOCK", 3 * elements + 1)
    for shape in ((1, 7), (65, 9), (10, 101)):
        x = matrix(shape)
        problem.check(module.column_stats(x), x)


# What the judges promise


def exact_moments(column):
    """Return mean and variance of a column as fractions, without any rounding."""
    values = [Fraction(v) for v in column.tolist()]
    mean = sum(values) / len(values)
    return mean, sum((v - mean) ** 2 for v in values) / len(values)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("level", [0, 1e3])
def test_moments_and_oracle_are_right_to_the_last_digits(level, dtype):
    x = matrix((300, 4), dtype, level=level)
    means, variances = problem.moments(x)
    z, rounded = problem.oracle(x)
    for j in range(4):
        mean, variance = exact_moments(x[:, j])
        assert abs(Fraction(means[j]) - mean) < 1e-15 * (abs(mean) + variance)
        assert abs(Fraction(variances[j]) / variance - 1) < 1e-14
        assert abs(Fraction(float(rounded[j])) / variance - 1) < np.finfo(dtype).eps
        first = float(Fraction(float(x[0, j])) - mean) / math.sqrt(variance)
        assert (
            abs(float(z[0, j]) - first) < 2 * np.finfo(dtype).eps * abs(first) + 1e-12
        )


def test_inputs_are_of_the_shape_that_is_asked_for_and_vary():
    (x,) = problem.inputs(20)
    assert x.shape == (1_000, 20)
    assert not x.flags.writeable
    means, variances = problem.moments(x)
    assert np.ptp(means) > 3
    assert variances.min() > 0.05


def test_work_counts_elements_and_bytes():
    for dtype in DTYPES:
        x = np.ones((5, 3), dtype)
        assert problem.work(x) == (6 * 15, (15 + 15 + 3) * x.itemsize)


def standardised(x, mean=None, deviation=None, variances=None):
    """The right answer, with parts of it replaced."""
    mean = x.mean(axis=0) if mean is None else mean
    deviation = x.std(axis=0) if deviation is None else deviation
    variances = x.var(axis=0) if variances is None else variances
    z = ((x - mean) / deviation).astype(x.dtype)
    return z, np.asarray(variances).astype(x.dtype)


def spoilt(x, change):
    """The right answer after `change` was done to z."""
    z, variances = standardised(x)
    change(z)
    return z, variances


def put(index, value):
    return lambda z: z.__setitem__(index, value)


WRONG = {
    "divides by m - 1": lambda x: standardised(
        x, deviation=x.std(axis=0, ddof=1), variances=x.var(axis=0, ddof=1)
    ),
    "only the variances by m - 1": lambda x: standardised(
        x, variances=x.var(axis=0, ddof=1)
    ),
    "only z by m - 1": lambda x: standardised(x, deviation=x.std(axis=0, ddof=1)),
    "variances of z": lambda x: standardised(x, variances=np.ones(x.shape[1])),
    "deviations for variances": lambda x: standardised(x, variances=x.std(axis=0)),
    "sums for means of squares": lambda x: standardised(
        x, variances=len(x) * x.var(axis=0)
    ),
    "mean squares, not centred": lambda x: standardised(
        x, variances=(x**2).mean(axis=0)
    ),
    "rows for columns": lambda x: standardised(
        x, x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)
    ),
    "one mean for all": lambda x: standardised(x, x.mean()),
    "one deviation for all": lambda x: standardised(x, deviation=x.std()),
    "not centred": lambda x: standardised(x, mean=0),
    "not divided": lambda x: standardised(x, deviation=1),
    "divided by the variance": lambda x: standardised(x, deviation=x.var(axis=0)),
    "nothing done": lambda x: (x, x.var(axis=0)),
    "sign turned": lambda x: spoilt(x, lambda z: np.negative(z, out=z)),
    "the median for the mean": lambda x: standardised(x, np.median(x, axis=0)),
    "from 0 to 1": lambda x: standardised(x, x.min(axis=0), np.ptp(x, axis=0)),
    "half of the rows": lambda x: standardised(
        x, x[::2].mean(axis=0), x[::2].std(axis=0), x[::2].var(axis=0)
    ),
    "last row forgotten": lambda x: spoilt(x, put(-1, 0)),
    "last column forgotten": lambda x: spoilt(x, put((slice(None), -1), 0)),
    "one number forgotten": lambda x: spoilt(x, put((17, 5), 0)),
    "one number off in the fourth digit": lambda x: spoilt(
        x, put((17, 5), standardised(x)[0][17, 5] * 1.001 + 0.001)
    ),
    "nan inside": lambda x: spoilt(x, put((17, 5), np.nan)),
    "infinity inside": lambda x: spoilt(x, put((17, 5), np.inf)),
    "nan for a variance": lambda x: standardised(
        x, variances=np.where(np.arange(x.shape[1]) == 3, np.nan, x.var(axis=0))
    ),
    "rows moved by one": lambda x: spoilt(x, put(slice(None), np.roll(x, 1, axis=0))),
    "columns exchanged": lambda x: spoilt(
        x, put((slice(None), [0, 1]), standardised(x)[0][:, [1, 0]])
    ),
    "half precision": lambda x: [
        a.astype(x.dtype) for a in standardised(x.astype("f2"))
    ],
    "zeros": lambda x: (np.zeros_like(x), np.zeros_like(x[0])),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_the_check_rejects_wrong_answers(wrong, dtype):
    x = matrix((64, 65), dtype)
    problem.check(standardised(x), x)
    with pytest.raises(AssertionError, match=r"not the (variances|standardised)"):
        problem.check(wrong(x), x)


def test_the_check_rejects_single_precision_for_double():
    x = matrix((64, 65))
    single = [a.astype(float) for a in standardised(x.astype("f4"))]
    with pytest.raises(AssertionError, match="not the variances"):
        problem.check(single, x)
    with pytest.raises(AssertionError, match="not the standardised matrix"):
        problem.check((single[0], x.var(axis=0)), x)


def test_the_check_rejects_the_noise_of_a_rounded_mean():
    x = handed_out(np.full((1_000, 2), 0.1))  # its mean as summed up is not 0.1
    noise = (x - x.mean(axis=0)) / x.std(axis=0)
    assert np.abs(noise).max() > 0.9
    with pytest.raises(AssertionError, match="expected 0, got"):
        problem.check((noise, x.var(axis=0)), x)
    with pytest.raises(AssertionError, match="divided by a deviation of 0"):
        problem.check((np.full_like(x, np.nan), np.zeros(2)), x)


TIPS = {
    "divides by m - 1": "ddof=1",
    "variances of z": "the variance of z, not of x",
    "deviations for variances": "the standard deviation",
    "sums for means of squares": "not divided by m",
    "nothing done": "that is x itself",
    "not divided": "centred, but not divided",
    "sign turned": "the sign is turned",
    "nan inside": "divided by a deviation of 0",
}


@pytest.mark.parametrize(("name", "tip"), TIPS.items(), ids=TIPS.keys())
def test_the_check_says_what_was_probably_done(name, tip):
    x = matrix((64, 65))
    with pytest.raises(AssertionError, match=tip):
        problem.check(WRONG[name](x), x)


RIGHT = np.ones((4, 3)), np.ones(3)
MALFORMED = {
    "None": (None, "expected the pair .* got NoneType"),
    "z alone": (RIGHT[0], "expected the pair .* got ndarray"),
    "three": ((*RIGHT, RIGHT[0]), "expected the pair .* got tuple"),
    "exchanged": (RIGHT[::-1], r"z of shape \(4, 3\), got shape \(3,\)"),
    "transposed": ((RIGHT[0].T, RIGHT[1]), r"z of shape \(4, 3\), got shape \(3, 4\)"),
    "a row of variances": (
        (RIGHT[0], RIGHT[1][None]),
        r"variances of shape \(3,\), got shape \(1, 3\)",
    ),
    "single": ((RIGHT[0].astype("f4"), RIGHT[1]), "z in float64, .* got float32"),
    "whole": ((RIGHT[0], RIGHT[1].astype(int)), "variances in float64, .* got int"),
}


@pytest.mark.parametrize(
    ("result", "message"), MALFORMED.values(), ids=MALFORMED.keys()
)
def test_the_check_says_what_is_not_the_pair(result, message):
    with pytest.raises(AssertionError, match=message):
        problem.check(result, matrix((4, 3)))
