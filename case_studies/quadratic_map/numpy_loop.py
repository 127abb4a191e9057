"""NumPy: the same loop over an array. Each number that is read becomes an object."""

import numpy as np


def quadratic_map(x0, alpha, n):
    """Return the orbit from x0, n states, in its dtype.  x0: (1,).  Same bits."""
    orbit = np.empty(n, x0.dtype)
    orbit[0] = x0[0]
    for t in range(n - 1):
        orbit[t + 1] = alpha * orbit[t] * (1 - orbit[t])
    return orbit
