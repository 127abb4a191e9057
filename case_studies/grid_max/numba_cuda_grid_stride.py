"""CUDA in Python: each thread strides over the grid and keeps its own maximum."""

from math import cos

import numpy as np
from numba import cuda

THREADS = 8, 32  # rows and columns of points in one step of a block
MOST_BLOCKS = 32, 32  # enough to fill a GPU; the strides do the rest


@cuda.jit
def kernel(x, y, best):
    """Raise best[0] to the largest f(x[i], y[j])."""
    one = x.dtype.type(1)  # 1 + float32 would be float64 in Numba
    mine = x.dtype.type(-np.inf)
    j_start, i_start = cuda.grid(2)  # neighbours differ in the first index
    j_step, i_step = cuda.gridsize(2)
    for i in range(i_start, x.size, i_step):
        for j in range(j_start, y.size, j_step):
            r = x[i] * x[i] + y[j] * y[j]
            mine = max(mine, cos(r) / (one + r))
    cuda.atomic.max(best, 0, mine)  # one at a time, but once a thread


def grid_max(x, y):
    """Return the largest f(x[i], y[j]) as a NumPy scalar.  x: (m,), y: (n,)."""
    rows, columns = (
        min(-(-a.size // threads), most)  # rounded up: no point is left out
        for a, threads, most in zip((x, y), THREADS, MOST_BLOCKS, strict=True)
    )
    best = cuda.to_device(np.full(1, -np.inf, x.dtype))
    kernel[(columns, rows), THREADS[::-1]](x, y, best)
    return best.copy_to_host()[0]  # waits for the kernel
