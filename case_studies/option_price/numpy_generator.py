"""NumPy as usually written: one generator, all paths in one array."""

import numpy as np


def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,).  contract: (5,); seeds: (m,), the first is used."""
    spot, strike, rate, volatility, years = contract
    rng = np.random.default_rng(seeds[0])
    z = rng.standard_normal((seeds.size, n_paths), dtype=contract.dtype)
    growth = (rate - volatility**2 / 2) * years + volatility * np.sqrt(years) * z
    payoffs = np.maximum(spot * np.exp(growth) - strike, 0)
    return np.exp(-rate * years) * payoffs.mean(axis=1)
