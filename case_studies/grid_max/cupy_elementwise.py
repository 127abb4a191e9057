"""CuPy: the surface in one kernel of our own, its maximum in a second."""

import cupy as cp

surface = cp.ElementwiseKernel(
    "T x, T y",  # T is the arrays' dtype; x and y broadcast as in NumPy
    "T value",
    "T r = x * x + y * y; value = cos(r) / (1 + r)",
    "surface",
)


def grid_max(x, y):
    """Return the largest f(x[i], y[j]), on the GPU.  x: (m,), y: (n,)."""
    return surface(x[:, None], y).max()
