"""NumPy with `out=`: the same operations into arrays that are there (same bits)."""

import numpy as np


def heat(u, r, n_steps):
    """Return the plate after n_steps, as a new array.  u: (m, n)."""
    centre, side = u.dtype.type(1 - 4 * r), u.dtype.type(r)
    now, new = u.copy(), u.copy()  # both have the border, which stays
    around = np.empty_like(now[1:-1, 1:-1])
    for _ in range(n_steps):
        np.add(now[:-2, 1:-1], now[2:, 1:-1], out=around)
        around += now[1:-1, :-2]
        around += now[1:-1, 2:]
        around *= side
        inside = new[1:-1, 1:-1]
        np.multiply(now[1:-1, 1:-1], centre, out=inside)
        inside += around
        now, new = new, now
    return now
