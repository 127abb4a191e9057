"""One long orbit of the quadratic map x ← αx(1 - x).

x0 is an array of one number between 0 and 1, in a floating dtype; alpha is a number
above 0, at most 4; n, at least 1, is how many states are wanted, the start among them.
Each state needs the one before: there is nothing to do side by side.

For most alpha above 3.57 the map is chaotic, so a difference in one rounding grows
until nothing is left of the orbit: at alpha = 4, in some 50 steps of float64, 20 of
float32.  So orbits come with one of two promises.  *Same bits*: each step is computed
as (alpha * x) * (1 - x), each operation rounded in the dtype of x0, and the orbit is
`oracle`'s, bit by bit.  *Same law*: each step follows the map to a few roundings, but
not those, so that the orbits part; their statistics are what they share.
"""

import numpy as np

from case_studies.work import Work

TOLERANCE = 8  # in units of the dtype's eps; `check` says why
EARLY = 256  # states within which an orbit may not come to rest; digits last for 53
CHUNK = 1 << 15  # states checked at a time: what is in between stays in the cache


def inputs(n, dtype="float64"):
    """Return x0 (1,), alpha and n for an orbit of n states in the chaotic regime."""
    return np.array([0.3], dtype), 4.0, n


def oracle(x0, alpha, n):
    """Return the orbit (n,) by its definition, number by number, in x0's dtype."""
    one, alpha = x0.dtype.type(1), x0.dtype.type(alpha)
    orbit = [x0[0]]
    while len(orbit) < n:
        orbit.append((alpha * orbit[-1]) * (one - orbit[-1]))
    return np.array(orbit, x0.dtype)


def check(result, x0, alpha, n):
    """Raise AssertionError unless `result` is an orbit of n states that starts at x0.

    Every step has to follow the map within 8 eps: this admits both promises above.  The
    tolerance is absolute, as 0 ≤ x ≤ 1.  A step as written errs by 1.5 eps at most, and
    so does the one computed here.  An orbit kept in other coordinates is rounded when
    it is brought back, by 1.5 eps at most, which the map stretches by at most 4, and
    most where the next state is near 0; with roundings of its own it stays below 7.5.

    One kind of orbit follows the map and is wrong all the same: out of digits (of an
    angle that was doubled at each step, say) it rests at an unstable point.  So an
    orbit is refused that does this early, where the oracle's does not.

    What has no dtype, a list or an array of Python's own, has to hold floats, which
    serve for float32, too, as Python has no others.
    """
    orbit = np.asarray(result)
    if orbit.shape != (n,):
        raise AssertionError(
            f"expected {n} states, got an array of shape {orbit.shape}"
        )
    if orbit.dtype != (x0.dtype if hasattr(result, "dtype") else np.float64):
        raise AssertionError(f"expected states of {x0.dtype}, got {orbit.dtype}")
    if orbit[0] != x0[0]:
        raise AssertionError(
            f"expected the start {x0[0]} as the first state, got {orbit[0]}"
        )
    real, allowed = x0.dtype.type, TOLERANCE * float(np.finfo(x0.dtype).eps)
    for start in range(0, n, CHUNK):
        states = orbit[start : start + CHUNK + 1].astype(np.float64)
        x = states[:-1]
        with np.errstate(all="ignore"):
            errors = np.abs(float(real(alpha)) * x * (1 - x) - states[1:])
        wrong = ~(errors <= allowed)  # NaN is wrong, too
        if wrong.any():
            raise AssertionError(_complaint(wrong.argmax(), start, states, alpha, real))
    early = min(n, EARLY)
    if _rests(orbit[:early], alpha) and not _rests(oracle(x0, alpha, early), alpha):
        raise AssertionError(
            f"the orbit came to rest at {orbit[early - 1]}, which is unstable: "
            "expected it to go on; has it run out of digits?"
        )


def work(x0, alpha, n):
    """Return the least work: two operations a step, and one write of the orbit.

    The formula has three, but in the coordinate z = α(½ - x) a step is z² + constant.
    """
    return Work(2 * (n - 1), (n + 1) * x0.itemsize)


def _rests(orbit, alpha):
    """Return whether the last two states are one, at a point that others move from."""
    slope = alpha * abs(1 - 2 * float(orbit[-1]))
    return orbit.size > 1 and orbit[-1] == orbit[-2] and slope > 1


def _complaint(i, start, states, alpha, real):
    """Return what is wrong with the step from states[i], state start + i of all."""
    x, got = states[i], states[i + 1]
    expected = float(real(alpha)) * x * (1 - x)
    allowed = TOLERANCE * float(np.finfo(real).eps)
    error = abs(got - expected)
    tip = ""
    if error <= TOLERANCE * np.finfo("float32").eps:
        tip = "; it is right in single precision: was it computed in float32?"
    return (
        f"not a step of the map: after state {start + i}, {x}, expected "
        f"{expected}, got {got}, {error:.1e} apart, where {np.dtype(real)} allows "
        f"{allowed:.1e}" + tip
    )
