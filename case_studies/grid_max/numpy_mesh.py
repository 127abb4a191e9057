"""NumPy on a mesh: every coordinate written out at every point."""

import numpy as np


def grid_max(x, y):
    """Return the largest f(x[i], y[j]).  x: (m,), y: (n,)."""
    x_mesh, y_mesh = np.meshgrid(x, y)  # (n, m) each
    values = np.cos(x_mesh**2 + y_mesh**2) / (1 + x_mesh**2 + y_mesh**2)
    return values.max()
