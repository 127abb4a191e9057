"""Numba into one array that is kept: pages are asked for once, not at every call."""

from functools import lru_cache

import numpy as np
from numba import njit


@lru_cache(maxsize=1)
def buffer(n, dtype):
    """Return the array that all orbits of this length and dtype are written into."""
    return np.empty(n, dtype)


@njit
def fill(orbit, a):
    """Continue the orbit from its first state, in place; a (alpha) is of its dtype."""
    one = orbit.dtype.type(1)  # 1 - float32 would be float64 in Numba
    x = orbit[0]
    for t in range(1, orbit.size):
        x = a * x * (one - x)
        orbit[t] = x


def quadratic_map(x0, alpha, n):
    """Return the orbit, same bits, in an array that the next call overwrites."""
    orbit = buffer(n, x0.dtype)
    orbit[0] = x0[0]
    fill(orbit, x0.dtype.type(alpha))
    return orbit
