"""Dask with Numba inside: a block is read once for its sums, and once more for z."""

import dask.array as da
import numpy as np
from numba import njit

ELEMENTS = 1_000_000  # of a block: 8 MB of float64


@njit(nogil=True)  # Dask's threads are the parallel part
def sums(rows, shift):
    """Return (1, 2, n): each column's distances from `shift`, and their squares."""
    both = np.zeros((1, 2, rows.shape[1]), rows.dtype)
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            shifted = rows[i, j] - shift[j]
            both[0, 0, j] += shifted
            both[0, 1, j] += shifted * shifted
    return both


@njit(nogil=True)
def standardise(rows, mean, scale):
    """Return (rows - mean) * scale."""
    z = np.empty_like(rows)
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            z[i, j] = (rows[i, j] - mean[j]) * scale[j]
    return z


def column_stats(x):
    """Return z (m, n) and the variances (n,), lazy.  x: (m, n), a Dask array."""
    m, n = x.shape
    x, meta = x.rechunk((max(1, ELEMENTS // n), n)), np.empty((0, 0), x.dtype)
    first, middle, last = x[0], x[m // 2], x[-1]
    low, high = da.minimum(first, middle), da.maximum(first, middle)
    shift = da.maximum(low, da.minimum(high, last))  # the second of three by size
    parts = x.map_blocks(  # (blocks, 2, n)
        sums, shift, new_axis=1, chunks=(1, 2, n), meta=meta[None]
    )
    offset, squares = parts.sum(axis=0) / x.dtype.type(m)
    variances = da.maximum(squares - offset**2, 0)
    scale = 1 / da.sqrt(da.where(variances > 0, variances, x.dtype.type(1)))
    return x.map_blocks(standardise, shift + offset, scale, meta=meta), variances
