"""Plain Python: three nested loops. They count in float64, whatever the dtype of x."""

import numpy as np


def escape_time(x, y, n_iterations):
    """Return the counts, (m, n) of int32, of c = x[i] + y[j]·i.  x: (m,), y: (n,)."""
    counts = np.empty((x.size, y.size), np.int32)
    columns = y.tolist()  # Python floats: quicker to compute with than NumPy's
    for i, u in enumerate(x.tolist()):
        for j, v in enumerate(columns):
            a = b = 0.0  # z = a + b·i
            count = 0
            while count < n_iterations and a * a + b * b <= 4:
                a, b = a * a - b * b + u, 2 * a * b + v
                count += 1
            counts[i, j] = count
    return counts
