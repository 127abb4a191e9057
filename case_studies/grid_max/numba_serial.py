"""Numba: the Python loop, compiled for one core."""

from math import cos

import numpy as np
from numba import njit


@njit
def grid_max(x, y):
    """Return the largest f(x[i], y[j]) as a Python float.  x: (m,), y: (n,)."""
    one = x.dtype.type(1)  # 1 + float32 would be float64 in Numba
    best = x.dtype.type(-np.inf)
    for i in range(x.size):
        for j in range(y.size):
            r = x[i] ** 2 + y[j] ** 2
            best = max(best, cos(r) / (one + r))
    return best
