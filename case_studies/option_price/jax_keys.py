"""JAX: a key for each seed, the mean of one seed mapped over all of them."""

from functools import partial

import jax
import jax.numpy as jnp


@partial(jax.jit, static_argnames="n_paths")
def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,), on the device.  contract: (5,); seeds: (m,)."""
    spot, strike, rate, volatility, years = contract

    def mean_payoff(seed):
        z = jax.random.normal(jax.random.key(seed), n_paths, contract.dtype)
        growth = (rate - volatility**2 / 2) * years + volatility * jnp.sqrt(years) * z
        return jnp.maximum(spot * jnp.exp(growth) - strike, 0).mean()

    return jnp.exp(-rate * years) * jax.vmap(mean_payoff)(seeds)
