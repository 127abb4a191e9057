"""CuPy: NumPy's lines on a GPU; temporaries cost reads and writes there, too."""

import cupy as cp


def column_stats(x):
    """Return z (m, n) and the variances (n,) of the columns, on the GPU.  x: (m, n)."""
    constant = (x == x[0]).all(axis=0)
    variances = cp.where(constant, 0, x.var(axis=0))
    deviation = cp.where(constant, 1, cp.sqrt(variances))
    return cp.where(constant, 0, (x - x.mean(axis=0)) / deviation), variances
