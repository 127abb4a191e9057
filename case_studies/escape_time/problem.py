"""How many steps z ← z² + c takes, from z = 0, until |z| > 2; at every point of a grid.

A grid is two vectors: x of shape (m,) and y of shape (n,), both of one floating dtype
and finite.  Its points are c = x[i] + y[j]·i, and the answer is an integer array
(m, n): the first k with |z_k| > 2, or `n_iterations` if none comes before that.  Points
that never escape form the Mandelbrot set.

So that "the same counts" has a meaning, `oracle` fixes the order of operations.  Other
orders round differently, and near the edge of the set the count hangs on a rounding:
`check` lets a count differ there, and there only.
"""

from functools import lru_cache

import numpy as np

from case_studies.work import Work

OPERATIONS = 7  # of a step; `work` says which
DIFFERENT = 0.01  # share of counts that other roundings may change; float32 needs 0.002


def inputs(n, dtype="float64"):
    """Return x and y, each (n,), of n × n points around the set, and 200 iterations."""
    x = np.linspace(-2.1, 0.6, n, dtype=dtype)
    y = np.linspace(-1.2, 1.2, n, dtype=dtype)
    return x, (y - y[::-1]) / 2, 200  # symmetric to the last bit, as the set is


def oracle(x, y, n_iterations):
    """Return the counts by their definition, in the dtype of x: plain and slow."""
    counts = np.zeros((x.size, y.size), np.int32)
    for i, j in np.ndindex(counts.shape):
        a = b = x.dtype.type(0)  # z = a + b·i
        while counts[i, j] < n_iterations and a * a + b * b <= 4:
            a, b = (a * a - b * b) + x[i], (a * b + a * b) + y[j]
            counts[i, j] += 1
    return counts


def counts_by_numpy(x, y, n_iterations):
    """Return the oracle's counts, bit for bit, in a second instead of a minute."""
    known = _counts(x.tobytes(), y.tobytes(), x.dtype.str, n_iterations)
    return known.reshape(x.size, y.size)


def check(result, x, y, n_iterations):
    """Raise AssertionError unless `result` holds the counts, up to roundings.

    A count may differ from the oracle's only where `possible` proves that a rounding
    can make the difference, and only one count in a hundred may differ at all.
    """
    _check_form(result, (x.size, y.size), n_iterations)
    result = np.asarray(result)
    expected = counts_by_numpy(x, y, n_iterations)
    different = result != expected
    if not different.any():
        return
    i, j = different.nonzero()
    low, high = possible(x[i] + 1j * y[j], n_iterations, np.finfo(x.dtype).eps)
    wrong = (result[i, j] < low) | (result[i, j] > high)
    tip = _tip(result, expected, n_iterations)
    if wrong.any():
        k = wrong.argmax()
        between = f"{low[k]}" if low[k] == high[k] else f"{low[k]} to {high[k]}"
        raise AssertionError(
            f"{wrong.sum():,} of {result.size:,} counts are wrong, the first at "
            f"[{i[k]}, {j[k]}], c = {x[i[k]]:.6g} + {y[j[k]]:.6g}i: expected "
            f"{between}, got {result[i[k], j[k]]}{tip}"
        )
    if len(i) > 1 + DIFFERENT * result.size:
        raise AssertionError(
            f"{len(i):,} of {result.size:,} counts differ from the definition, more "
            f"than roundings explain: expected {DIFFERENT:.0%} at most{tip}"
        )


def possible(c, n_iterations, eps):
    """Return the least and the greatest count that roundings of `eps` can lead to.

    Let z be the orbit computed here and z + d any other of the same c.  A step makes
    2zd + d² of d, and rounds; with u = eps/2, in whatever order, fused or not, that is
    at most u(5|z|² + 2|c|) for each of the two.  So a bound e of |d| grows as below.
    The other orbit cannot have left while |z| + e < 2, and must have once |z| - e > 2.
    Where e is no longer small, nothing is known any more.
    """
    c = np.asarray(c, np.complex128)
    low, high = np.full((2, c.size), n_iterations)
    at, z, e = np.arange(c.size), np.zeros_like(c), np.zeros(c.size)
    for k in range(n_iterations):
        size = np.abs(z)
        lost = e > 0.5
        may = lost | (size + e > 2 - 4 * eps)  # |z|² is rounded, too
        must = ~lost & (size - e > 2 + 4 * eps)
        low[at[may]] = np.minimum(low[at[may]], k)
        high[at[must]] = k
        at, c, z, e, size = (v[~(lost | must)] for v in (at, c, z, e, size))
        e = e * (2 * size + e) + 6 * eps * ((size + e) ** 2 + np.abs(c))
        z = z * z + c
    return low, high


def work(x, y, n_iterations):
    """Return the least work: 7 operations a step, one read of x and y, counts written.

    A step multiplies a·a, b·b and a·b, subtracts, doubles, adds x and y.  Whether |z|
    exceeds 2 need not be asked at every step, so asking is not counted.
    """
    steps = int(counts_by_numpy(x, y, n_iterations).sum())
    return Work(OPERATIONS * steps, x.nbytes + y.nbytes + 4 * x.size * y.size)


@lru_cache(maxsize=6)
def _counts(x, y, dtype, n_iterations):
    """Return the oracle's counts, flat; x and y are bytes, so that they can be kept."""
    x, y = np.frombuffer(x, dtype), np.frombuffer(y, dtype)
    points = x.size * y.size
    counts = np.full(points, n_iterations, np.int32)
    x, y = np.repeat(x, y.size), np.tile(y, x.size)
    at = (~_never_escapes(x, y)).nonzero()[0]  # of the points still on their way
    a, b, x, y = np.zeros_like(x[at]), np.zeros_like(y[at]), x[at], y[at]
    for k in range(n_iterations):
        aa, bb = a * a, b * b
        stay = aa + bb <= 4
        counts[at[~stay]] = k
        at, x, y = at[stay], x[stay], y[stay]
        ab = (a * b)[stay]
        a, b = (aa - bb)[stay] + x, (ab + ab) + y
    counts.flags.writeable = False
    return counts


def _never_escapes(x, y):
    """Return where a cycle of one or two points is known to attract the orbit of 0.

    The fixed point (1 - √(1-4c))/2 has the multiplier 1 - √(1-4c), the cycle of period
    two has 4(c + 1), and a cycle attracts where its multiplier is below 1 in size.
    Where it is near 1 it attracts so slowly that we let the orbit be computed.
    """
    c = x.astype(np.float64) + 1j * y
    return (np.abs(1 - np.sqrt(1 - 4 * c)) < 0.95) | (np.abs(4 * (c + 1)) < 0.95)


def _check_form(result, shape, n_iterations):
    """Raise AssertionError unless `result` is an integer array of this shape."""
    dtype = str(getattr(result, "dtype", type(result).__name__))
    if getattr(result, "shape", None) != shape:
        got = getattr(result, "shape", dtype)
        tip = "; is it transposed?" if got == shape[::-1] else ""
        raise AssertionError(f"expected an array of shape {shape}, got {got}{tip}")
    if "int" not in dtype:
        raise AssertionError(
            f"expected an array of integers, got {dtype}; counts are whole numbers"
        )
    low, high = int(result.min()), int(result.max())
    if low < 0 or high > n_iterations:
        raise AssertionError(
            f"expected counts from 0 to {n_iterations}, got {low} to {high}"
        )


def _tip(result, expected, n_iterations):
    """Return what may have gone wrong, where it is a usual mistake."""
    if np.mean(result == np.minimum(expected + 1, n_iterations)) > 0.9:
        return "; is every count one too high? z = 0 itself does not count"
    if np.mean(result == np.maximum(expected - 1, 0)) > 0.9:
        return "; is every count one too low? c itself counts as a step"
    if result.shape[0] == result.shape[1] and np.array_equal(result.T, expected):
        return "; it is the transpose: x goes down the rows, y along them"
    return ""
