"""Numba: the same steps as loops, the incomes shared out among cores."""

# The product is a loop as well: threads of a library spin on when their work is done.

import numpy as np
from numba import njit, prange


@njit(fastmath={"contract"})
def discounted(p, v, β):
    """Return β Σ p[l] v[l], (m,), for the probabilities p (n,) and values v (n, m)."""
    expected = np.zeros_like(v[0])
    for l in range(0, p.size - 3, 4):  # noqa: E741 - four terms a pass
        for k in range(expected.size):
            two = p[l] * v[l, k] + p[l + 1] * v[l + 1, k]
            expected[k] += two + p[l + 2] * v[l + 2, k] + p[l + 3] * v[l + 3, k]
    for l in range(p.size - p.size % 4, p.size):  # noqa: E741
        for k in range(expected.size):
            expected[k] += p[l] * v[l, k]
    return β * expected


@njit(parallel=True, error_model="numpy")
def rewards(w, y, γ, R):
    """Return the reward (n, m, m) of keeping w[k] with income y[j] and wealth w[i]."""
    reward = np.empty((y.size, w.size, w.size), w.dtype)
    power = w.dtype.type(1) - γ
    for j in prange(y.size):
        for i in range(w.size):
            for k in range(w.size):
                c = R * w[i] + y[j] - w[k]
                reward[j, i, k] = c**power / power if c > 0 else -np.inf
    return reward


# A maximum is the same in any order, if there is no nan: that is what the flags say,
# and vector instructions need.
@njit(parallel=True, fastmath={"nnan", "nsz", "reassoc"})
def improve(v, P, β, reward, better):
    """Write the value of the best of all choices into better, (n, m)."""
    for j in prange(P.shape[0]):
        expected = discounted(P[j], v, β)
        for i in range(expected.size):
            now = reward[j, i]
            best = now[0] + expected[0]
            for k in range(expected.size):
                value = now[k] + expected[k]
                best = value if value > best else best
            better[j, i] = best


def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by value function iteration."""
    reward, gap = rewards(w, y, γ, R), np.inf
    v, better = np.zeros((2, y.size, w.size), w.dtype)
    while gap > accuracy * (1 - β) / β:
        improve(v, P, β, reward, better)
        gap = np.abs(better - v).max()
        v, better = better, v
    return v.T, (reward + β * (P @ v)[:, None]).argmax(axis=2).T
