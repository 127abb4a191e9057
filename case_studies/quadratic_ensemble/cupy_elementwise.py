"""CuPy: all steps in one kernel of our own; a thread keeps its orbit (same bits)."""

import cupy as cp

orbits = cp.ElementwiseKernel(
    "T start, T alpha, int64 n_steps",  # T is the arrays' dtype
    "T x",
    "x = start; for (long long t = 0; t < n_steps; t++) x = alpha * x * (1 - x)",
    "orbits",
)


def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps, on the GPU.  x0, alpha: (m,)."""
    return orbits(x0, alpha, n_steps)
