"""JAX: random bits to normal numbers by a quotient of short polynomials of our own."""

from functools import partial

import jax
import jax.numpy as jnp

from case_studies.option_price.problem import POLYNOMIALS


def polynomial(x, coefficients):
    """Return the value at x; highest power first."""
    value = jnp.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def centred(key, shape, dtype):
    """Return random numbers in (-1, 1), none of them an end."""
    digits = jnp.finfo(dtype).nmant
    bits = jax.random.bits(key, shape, f"uint{8 * dtype.itemsize}")
    one = jax.lax.bitcast_convert_type(jnp.ones((), dtype), bits.dtype)
    fraction = bits >> (8 * dtype.itemsize - digits)
    return 2 * jax.lax.bitcast_convert_type(fraction | one, dtype) - 3 + 2.0**-digits


@partial(jax.jit, static_argnames="n_paths")
def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,), on the device.  contract: (5,); seeds: (m,)."""
    spot, strike, rate, volatility, years = contract
    middle = spot * jnp.exp((rate - volatility**2 / 2) * years)
    top, bottom, *_ = POLYNOMIALS[contract.dtype.name]

    def mean_payoff(seed):
        q = centred(jax.random.key(seed), n_paths, contract.dtype)
        w = -jnp.log((1 - q) * (1 + q))
        z = q * polynomial(w, top) / polynomial(w, bottom)
        rise = jnp.exp(volatility * jnp.sqrt(years) * z)
        return jnp.maximum(middle * rise - strike, 0).mean()

    return jnp.exp(-rate * years) * jax.vmap(mean_payoff)(seeds)
