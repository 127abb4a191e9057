"""Every implementation of regression gives the gradient."""

import importlib
from fractions import Fraction

import numpy as np
import pytest

from arraylab.arrays import finish, place
from case_studies import regression
from case_studies.regression import problem
from tests import solvers

DTYPES = ("float32", "float64")
SHAPES = ((1, 1), (1, 5), (7, 1), (65, 20), (1_025, 3), (40_000, 20))

solve = solvers.fixture_of(regression)


def samples(shape, dtype, offset=0.0, scale=1.0):
    """Samples and weights that nobody may write into."""
    rng = np.random.default_rng(3)
    x = (scale * rng.standard_normal(shape) + offset).astype(dtype)
    y = (scale * rng.standard_normal(shape[0])).astype(dtype)
    w = rng.uniform(-1, 1, shape[1]).astype(dtype)
    for array in (x, y, w):
        array.flags.writeable = False
    return x, y, w


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gives_the_gradient_on_every_shape(solve, shape, dtype):
    given = samples(shape, dtype)
    result = solve(*given)
    assert result.dtype == dtype
    problem.check(result, *given)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("offset", "scale"), [(100, 1), (0, 1e-6), (0, 1e6)])
def test_gives_it_far_from_zero_and_in_other_units(solve, offset, scale, dtype):
    given = samples((300, 20), dtype, offset, scale)
    problem.check(solve(*given), *given)


@pytest.mark.parametrize("dtype", DTYPES)
def test_is_zero_where_the_model_fits(solve, dtype):
    x, _, w = samples((257, 4), dtype)
    x, w = np.round(4 * x), np.round(4 * w)  # whole numbers: x @ w is exact
    np.testing.assert_array_equal(solve(x, x @ w, w), np.zeros(4))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["dask_blocks", "dask_one_pass"])
def test_dask_s_blocks_may_have_any_size(monkeypatch, name, dtype):
    module = importlib.import_module(f"case_studies.regression.{name}")
    given = samples((101, 7), dtype)
    for elements in (1, 70, 350):
        monkeypatch.setattr(module, "ELEMENTS", elements)
        result = finish(module.regression(*place("dask", *given)))
        assert result.dtype == dtype
        problem.check(result, *given)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES[:5], ids=str)
def test_check_and_oracle_agree(shape, dtype):
    given = samples(shape, dtype)
    problem.check(problem.oracle(*given), *given)


def test_the_oracle_is_the_derivative_of_the_loss():
    x, y, w = samples((9, 3), "float64")
    rows = [[Fraction(a) for a in row] for row in x.tolist()]
    targets, weights = map(Fraction, y.tolist()), [Fraction(a) for a in w.tolist()]
    targets = list(targets)

    def exact(weights):
        errors = (
            sum(a * b for a, b in zip(row, weights, strict=True)) - t
            for row, t in zip(rows, targets, strict=True)
        )
        return sum(e * e for e in errors) / len(rows)

    for j, got in enumerate(problem.oracle(x, y, w)):
        up, down = list(weights), list(weights)
        up[j] += 1
        down[j] -= 1
        slope = (exact(up) - exact(down)) / 2  # exact: the loss is a parabola
        assert abs(got - float(slope)) <= 4e-16 * max(1, abs(float(slope)))


def test_the_loss_is_the_mean_of_the_squares():
    x, y, w = np.eye(2), np.array([1.0, 3.0]), np.array([2.0, 1.0])
    assert problem.loss(x, y, w) == 2.5


@pytest.mark.parametrize("dtype", DTYPES)
def test_work_counts_one_read_of_the_samples(dtype):
    x, y, w = samples((10, 3), dtype)
    assert problem.work(x, y, w) == (130, (30 + 10 + 6) * x.itemsize)


def gradient(x, y, w):
    return (x @ w - y) @ x * (2 / len(y))


WRONG = {
    "without the 2": lambda x, y, w: gradient(x, y, w) / 2,
    "the sum, not the mean": lambda x, y, w: gradient(x, y, w) * len(y),
    "divided by n": lambda x, y, w: gradient(x, y, w) * len(y) / len(w),
    "downhill": lambda x, y, w: -gradient(x, y, w),
    "at zero weights": lambda x, y, w: gradient(x, y, 0 * w),
    "target forgotten": lambda x, y, w: gradient(x, 0 * y, w),
    "target added": lambda x, y, w: gradient(x, -y, w),
    "last sample dropped": lambda x, y, w: gradient(x[:-1], y[:-1], w),
    "every other sample": lambda x, y, w: gradient(x[::2], y[::2], w),
    "features reversed": lambda x, y, w: gradient(x, y, w)[::-1],
    "of the absolute error": lambda x, y, w: np.sign(x @ w - y) @ x / len(y),
    "of the root": lambda x, y, w: gradient(x, y, w) / problem.loss(x, y, w) ** 0.5,
    "with weight decay": lambda x, y, w: gradient(x, y, w) + 1e-6 * w,
    "single precision": lambda x, y, w: gradient(
        *(a.astype("float32") for a in (x, y, w))
    ),
    "coarse differences": lambda x, y, w: np.array(
        [
            (problem.loss(x, y, w + 1e-8 * e) - problem.loss(x, y, w)) / 1e-8
            for e in np.eye(len(w))
        ]
    ),
    "the fitted weights": lambda x, y, w: np.linalg.lstsq(x, y, rcond=None)[0],
    "zeros": lambda x, y, w: np.zeros_like(w),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_the_check_rejects_wrong_answers(wrong):
    given = regression.inputs(2_000)
    with pytest.raises(AssertionError, match="not the gradient: entry"):
        problem.check(wrong(*given), *given)


def test_the_check_names_the_usual_mistakes():
    given = regression.inputs(100)
    with pytest.raises(AssertionError, match="the 2 of the square is missing"):
        problem.check(gradient(*given) / 2, *given)
    with pytest.raises(AssertionError, match="its sign is turned"):
        problem.check(-gradient(*given), *given)


MALFORMED = {
    "None": (None, r"expected an array of shape \(20,\), got \(\)"),
    "one number": (1.0, r"expected an array of shape \(20,\)"),
    "a row for each sample": (np.ones((100, 20)), r"got \(100, 20\)"),
    "whole numbers": (np.ones(20, int), "expected floating-point numbers, got int"),
    "nan": (np.full(20, np.nan), "expected finite numbers"),
}


@pytest.mark.parametrize(
    ("result", "message"), MALFORMED.values(), ids=MALFORMED.keys()
)
def test_the_check_says_what_is_no_gradient(result, message):
    with pytest.raises(AssertionError, match=message):
        problem.check(result, *regression.inputs(100))
