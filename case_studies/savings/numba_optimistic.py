"""Numba: fifty steps along a policy for each search of a better one (new algorithm)."""

# Optimistic (modified) policy iteration: a step along a policy needs no search; what it
# costs is one small matrix product.

import numpy as np

from case_studies.savings.numba_monotone import improve
from case_studies.savings.numba_parallel import rewards

STEPS = 50  # along a policy before it is improved again


def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by optimistic policy iteration."""
    reward = rewards(w, y, γ, R)
    v = np.zeros((w.size, y.size), w.dtype)
    policy, incomes = np.empty(v.shape, np.int64), np.arange(y.size)
    while True:
        before = v.copy()
        improve(reward, P @ before.T, β, v, policy)
        if np.abs(v - before).max() <= accuracy * (1 - β) / β:
            return v, policy
        kept = np.take_along_axis(reward, policy[:, :, None], 2)[:, :, 0]
        for _ in range(STEPS):
            v = kept + β * (v @ P.T)[policy, incomes]
