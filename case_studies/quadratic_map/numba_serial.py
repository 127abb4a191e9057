"""Numba: the loop, compiled; every call asks for a new array."""

import numpy as np
from numba import njit


@njit
def quadratic_map(x0, alpha, n):
    """Return the orbit from x0, n states, in its dtype.  x0: (1,).  Same bits."""
    one = x0.dtype.type(1)  # 1 - float32 would be float64 in Numba
    a = x0.dtype.type(alpha)
    orbit = np.empty(n, x0.dtype)
    x = x0[0]
    orbit[0] = x
    for t in range(1, n):
        x = a * x * (one - x)
        orbit[t] = x
    return orbit
