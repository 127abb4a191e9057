"""Numba: the same steps as loops, the levels of wealth shared out among cores."""

import numpy as np
from numba import njit, prange


@njit(parallel=True, error_model="numpy")
def rewards(w, y, γ, R):
    """Return the reward (m, n, m) of keeping w[k] with wealth w[i] and income y[j]."""
    reward = np.empty((w.size, y.size, w.size), w.dtype)
    one, nothing = w.dtype.type(1), w.dtype.type(-np.inf)
    for i in prange(w.size):
        for j in range(y.size):
            for k in range(w.size):
                c = R * w[i] + y[j] - w[k]
                u = c ** (one - γ) / (one - γ) if c > 0 else nothing
                reward[i, j, k] = u
    return reward


@njit(parallel=True)
def improve(reward, expected, β, v, policy):
    """Write the best of all choices into v and policy; expected is (n, m)."""
    m, n, _ = reward.shape
    for i in prange(m):
        for j in range(n):
            best, at = reward[i, j, 0] + β * expected[j, 0], 0
            for k in range(1, m):
                value = reward[i, j, k] + β * expected[j, k]
                if value > best:
                    best, at = value, k
            v[i, j], policy[i, j] = best, at


def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by value function iteration."""
    reward = rewards(w, y, γ, R)
    v = np.zeros((w.size, y.size), w.dtype)
    policy, gap = np.empty(v.shape, np.int64), np.inf
    while gap > accuracy * (1 - β) / β:
        before = v.copy()
        improve(reward, P @ before.T, β, v, policy)
        gap = np.abs(v - before).max()
    return v, policy
