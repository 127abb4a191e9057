"""Numba row by row: means and variances in one pass over x, then z in a second."""

from functools import lru_cache

import numpy as np
from numba import get_num_threads, njit, prange

room = lru_cache(maxsize=1)(np.empty)  # one result, made once a shape and dtype


@njit(parallel=True)
def sums(x, shift, totals, squares):
    """Give every team a share of the rows, and a row of totals and squares."""
    m, n_teams = len(x), len(totals)
    for team in prange(n_teams):
        for i in range(m * team // n_teams, m * (team + 1) // n_teams):
            for j in range(x.shape[1]):
                shifted = x[i, j] - shift[j]
                totals[team, j] += shifted
                squares[team, j] += shifted * shifted


@njit(parallel=True)
def standardise(x, mean, scale, z):
    """Fill z with (x - mean) * scale."""
    for i in prange(x.shape[0]):
        for j in range(x.shape[1]):
            z[i, j] = (x[i, j] - mean[j]) * scale[j]


def column_stats(x):
    """Return z, in a buffer that all calls share, and the variances.  x: (m, n)."""
    m, n = x.shape
    # Σd²/m - (Σd/m)² cancels where d is large beside σ, so count d from a number of the
    # column: same mathematics, and a column of equal numbers gives 0 exactly.
    shift = np.sort(x[[0, m // 2, -1]], axis=0)[1]
    z = room(x.shape, x.dtype)
    totals, squares = np.zeros((2, get_num_threads(), n), x.dtype)
    sums(x, shift, totals, squares)
    offset = totals.sum(axis=0) / m
    variances = np.maximum(squares.sum(axis=0) / m - offset**2, 0)
    scale = 1 / np.sqrt(np.where(variances > 0, variances, 1))
    standardise(x, shift + offset, scale, z)
    return z, variances
