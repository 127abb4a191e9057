"""Least squares for every pixel by Gauss-Newton steps, derivatives by JAX."""

import functools

import jax
import jax.numpy as jnp

from case_studies.pipeline.array_api_solve import solve
from case_studies.pipeline.problem import LEAST, MISSING, SCALE, WIDTH

STEPS = 4


def model(theta, when):
    """Return the reflectance; (a, b) points to the peak, its length is the height."""
    level, trend, a, b = theta
    t, cosine, sine = when
    amplitude = jnp.sqrt(a * a + b * b)
    course = jnp.exp(WIDTH * ((a * cosine + b * sine) / amplitude - 1))
    return level + trend * t + amplitude * course


def wave(theta, when):
    """Return a first guess, a plain wave: theta enters linearly."""
    level, trend, a, b = theta
    t, cosine, sine = when
    return level + trend * t + a * cosine + b * sine


def step(function, theta, y, when):
    """Return theta after a Gauss-Newton step, adding up image after image."""
    slope = jax.value_and_grad(function)
    pairs = [(p, q) for p in range(4) for q in range(p + 1)]

    def add(sums, image):
        count, at = image
        value, d = slope(theta, at)
        good = (count != MISSING).astype(value.dtype)
        rest = good * (count.astype(value.dtype) * SCALE - value)
        terms = [good * d[p] * d[q] for p, q in pairs] + [d[p] * rest for p in range(4)]
        return [s + term for s, term in zip(sums, terms, strict=True)], None

    zeros = [jnp.zeros_like(theta[0])] * 14
    sums, _ = jax.lax.scan(add, zeros, (y, when))
    products = dict(zip(pairs, sums, strict=False))
    matrix = [[products[max(p, q), min(p, q)] for q in range(4)] for p in range(4)]
    return [t + s for t, s in zip(theta, solve(matrix, sums[10:]), strict=True)]


def pixel(y, times):
    """Return level, trend, amplitude and peak of one pixel's counts y (T,)."""
    angle = 2 * jnp.pi * times
    when = times, jnp.cos(angle), jnp.sin(angle)
    level, trend, a, b = step(wave, [jnp.zeros_like(times[0])] * 4, y, when)
    theta = [level - 0.7 * jnp.hypot(a, b), trend, 2.3 * a, 2.3 * b]  # a narrower crest
    theta = jax.lax.fori_loop(0, STEPS, lambda _, th: step(model, th, y, when), theta)
    level, trend, a, b = theta
    peak = jnp.arctan2(b, a) / (2 * jnp.pi) % 1
    maps = jnp.stack([level, trend, jnp.hypot(a, b), jnp.where(peak >= 1, 0, peak)])
    return jnp.where((y != MISSING).sum() >= LEAST, maps, jnp.nan)


@jax.jit
def fit(counts, times):
    """Return the maps (4, m, n) of counts (T, m, n), int16: `pixel`, mapped twice."""
    lines = jax.vmap(pixel, in_axes=(1, None), out_axes=1)
    return jax.vmap(lines, in_axes=(1, None), out_axes=1)(counts, times)


@functools.lru_cache
def compiled(shape, dtype):
    """Return `fit` compiled for counts (T, m, n): it takes no other shape or dtype."""
    counts = jax.ShapeDtypeStruct(shape, "int16")
    return fit.lower(counts, jax.ShapeDtypeStruct(shape[:1], dtype)).compile()
