"""Numba, lanes in turn on every core (same bits): begun at 0, their seams mended."""

from functools import lru_cache

import numpy as np
from numba import get_num_threads, njit, prange

LANES = 8  # on a core: while one waits for its product, the others work
SHORTEST = 4096  # samples of a lane, so that there are few seams to mend


@njit
def step(s, v, threshold, keep, decay, gain, zero):
    """Return the state after sample v, by selection as there is no time to guess."""
    loud = v > threshold
    return (keep if loud else decay) * s + (gain if loud else zero) * v


@njit(parallel=True)
def guess(rows, threshold, keep, decay, gain, zero, states):
    """Write states as if every lane began with 0.  Both: (teams, LANES, length)."""
    for team in prange(rows.shape[0]):
        s = np.zeros(LANES, rows.dtype)
        for t in range(rows.shape[2]):
            for lane in range(LANES):
                v = rows[team, lane, t]
                s[lane] = step(s[lane], v, threshold, keep, decay, gain, zero)
                states[team, lane, t] = s[lane]


@njit
def mend(x, threshold, keep, decay, gain, zero, length, states):
    """Go on from the end of every lane until the states are those that are there."""
    # Before `start` all is right, then.  Equal states stay equal: so is all that comes.
    for start in range(0, x.size, length):
        s = states[start - 1] if start else zero
        for t in range(start, x.size):
            s = step(s, x[t], threshold, keep, decay, gain, zero)
            if s == states[t]:
                break
            states[t] = s


buffer = lru_cache(maxsize=1)(np.empty)  # (n, dtype): made once, its pages stay ours


def stateful_filter(x, threshold, keep, decay):
    """Return the states (n,), in the array of the call before.  x: (n,)."""
    states, numbers = buffer(x.size, x.dtype), (threshold, keep, decay, 1 - keep)
    length = max(SHORTEST, x.size // (LANES * get_num_threads()))
    shape = x.size // (LANES * length), LANES, length
    body = shape[0] * LANES * length
    if body:  # a short signal is not worth waking threads for
        guess(x[:body].reshape(shape), *numbers, 0 * keep, states[:body].reshape(shape))
    states[body:] = np.nan  # nothing is guessed there, and NaN equals nothing
    mend(x, *numbers, 0 * keep, length, states)
    return states
