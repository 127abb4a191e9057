"""JAX: the loop of one point, mapped over all; it goes on until the last has left."""

import jax
import jax.numpy as jnp


@jax.jit
def escape_time(x, y, n_iterations):
    """Return the counts, (m, n) of int32, of c = x[i] + y[j]·i, on the device."""

    def count(u, v):
        def inside(state):
            a, b, k = state
            return (k < n_iterations) & (a * a + b * b <= 4)

        def step(state):
            a, b, k = state
            return a * a - b * b + u, 2 * a * b + v, k + 1

        zero = jnp.zeros((), x.dtype)
        return jax.lax.while_loop(inside, step, (zero, zero, jnp.int32(0)))[2]

    return jax.vmap(jax.vmap(count, (None, 0)), (0, None))(x, y)
