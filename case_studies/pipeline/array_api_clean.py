"""Offsets, defect pixels and clouds, for arrays of any library."""

from array_api_compat import array_namespace

from case_studies.pipeline.problem import CLOUD, DARK, MISSING, SPIKE


def clean(raw):
    """Return the counts without offset, int16 (T, m, n), MISSING where not good."""
    xp = array_namespace(raw)
    dark = xp.sort(raw[..., :DARK], axis=-1)[..., DARK // 2, None]
    y = xp.astype(raw[..., DARK:], xp.int32) - xp.astype(dark, xp.int32)
    n = y.shape[-1]
    if n < 5:
        raise ValueError(f"a line has {n} pixels; a median of five needs five of them")
    a, b, c, d, e = (y[..., k : n - 4 + k] for k in range(5))
    low = xp.maximum(xp.minimum(a, b), xp.minimum(c, d))
    high = xp.minimum(xp.maximum(a, b), xp.maximum(c, d))
    low, high = xp.minimum(low, high), xp.maximum(low, high)
    middle = xp.maximum(low, xp.minimum(high, e))  # of five: the one between the two
    first, last = middle[..., :1], middle[..., -1:]
    middle = xp.concat([first, first, middle, last, last], axis=-1)
    good = (xp.abs(y - middle) <= SPIKE) & (y <= CLOUD) & (y >= -SPIKE)
    return xp.astype(xp.where(good, y, xp.asarray(MISSING, dtype=y.dtype)), xp.int16)
