"""NumPy in place: the same operations, written into two arrays that stay in cache."""

import numpy as np


def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps.  x0, alpha: (m,).  Same bits."""
    x, rest = x0.copy(), np.empty_like(x0)
    for _ in range(n_steps):
        np.subtract(1, x, out=rest)
        np.multiply(alpha, x, out=x)
        np.multiply(x, rest, out=x)
    return x
