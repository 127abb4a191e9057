"""Every implementation of symmetric_mean finds the means of an x that nobody holds."""

import importlib
from functools import partial

import numpy as np
import pytest

from arraylab.arrays import place
from case_studies import symmetric_mean as case
from case_studies.symmetric_mean import problem
from tests import solvers

DTYPES = ("float32", "float64")
SIZES = (1, 2, 3, 65, 257)

solver = partial(solvers.solver, case)


def given(n, dtype="float64"):
    keys, unit = problem.inputs(n, dtype)
    keys.flags.writeable = False
    return keys, unit


def whole(keys, unit):
    return problem.block(keys, np.arange(len(keys)), unit)


DASK = [name for name in case.IMPLEMENTATIONS if name.startswith("dask")]
AS_WRITTEN = ("dask_blocks", "dask_twice")


# What every implementation promises


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", case.IMPLEMENTATIONS)
def test_finds_the_means(name, n, dtype):
    keys, unit = given(n, dtype)
    result = solver(name)(keys, unit)
    problem.check(result, keys, unit)
    np.testing.assert_allclose(
        result, problem.oracle(keys, unit), rtol=64 * np.finfo(dtype).eps
    )


@pytest.mark.parametrize("name", ["numpy_blocked", "numba_rows", "dask_numba_sums"])
def test_finds_them_where_blocks_and_tiles_do_not_divide_the_size(name):
    keys, unit = given(2_100)
    problem.check(solver(name)(keys, unit), keys, unit)


@pytest.mark.parametrize("chunk", [1, 7, 40, 64, 100])
@pytest.mark.parametrize("name", DASK)
def test_finds_them_with_any_chunk(name, chunk):
    keys, unit = given(64)
    if chunk == 1:
        keys = keys[:20]
    problem.check(solver(name)(keys, unit, chunk=chunk), keys, unit)


@pytest.mark.parametrize("name", AS_WRITTEN)
def test_makes_the_same_bits_whether_blocks_are_kept_or_made_again(name):
    keys, unit = given(90)
    kept = solver("dask_blocks")(keys, unit, chunk=25)
    np.testing.assert_array_equal(solver(name)(keys, unit, chunk=25), kept)


def test_one_block_gives_the_bits_of_numpy():
    keys, unit = given(90)
    one = solver("dask_blocks")(keys, unit, chunk=90)
    np.testing.assert_array_equal(one, solver("numpy_whole")(keys, unit))


def tasks(name, chunk):
    """Return the keys of the tasks that are left after optimisation."""
    dask = pytest.importorskip("dask")
    keys, unit = given(60)
    module = importlib.import_module(f"case_studies.symmetric_mean.{name}")
    lazy = module.symmetric_mean(*place("dask", keys, unit), chunk=chunk)
    (optimised,) = dask.optimize(lazy)
    return [str(key) for key in optimised.__dask_graph__()]


def test_as_written_a_block_off_the_diagonal_is_a_task_that_two_others_wait_for():
    made = [key for key in tasks("dask_blocks", 10) if key.startswith("('x-")]
    diagonal = [key for key in made if "mean_chunk" in key]
    assert len(set(made) - set(diagonal)) == 6 * 5
    assert len(tasks("dask_twice", 10)) < len(tasks("dask_blocks", 10)) - 6 * 5


# x itself


def test_an_element_is_what_its_rule_in_whole_numbers_says():
    for dtype in DTYPES:
        keys, unit = given(23, dtype)
        x = whole(keys, unit)
        drop = 64 - problem.digits(dtype)
        for i in range(23):
            for j in range(23):
                bits = problem._bits(int(keys[i]), j) >> drop
                assert x[i, j] == bits * float(unit)
        assert x.dtype == dtype


def test_the_rule_is_splitmix64():
    """The first numbers of the generator from seed 1234567, as its users quote them."""
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [problem._bits(1234567, j) for j in range(3)] == known


def test_any_block_can_be_made_alone():
    keys, unit = given(40)
    x = whole(keys, unit)
    columns = np.array([30, 2, 39])
    some = problem.block(keys[11:13], columns, unit)
    np.testing.assert_array_equal(some, x[11:13][:, columns])
    wide = problem.block(keys[:2], np.arange(problem.AT_ONCE + 5), unit)
    np.testing.assert_array_equal(wide[:, :40], x[:2])


def test_single_precision_keeps_the_leading_digits():
    single, double = whole(*given(50, "float32")), whole(*given(50))
    assert np.all((double >= single) & (double < single + 2.0**-24))


def test_elements_are_uniform_and_independent_as_far_as_simple_looks_see():
    x = whole(*given(1_000)) - 0.5
    deviation = np.sqrt(1 / 12 / x.size)
    assert abs(x.mean()) < 5 * deviation
    assert abs(x.var() - 1 / 12) < 5 / np.sqrt(180 * x.size)
    for shift in ((0, 1), (1, 0), (1, 1)):
        assert abs((x * np.roll(x, shift, (0, 1))).mean()) < 5 / 12 / 1_000
    assert abs((x * x.T).mean()) < 5 / 12 / 500
    counts = np.bincount((16 * (x + 0.5)).astype(int).ravel(), minlength=16)
    assert ((counts - 62_500) ** 2 / 62_500).sum() < 50  # chi-square, 15 degrees
    assert np.unique(x).size == x.size


def test_the_second_way_of_the_check_makes_the_same_sums():
    keys, unit = given(70)
    x, some = whole(keys, unit), np.array([0, 3, 69])
    np.testing.assert_allclose(problem._sums(keys, some, unit, 0), x[:, some].sum(0))
    rows = problem._sums(keys[some], np.arange(70), unit, 1)
    np.testing.assert_allclose(rows, x[some].sum(1))


def test_work_counts_two_additions_an_element():
    keys, unit = given(100, "float32")
    assert problem.work(keys, unit) == (20_000, 1_200)


# Answers that are nearly right


def mean(x):
    return (x + x.T).mean(axis=0)


def without_a_block(x):
    x[30:60, 60:90] = 0
    return mean(x)


def partner_not_turned(x):
    for i, j in ((0, 30), (30, 60)):
        x[i : i + 30, j : j + 30] = x[i : i + 30, j : j + 30].T.copy()
    return mean(x)


def diagonal_twice(x):
    return (x.sum(0) + x.sum(1) + np.diag(x)) / len(x)


def a_block_twice(x):
    sums = x.sum(0) + x.sum(1)
    sums[:30] += x[:30, :30].sum(0)
    return sums / len(x)


def shifted(x):
    return np.roll(mean(x), 1)


def one_wrong_column(x):
    means = mean(x)
    means[17] = means[18]
    return means


def rounded(x):
    return mean(x).round(3)


WRONG = {
    "x alone": lambda x: x.mean(axis=0),
    "xᵀ alone": lambda x: x.mean(axis=1),
    "x twice": lambda x: 2 * x.mean(axis=0),
    "xᵀ twice": lambda x: 2 * x.mean(axis=1),
    "half": lambda x: mean(x) / 2,
    "sums": lambda x: (x + x.T).sum(axis=0),
    "divided twice": lambda x: mean(x) / len(x),
    "diagonal twice": diagonal_twice,
    "a block twice": a_block_twice,
    "a block left out": without_a_block,
    "a row left out": lambda x: mean(x) - x[-1] / len(x),
    "blocks not turned": partner_not_turned,
    "shifted by a column": shifted,
    "backwards": lambda x: mean(x)[::-1].copy(),
    "one wrong column": one_wrong_column,
    "divided by n - 1": lambda x: (x + x.T).sum(axis=0) / (len(x) - 1),
    "the expected value": lambda x: np.ones(len(x), x.dtype),
    "rounded": rounded,
    "half precision": lambda x: mean(x.astype("f2")),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", WRONG)
def test_the_check_rejects_wrong_answers(name, dtype):
    keys, unit = given(90, dtype)
    problem.check(mean(whole(keys, unit)), keys, unit)
    result = WRONG[name](whole(keys, unit)).astype(dtype)
    with pytest.raises(AssertionError, match="not the column means"):
        problem.check(result, keys, unit)


@pytest.mark.parametrize(
    "name", [n for n in WRONG if n not in ("one wrong column", "a row left out")]
)
def test_the_check_rejects_them_where_it_samples(name):
    keys, unit = given(problem.WHOLE + 1)
    x = whole(keys, unit)
    problem.check(mean(x), keys, unit)
    with pytest.raises(AssertionError, match="not the column means"):
        problem.check(WRONG[name](x).astype("float64"), keys, unit)


def test_beyond_its_samples_the_check_sees_columns_that_stray():
    keys, unit = given(problem.WHOLE + 1)
    means = mean(whole(keys, unit))
    means[7] = 0
    with pytest.raises(AssertionError, match="column 7 of 1,501 has 0, where chance"):
        problem.check(means, keys, unit)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda m: m.astype("f4").astype("f8"), "single precision"),
        (lambda m: m * 90, "these are sums"),
        (lambda m: m / 90, "divided by n twice"),
        (lambda m: whole(*given(90)).mean(0), "means of x alone"),
        (lambda m: whole(*given(90)).mean(1), "means of xᵀ alone"),
        (lambda m: m.astype("f4"), "expected float64, the dtype of unit, got float32"),
        (lambda m: m[None], r"expected a mean a column, \(90,\), got \(1, 90\)"),
        (lambda m: m.tolist(), "expected an array of 90 means, got list"),
        (lambda m: None, "got NoneType"),
        (lambda m: np.where(m > 1, np.nan, m), "expected finite means"),
    ],
)
def test_the_check_says_what_is_wrong(result, message):
    keys, unit = given(90)
    with pytest.raises(AssertionError, match=message):
        problem.check(result(mean(whole(keys, unit))), keys, unit)
