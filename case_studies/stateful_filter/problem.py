"""A filter with a memory and a branch: loud samples pull the state, quiet ones let go.

    s[t] = keep · s[t-1] + (1 - keep) · x[t]   where x[t] > threshold
    s[t] = decay · s[t-1]                      elsewhere, and s[-1] = 0

x has shape (n,), n > 0, finite, of a floating dtype; threshold ≥ 0 and keep, decay in
[1/2, 1) are numbers of that dtype.  So 0 ≤ s ≤ M, the largest |x|, and a step shrinks
the distance of two states by c = max(keep, decay) at least: the filter forgets.
"""

import math

import numpy as np

from case_studies.work import Work

BLOCK = 1 << 15  # samples that `check` looks at in one go: they stay in the cache


def inputs(n, dtype="float64"):
    """Return x (n,), normal noise, and threshold, keep and decay as its scalars."""
    x = np.random.default_rng(0).standard_normal(n, dtype=dtype)
    real = x.dtype.type
    return x, real(0.5), real(0.9), real(0.95)


def oracle(x, threshold, keep, decay):
    """Return all states (n,) by the definition, in Python's floats: plain and slow."""
    threshold, keep, decay = float(threshold), float(keep), float(decay)
    s, states = 0.0, []
    for value in x.tolist():
        s = keep * s + (1 - keep) * value if value > threshold else decay * s
        states.append(s)
    return np.array(states)


def memory(dtype, keep, decay):
    """Return after how many samples a state has lost all influence: c^samples ≤ eps."""
    return math.ceil(math.log(np.finfo(dtype).eps) / math.log(max(keep, decay)))


def bound(x, keep, decay):
    """Return how far a right answer may be from the exact one: M · eps · (2 + 1/(1-c)).

    A step computes keep·s, (1-keep)·x and their sum, each rounded by eps/2 of itself at
    most: together M·eps, as both products add up to M or less.  Later steps shrink
    that by c each, so all steps sum up to M·eps / (1-c).  Who starts from 0 in place of
    the true state, `memory` samples early, is off by M·c^memory ≤ M·eps besides.  The
    second eps is for the check, which rounds as well.
    """
    c = float(max(keep, decay))
    largest = float(max(x.max(), -x.min()))
    return largest * float(np.finfo(x.dtype).eps) * (2 + 1 / (1 - c))


def check(result, x, threshold, keep, decay):
    """Raise AssertionError unless each state follows from the one before, to 2 bounds.

    Two states within `bound` of the exact ones miss a step by 2 bounds at most, so no
    right answer is rejected.  And errors add up as roundings do: what passes is within
    2 bounds / (1-c) of the exact states.  It is the step that is judged, in float64.
    """
    states = _states(result, x)
    allowed = 2 * bound(x, keep, decay)
    threshold, keep, decay = float(threshold), float(keep), float(decay)
    before = 0.0
    for start in range(0, x.size, BLOCK):
        s = states[start : start + BLOCK].astype(float)
        v = x[start : start + BLOCK].astype(float)
        previous = np.concatenate([[before], s[:-1]])
        expected = np.where(
            v > threshold, keep * previous + (1 - keep) * v, decay * previous
        )
        error = np.abs(s - expected)
        if not error.max() <= allowed:  # NaN is not
            at = int(np.argmax(~(error <= allowed)))
            raise AssertionError(
                f"state {start + at:,} does not follow from the one before: from "
                f"{previous[at]:.9g} and sample {v[at]:.9g} expected {expected[at]:.9g}"
                f", got {s[at]:.9g}, {error[at]:.1e} apart, where {x.dtype} allows "
                f"{allowed:.1e}" + _tip(start + at, v[at], threshold, error[at])
            )
        before = s[-1]


def work(x, threshold, keep, decay):
    """Return the least work: compare, multiply twice, add; read x, write the states."""
    return Work(4 * x.size, 2 * x.nbytes)


def _states(result, x):
    """Return `result` as an array, if it is one of floats with the shape of x."""
    shape = getattr(result, "shape", None)
    if shape is None:
        kind = type(result).__name__
        raise AssertionError(f"expected an array of states, got {kind}")
    if shape != x.shape:
        raise AssertionError(
            f"expected a state for every sample, shape {x.shape}, got {shape}"
        )
    states = np.asarray(result)
    if states.dtype.kind != "f":
        raise AssertionError(f"expected floating-point states, got {states.dtype}")
    return states


def _tip(t, value, threshold, error):
    """Return what may have gone wrong, as the end of a sentence."""
    if error < 1e-5:
        return "; was it computed in float32, or started too late?"
    if t == 0:
        return "; the state before the first sample is 0"
    if value == threshold:
        return "; a sample equal to the threshold is quiet"
    return ""
