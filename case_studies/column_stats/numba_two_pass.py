"""Numba row by row: once for the means, once for the variances, once for z."""

from functools import lru_cache

import numpy as np
from numba import get_num_threads, njit, prange

room = lru_cache(maxsize=1)(np.empty)  # one result, made once a shape and dtype


@njit(parallel=True)
def sums(x, totals):
    """Add to each of totals, a row a team, that team's share of the rows of x."""
    m, n_teams = len(x), len(totals)
    for team in prange(n_teams):
        for i in range(m * team // n_teams, m * (team + 1) // n_teams):
            for j in range(x.shape[1]):
                totals[team, j] += x[i, j]


@njit(parallel=True)
def sums_of_squares(x, mean, totals):
    """Do the same with the squares of x - mean."""
    m, n_teams = len(x), len(totals)
    for team in prange(n_teams):
        for i in range(m * team // n_teams, m * (team + 1) // n_teams):
            for j in range(x.shape[1]):
                totals[team, j] += (x[i, j] - mean[j]) * (x[i, j] - mean[j])


@njit(parallel=True)
def standardise(x, mean, scale, z):
    """Fill z with (x - mean) * scale."""
    for i in prange(x.shape[0]):
        for j in range(x.shape[1]):
            z[i, j] = (x[i, j] - mean[j]) * scale[j]


def column_stats(x):
    """Return z, in a buffer that all calls share, and the variances.  x: (m, n)."""
    z = room(x.shape, x.dtype)
    totals, squares = np.zeros((2, get_num_threads(), x.shape[1]), x.dtype)
    sums(x, totals)
    mean = totals.sum(axis=0) / len(x)
    sums_of_squares(x, mean, squares)
    variances = squares.sum(axis=0) / len(x)
    standardise(x, mean, 1 / np.sqrt(np.where(variances > 0, variances, 1)), z)
    return z, variances
