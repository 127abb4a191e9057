"""The gradient of the mean squared error of a linear model, (1/m) Σ (x[i]·w - y[i])².

The samples are x of shape (m, n) and y of shape (m,), the weights w of shape (n,), all
finite and of one floating dtype.  The gradient has the shape of w:
(2/m) Σ (x[i]·w - y[i]) x[i].
"""

from math import fsum

import numpy as np

from case_studies.work import Work

FEATURES = 20


def inputs(n, dtype="float64"):
    """Return x (n, 20), y (n,) and w (20,): noisy samples, weights not yet fitted."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal((n, FEATURES), dtype="float64").astype(dtype)
    true, w = rng.uniform(-1, 1, (2, FEATURES))
    y = x @ true + 0.1 * rng.standard_normal(n)
    return x, y.astype(dtype), w.astype(dtype)


def loss(x, y, w):
    """Return the mean squared error; x, y and w may be arrays of any library."""
    return ((x @ w - y) ** 2).mean()


def oracle(x, y, w):
    """Return the gradient, each sum exact to its last rounding: plain and slow."""
    rows, weights = x.tolist(), w.tolist()
    errors = [
        fsum([*(a * b for a, b in zip(row, weights, strict=True)), -target])
        for row, target in zip(rows, y.tolist(), strict=True)
    ]
    sums = [
        fsum(e * a for e, a in zip(errors, column, strict=True))
        for column in zip(*rows, strict=True)
    ]
    return np.array(sums) * (2 / len(rows))


def check(result, x, y, w):
    """Raise AssertionError unless `result` is the gradient, within rounding errors.

    It is expected to be (2/m) (xᵀx w - xᵀy) in float64: the normal equations, which no
    implementation uses.  Allowed is what rounding can do: an error r[i] is a sum of
    n + 1 terms, off by (n + 2) eps Σ|terms| at most; a sum of m products x[i, j] r[i]
    wanders off by about √m eps times their mean size, and four times that is allowed.
    """
    result = _vector(result, w)
    m, n = x.shape
    eps = float(np.finfo(x.dtype).eps)
    x, y, w = (a.astype("float64", copy=False) for a in (x, y, w))
    expected = (x.T @ x @ w - x.T @ y) * (2 / m)
    size = np.abs(x)
    in_errors = (n + 2) * (size.T @ (size @ np.abs(w) + np.abs(y)))
    in_sums = 4 * m**0.5 * (size.T @ np.abs(x @ w - y))
    allowed = (2 / m) * eps * (in_errors + in_sums)
    wrong = np.abs(result - expected) > allowed
    if not wrong.any():
        return
    j = int(np.argmax(np.abs(result - expected) / allowed))
    raise AssertionError(
        f"not the gradient: entry {j} is {result[j]:.10g}, expected {expected[j]:.10g} "
        f"to within {allowed[j]:.1e}" + _tip(result, expected, allowed)
    )


def work(x, y, w):
    """Return the least work: two products with x, which one read of x can serve."""
    m, n = x.shape
    return Work(4 * m * n + m, x.nbytes + y.nbytes + 2 * w.nbytes)


def _tip(result, expected, allowed):
    """Return what a wrong gradient looks like, if it is one of the usual ones."""
    known = {
        "half of it: the 2 of the square is missing": 0.5,
        "the way down: its sign is turned": -1.0,
    }
    for words, factor in known.items():
        if (np.abs(result - factor * expected) <= allowed).all():
            return f"; it is {words}"
    return ""


def _vector(result, w):
    """Return `result` in float64, if it can be a gradient with respect to w."""
    result = np.asarray(result)
    if result.shape != w.shape:
        raise AssertionError(
            f"expected an array of shape {w.shape}, got {result.shape}"
        )
    if result.dtype.kind != "f":
        raise AssertionError(f"expected floating-point numbers, got {result.dtype}")
    if not np.isfinite(result).all():
        raise AssertionError("expected finite numbers, got nan or inf")
    return result.astype("float64", copy=False)
