"""Dask: a delayed call a tile, more tiles than cores, NumPy inside. Same bits."""

import dask.array as da
import numpy as np
from dask import delayed

TILE = 250  # points a side


def count(x, y, n_iterations):
    """Return the counts of one tile; points that have escaped are dropped."""
    counts = np.full(x.size * y.size, n_iterations, np.int32)
    at = np.arange(counts.size)  # the points still inside, as flat indices
    u, v = np.repeat(x, y.size), np.tile(y, x.size)
    a, b = np.zeros_like(u), np.zeros_like(v)  # z = a + b·i
    for k in range(n_iterations):
        aa, bb, ab = a * a, b * b, a * b
        inside = aa + bb <= 4
        if not inside.all():
            counts[at[~inside]] = k
            at, u, v, aa, bb, ab = (w[inside] for w in (at, u, v, aa, bb, ab))
        a, b = aa - bb + u, ab + ab + v
    return counts.reshape(x.size, y.size)


def escape_time(x, y, n_iterations):
    """Return the counts, (m, n) of int32, lazy.  x: (m,), y: (n,), Dask arrays."""
    x, y = x.rechunk(TILE), y.rechunk(TILE)
    tile = delayed(count, pure=True)
    return da.block(
        [
            [
                da.from_delayed(tile(u, v, n_iterations), (m, n), np.int32)
                for v, n in zip(y.to_delayed(), y.chunks[0], strict=True)
            ]
            for u, m in zip(x.to_delayed(), x.chunks[0], strict=True)
        ]
    )
