"""Plain Python: every sum written out."""

import numpy as np


def regression(x, y, w):
    """Return the gradient (n,) of the mean squared error.  x: (m, n), y: (m,)."""
    sums, weights = [0.0] * len(w), w.tolist()
    for row, target in zip(x.tolist(), y.tolist(), strict=True):
        error = sum(a * b for a, b in zip(row, weights, strict=True)) - target
        for j, a in enumerate(row):
            sums[j] += error * a
    return np.array([2 * s / len(y) for s in sums], w.dtype)
