"""Numba, chunks in parallel (same mathematics): each from 0, then what it was owed."""

from functools import lru_cache

import numpy as np
from numba import get_num_threads, njit, prange


@njit
def run(x, threshold, keep, decay, states):
    """Write the states from s = 0 on; return the product of all factors."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    s, product = zero, one
    for t in range(x.size):
        loud = x[t] > threshold
        factor = keep if loud else decay
        s = factor * s + ((one - keep) if loud else zero) * x[t]
        states[t] = s
        product *= factor  # shrinks, and is soon a denormal number, which is slow
    return product


@njit(parallel=True)
def chunks(x, threshold, keep, decay, states, n_chunks):
    """Write the states; x has n_chunks stretches, each worked on by a thread."""
    ends = np.linspace(0, x.size, n_chunks + 1).astype(np.int64)
    products = np.empty(n_chunks, x.dtype)
    for i in prange(n_chunks):
        here = slice(ends[i], ends[i + 1])
        products[i] = run(x[here], threshold, keep, decay, states[here])
    owed = np.zeros(n_chunks, x.dtype)  # the true state before each chunk
    for i in range(1, n_chunks):
        owed[i] = states[ends[i] - 1] + products[i - 1] * owed[i - 1]
    for i in prange(n_chunks):
        rest = owed[i]
        for t in range(ends[i], ends[i + 1]):
            rest *= keep if x[t] > threshold else decay  # a denormal here too
            states[t] += rest


@lru_cache(maxsize=1)
def buffer(n, dtype):
    """Return the array for n states: made once, its pages stay ours."""
    return np.empty(n, dtype)


def stateful_filter(x, threshold, keep, decay):
    """Return the states (n,), in the array of the call before.  x: (n,)."""
    states = buffer(x.size, x.dtype)
    chunks(x, threshold, keep, decay, states, min(x.size, get_num_threads()))
    return states
