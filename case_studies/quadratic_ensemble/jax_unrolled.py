"""JAX: all orbits four steps at a time, which stay in registers from first to last."""

import jax

STEPS = 4  # of a turn: one pass over memory for all of them


@jax.jit
def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps, on the device.  Same law."""

    def step(_, x):
        return alpha * x * (1 - x)

    def turn(k, x):
        for _ in range(STEPS):  # written out while tracing
            x = step(k, x)
        return x

    x = jax.lax.fori_loop(0, n_steps // STEPS, turn, x0)
    return jax.lax.fori_loop(0, n_steps % STEPS, step, x)  # what is left over
