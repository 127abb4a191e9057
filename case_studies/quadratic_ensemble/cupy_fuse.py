"""CuPy with `fuse`: a step is one kernel, which reads and writes once (same bits)."""

import cupy as cp


@cp.fuse
def step(x, alpha):
    """Return the next states."""
    return alpha * x * (1 - x)


def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps, on the GPU.  x0, alpha: (m,)."""
    x = x0
    for _ in range(n_steps):
        x = step(x, alpha)
    return x
