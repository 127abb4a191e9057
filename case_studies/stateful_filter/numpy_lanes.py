"""NumPy across lanes (same bits): stretches of time side by side, seams mended."""

import numpy as np

LENGTH = 4096  # samples of a lane: several times what the filter remembers


def stateful_filter(x, threshold, keep, decay):
    """Return the states (n,).  x: (n,)."""
    gain = 1 - keep
    n_lanes = -(-x.size // LENGTH)
    padded = np.zeros((n_lanes, LENGTH), x.dtype)
    padded.reshape(-1)[: x.size] = x
    samples = padded.T.copy()  # (LENGTH, n_lanes): a step of all lanes is one row
    states = np.full_like(samples, np.nan)
    while True:
        # Each lane starts where its predecessor ends: as far as is known, or from 0.
        s = np.zeros(n_lanes, x.dtype)
        s[1:] = np.nan_to_num(states[-1, :-1])
        for v, old in zip(samples, states, strict=True):
            s = np.where(v > threshold, keep * s + gain * v, decay * s)
            if np.array_equal(s, old):  # from here on, nothing changes any more
                break
            old[:] = s
        else:
            continue
        return states.T.reshape(-1)[: x.size]
