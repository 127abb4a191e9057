"""Dask: a stream a seed, drawn where the block is: blocks and threads do not matter."""

import numpy as np

BLOCK_PATHS = 500_000  # of a task


def price(seeds, contract, n_paths):
    """Return means of payoffs, one for each seed of a block: those of numpy_blocked."""
    spot, strike, rate, volatility, years = contract
    middle = spot * np.exp((rate - volatility**2 / 2) * years)
    scale = volatility * np.sqrt(years)
    means = np.empty(seeds.size, contract.dtype)
    z = np.empty(n_paths, contract.dtype)
    for i, seed in enumerate(seeds):
        rng = np.random.Generator(np.random.SFC64(seed))
        rng.standard_normal(out=z, dtype=z.dtype)  # without the GIL
        z *= scale
        np.exp(z, out=z)
        z -= strike / middle
        np.maximum(z, 0, out=z)
        means[i] = z.mean()
    return np.exp(-rate * years) * middle * means


def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,), lazy, same bits as numpy_blocked.  seeds: (m,)."""
    seeds = seeds.rechunk(max(1, BLOCK_PATHS // n_paths))
    return seeds.map_blocks(
        price, contract.compute(), n_paths, meta=np.empty(0, contract.dtype)
    )
