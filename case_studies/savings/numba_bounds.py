"""Numba: the monotone search, with bounds and a jump ahead (new algorithm)."""

# Bounds and jump are those of `numpy_bounds`.

import numpy as np

from case_studies.savings.numba_monotone import improve
from case_studies.savings.numpy_bounds import jump


def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by value function iteration with bounds."""
    better = np.zeros((y.size, w.size), w.dtype)
    policy = np.zeros(better.shape, np.int64)
    reward = np.zeros((y.size, w.size, w.size), w.dtype)
    steps = [better.copy()]
    while True:
        improve(steps[-1], w, y, P, β, γ, R, reward, better, policy)
        change = better - steps[-1]
        low, high = change.min(), change.max()
        steps.append(better + β / (1 - β) * (low + high) / 2)
        if high - low <= 2 * accuracy * (1 - β) / β:
            return steps[-1].T, policy.T
        if len(steps) == 4:
            steps = [jump(*steps[1:], β)]
