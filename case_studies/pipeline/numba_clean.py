"""Offsets, defect pixels and clouds in one pass over each line, compiled."""

import numpy as np
from numba import njit

from case_studies.pipeline.problem import CLOUD, DARK, MISSING, SPIKE


@njit(nogil=True)
def median(values):
    """Return which of a few values, an odd number, is in their middle."""
    half, middle = values.size // 2, values[0]
    for a in values:
        below = above = 0
        for b in values:
            below += b < a
            above += b > a
        if below <= half and above <= half:
            middle = a
    return middle


@njit(nogil=True)
def kept(y, middle):
    """Return a count, or MISSING if it is none of the ground."""
    good = (abs(y - middle) <= SPIKE) & (y <= CLOUD) & (y >= -SPIKE)
    return y if good else MISSING


@njit(nogil=True)
def clean_line(raw, y, out):
    """Write a line's counts without its offset into out (n,); y (n,) is for notes."""
    offset = np.int32(median(raw[:DARK]))
    n = y.size
    for j in range(n):
        y[j] = np.int32(raw[DARK + j]) - offset
    for j in range(n - 4):
        a, b, c, d, e = y[j], y[j + 1], y[j + 2], y[j + 3], y[j + 4]
        low = max(min(a, b), min(c, d))
        high = min(max(a, b), max(c, d))
        middle = max(min(low, high), min(max(low, high), e))
        out[j + 2] = kept(c, middle)
        if j == 0:
            out[0], out[1] = kept(a, middle), kept(b, middle)
        if j == n - 5:
            out[n - 2], out[n - 1] = kept(d, middle), kept(e, middle)


@njit(nogil=True)
def clean_lines(raw, out):
    """Clean every line of raw (T, m, DARK + n) into out (T, m, n)."""
    y = np.empty(out.shape[2], np.int32)
    for t in range(raw.shape[0]):
        for i in range(raw.shape[1]):
            clean_line(raw[t, i], y, out[t, i])


def aligned(shape, dtype):
    """Return an empty array whose first byte is where JAX can use it in place."""
    dtype = np.dtype(dtype)
    spare = np.empty(int(np.prod(shape)) * dtype.itemsize + 64, np.uint8)
    start = -spare.ctypes.data % 64
    return spare[start : spare.size - 64 + start].view(dtype).reshape(shape)


def clean(raw, lines=None):
    """Return counts as `array_api_clean` does, the same bits; missing up to `lines`."""
    n_images, m, n = raw.shape[0], raw.shape[1], raw.shape[2] - DARK
    if n < 5:
        raise ValueError(f"a line has {n} pixels; a median of five needs five of them")
    out = aligned((n_images, lines or m, n), np.int16)
    out[:, m:] = MISSING
    clean_lines(raw, out[:, :m])
    return out
