"""CUDA in Python: a thread a point; each leaves its loop when its point escapes."""

import numpy as np
from numba import cuda

THREADS = 32, 8  # columns and rows of a block


@cuda.jit
def kernel(x, y, n_iterations, counts):
    """Write the counts (m, n) of c = x[i] + y[j]·i."""
    j, i = cuda.grid(2)
    if i >= x.size or j >= y.size:  # blocks are whole, the grid of points may not be
        return
    four = x.dtype.type(4)  # an integer beside float32 would be float64 in Numba
    a = b = x.dtype.type(0)  # z = a + b·i
    count = 0
    while count < n_iterations and a * a + b * b <= four:
        ab = a * b
        a, b = a * a - b * b + x[i], ab + ab + y[j]
        count += 1
    counts[i, j] = count


def escape_time(x, y, n_iterations):
    """Return the counts, (m, n) of int32, of c = x[i] + y[j]·i, on the GPU."""
    counts = cuda.device_array((x.size, y.size), np.int32)
    columns, rows = THREADS
    blocks = -(-y.size // columns), -(-x.size // rows)  # rounded up
    kernel[blocks, THREADS](x, y, n_iterations, counts)
    return counts
