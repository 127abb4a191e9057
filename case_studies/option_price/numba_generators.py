"""Numba with NumPy's generators, one a seed, drawing without the GIL."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from math import exp

import numpy as np
from numba import njit


@cache
def compiled_for(real):
    """Return the loop for one dtype, which has to be known when it compiles."""

    @njit(nogil=True)
    def payoff_mean(rng, middle, scale, strike, n_paths):
        total = real(0)
        for _ in range(n_paths):
            stock = middle * exp(scale * real(rng.standard_normal(dtype=real)))
            if stock > strike:
                total += stock - strike
        return total / real(n_paths)

    return payoff_mean


def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,), draws of numpy_threads.  contract: (5,)."""
    spot, strike, rate, volatility, years = contract
    middle = spot * np.exp((rate - volatility**2 / 2) * years)
    scale = volatility * np.sqrt(years)
    payoff_mean = compiled_for(contract.dtype.type)

    def mean(seed):
        rng = np.random.Generator(np.random.SFC64(seed))
        return payoff_mean(rng, middle, scale, strike, n_paths)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        means = np.array(list(pool.map(mean, seeds)), contract.dtype)
    return np.exp(-rate * years) * means
