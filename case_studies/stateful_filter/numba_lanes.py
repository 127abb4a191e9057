"""Numba, lanes in turn on every core (same mathematics), each started a while early."""

from functools import lru_cache

import numpy as np
from numba import get_num_threads, njit, prange

from case_studies.stateful_filter.problem import memory

LANES = 8  # on a core: while one waits for its product, the others work
SHORTEST = 4096  # samples of a lane, so that starting early costs little


@njit
def step(s, v, threshold, keep, decay, gain, zero):
    """Return the state after sample v, by selection as there is no time to guess."""
    loud = v > threshold
    return (keep if loud else decay) * s + (gain if loud else zero) * v


@njit(parallel=True)
def run(x, threshold, keep, decay, gain, zero, early, length, states):
    """Write the states.  Rows of `length` samples are lanes; the rest comes last."""
    # A lane starts from 0 in place of a state of M at most, `early` samples before its
    # own.  Each sample shrinks the error by c = max(keep, decay): M c^early is left.
    n_teams = x.size // (LANES * length)
    shape = n_teams, LANES, length
    body = n_teams * LANES * length
    rows, results = x[:body].reshape(shape), states[:body].reshape(shape)
    for team in prange(n_teams):
        s = np.zeros(LANES, x.dtype)
        for lane in range(LANES):
            start = (team * LANES + lane) * length
            for t in range(max(0, start - early), start):
                s[lane] = step(s[lane], x[t], threshold, keep, decay, gain, zero)
        for t in range(length):
            for lane in range(LANES):
                v = rows[team, lane, t]
                s[lane] = step(s[lane], v, threshold, keep, decay, gain, zero)
                results[team, lane, t] = s[lane]
    s = states[body - 1] if body else zero
    for t in range(body, x.size):
        s = step(s, x[t], threshold, keep, decay, gain, zero)
        states[t] = s


buffer = lru_cache(maxsize=1)(np.empty)  # (n, dtype): made once, its pages stay ours


def stateful_filter(x, threshold, keep, decay):
    """Return the states (n,), in the array of the call before.  x: (n,)."""
    states, early = buffer(x.size, x.dtype), memory(x.dtype, keep, decay)
    length = max(SHORTEST, x.size // (LANES * get_num_threads()))
    gain, zero = 1 - keep, 0 * keep
    run(x, threshold, keep, decay, gain, zero, early, length, states)
    return states
