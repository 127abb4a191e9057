"""JAX on the inner points alone: the border is put around them at each step."""

import jax
import jax.numpy as jnp


@jax.jit
def heat(u, r, n_steps):
    """Return the plate after n_steps, on the device.  u: (m, n)."""
    if min(u.shape) < 3:
        return u

    def framed(inner):
        rows = jnp.concatenate([u[1:-1, :1], inner, u[1:-1, -1:]], axis=1)
        return jnp.concatenate([u[:1], rows, u[-1:]])

    def step(_, inner):
        now = framed(inner)
        around = now[:-2, 1:-1] + now[2:, 1:-1] + now[1:-1, :-2] + now[1:-1, 2:]
        return (1 - 4 * r) * inner + r * around

    return framed(jax.lax.fori_loop(0, n_steps, step, u[1:-1, 1:-1]))
