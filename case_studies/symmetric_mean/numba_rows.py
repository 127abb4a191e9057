"""Numba: every element lives in a register, and is added to its row and its column."""

import numpy as np
from numba import get_num_threads, njit, prange

from case_studies.symmetric_mean.problem import GOLDEN, LAST_SHIFT, MIX, digits

STEP = np.uint64(GOLDEN)  # Numba keeps unsigned integers among themselves
(S1, F1), (S2, F2) = [tuple(map(np.uint64, pair)) for pair in MIX]
S3 = np.uint64(LAST_SHIFT)
TILE = 2_048  # columns whose sums stay in the L1 cache


@njit(nogil=True, fastmath={"reassoc"})
def add_rows(keys, drop, of_rows, of_columns):
    """Add x / unit in the rows of `keys` (m,) to sums of rows (m,), of columns (n,)."""
    n = len(of_columns)
    steps = np.arange(1, n + 1).astype(np.uint64) * STEP
    for left in range(0, n, TILE):
        right = min(left + TILE, n)
        for i in range(len(keys)):
            total = of_rows[i]
            for j in range(left, right):
                z = keys[i] + steps[j]
                z = (z ^ (z >> S1)) * F1
                z = (z ^ (z >> S2)) * F2
                value = of_rows.dtype.type((z ^ (z >> S3)) >> drop)
                total += value
                of_columns[j] += value
            of_rows[i] = total


@njit(parallel=True)
def add_up(keys, drop, of_rows, of_columns):
    """Share the rows out among teams, each with a row of sums in `of_columns`."""
    n, n_teams = len(keys), len(of_columns)
    for team in prange(n_teams):
        first, last = n * team // n_teams, n * (team + 1) // n_teams
        add_rows(keys[first:last], drop, of_rows[first:last], of_columns[team])


def symmetric_mean(keys, unit):
    """Return the column means of x + xᵀ; no element is stored (same mathematics)."""
    n, dtype = len(keys), unit.dtype
    of_rows, of_columns = np.zeros(n, dtype), np.zeros((get_num_threads(), n), dtype)
    add_up(keys, np.uint64(64 - digits(dtype)), of_rows, of_columns)
    return (of_rows + of_columns.sum(axis=0)) * (unit / dtype.type(n))
