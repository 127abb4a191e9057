"""Numba: one loop over all paths, with Numba's own global generator, on one core."""

from math import exp

import numpy as np
from numba import njit


@njit
def payoff_means(middle, scale, strike, seeds, n_paths, means):
    """Fill `means`: no constant stands beside float32, so nothing becomes float64."""
    real = means.dtype.type
    np.random.seed(seeds[0])  # noqa: NPY002 - the generator of compiled code, not NumPy's
    for i in range(seeds.size):
        means[i] = real(0)
        for _ in range(n_paths):
            z = real(np.random.standard_normal())  # noqa: NPY002
            stock = middle * exp(scale * z)
            if stock > strike:
                means[i] += stock - strike
        means[i] /= real(n_paths)


def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,).  contract: (5,); seeds: (m,), the first is used."""
    spot, strike, rate, volatility, years = contract
    middle = spot * np.exp((rate - volatility**2 / 2) * years)
    means = np.empty(seeds.size, contract.dtype)
    payoff_means(middle, volatility * np.sqrt(years), strike, seeds, n_paths, means)
    return np.exp(-rate * years) * means
