"""CuPy: all points take every step; where |z| > 2, a mask keeps the count."""

import cupy as cp


def escape_time(x, y, n_iterations):
    """Return the counts, (m, n) of int32, of c = x[i] + y[j]·i, on the GPU."""
    u, v = cp.broadcast_arrays(x[:, None], y)
    a, b = cp.zeros_like(u), cp.zeros_like(v)
    counts = cp.zeros(u.shape, cp.int32)
    for _ in range(n_iterations):
        inside = a * a + b * b <= 4
        counts += inside
        ab = a * b
        a, b = (
            cp.where(inside, a * a - b * b + u, a),
            cp.where(inside, ab + ab + v, b),
        )
    return counts
