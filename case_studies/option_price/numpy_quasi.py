"""NumPy, randomised quasi-Monte Carlo: one path in each n-th part of (0, 1)."""

import numpy as np

from case_studies.option_price.problem import POLYNOMIALS


def polynomial(x, coefficients):
    """Return the polynomial at x, highest power first; np.polyval takes new arrays."""
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value *= x
        value += coefficient
    return value


def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,), a new algorithm.  contract: (5,); seeds: (m,)."""
    spot, strike, rate, volatility, years = contract
    middle = spot * np.exp((rate - volatility**2 / 2) * years)
    scale = volatility * np.sqrt(years)
    top, bottom = np.array(POLYNOMIALS[contract.dtype.name][:2], contract.dtype)
    eps = np.finfo(contract.dtype).eps
    below = np.arange(n_paths, dtype=contract.dtype)  # strata to the left of each one
    above = below[::-1]
    means = np.empty(seeds.size, contract.dtype)
    for i, seed in enumerate(seeds):
        rng = np.random.Generator(np.random.SFC64(seed))
        place = rng.random(n_paths, dtype=contract.dtype).clip(eps, 1 - eps)
        u, v = (below + place) / n_paths, (above + (1 - place)) / n_paths  # v is 1 - u
        w = -np.log(4 * u * v)
        z = (u - v) * polynomial(w, top) / polynomial(w, bottom)  # quantile of u
        means[i] = np.maximum(np.exp(scale * z) - strike / middle, 0).mean()
    return np.exp(-rate * years) * middle * means
