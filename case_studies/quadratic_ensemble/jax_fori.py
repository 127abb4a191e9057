"""JAX: a loop over time, all orbits a step at a time."""

import jax


@jax.jit
def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps, on the device.  Same law."""

    def step(_, x):
        return alpha * x * (1 - x)

    return jax.lax.fori_loop(0, n_steps, step, x0)
