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


# A maximum is the same in any order, if there is no nan: that is what the flags say,
# and vector instructions need.
@njit(parallel=True, fastmath={"nnan", "nsz", "reassoc"})
def improve(reward, expected, β, v):
    """Write the value of the best of all choices into v; expected is (n, m)."""
    m, n, _ = reward.shape
    for i in prange(m):
        for j in range(n):
            now, later = reward[i, j], expected[j]
            best = now[0] + β * later[0]
            for k in range(m):
                value = now[k] + β * later[k]
                best = value if value > best else best
            v[i, j] = best


def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by value function iteration."""
    reward = rewards(w, y, γ, R)
    v, gap = np.zeros((w.size, y.size), w.dtype), np.inf
    while gap > accuracy * (1 - β) / β:
        before = v.copy()
        improve(reward, P @ before.T, β, v)
        gap = np.abs(v - before).max()
    return v, (reward + β * (P @ v.T)).argmax(axis=2)
