"""JAX: the same scan, eight steps for each turn of the compiled loop."""

from functools import partial

import jax
import jax.numpy as jnp


@partial(jax.jit, static_argnames="n")
def quadratic_map(x0, alpha, n):
    """Return the orbit (n,), the start first, on the device.  Same law."""
    alpha = jnp.asarray(alpha, x0.dtype)  # once, and not in each of the steps

    def step(x, _):
        return alpha * x * (1 - x), x

    return jax.lax.scan(step, x0[0], length=n, unroll=8)[1]
