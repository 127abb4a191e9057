"""Dask with Numba inside: many small tiles, so that no core waits long. Same bits."""

import dask.array as da
import numpy as np
from numba import njit

TILE = 125  # points a side


@njit(nogil=True)  # Dask's threads are the parallel part
def count(x, y, n_iterations):
    """Return the counts of one tile.  x: (m, 1), y: (1, n)."""
    four = x.dtype.type(4)  # an integer beside float32 would be float64 in Numba
    counts = np.empty((x.size, y.size), np.int32)
    for i in range(x.size):
        for j in range(y.size):
            a = b = x.dtype.type(0)  # z = a + b·i
            n = 0
            while n < n_iterations and a * a + b * b <= four:
                ab = a * b
                a, b = a * a - b * b + x[i, 0], ab + ab + y[0, j]
                n += 1
            counts[i, j] = n
    return counts


def escape_time(x, y, n_iterations):
    """Return the counts, (m, n) of int32, lazy.  x: (m,), y: (n,), Dask arrays."""
    x, y = x.rechunk(TILE)[:, None], y.rechunk(TILE)[None]
    return da.map_blocks(count, x, y, n_iterations, meta=np.empty((0, 0), np.int32))
