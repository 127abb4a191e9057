"""Numba: the Python loop, compiled for one core. Same bits as the definition."""

import numpy as np
from numba import njit


@njit
def escape_time(x, y, n_iterations):
    """Return the counts, (m, n) of int32, of c = x[i] + y[j]·i.  x: (m,), y: (n,)."""
    four = x.dtype.type(4)  # an integer beside float32 would be float64 in Numba
    counts = np.empty((x.size, y.size), np.int32)
    for i in range(x.size):
        for j in range(y.size):
            a = b = x.dtype.type(0)  # z = a + b·i
            count = 0
            while count < n_iterations and a * a + b * b <= four:
                ab = a * b
                a, b = a * a - b * b + x[i], ab + ab + y[j]
                count += 1
            counts[i, j] = count
    return counts
