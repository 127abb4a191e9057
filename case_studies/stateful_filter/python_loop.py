"""Plain Python: one loop over a list. It counts in float64, whatever the dtype of x."""

import numpy as np


def stateful_filter(x, threshold, keep, decay):
    """Return the states (n,).  x: (n,)."""
    threshold, keep, decay = float(threshold), float(keep), float(decay)
    gain = 1 - keep
    s, states = 0.0, []
    for value in x.tolist():  # Python floats: quicker to loop over than NumPy's
        if value > threshold:
            s = keep * s + gain * value
        else:
            s *= decay
        states.append(s)
    return np.array(states, x.dtype)
