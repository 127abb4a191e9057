"""Numba: the counter again, in multiply, add and bits alone, which run on vectors."""

from functools import cache

import numpy as np
from numba import njit, prange

from case_studies.option_price.numba_counter import key_of, word
from case_studies.option_price.problem import POLYNOMIALS

BITS = {"float64": (np.int64, 52, 12), "float32": (np.int32, 23, 41)}  # as laid out
FAST = {"error_model": "numpy", "fastmath": {"contract"}}  # a * b + c rounds once


@cache
def compiled_for(dtype):
    """Return the loop for one dtype: its integer and bits of fraction are constants."""
    real, (whole, digits, cut) = np.dtype(dtype).type, BITS[dtype]
    top, bottom, logs, powers = (tuple(map(real, c)) for c in POLYNOMIALS[dtype])
    zero, one, two, three, ln2, tiny = map(real, (0, 1, 2, 3, np.log(2), 2.0**-digits))
    one_bits, root_bits = one.view(whole), np.sqrt(one / two).view(whole)

    @njit(**FAST)
    def polynomial(x, coefficients):  # highest power first
        value = coefficients[0]
        for coefficient in coefficients[1:]:
            value = value * x + coefficient
        return value

    @njit(parallel=True, **FAST)
    def payoff_means(middle, doublings, strike, seeds, n_paths, means):
        for i in prange(seeds.size):
            key, sums = key_of(seeds[i]), np.zeros(512, real)
            for start in range(0, n_paths, sums.size):
                for lane in range(min(sums.size, n_paths - start)):
                    bits = whole(word(key, start + lane) >> np.uint64(cut)) | one_bits
                    q = two * whole(bits).view(real) - three + tiny  # in (-1, 1)
                    bits = real((one - q) * (one + q)).view(whole)  # of 2ᵏ · part
                    k = (bits - root_bits) >> whole(digits)
                    part = whole(bits - (k << whole(digits))).view(real)  # √½ to √2
                    s = (part - one) / (part + one)
                    w = -(real(np.int32(k)) * ln2 + s * polynomial(s * s, logs))
                    z = q * polynomial(w, top) / polynomial(w, bottom)
                    n = np.rint(doublings * z)  # exp(scale · z) is 2ⁿ · 2^rest
                    power = whole((whole(np.int32(n)) << whole(digits)) + one_bits)
                    rise = power.view(real) * polynomial(doublings * z - n, powers)
                    sums[lane] += max(middle * rise - strike, zero)  # no sum waits
            means[i] = sums.sum() / real(n_paths)

    return payoff_means


def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,), reproducible.  contract: (5,); seeds: (m,)."""
    spot, strike, rate, volatility, years = contract
    middle = spot * np.exp((rate - volatility**2 / 2) * years)
    doublings = volatility * np.sqrt(years) / np.log(contract.dtype.type(2))
    means = np.empty(seeds.size, contract.dtype)
    compiled_for(means.dtype.name)(middle, doublings, strike, seeds, n_paths, means)
    return np.exp(-rate * years) * means
