"""Dask with Numba inside: a task is many small blocks of orbits (same bits)."""

import dask.array as da
import numpy as np
from numba import njit

ORBITS = 12_500  # of a task: a millisecond or so, as little as pays for one
SIDE_BY_SIDE = 256  # of these at a time: 4 kB of float64, in the nearest cache


@njit(nogil=True)  # Dask's threads are the parallel part
def follow(x0, alpha, n_steps):
    """Return the states of one task's orbits after n_steps."""
    one = x0.dtype.type(1)  # 1 - float32 would be float64 in Numba
    final = x0.copy()
    for start in range(0, x0.size, SIDE_BY_SIDE):
        x = final[start : start + SIDE_BY_SIDE]
        a = alpha[start : start + SIDE_BY_SIDE]
        for _ in range(n_steps):
            for i in range(x.size):  # no orbit waits for another
                x[i] = a[i] * x[i] * (one - x[i])
    return final


def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps, lazy.  x0, alpha: (m,), Dask arrays."""
    x0, alpha = x0.rechunk(ORBITS), alpha.rechunk(ORBITS)
    return da.map_blocks(follow, x0, alpha, n_steps, meta=np.empty(0, x0.dtype))
