"""Numba: a richer household keeps no less, so few choices are left (new algorithm)."""

# u is concave, so the best choice rises with wealth, whatever v is (Topkis): a level
# looks only between the choices of two neighbours, at about m log₂ m choices an income
# and not m² (Gordon and Qiu, Quantitative Economics 9, 2018).  Rewards come on demand.

import numpy as np
from numba import njit, prange

from case_studies.savings.numba_parallel import discounted


@njit(error_model="numpy")
def best_between(reward, expected, w, rich, power, first, last):
    """Return the best value of keeping first..last, and the choice that has it."""
    best, at = -np.inf, first
    for k in range(first, last + 1):
        if reward[k] == 0:  # not known yet
            c = rich - w[k]
            reward[k] = c**power / power if c > 0 else -np.inf
        if reward[k] + expected[k] > best:
            best, at = reward[k] + expected[k], k
    return best, at


@njit(parallel=True)
def improve(v, w, y, P, β, γ, R, reward, better, policy):
    """Write the best values and choices, (n, m), and rewards that were not known."""
    n, m = v.shape
    power = w.dtype.type(1) - γ
    for j in prange(n):
        expected = discounted(P[j], v, β)
        for level in range(int(np.ceil(np.log2(m))), -1, -1):
            width = 2**level  # now the levels halfway between those that are known
            for i in range(width - 1, m, 2 * width):
                first = policy[j, i - width] if i >= width else 0
                last = policy[j, i + width] if i + width < m else m - 1
                better[j, i], policy[j, i] = best_between(
                    reward[j, i], expected, w, R * w[i] + y[j], power, first, last
                )


def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by value function iteration."""
    v, better = np.zeros((2, y.size, w.size), w.dtype)
    policy, gap = np.zeros(v.shape, np.int64), np.inf
    reward = np.zeros((y.size, w.size, w.size), w.dtype)
    while gap > accuracy * (1 - β) / β:
        improve(v, w, y, P, β, γ, R, reward, better, policy)
        gap = np.abs(better - v).max()
        v, better = better, v
    return v.T, policy.T
