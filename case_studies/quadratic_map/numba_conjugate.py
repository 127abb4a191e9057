"""Numba in other coordinates, z = α(½ - x), where a step is z² + c. Same law."""

from functools import lru_cache

import numpy as np
from numba import njit


@lru_cache(maxsize=1)
def buffer(n, dtype):
    """Return the array that all orbits of this length and dtype are written into."""
    return np.empty(n, dtype)


@njit(fastmath={"contract"})  # z * z + c becomes one instruction, rounded once
def fill(orbit, z, c, shift, scale):
    """Continue the orbit from its first state, in place; numbers of its dtype."""
    for t in range(1, orbit.size):
        z = z * z + c  # all that the next step waits for
        orbit[t] = (shift - z) * scale


def quadratic_map(x0, alpha, n):
    """Return an orbit of the same law, in an array that the next call overwrites."""
    real = x0.dtype.type
    orbit = buffer(n, x0.dtype)
    orbit[0] = x0[0]
    a = real(alpha)
    fill(orbit, a * (real(0.5) - x0[0]), a * (2 - a) / 4, a / 2, 1 / a)
    return orbit
