"""Numba alone: each line is cleaned, and each of its pixels fitted in registers."""

import math

import numpy as np
from numba import njit, prange

from case_studies.pipeline.numba_clean import clean_line
from case_studies.pipeline.numba_fit import COMPILED, step
from case_studies.pipeline.problem import DARK, LEAST, MISSING, SCALE, WIDTH

STEPS = 4


@njit(**COMPILED)
def fit_line(counts, images, numbers, guess, maps):
    """Write level, trend, a and b of a line (T, n) into maps (4, n)."""
    n_images, n = counts.shape
    zero, one, nan, unit, lower, higher = guess
    y, good = np.empty(n_images, maps.dtype), np.empty(n_images, maps.dtype)
    theta = np.empty(4, maps.dtype)
    for j in range(n):
        n_good = 0
        for t in range(n_images):
            seen = counts[t, j] != MISSING
            n_good += seen
            y[t] = unit * counts[t, j] if seen else zero
            good[t] = one if seen else zero
        theta[:] = zero if n_good >= LEAST else nan
        step(y, good, images, numbers, theta, True)  # a plain wave, then its crest
        theta[0] -= lower * math.sqrt(theta[2] * theta[2] + theta[3] * theta[3])
        theta[2], theta[3] = theta[2] * higher, theta[3] * higher
        for _ in range(STEPS):
            step(y, good, images, numbers, theta, False)
        maps[:, j] = theta


@njit(parallel=True, **COMPILED)
def fill(raw, images, numbers, guess, maps):
    """Clean and fit every line of raw (T, m, DARK + n) into maps (4, m, n)."""
    n_images, n = raw.shape[0], maps.shape[2]
    for i in prange(raw.shape[1]):
        counts, notes = np.empty((n_images, n), np.int16), np.empty(n, np.int32)
        for t in range(n_images):
            clean_line(raw[t, i], notes, counts[t])
        fit_line(counts, images, numbers, guess, maps[:, i])


def pipeline(raw, times):
    """Return the maps, all constants handed over in the dtype of times."""
    dtype, angle = times.dtype, 2 * np.pi * times
    images = np.stack([times, np.cos(angle), np.sin(angle)])
    series = [1 / math.factorial(k) for k in range(9)]  # of the exponential
    numbers = tuple(np.array([0, 1, WIDTH / 16, WIDTH, *series], dtype))
    maps = np.empty((4, raw.shape[1], raw.shape[2] - DARK), dtype)
    guess = tuple(np.array([0, 1, np.nan, SCALE, 0.7, 2.3], dtype))
    fill(raw, images, numbers, guess, maps)
    level, trend, a, b = maps
    peak = np.arctan2(b, a) / dtype.type(2 * np.pi) % 1
    return np.stack([level, trend, np.hypot(a, b), np.where(peak >= 1, 0, peak)])
