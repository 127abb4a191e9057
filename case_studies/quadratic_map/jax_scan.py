"""JAX: a scan, which carries the state and collects the orbit."""

from functools import partial

import jax


@partial(jax.jit, static_argnames="n")
def quadratic_map(x0, alpha, n):
    """Return the orbit (n,), the start first, on the device.  Same law."""

    def step(x, _):
        return alpha * x * (1 - x), x

    return jax.lax.scan(step, x0[0], length=n)[1]
