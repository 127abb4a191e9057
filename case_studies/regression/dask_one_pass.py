"""Dask: a task takes a block of rows to its part of the gradient; then one sum."""

import numpy as np

ELEMENTS = 2_000_000  # of a block: 16 MB of float64
IN_CACHE = 1 << 15  # of them at a time: 256 kB of float64


def part(x, y, w):
    """Return (1, n): the sum over a block's rows, each read once from memory."""
    rows = max(1, IN_CACHE // x.shape[1])
    total = np.zeros_like(w)
    for start in range(0, len(x), rows):
        block = x[start : start + rows]
        total += (block @ w - y[start : start + rows, 0]) @ block
    return total[None]


def regression(x, y, w):
    """Return the gradient (n,), lazy.  x: (m, n), y: (m,), Dask arrays."""
    m, n = x.shape
    rows = max(1, ELEMENTS // n)
    x, y = x.rechunk((rows, n)), y.rechunk(rows)[:, None]
    parts = x.map_blocks(part, y, w, chunks=(1, n), meta=np.empty((0, 0), x.dtype))
    return parts.sum(axis=0) * (2 / m)
