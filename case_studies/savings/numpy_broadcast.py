"""NumPy as the equation is written: every choice, its reward and all incomes, anew."""

import numpy as np


def improve(v, w, y, P, β, γ, R):
    """Return the best value and choice (m, n), given v (m, n) from tomorrow on."""
    c = R * w[:, None, None] + y[:, None] - w  # (m, n, m)
    u = np.where(c > 0, np.where(c > 0, c, 1) ** (1 - γ) / (1 - γ), -np.inf)
    expected = (P[:, None] * v).sum(axis=2)  # (n, m)
    choices = u + β * expected
    return choices.max(axis=2), choices.argmax(axis=2)


def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by value function iteration."""
    v, gap = np.zeros((w.size, y.size), w.dtype), np.inf
    while gap > accuracy * (1 - β) / β:
        before = v
        v, policy = improve(before, w, y, P, β, γ, R)
        gap = np.abs(v - before).max()
    return v, policy
