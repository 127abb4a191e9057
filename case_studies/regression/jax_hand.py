"""JAX with the gradient written by hand, as `numpy_hand` writes it."""

import jax


@jax.jit
def regression(x, y, w):
    """Return the gradient (n,) of the mean squared error.  x: (m, n), y: (m,)."""
    errors = x @ w - y
    return (errors @ x) * (2 / len(y))
