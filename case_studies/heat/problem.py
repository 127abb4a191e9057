"""Heat on a plate: n_steps of an explicit scheme for the diffusion equation.

The plate is a grid u of shape (m, n) and a floating dtype, finite and not empty.  Its
border is held at its temperatures; in one step every other point takes on

    (1 - 4r) u[i, j] + r (u[i-1, j] + u[i+1, j] + u[i, j-1] + u[i, j+1])

of the values before the step.  The number r (conductivity times time step over spacing
squared) is in 0 < r ≤ ¼, where the scheme is stable: a mean of five, with weights ≥ 0.
Weights are computed in Python's floats, then rounded to the dtype of u.
"""

import functools
import math

import numpy as np

from case_studies.work import Work

R = 0.24  # nearly ¼: fast ripples turn over at each step, and last
STEPS = 100
A_STEP, AT_ALL = 5, 50  # tolerance in units of eps · max|u|; `check` says why


def inputs(n, dtype="float64"):
    """Return u, (n, n), r and n_steps: noise, which has every wave length, on a slope.

    The slope has no symmetry that could hide a mistake, and keeps u away from zero.
    """
    slope = np.linspace(0, 2, n)[:, None] + np.linspace(0, 1, n)
    noise = np.random.default_rng(0).random((n, n))
    return (slope + noise).astype(dtype), R, STEPS


def oracle(u, r, n_steps):
    """Return the plate after n_steps by its definition, in Python's floats: slow."""
    now = u.tolist()
    for _ in range(n_steps):
        before, now = now, [row.copy() for row in now]
        for i in range(1, len(now) - 1):
            for j in range(1, len(now[0]) - 1):
                around = before[i - 1][j] + before[i + 1][j]
                around = around + before[i][j - 1] + before[i][j + 1]
                now[i][j] = (1 - 4 * r) * before[i][j] + r * around
    return np.array(now, u.dtype)


def modes(u, r, n_steps):
    """Return the plate after n_steps in closed form, in float64, without any step.

    Inside the border, the products of a sine along each side are the eigenvectors of a
    step: it multiplies each by 1 - d, with d = 4r (sin²(kh) + sin²(lh')).  What the
    border sends in at each step adds up as a geometric series, 1 + (1-d) + (1-d)² + ….
    Its tables of sines have m² and n² entries: for sides of up to some thousand points.
    """
    result = u.astype("float64")
    m, n = u.shape
    if m < 3 or n < 3:
        return result
    (rows, row_decay), (columns, column_decay) = _sines(m), _sines(n)
    d = 4 * r * (row_decay[:, None] + column_decay)
    left = (1 - d) ** n_steps
    slow = np.minimum(d, 0.5)  # where 1 - left would lose digits
    series = np.where(d < 0.5, -np.expm1(n_steps * np.log1p(-slow)), 1 - left) / d
    strengths = left * (rows @ result[1:-1, 1:-1] @ columns)
    top, bottom, first, last = _sides(result)
    border = rows[:, :1] * (top @ columns) + rows[:, -1:] * (bottom @ columns)
    border += (rows @ first)[:, None] * columns[0] + (rows @ last)[:, None] * columns[
        -1
    ]
    strengths += r * series * border
    result[1:-1, 1:-1] = rows @ strengths @ columns
    return result


def check(result, u, r, n_steps):
    """Raise AssertionError unless `result` is the plate after n_steps, to rounding.

    In each step the two weights, two products and four sums are rounded: in any order
    of operations that is at most 5 eps of the largest |u|, and as a step takes means,
    it never makes an earlier error larger.  Another 50 eps are left to the closed form,
    which was never more than 25 off where no step was taken, up to 2,000 points a side.
    """
    result = _plate(result, u)
    for ours, theirs in zip(_sides(result), _sides(u), strict=True):
        if not np.array_equal(ours, theirs):
            raise AssertionError(
                "the border has changed: expected the first and last row and column "
                f"of u as they were, got {_few(ours)} where u has {_few(theirs)}; tip: "
                "is the border in the new array too, and who writes into it?"
            )
    expected = _remembered_modes(u.tobytes(), u.dtype.str, u.shape, r, n_steps)
    error = np.abs(result - expected)
    allowed = _allowed(u, n_steps, u.dtype)
    if error.max() <= allowed:
        return
    i, j = map(int, np.unravel_index(error.argmax(), error.shape))
    wrong = int((error > allowed).sum())
    raise AssertionError(
        f"not the plate after {n_steps} steps: expected {expected[i, j]:.8g} at "
        f"[{i}, {j}], got {result[i, j]:.8g}; {wrong} of {error.size} points are off "
        f"by more than {u.dtype} allows, {allowed:.1e}"
        f"; tip: {_tip(result, u, r, n_steps, error.max())}"
    )


def work(u, r, n_steps):
    """Return the least work: six operations a point and step; u in, the result out.

    That is what a plate in cache from the first step to the last would need.  A method
    that goes through memory at every step moves n_steps times as many bytes.
    """
    m, n = u.shape
    return Work(6 * max(m - 2, 0) * max(n - 2, 0) * n_steps, 2 * u.nbytes)


@functools.lru_cache(maxsize=2)
def _sines(m):
    """Return the orthogonal matrix of the m - 2 inner sines, and sin² of half angles.

    It is symmetric and its own inverse.
    """
    k = np.arange(1, m - 1)
    turn = np.sin(np.pi / (m - 1) * np.arange(2 * (m - 1)))  # angles below a full turn
    matrix = math.sqrt(2 / (m - 1)) * turn[np.outer(k, k) % turn.size]
    return matrix, np.sin(np.pi / (2 * (m - 1)) * k) ** 2


@functools.lru_cache(maxsize=1)
def _remembered_modes(data, dtype, shape, r, n_steps):
    """Return `modes` of an array's bytes: a comparison asks many times for the same."""
    return modes(np.frombuffer(data, dtype).reshape(shape), r, n_steps)


def _plate(result, u):
    """Return `result` as an array, if it is one of the shape and dtype of u, finite."""
    dtype, shape = getattr(result, "dtype", None), getattr(result, "shape", None)
    if dtype is None or shape is None:
        kind = type(result).__name__
        raise AssertionError(f"expected an array of shape {u.shape}, got {kind}")
    if tuple(shape) != u.shape:
        raise AssertionError(f"expected an array of shape {u.shape}, got {shape}")
    if dtype != u.dtype:
        raise AssertionError(f"expected {u.dtype}, the dtype of u, got {dtype}")
    result = np.asarray(result)
    if not np.isfinite(result).all():
        raise AssertionError("expected finite numbers, got nan or inf among them")
    return result


def _sides(u):
    """Return the first and last row, first and last column without their corners."""
    return u[0, 1:-1], u[-1, 1:-1], u[1:-1, 0], u[1:-1, -1]


def _allowed(u, n_steps, dtype):
    """Return the largest error that `dtype` excuses."""
    scale = float(np.abs(u).max()) * float(np.finfo(dtype).eps)
    return (A_STEP * n_steps + AT_ALL) * scale


def _few(values):
    return np.array2string(values[:3], precision=4)


def _tip(result, u, r, n_steps, error):
    """Return a guess what went wrong."""
    if error <= _allowed(u, n_steps, "float32"):
        return "it is right in single precision: was it computed in float32?"
    allowed = _allowed(u, n_steps, u.dtype)
    for other, words in ((n_steps - 1, "few"), (n_steps + 1, "many")):
        if other >= 0 and np.abs(result - modes(u, r, other)).max() <= allowed:
            return f"these are {other} steps, one too {words}"
    return "does every value come from before the step, and from its four neighbours?"
