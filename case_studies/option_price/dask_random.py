"""Dask's own generator spawns a stream a block: threads do not matter, blocks do."""

import dask.array as da
import numpy as np

BLOCK_PATHS = 500_000  # 4 MB of float64 a block and temporary


def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,), lazy.  seeds: (m,); the first one is used."""
    spot, strike, rate, volatility, years = contract.compute()  # five numbers
    rng = da.random.default_rng(int(seeds[0].compute()))
    shape, rows = (seeds.size, n_paths), max(1, BLOCK_PATHS // n_paths)
    z = rng.standard_normal(shape, chunks=(rows, -1), dtype=contract.dtype)
    growth = (rate - volatility**2 / 2) * years + volatility * np.sqrt(years) * z
    payoffs = da.maximum(spot * da.exp(growth) - strike, 0)
    return np.exp(-rate * years) * payoffs.mean(axis=1)
