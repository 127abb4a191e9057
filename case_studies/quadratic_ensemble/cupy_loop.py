"""CuPy: NumPy's lines on a GPU. Each step starts three kernels (same bits)."""


def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps, on the GPU.  x0, alpha: (m,)."""
    x = x0
    for _ in range(n_steps):
        x = alpha * x * (1 - x)
    return x
