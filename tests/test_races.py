"""A race is found on one core, whatever its outcome would have been."""

import numpy as np
import pytest
from numba import njit, prange

from arraylab.exercises import NotStarted, NotYet, race_free
from arraylab.races import turns_of


@njit(parallel=True)
def shared_counts(x, counts):
    for i in prange(x.size):
        counts[x[i]] += 1


@njit
def tally(part, counts):
    for value in part:
        counts[value] += 1


@njit(parallel=True)
def counts_apart(x, n):
    counts = np.zeros((3, n), np.int64)
    size = -(-x.size // 3)
    for block in prange(3):
        tally(x[block * size : (block + 1) * size], counts[block])
    return counts.sum(axis=0)


@njit(parallel=True)
def helper_shares(x, n):
    counts = np.zeros(n, np.int64)
    for block in prange(2):
        tally(x[block::2], counts)
    return counts


@njit(parallel=True)
def carried(x):
    for i in prange(1, x.size):
        x[i] = x[i - 1] + 1


@njit(parallel=True)
def reads_ahead(x):
    for i in prange(x.size - 1):
        x[i] = x[i + 1]


@njit(parallel=True)
def sum_of_all(x):
    total = 0.0
    for i in prange(x.size):
        total += x[i]
    return total


@njit(parallel=True)
def array_of_sums(x):
    totals = np.zeros(2)
    for i in prange(x.size):
        totals += x[i]
    return totals


@njit(parallel=True)
def slice_of_sums(x):
    totals = np.zeros(2)
    for i in prange(x.size):
        totals[:] += x[i]
    return totals


@njit(parallel=True)
def rows(x):
    out = np.empty_like(x)
    for i in prange(x.shape[0]):
        for j in prange(x.shape[1]):
            out[i, j] = 2 * x[i, j]
        out[i] *= 3
    return out


@njit(parallel=True)
def one_slot(x):
    best = np.zeros(1)
    for i in prange(x.size):
        if x[i] > best[0]:
            best[0] = x[i]
    return best


@njit(parallel=True)
def overlapping_rows(x):
    for i in prange(x.size - 1):
        x[i : i + 2] = 0


@njit(parallel=True)
def two_loops(x):
    for i in prange(x.size):
        x[i] += 1
    for i in prange(x.size):
        x[x.size - 1 - i] *= 2


numbers = np.array([0, 1, 1, 2, 0, 2, 2, 2, 0])

RACES = {
    shared_counts: (numbers, np.zeros(3, int)),
    helper_shares: (numbers, 3),
    carried: (np.zeros(4),),
    reads_ahead: (np.zeros(4),),
    slice_of_sums: (np.ones(4),),
    one_slot: (np.arange(3.0),),
    overlapping_rows: (np.ones(4),),
}
FREE = {
    counts_apart: (numbers, 3),
    sum_of_all: (np.ones(4),),
    array_of_sums: (np.ones(4),),
    rows: (np.ones((3, 4)),),
    two_loops: (np.ones(5),),
}


@pytest.mark.parametrize("fn", RACES, ids=lambda fn: fn.__name__)
def test_a_race_is_found(fn):
    with pytest.raises(NotYet, match="touch the same element") as caught:
        race_free(fn, RACES[fn])
    assert caught.value.expected
    assert caught.value.tip
    assert "turn" in caught.value.got


@pytest.mark.parametrize("fn", FREE, ids=lambda fn: fn.__name__)
def test_turns_that_keep_apart_pass(fn):
    assert "turns" in race_free(fn, FREE[fn])


@pytest.mark.parametrize("fn", [counts_apart, array_of_sums, rows])
def test_the_python_that_is_watched_computes_the_same(fn):
    args = FREE[fn]
    before = [np.copy(a) for a in args]
    race_free(fn, args)
    for a, b in zip(args, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_turns_are_counted():
    assert turns_of(counts_apart, FREE[counts_apart]) == 3
    assert turns_of(two_loops, FREE[two_loops]) == 10


def test_the_element_is_named():
    with pytest.raises(NotYet) as caught:
        race_free(shared_counts, (np.array([4, 2, 4]), np.zeros(5)))
    assert "element [4] of an array of shape (5,)" in caught.value.got
    assert "turn 0" in caught.value.got
    assert "turn 2" in caught.value.got


def test_the_tip_is_the_authors():
    with pytest.raises(NotYet) as caught:
        race_free(carried, (np.zeros(4),), tip="Look at i - 1.")
    assert caught.value.tip == "Look at i - 1."


def test_a_function_that_is_not_parallel_is_told_so():
    for fn in (tally, lambda x: x.sum()):
        with pytest.raises(NotYet, match="not compiled as a parallel"):
            race_free(fn, (numbers,))


def test_a_function_without_prange_is_told_so():
    @njit(parallel=True)
    def whole(x):
        return x + 1

    with pytest.raises(NotYet, match="no parallel loop"):
        race_free(whole, (np.ones(3),))


def test_what_is_not_begun_is_not_judged():
    with pytest.raises(NotStarted):
        race_free(..., (numbers,))
