"""CuPy: a generator for each seed, its paths as an array on the GPU."""

import cupy as cp


def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,), on the GPU.  contract: (5,); seeds: (m,)."""
    spot, strike, rate, volatility, years = contract
    drift = (rate - volatility**2 / 2) * years
    means = cp.empty(seeds.size, contract.dtype)
    for i, seed in enumerate(seeds.tolist()):
        rng = cp.random.default_rng(seed)
        z = rng.standard_normal(n_paths, contract.dtype)
        ends = spot * cp.exp(drift + volatility * cp.sqrt(years) * z)
        means[i] = cp.maximum(ends - strike, 0).mean()
    return cp.exp(-rate * years) * means
