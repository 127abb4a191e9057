"""NumPy with a Boolean index: tests all points, gathers and moves those inside."""

import numpy as np


def escape_time(x, y, n_iterations):
    """Return the counts, (m, n) of int32, of c = x[i] + y[j]·i.  x: (m,), y: (n,)."""
    c = x[:, None] + 1j * y  # (m, n), complex
    z = np.zeros_like(c)
    counts = np.zeros(c.shape, np.int32)
    for _ in range(n_iterations):
        inside = np.abs(z) <= 2
        counts += inside
        z[inside] = z[inside] ** 2 + c[inside]  # two copies out, one back
    return counts
