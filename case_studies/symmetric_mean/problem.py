"""The column means of x + xᵀ, for an n × n matrix x that nobody has to hold.

x is given by a rule.  Row i is the sequence SplitMix64 (Steele, Lea and Flood, 2014)
that starts at keys[i]: its element j adds j + 1 times GOLDEN to the key, modulo 2⁶⁴,
and mixes the bits by two rounds of MIX and a last shift.  The leading bits of that, as
many as the dtype has digits, times `unit`, are x[i, j], uniform in [0, 1).  So every
element can be made alone, again and in any order: a random number by its place.
"""

import math

import numpy as np

from case_studies.work import Work

ROOT_SEED = 2026
GOLDEN = 0x9E3779B97F4A7C15  # 2⁶⁴ divided by the golden ratio, odd
MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))  # shift, then factor
LAST_SHIFT = 31
AT_ONCE = 32_768  # elements that `block` keeps in cache
WHOLE = 1_500  # up to this size `check` sums all of x,
SAMPLES = 200  # beyond it so many columns, and looks at how far the others stray
Z = 7  # standard deviations: chance takes one column in 10¹¹ farther
A_ROOT, AT_ALL = 2, 8  # in units of eps; `check` says why


def inputs(n, dtype="float64"):
    """Return the keys of n rows (n,), uint64, and `unit`, the step between elements."""
    keys = np.random.SeedSequence(ROOT_SEED).generate_state(n, np.uint64)
    return keys, np.dtype(dtype).type(2.0 ** -digits(dtype))


def digits(dtype):
    """Return how many binary digits an element has: 53 in float64, 24 in float32."""
    return np.finfo(dtype).nmant + 1


def block(keys, columns, unit):
    """Return x in the rows of `keys` (m,) and in `columns`, integers (k,): (m, k).

    A few rows at a time, in place, so that the fifteen passes stay in cache.
    """
    x = np.empty((len(keys), len(columns)), unit.dtype)
    steps = (columns.astype(np.uint64) + np.uint64(1)) * np.uint64(GOLDEN)
    rows = max(1, AT_ONCE // max(len(columns), 1))
    buffers = np.empty((2, rows, len(columns)), np.uint64)
    for top in range(0, len(keys), rows):
        some = keys[top : top + rows, None]
        z, shifted = buffers[:, : len(some)]
        np.add(some, steps, out=z)
        for shift, factor in MIX:
            np.right_shift(z, np.uint64(shift), out=shifted)
            z ^= shifted
            z *= np.uint64(factor)
        np.right_shift(z, np.uint64(LAST_SHIFT), out=shifted)
        z ^= shifted
        z >>= np.uint64(64 - digits(unit.dtype))
        out = x[top : top + rows]
        out[...] = z.view(np.int64)  # exact: no more digits than the dtype has
        out *= unit
    return x


def oracle(keys, unit):
    """Return the column means by their definition, in Python's integers: slow."""
    drop, seeds = 64 - digits(unit.dtype), keys.tolist()
    n = len(seeds)
    x = [[_bits(key, j) >> drop for j in range(n)] for key in seeds]
    sums = [sum(x[i][j] + x[j][i] for i in range(n)) for j in range(n)]
    return (np.array([float(s) for s in sums]) * float(unit) / n).astype(unit.dtype)


def check(result, keys, unit):
    """Raise AssertionError unless `result` holds the column means of x + xᵀ, (n,).

    Up to WHOLE columns all are summed again, in float64.  Of more, the first, the last
    and one in each of SAMPLES stretches, so that no slip of 2 n / SAMPLES neighbours is
    missed; none may stray from 1, the sum of two uniform numbers' means, by more than Z
    standard deviations, √(1 / 6n) each.

    Adding n numbers one by one rounds a sum of about k at step k by up to k·eps/2,
    either way: √n·eps/6 of the mean is usual, and 2 √n·eps + 8 eps allowed.
    """
    means, n = _means(result, keys, unit), len(keys)
    picked = np.arange(n)
    if n > WHOLE:
        within = np.random.default_rng(n).random(SAMPLES)
        stretches = (np.arange(SAMPLES) + within) * n / SAMPLES
        picked = np.unique([0, n - 1, *stretches.astype(int)])
        stray = np.abs(means - 1).argmax()
        if abs(means[stray] - 1) > Z / math.sqrt(6 * n):
            raise AssertionError(
                f"not the column means of x + xᵀ: column {stray} of {n:,} has "
                f"{means[stray]:.6g}, where chance keeps all near 1"
            )
    expected = _some_means(keys, picked, unit)
    error = np.abs(means[picked] - expected)
    allowed = (A_ROOT * math.sqrt(n) + AT_ALL) * float(np.finfo(unit.dtype).eps)
    if error.max() <= allowed:
        return
    worst = error.argmax()
    raise AssertionError(
        f"not the column means of x + xᵀ: column {picked[worst]} of {n:,} should be "
        f"{expected[worst]:.9g}, got {means[picked[worst]]:.9g}, {error.max():.1e} "
        f"apart, where {unit.dtype} allows {allowed:.1e}; "
        + _tip(means[picked], expected, keys, picked, unit, allowed)
    )


def work(keys, unit):
    """Return the least work: each element added to a row and a column, keys, means.

    The integers that make an element are not counted, nor is a scale, taken at the end.
    """
    return Work(2 * len(keys) ** 2, keys.nbytes + len(keys) * unit.itemsize)


def _bits(key, j):
    """Return the 64 mixed bits of element j of the row that starts at `key`."""
    z = (key + (j + 1) * GOLDEN) % 2**64
    for shift, factor in MIX:
        z = (z ^ z >> shift) * factor % 2**64
    return z ^ z >> LAST_SHIFT


def _sums(keys, columns, unit, axis):
    """Return sums of x over an axis, in float64, by a second way: step after step."""
    z = np.add.outer(keys, (columns.astype(np.uint64) + 1) * np.uint64(GOLDEN))
    for shift, factor in MIX:
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    z = (z ^ (z >> np.uint64(LAST_SHIFT))) >> np.uint64(64 - digits(unit.dtype))
    return z.sum(axis=axis, dtype="float64") * float(unit)


def _some_means(keys, columns, unit):
    """Return the means of some columns of x + xᵀ, in float64."""
    every = np.arange(len(keys))
    down = [_sums(keys, columns[k : k + 8], unit, 0) for k in range(0, len(columns), 8)]
    rows = keys[columns]
    across = [_sums(rows[k : k + 8], every, unit, 1) for k in range(0, len(rows), 8)]
    return (np.concatenate(down) + np.concatenate(across)) / len(keys)


def _means(result, keys, unit):
    """Return `result` as an array, if it is one of n finite numbers of our dtype."""
    shape, dtype = getattr(result, "shape", None), getattr(result, "dtype", None)
    if shape is None or dtype is None:
        kind = type(result).__name__
        raise AssertionError(f"expected an array of {len(keys):,} means, got {kind}")
    if tuple(shape) != keys.shape:
        raise AssertionError(f"expected a mean a column, {keys.shape}, got {shape}")
    if dtype != unit.dtype:
        raise AssertionError(f"expected {unit.dtype}, the dtype of unit, got {dtype}")
    means = np.asarray(result)
    if not np.isfinite(means).all():
        raise AssertionError("expected finite means, got nan or inf among them")
    return means


def _tip(means, expected, keys, columns, unit, allowed):
    """Return a guess what went wrong."""
    if np.abs(means * len(keys) - expected).max() <= 2 * allowed:
        return "it was divided by n twice"
    if np.abs(means / len(keys) - expected).max() <= 2 * allowed:
        return "these are sums: divide by n"
    if np.abs(means - expected).max() <= 64 * float(np.finfo("float32").eps):
        return "it is right in single precision: was it computed in float32?"
    for axis, words in ((0, "x"), (1, "xᵀ")):
        some = (keys, columns) if axis == 0 else (keys[columns], np.arange(len(keys)))
        if np.abs(means - _sums(*some, unit, axis) / len(keys)).max() <= allowed:
            return f"these are the column means of {words} alone"
    return "is every block added to its transposed partner, and counted once?"
