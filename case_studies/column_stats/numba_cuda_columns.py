"""CUDA in Python: neighbouring threads take neighbouring columns, and add up rows."""

from math import sqrt

import numpy as np
from numba import cuda

THREADS = 32, 8  # columns and rows of a block
MOST_BLOCKS = 64, 64


@cuda.jit
def add_up(x, sums):
    """Add to sums (2, n) each column's distances from its first number, and squares."""
    j_start, i_start = cuda.grid(2)
    j_step, i_step = cuda.gridsize(2)
    for j in range(j_start, x.shape[1], j_step):
        total = square = x.dtype.type(0)
        for i in range(i_start, x.shape[0], i_step):
            distance = x[i, j] - x[0, j]
            total += distance
            square += distance * distance
        cuda.atomic.add(sums, (0, j), total)  # once a thread, not once a number
        cuda.atomic.add(sums, (1, j), square)


@cuda.jit
def standardise(x, sums, z, variances):
    """Write z and the variances from the sums."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    m = x.dtype.type(x.shape[0])
    j_start, i_start = cuda.grid(2)
    j_step, i_step = cuda.gridsize(2)
    for j in range(j_start, x.shape[1], j_step):
        mean = sums[0, j] / m
        variance = max(sums[1, j] / m - mean * mean, zero)
        scale = one / sqrt(variance) if variance > zero else zero
        for i in range(i_start, x.shape[0], i_step):
            z[i, j] = (x[i, j] - x[0, j] - mean) * scale
        if i_start == 0:
            variances[j] = variance


def column_stats(x):
    """Return z (m, n) and the variances (n,) of the columns, on the GPU.  x: (m, n)."""
    m, n = x.shape
    sums = cuda.to_device(np.zeros((2, n), x.dtype))
    z, variances = cuda.device_array_like(x), cuda.device_array(n, x.dtype)
    blocks = tuple(
        min(-(-size // threads), most)  # rounded up: no number is left out
        for size, threads, most in zip((n, m), THREADS, MOST_BLOCKS, strict=True)
    )
    add_up[blocks, THREADS](x, sums)
    standardise[blocks, THREADS](x, sums, z, variances)
    return z, variances
