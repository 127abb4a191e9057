"""Numba: one orbit after the other, each from start to end."""

import numpy as np
from numba import njit


@njit
def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps.  x0, alpha: (m,).  Same bits."""
    one = x0.dtype.type(1)  # 1 - float32 would be float64 in Numba
    final = np.empty_like(x0)
    for i in range(x0.size):
        x, a = x0[i], alpha[i]
        for _ in range(n_steps):
            x = a * x * (one - x)  # waits for the step before
        final[i] = x
    return final
