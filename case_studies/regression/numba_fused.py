"""Numba in one pass: a row is used twice while it is in the registers and L1."""

import numpy as np
from numba import get_num_threads, njit, prange


# The dot product of a row may be summed in any order, and so on vectors.
@njit(parallel=True, fastmath={"reassoc", "contract"})
def regression(x, y, w):
    """Return the gradient (n,) of the mean squared error.  x: (m, n), y: (m,)."""
    m, n = x.shape
    n_teams = get_num_threads()
    parts = np.empty((n_teams, n), x.dtype)
    for team in prange(n_teams):
        sums = np.zeros(n, x.dtype)
        for i in range(team * m // n_teams, (team + 1) * m // n_teams):
            error = -y[i]
            for j in range(n):
                error += x[i, j] * w[j]
            for j in range(n):
                sums[j] += error * x[i, j]
        for j in range(n):
            parts[team, j] = sums[j]
    gradient = np.zeros(n, x.dtype)
    for team in range(n_teams):
        for j in range(n):
            gradient[j] += parts[team, j] * x.dtype.type(2 / m)
    return gradient
