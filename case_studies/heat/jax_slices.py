"""JAX by slicing: the new inner points are set into the old plate."""

import jax


@jax.jit
def heat(u, r, n_steps):
    """Return the plate after n_steps, on the device.  u: (m, n)."""

    def step(_, now):
        around = now[:-2, 1:-1] + now[2:, 1:-1] + now[1:-1, :-2] + now[1:-1, 2:]
        return now.at[1:-1, 1:-1].set((1 - 4 * r) * now[1:-1, 1:-1] + r * around)

    return jax.lax.fori_loop(0, n_steps, step, u)
