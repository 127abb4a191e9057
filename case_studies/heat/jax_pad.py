"""JAX by padding: each neighbour is a shifted plate with zeros, all of one shape."""

import jax
import jax.numpy as jnp


@jax.jit
def heat(u, r, n_steps):
    """Return the plate after n_steps, on the device.  u: (m, n)."""
    m, n = u.shape
    i, j = jnp.arange(m)[:, None], jnp.arange(n)
    inside = (i > 0) & (i < m - 1) & (j > 0) & (j < n - 1)

    def step(_, now):
        wide = jnp.pad(now, 1)
        around = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:]
        return jnp.where(inside, (1 - 4 * r) * now + r * around, now)

    return jax.lax.fori_loop(0, n_steps, step, u)
