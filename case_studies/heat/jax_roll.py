"""JAX by rolling the whole plate in four directions; the border is put back."""

import jax
import jax.numpy as jnp


@jax.jit
def heat(u, r, n_steps):
    """Return the plate after n_steps, on the device.  u: (m, n)."""
    m, n = u.shape
    i, j = jnp.arange(m)[:, None], jnp.arange(n)
    inside = (i > 0) & (i < m - 1) & (j > 0) & (j < n - 1)

    def step(_, now):
        around = jnp.roll(now, 1, 0) + jnp.roll(now, -1, 0)
        around = around + jnp.roll(now, 1, 1) + jnp.roll(now, -1, 1)
        return jnp.where(inside, (1 - 4 * r) * now + r * around, now)

    return jax.lax.fori_loop(0, n_steps, step, u)
