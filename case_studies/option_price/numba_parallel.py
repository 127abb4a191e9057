"""Numba: the seeds shared out among the cores; whoever takes one starts from it."""

from math import exp

import numpy as np
from numba import njit, prange


@njit(parallel=True)
def payoff_means(middle, scale, strike, seeds, n_paths, means):
    """Fill `means`, the same bits for any number of threads."""
    real = means.dtype.type
    for i in prange(seeds.size):
        # Every thread has a generator of its own: seeded outside the loop, only one is.
        np.random.seed(seeds[i])  # noqa: NPY002
        total = real(0)
        for _ in range(n_paths):
            z = real(np.random.standard_normal())  # noqa: NPY002
            stock = middle * exp(scale * z)
            if stock > strike:
                total += stock - strike
        means[i] = total / real(n_paths)


def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,), reproducible.  contract: (5,); seeds: (m,)."""
    spot, strike, rate, volatility, years = contract
    middle = spot * np.exp((rate - volatility**2 / 2) * years)
    means = np.empty(seeds.size, contract.dtype)
    payoff_means(middle, volatility * np.sqrt(years), strike, seeds, n_paths, means)
    return np.exp(-rate * years) * means
