"""Dask: blocks of orbits, each from start to end, NumPy inside (same bits)."""

import dask.array as da
import numpy as np

ORBITS = 25_000  # of a block: 400 kB of float64 in the two arrays of a step


def follow(x0, alpha, n_steps):
    """Return the states of one block after n_steps."""
    x, rest = x0.copy(), np.empty_like(x0)
    for _ in range(n_steps):
        np.subtract(1, x, out=rest)
        np.multiply(alpha, x, out=x)
        np.multiply(x, rest, out=x)
    return x


def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps, lazy.  x0, alpha: (m,), Dask arrays."""
    x0, alpha = x0.rechunk(ORBITS), alpha.rechunk(ORBITS)
    return da.map_blocks(follow, x0, alpha, n_steps, meta=np.empty(0, x0.dtype))
