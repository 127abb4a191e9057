"""Numba: a richer household keeps no less, so few choices are left (new algorithm)."""

# u is concave, so what one more unit of wealth adds to the value of keeping more never
# falls: the best choice rises with wealth, whatever v is (Topkis).  With the choices of
# two levels known, the level between them looks only between these: about m log₂ m
# choices an income, not m² (Gordon and Qiu, Quantitative Economics 9, 2018).

import numpy as np
from numba import njit

from case_studies.savings.numba_parallel import rewards


@njit
def best_between(reward, expected, first, last, β):
    """Return the best value of keeping first..last, and the choice that has it."""
    best, at = reward[first] + β * expected[first], first
    for k in range(first + 1, last + 1):
        value = reward[k] + β * expected[k]
        if value > best:
            best, at = value, k
    return best, at


@njit
def improve(reward, expected, β, v, policy):
    """Write the best choices into v and policy; reward (m, n, m), expected (n, m)."""
    n, m = expected.shape
    for j in range(n):
        width = 1
        while width < m:
            width *= 2
        while width >= 1:  # the levels halfway between those that are known
            for i in range(width - 1, m, 2 * width):
                first = policy[i - width, j] if i >= width else 0
                last = policy[i + width, j] if i + width < m else m - 1
                best = best_between(reward[i, j], expected[j], first, last, β)
                v[i, j], policy[i, j] = best
            width //= 2


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
