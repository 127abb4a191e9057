"""NumPy: bounds, and ten steps along a policy and a jump for each search."""

# New algorithm: a step along a policy, the choices that were found best, needs no
# search.  A pass over (m, n, m) choices becomes a product of small matrices and (m, n)
# numbers picked from it.

import numpy as np

from case_studies.savings.numpy_bounds import jump

STEPS = 10  # along a policy before it is improved again


def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by optimistic policy iteration."""
    c = R * w[:, None, None] + y[:, None] - w  # (m, n, m)
    reward = np.where(c > 0, np.where(c > 0, c, 1) ** (1 - γ) / (1 - γ), -np.inf)
    v, incomes = np.zeros((w.size, y.size), w.dtype), np.arange(y.size)
    while True:
        choices = reward + β * (P @ v.T)
        policy = choices.argmax(axis=2)
        better = np.take_along_axis(choices, policy[:, :, None], 2)[:, :, 0]
        low, high = (better - v).min(), (better - v).max()
        steps = [better + β / (1 - β) * (low + high) / 2]
        if high - low <= 2 * accuracy * (1 - β) / β:
            return steps[0], policy
        kept = np.take_along_axis(reward, policy[:, :, None], 2)[:, :, 0]
        for _ in range(STEPS):
            steps.append(kept + β * (steps[-1] @ P.T)[policy, incomes])
        v = jump(*steps[-3:], β)
