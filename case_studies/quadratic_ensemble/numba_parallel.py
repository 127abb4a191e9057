"""Numba: the same loops, the orbits shared out among the cores."""

import numpy as np
from numba import njit, prange


@njit(parallel=True)
def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps.  x0, alpha: (m,).  Same bits."""
    one = x0.dtype.type(1)  # 1 - float32 would be float64 in Numba
    final = np.empty_like(x0)
    for i in prange(x0.size):
        x, a = x0[i], alpha[i]
        for _ in range(n_steps):
            x = a * x * (one - x)  # waits for the step before
        final[i] = x
    return final
