"""NumPy a seed at a time: a quicker generator, one buffer that stays in cache."""

import numpy as np


def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,), same mathematics.  contract: (5,); seeds: (m,)."""
    spot, strike, rate, volatility, years = contract
    middle = spot * np.exp((rate - volatility**2 / 2) * years)
    scale = volatility * np.sqrt(years)
    means = np.empty(seeds.size, contract.dtype)
    z = np.empty(n_paths, contract.dtype)
    for i, seed in enumerate(seeds):
        rng = np.random.Generator(np.random.SFC64(seed))
        rng.standard_normal(out=z, dtype=z.dtype)
        z *= scale
        np.exp(z, out=z)
        z -= strike / middle  # max(middle·e - strike, 0) is middle · max(e - …, 0)
        np.maximum(z, 0, out=z)
        means[i] = z.mean()
    return np.exp(-rate * years) * middle * means
