"""Numba with complex numbers: nearer to the formula, and `abs` takes a square root."""

import numpy as np
from numba import njit, prange


@njit(parallel=True)
def escape_time(x, y, n_iterations):
    """Return the counts, (m, n) of int32, of c = x[i] + y[j]·i.  x: (m,), y: (n,)."""
    counts = np.empty((x.size, y.size), np.int32)
    for i in prange(x.size):
        for j in range(y.size):
            c = complex(x[i], y[j])
            z = c - c
            count = 0
            while count < n_iterations and abs(z) <= 2:
                z = z * z + c
                count += 1
            counts[i, j] = count
    return counts
