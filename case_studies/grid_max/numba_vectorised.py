"""Numba in a shape that can be vectorised: only the cosine is still one at a time."""

from math import cos

import numpy as np
from numba import get_num_threads, njit, prange


# With Python's rules, every division first asks whether it should raise.
@njit(parallel=True, error_model="numpy")
def grid_max(x, y):
    """Return the largest f(x[i], y[j]) as a Python float.  x: (m,), y: (n,)."""
    one = x.dtype.type(1)  # 1 + float32 would be float64 in Numba
    y_squared = y * y
    n_teams = get_num_threads()
    winners = np.empty(n_teams, x.dtype)
    for team in prange(n_teams):
        # One maximum a column: each update stands alone, so many go side by side.
        best = np.full(y.size, -np.inf, x.dtype)
        for i in range(team, x.size, n_teams):
            for j in range(y.size):
                r = x[i] * x[i] + y_squared[j]
                best[j] = max(best[j], cos(r) / (one + r))
        winners[team] = best.max()
    return winners.max()
