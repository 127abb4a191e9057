"""Numba: the monotone search, and bounds on what is left to add (new algorithm)."""

# The bounds are those of `numpy_bounds`.

import numpy as np

from case_studies.savings.numba_monotone import improve


def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by value function iteration with bounds."""
    v, better = np.zeros((2, y.size, w.size), w.dtype)
    policy, spread = np.zeros(v.shape, np.int64), np.inf
    reward = np.zeros((y.size, w.size, w.size), w.dtype)
    while spread > 2 * accuracy * (1 - β) / β:
        improve(v, w, y, P, β, γ, R, reward, better, policy)
        change = better - v
        low, high = change.min(), change.max()
        v, better = better + β / (1 - β) * (low + high) / 2, v
        spread = high - low
    return v.T, policy.T
