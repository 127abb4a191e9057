"""Numba with a cosine of our own: all multiply and add, so all vector instructions."""

import numpy as np
from numba import get_num_threads, njit, prange

from case_studies.grid_max.problem import COSINE

# Divide without asking, and let a * b + c be one instruction, rounded once.
FAST = {"error_model": "numpy", "fastmath": {"contract"}}


@njit(**FAST)
def cosine(turns, coefficients):
    """Return cos(2π turns) to 4 eps, for any number of turns."""
    part = turns - np.rint(turns)  # whole turns change nothing
    square = part * part
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * square + coefficient
    return value


@njit(parallel=True, **FAST)
def maximum(x, y, coefficients, one, turn):
    """Return the maximum; one (1) and turn (2π) come in the dtype of x."""
    x_turns, y_turns = x * x / turn, y * y / turn
    n_teams = get_num_threads()
    winners = np.empty(n_teams, x.dtype)
    for team in prange(n_teams):
        best = np.full(y.size, -np.inf, x.dtype)  # one maximum a column
        for i in range(team, x.size, n_teams):
            for j in range(y.size):
                turns = x_turns[i] + y_turns[j]
                value = cosine(turns, coefficients) / (one + turn * turns)
                best[j] = max(best[j], value)
        winners[team] = best.max()
    return winners.max()


def grid_max(x, y):
    """Return the largest f(x[i], y[j]) as a Python float.  x: (m,), y: (n,)."""
    real = x.dtype.type
    coefficients = tuple(real(c) for c in COSINE[x.dtype.name])
    return maximum(x, y, coefficients, real(1), real(2 * np.pi))
