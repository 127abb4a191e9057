"""JAX by a convolution with the five weights, the operation of neural networks."""

import jax
import jax.numpy as jnp


@jax.jit
def heat(u, r, n_steps):
    """Return the plate after n_steps, on the device.  u: (m, n)."""
    if min(u.shape) < 3:
        return u
    weights = jnp.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], u.dtype) * r
    weights = weights.at[1, 1].set(1 - 4 * r)[None, None]

    def step(_, now):
        inner = jax.lax.conv(now[None, None], weights, (1, 1), "VALID")[0, 0]
        return now.at[1:-1, 1:-1].set(inner)

    return jax.lax.fori_loop(0, n_steps, step, u)
