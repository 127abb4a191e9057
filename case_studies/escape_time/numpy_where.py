"""NumPy on all points, all the time: those that have escaped are held by a mask."""

import numpy as np


def escape_time(x, y, n_iterations):
    """Return the counts, (m, n) of int32, of c = x[i] + y[j]·i.  x: (m,), y: (n,)."""
    c = x[:, None] + 1j * y  # (m, n), complex
    z = np.zeros_like(c)
    counts = np.zeros(c.shape, np.int32)
    for _ in range(n_iterations):
        inside = np.abs(z) <= 2
        counts += inside
        z = np.where(inside, z * z + c, z)  # computed everywhere, kept where inside
    return counts
