"""NumPy, an element at a time: the same loop on arrays, and slower than on lists."""

import numpy as np


def stateful_filter(x, threshold, keep, decay):
    """Return the states (n,).  x: (n,)."""
    gain = 1 - keep
    states = np.empty_like(x)
    s = x.dtype.type(0)
    for t in range(x.size):
        if x[t] > threshold:  # each x[t] makes a new Python object
            s = keep * s + gain * x[t]
        else:
            s *= decay
        states[t] = s
    return states
