"""JAX: the loop of one orbit, mapped over all of them."""

import jax


@jax.jit
def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps, on the device.  Same law."""

    def orbit(x, a):
        return jax.lax.fori_loop(0, n_steps, lambda _, x: a * x * (1 - x), x)

    return jax.vmap(orbit)(x0, alpha)
