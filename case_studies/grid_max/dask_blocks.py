"""Dask: the NumPy lines on blocks of a million points, as a graph not yet run."""

import dask.array as da

BLOCK = 1_000  # coordinates: 8 MB of float64 a block and temporary


def grid_max(x, y):
    """Return the largest f(x[i], y[j]), lazy.  x: (m,), y: (n,), Dask arrays."""
    x, y = x.rechunk(BLOCK), y.rechunk(BLOCK)
    r = x[:, None] ** 2 + y**2  # (m, n) in blocks
    return (da.cos(r) / (1 + r)).max()
