"""The optimal savings problem: wealth for tomorrow or consumption today?

Wealth lies on a grid w of shape (m,), rising; income on a grid y of shape (n,), and
P[j, l] is the probability that income y[j] is followed by y[l].  With wealth w[i] and
income y[j], a household that keeps w[k] consumes c = R w[i] + y[j] - w[k], which must
be positive, and enjoys u(c) = c^(1 - γ) / (1 - γ).  The value v (m, n) of its best
plan solves Bellman's equation

    v[i, j] = max over k of u(R w[i] + y[j] - w[k]) + β Σ P[j, l] v[k, l]

and policy (m, n) holds the k that attain it.  The model and its numbers are those of
Sargent and Stachurski, "Optimal Savings" (QuantEcon).
"""

from math import erf, inf, sqrt

import numpy as np

from case_studies.work import Work

BETA, GAMMA, R = 0.98, 2.5, 1.01
ACCURACY = {"float64": 5e-4, "float32": 1e-2}  # of v: `check` says what it means


def inputs(n, dtype="float64"):
    """Return w (n,), y (2n/3,), P, β, γ, R and the accuracy that v has to have."""
    w = np.linspace(0.01, 5, n).astype(dtype)
    log_y, P = tauchen(max(1, 2 * n // 3), 0.9, 0.1)
    return w, np.exp(log_y).astype(dtype), P.astype(dtype), *_numbers(dtype)


def _numbers(dtype):
    real = np.dtype(dtype).type
    return real(BETA), real(GAMMA), real(R), real(ACCURACY[np.dtype(dtype).name])


def tauchen(n, ρ, ν, reach=3):
    """Return n states and their transition matrix for z' = ρ z + ν ε, ε normal.

    The states are spread evenly over `reach` standard deviations to either side; a
    state collects the probability of all that is nearer to it than to others.
    G. Tauchen, Economics Letters 20 (1986).
    """
    if n == 1:
        return np.zeros(1), np.ones((1, 1))
    states = np.linspace(-reach, reach, n) * ν / sqrt(1 - ρ**2)
    edges = [-inf, *(states[:-1] + states[1:]) / 2, inf]
    below = [[(1 + erf((e - ρ * z) / ν / sqrt(2))) / 2 for e in edges] for z in states]
    return states, np.diff(below, axis=1)


def bellman(v, w, y, P, β, γ, R):
    """Return the right side of Bellman's equation for every choice k, (m, n, m).

    A choice that leaves nothing to consume has the value -inf.
    """
    c = R * w[:, None, None] + y[:, None] - w
    u = np.where(c > 0, np.where(c > 0, c, 1) ** (1 - γ) / (1 - γ), -np.inf)
    return u + β * (v @ P.T).T


def oracle(w, y, P, β, γ, R, accuracy):
    """Return v and policy by Howard's policy iteration, exact but for rounding.

    A policy is kept until no other is better; the value of a policy is the solution of
    m·n linear equations, so this is for small grids.
    """
    w, y, P, β, γ, R = (np.asarray(a, "float64") for a in (w, y, P, β, γ, R))
    m, n = w.size, y.size
    policy = np.zeros((m, n), int)
    here = np.arange(m)[:, None], np.arange(n)
    reward = bellman(np.zeros((m, n)), w, y, P, β, γ, R)
    while True:
        moves = np.zeros((m, n, m, n))
        moves[(*here, policy)] = P  # from (i, j) to (policy, l) with P[j, l]
        system = np.eye(m * n) - β * moves.reshape(m * n, m * n)
        v = np.linalg.solve(system, reward[(*here, policy)].ravel()).reshape(m, n)
        choices = reward + β * (v @ P.T).T
        gain = choices.max(axis=2) - choices[(*here, policy)]
        if gain.max() <= 1e-12 * np.abs(v).max():
            return v, policy
        policy = np.where(gain > 0, choices.argmax(axis=2), policy)


def check(result, w, y, P, β, γ, R, accuracy):
    """Raise AssertionError unless v is within `accuracy` of the truth, policy with it.

    The right side of Bellman's equation, T, brings any two functions closer by β.  So
    |v - truth| ≤ max |T v - v| / (1 - β), whoever computed v and however: that bound
    is held to `accuracy`.  The choices of the policy may lose 2 (1 - β) accuracy
    against the best in one step, since a method takes them from its last v but one.
    Rounding adds a few units in the last place of v to both.
    """
    v, policy = _pair(result, w, y)
    rounding = 8 * float(np.finfo(w.dtype).eps) * np.abs(v).max()
    w, y, P = (a.astype("float64", copy=False) for a in (w, y, P))
    β, γ, R, accuracy = map(float, (β, γ, R, accuracy))
    choices = bellman(v, w, y, P, β, γ, R)
    best = choices.max(axis=2)
    residual = np.abs(best - v)
    if residual.max() > (1 - β) * accuracy + rounding:
        i, j = np.unravel_index(residual.argmax(), v.shape)
        raise AssertionError(
            f"not the value: at wealth {i}, income {j} it is {v[i, j]:.8g}, the best "
            f"choice with it gives {best[i, j]:.8g}; so it may be "
            f"{residual.max() / (1 - β):.1g} off, where {accuracy:.1g} is asked for"
        )
    lost = best - np.take_along_axis(choices, policy[:, :, None], 2)[:, :, 0]
    if lost.max() > 2 * (1 - β) * accuracy + rounding:
        i, j = np.unravel_index(lost.argmax(), v.shape)
        raise AssertionError(
            f"not the best choice: at wealth {i}, income {j} the policy keeps level "
            f"{policy[i, j]}; {choices[i, j].argmax()} is better by {lost[i, j]:.1g}"
        )


def work(w, y, P, β, γ, R, accuracy):
    """Return the least work: one look at every state, and one read of the inputs.

    How many rounds it takes, and how many choices are looked at, is the method's own.
    At a state: its consumption (3), a power (counted as 20), the sum over incomes.
    """
    states = w.size * y.size
    return Work(
        states * (23 + 2 * y.size), w.nbytes + y.nbytes + P.nbytes + 16 * states
    )


def _pair(result, w, y):
    """Return v in float64 and the policy, if `result` can be these."""
    if not (isinstance(result, tuple | list) and len(result) == 2):
        raise AssertionError(
            f"expected a pair, value and policy, got {type(result).__name__}"
        )
    v, policy = map(np.asarray, result)
    shape = w.size, y.size
    for array, name, kind in ((v, "value", "f"), (policy, "policy", "iu")):
        if array.shape != shape or array.dtype.kind not in kind:
            words = "floating-point" if kind == "f" else "whole"
            raise AssertionError(
                f"expected the {name} as {words} numbers of shape {shape}, "
                f"got {array.dtype} of shape {array.shape}"
            )
    if not np.isfinite(v).all():
        raise AssertionError("the value has to be finite, and holds nan or inf")
    if policy.min() < 0 or policy.max() >= w.size:
        raise AssertionError(
            f"the policy holds places in w, 0 to {w.size - 1}; got "
            f"{policy.min()} to {policy.max()}"
        )
    return v.astype("float64", copy=False), policy
