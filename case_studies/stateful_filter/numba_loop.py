"""Numba: the Python loop, compiled. Its result is a new array at every call."""

import numpy as np
from numba import njit


@njit
def stateful_filter(x, threshold, keep, decay):
    """Return the states (n,).  x: (n,)."""
    gain = x.dtype.type(1) - keep  # a bare 1 would make float64 of float32 in Numba
    states = np.empty_like(x)
    s = x.dtype.type(0)
    for t in range(x.size):
        if x[t] > threshold:
            s = keep * s + gain * x[t]
        else:
            s *= decay
        states[t] = s
    return states
