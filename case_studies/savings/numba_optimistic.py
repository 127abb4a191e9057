"""Numba: bounds, and five steps along a policy and a jump for each search."""

# New algorithm, that of `numpy_optimistic`: a step along a policy needs no search.

import numpy as np
from numba import njit, prange

from case_studies.savings.numba_monotone import improve
from case_studies.savings.numba_parallel import discounted
from case_studies.savings.numpy_bounds import jump

STEPS = 5  # along a policy before it is improved again


@njit(parallel=True)
def follow(v, P, β, reward, policy, after):
    """Write into `after` what v becomes by one step along the policy, all (n, m)."""
    n, m = v.shape
    for j in prange(n):
        expected = discounted(P[j], v, β)
        for i in range(m):
            k = policy[j, i]
            after[j, i] = reward[j, i, k] + expected[k]


def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by optimistic policy iteration."""
    v, better = np.zeros((2, y.size, w.size), w.dtype)
    policy = np.zeros(v.shape, np.int64)
    reward = np.zeros((y.size, w.size, w.size), w.dtype)
    while True:
        improve(v, w, y, P, β, γ, R, reward, better, policy)
        change = better - v
        low, high = change.min(), change.max()
        steps = [better + β / (1 - β) * (low + high) / 2]
        if high - low <= 2 * accuracy * (1 - β) / β:
            return steps[0].T, policy.T
        for _ in range(STEPS):
            steps.append(np.empty_like(v))
            follow(steps[-2], P, β, reward, policy, steps[-1])
        v = jump(*steps[-3:], β)
