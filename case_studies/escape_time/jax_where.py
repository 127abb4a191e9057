"""JAX on all points, all the time: those that have escaped are held by a mask."""

import jax
import jax.numpy as jnp


@jax.jit
def escape_time(x, y, n_iterations):
    """Return the counts, (m, n) of int32, of c = x[i] + y[j]·i, on the device."""
    u, v = jnp.broadcast_arrays(x[:, None], y)

    def step(_, state):
        a, b, counts = state
        inside = a * a + b * b <= 4
        nexts = a * a - b * b + u, 2 * a * b + v
        a, b = (
            jnp.where(inside, new, old) for new, old in zip(nexts, (a, b), strict=True)
        )
        return a, b, counts + inside

    start = jnp.zeros_like(u), jnp.zeros_like(u), jnp.zeros(u.shape, jnp.int32)
    return jax.lax.fori_loop(0, n_iterations, step, start)[2]
