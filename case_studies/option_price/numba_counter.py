"""Numba without a state: every random word is computed from its place in the stream."""

from math import cos, exp, log, pi, sin, sqrt

import numpy as np
from numba import njit, prange


@njit
def word(key, i):
    """Return word i of stream `key`: 64 random bits (SplitMix64)."""
    z = key + np.uint64(i) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit
def key_of(seed):
    """Return where the stream of a seed begins: a far place of the same sequence."""
    return word(np.uint64(0), np.uint64(seed) + np.uint64(1))


@njit(parallel=True)
def payoff_means(middle, scale, strike, seeds, n_paths, means):
    """Fill `means`, the same bits for any number of threads."""
    real = means.dtype.type
    minus_two, turn, step, half = real(-2), real(2 * pi), real(2.0**-53), real(2.0**-54)
    for i in prange(seeds.size):
        key = key_of(seeds[i])
        total = real(0)
        for j in range(0, n_paths, 2):  # Box and Muller: two uniform make two normal
            u = step * real(word(key, j) >> np.uint64(11)) + half
            v = step * real(word(key, j + 1) >> np.uint64(11)) + half
            radius, angle = sqrt(minus_two * log(u)), turn * v
            first = middle * exp(scale * radius * cos(angle))
            if first > strike:
                total += first - strike
            second = middle * exp(scale * radius * sin(angle))
            if second > strike and j + 1 < n_paths:
                total += second - strike
        means[i] = total / real(n_paths)


def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,), reproducible.  contract: (5,); seeds: (m,)."""
    spot, strike, rate, volatility, years = contract
    middle = spot * np.exp((rate - volatility**2 / 2) * years)
    means = np.empty(seeds.size, contract.dtype)
    payoff_means(middle, volatility * np.sqrt(years), strike, seeds, n_paths, means)
    return np.exp(-rate * years) * means
