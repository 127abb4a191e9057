"""Standardise the columns of a matrix, and return their variances as well.

x is (m, n), in C order, of one floating dtype, finite and not empty.  Column j has the
mean μ and the variance σ² = Σ (x - μ)² / m (divided by m, not m - 1).  Wanted is the
pair z, variances: z = (x - μ) / σ, column by column, of shape (m, n), and all σ², of
shape (n,), both in the dtype of x.  Every column of z then has mean 0 and variance 1.

A column of equal numbers has variance 0, and its z is 0.  A method that subtracts a
rounded mean gives that only where the mean is exact; one that first subtracts a number
of the column gives it always.
"""

import math

import numpy as np

from case_studies.work import Work

TOLERANCE = 8  # times √m eps and the condition of the column; `check` says why
ROWS_PER_COLUMN = 50
BLOCK = 1 << 17  # elements that `check` holds in float64 at a time: 1 MB


def inputs(n, dtype="float64"):
    """Return (x,), x a matrix of 50·n rows and n columns of varied level and spread.

    Read-only, so that nobody has to copy 400 MB to be sure of it.
    """
    rng = np.random.default_rng(0)
    x = rng.random((ROWS_PER_COLUMN * n, n), dtype=dtype)
    x *= rng.uniform(1, 4, n).astype(dtype)  # variance 1/12 to 4/3
    x += rng.uniform(-4, 4, n).astype(dtype)
    x.flags.writeable = False
    return (x,)


def oracle(x):
    """Return z and variances by their definition, in exact sums: plain and slow."""
    z, variances = np.zeros_like(x), np.zeros_like(x[0])
    for j, column in enumerate(x.T.tolist()):
        mean = math.fsum(column) / len(column)
        variance = math.fsum((v - mean) ** 2 for v in column) / len(column)
        if min(column) < max(column):
            z[:, j] = [(v - mean) / math.sqrt(variance) for v in column]
            variances[j] = variance
    return z, variances


def moments(x):
    """Return means and variances of the columns in float64, nearly exact.

    Twice over the rows: a first mean, then the sums of what is left of it and of its
    square.  The first sum corrects the mean and the variance.
    """
    first = sum(rows.sum(axis=0, dtype=float) for rows in _blocks(x)) / len(x)
    rest, squares = np.zeros((2, x.shape[1]))
    for rows in _blocks(x):
        rows = rows - first  # float64 whatever x is
        rest += rows.sum(axis=0)
        squares += np.einsum("ij,ij->j", rows, rows)
    rest /= len(x)
    variances = np.maximum(squares / len(x) - rest**2, 0)
    variances[(x == x[0]).all(axis=0)] = 0
    return first + rest, variances


def check(result, x):
    """Raise AssertionError unless `result` is z and variances, all of z, within bounds.

    A sum of m numbers added one after the other is off by about √m eps / 2 of their
    size, when roundings go either way.  So a mean is off by that many √(μ² + σ²), which
    in units of σ is the condition √(1 + μ²/σ²) of the column; a variance is off by as
    much, relative to itself.  TOLERANCE leaves room for the roundings after that.  In
    float32 that hides from some thousand rows on whether m or m - 1 was divided by.
    """
    z, variances = _matrix_and_vector(result, x)
    means, expected = moments(x)
    some = np.where(expected > 0, expected, 1)
    condition = np.sqrt(1 + means**2 / some)
    loss = TOLERANCE * math.sqrt(len(x)) * float(np.finfo(x.dtype).eps) * condition
    _judge_variances(variances, expected, loss, len(x))
    deviations = np.sqrt(some)
    for start, rows in zip(_starts(x), _blocks(x), strict=True):
        right = np.where(expected > 0, (rows - means) / deviations, 0)
        error = np.abs(z[start : start + len(rows)] - right)
        if not (error <= loss * (1 + np.abs(right))).all():  # not: NaN is wrong too
            excess = error - loss * (1 + np.abs(right))
            i, j = np.unravel_index(np.argmax(excess), excess.shape)
            got = float(z[start + i, j])
            raise AssertionError(
                f"not the standardised matrix: z[{start + i}, {j}], expected "
                f"{right[i, j]:.9g}, got {got:.9g}, {error[i, j]:.1e} apart, where "
                f"{x.dtype} allows {loss[j] * (1 + abs(right[i, j])):.1e}"
                + _tip_for_z(z, x, means, right[i, j], got)
            )


def work(x):
    """Return the least work: x read once, z and the variances written once.

    An element of x costs an addition for the mean; a subtraction, a square and an
    addition for the variance; a subtraction and a multiplication for z (6).  No method
    here reads x once only, unless x fits a cache: z needs a mean that needs all of x.
    """
    return Work(6 * x.size, 2 * x.nbytes + x.shape[1] * x.itemsize)


def _starts(x):
    return range(0, len(x), max(1, BLOCK // x.shape[1]))


def _blocks(x):
    """Yield x some rows at a time."""
    step = max(1, BLOCK // x.shape[1])
    return (x[start : start + step] for start in _starts(x))


def _matrix_and_vector(result, x):
    """Return z and variances as arrays, if `result` is a pair of the right form."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise AssertionError(
            f"expected the pair (z, variances), got {type(result).__name__}"
        )
    pair = []
    for name, array, shape in zip(
        ("z", "variances"), result, (x.shape, x.shape[1:]), strict=True
    ):
        array = np.asarray(array)
        if array.shape != shape:
            raise AssertionError(
                f"expected {name} of shape {shape}, got shape {array.shape}"
            )
        if array.dtype != x.dtype:
            raise AssertionError(
                f"expected {name} in {x.dtype}, the dtype of x, got {array.dtype}"
            )
        pair.append(array)
    return pair


def _judge_variances(got, expected, loss, m):
    """Raise AssertionError unless `got` is `expected`, within `loss` of it."""
    error = np.abs(got.astype(float) - expected)
    wrong = ~(error <= loss * expected)
    if not wrong.any():
        return
    j = int(wrong.argmax())
    tips = {
        "; that is the standard deviation": np.sqrt(expected),
        "; that is Σ (x - μ)² / (m - 1), with ddof=1": expected * m / max(m - 1, 1),
        "; that is the variance of z, not of x": np.ones_like(expected),
        "; that is Σ (x - μ)², not divided by m": expected * m,
    }
    tip = (
        words for words, v in tips.items() if np.allclose(got, v, rtol=loss.max() / 2)
    )
    raise AssertionError(
        f"not the variances: column {j}, expected {expected[j]:.9g}, got {got[j]:.9g}, "
        f"where {got.dtype} allows {loss[j] * expected[j]:.1e}" + next(tip, "")
    )


def _tip_for_z(z, x, means, expected, got):
    """Return what a wrong z looks like, or ""."""
    if not math.isfinite(got):
        return "; was something divided by a deviation of 0?"
    if np.array_equal(z[0], x[0]):
        return "; that is x itself"
    if np.allclose(z[0], x[0] - means, rtol=1e-3, atol=1e-3):
        return "; it is centred, but not divided by the deviation"
    if abs(got + expected) < 1e-3 * abs(expected):
        return "; the sign is turned"
    return ""
