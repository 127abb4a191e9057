"""NumPy in place: every pass over the matrix works in one buffer, kept for reuse."""

from functools import lru_cache

import numpy as np

room = lru_cache(maxsize=1)(np.empty)  # one result, made once a shape and dtype


def column_stats(x):
    """Return z, in a buffer that all calls share, and the variances.  x: (m, n)."""
    z = np.subtract(x, x.mean(axis=0), out=room(x.shape, x.dtype))
    variances = np.einsum("ij,ij->j", z, z) / len(x)  # squares, never stored
    z /= np.sqrt(np.where(variances > 0, variances, 1))
    return z, variances
