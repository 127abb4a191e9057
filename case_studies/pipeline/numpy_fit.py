"""Least squares for many pixels by Gauss-Newton steps, derivatives by hand."""

import numpy as np

from case_studies.pipeline.array_api_solve import solve
from case_studies.pipeline.problem import LEAST, MISSING, SCALE, WIDTH

STEPS = 4


def step(rows, rest, good):
    """Return what to add to theta: `rows` are derivatives (T, k), four of them."""
    weighted = [row * good for row in rows]
    matrix = [[None] * 4 for _ in range(4)]
    for p in range(4):
        for q in range(p + 1):
            product = np.einsum("tk,tk->k", weighted[p], rows[q])
            matrix[p][q] = matrix[q][p] = product
    return solve(matrix, [np.einsum("tk,tk->k", row, rest) for row in weighted])


def fit(counts, times):
    """Return the maps (4, k) of counts (T, k), int16."""
    good = (counts != MISSING).astype(times.dtype)
    y = counts * times.dtype.type(SCALE)
    t, angle = times[:, None], 2 * np.pi * times[:, None]
    cosine, sine = np.cos(angle), np.sin(angle)
    ones = np.ones_like(y)
    rows = [ones, ones * t, ones * cosine, ones * sine]
    with np.errstate(invalid="ignore", divide="ignore"):  # where too few are left
        level, trend, a, b = step(rows, y, good)  # a plain wave, for a start
        level, a, b = level - 0.7 * np.hypot(a, b), 2.3 * a, 2.3 * b
        for _ in range(STEPS):
            amplitude = np.hypot(a, b)
            u, v = a / amplitude, b / amplitude
            along = u * cosine + v * sine
            course = np.exp(WIDTH * (along - 1))
            rest = y - (level + trend * t + amplitude * course)
            rows[2] = course * (u + WIDTH * (cosine - along * u))
            rows[3] = course * (v + WIDTH * (sine - along * v))
            change = step(rows, rest, good)
            level, trend, a, b = (
                th + d for th, d in zip((level, trend, a, b), change, strict=True)
            )
        peak = np.arctan2(b, a) / times.dtype.type(2 * np.pi) % 1
    maps = np.stack([level, trend, np.hypot(a, b), np.where(peak >= 1, 0, peak)])
    return np.where(good.sum(axis=0) >= LEAST, maps, np.nan).astype(times.dtype)
