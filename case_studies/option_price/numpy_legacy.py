"""NumPy as before 2019: a Mersenne Twister, float64 only, all paths in one array."""

import numpy as np


def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,).  contract: (5,); seeds: (m,), the first is used."""
    spot, strike, rate, volatility, years = contract
    draw = np.random.RandomState(seeds[0])
    z = draw.standard_normal((seeds.size, n_paths)).astype(contract.dtype, copy=False)
    growth = (rate - volatility**2 / 2) * years + volatility * np.sqrt(years) * z
    payoffs = np.maximum(spot * np.exp(growth) - strike, 0)
    return np.exp(-rate * years) * payoffs.mean(axis=1)
