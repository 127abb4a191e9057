"""Many orbits of the quadratic map x ← αx(1 - x): where each is after n_steps.

x0 and alpha are vectors (m,) of one floating dtype, x0 between 0 and 1, alpha above 0
and at most 4.  An orbit knows nothing of the others.  Drawn over alpha, the final
states are the picture of the map's bifurcations.

An implementation that computes each step as (alpha * x) * (1 - x), every operation
rounded in the dtype of x0, has the *same bits* as `oracle`.  One that rounds otherwise,
because it fuses a multiplication with an addition, say, follows the *same law*: orbits
that settle down agree to a few digits less than all, chaotic ones only as a crowd.
"""

import numpy as np

from case_studies.work import Work

N_STEPS = 1_000
ROUNDING = 8  # eps by which a step may err, of two implementations taken together
KNOWN = 0.01  # a state that roundings could carry farther is not compared
CROWD = 3.0  # in units of √(2/k) for k states; two samples of one law: 1 in 10⁷ exceeds
BLOCK = 4_096  # orbits at a time, so that they stay in the cache


def inputs(n, dtype="float64"):
    """Return x0 (n,), alpha (n,) and the number of steps.

    The alphas are in no order, so that orbits that settle down (alpha below 3.57, and
    windows above) lie among chaotic ones: whatever range of orbits is left out or
    computed twice, some of them show it.  The first and the last have alpha = 1, where
    x falls like 1/t: they count the steps.
    """
    rng = np.random.default_rng(4)
    x0, alpha = rng.uniform(0.05, 0.95, n), rng.uniform(2.8, 4, n)
    alpha[[0, -1]] = 1
    return x0.astype(dtype), alpha.astype(dtype), N_STEPS


def oracle(x0, alpha, n_steps):
    """Return the final states (m,) by the definition, a block of orbits at a time."""
    final, rest = x0.copy(), np.empty(BLOCK, x0.dtype)
    for start in range(0, x0.size, BLOCK):
        x, a = final[start : start + BLOCK], alpha[start : start + BLOCK]
        for _ in range(n_steps):
            np.subtract(1, x, out=rest[: x.size])
            np.multiply(a, x, out=x)
            np.multiply(x, rest[: x.size], out=x)
    return final


def reach(x0, alpha, n_steps):
    """Return how far (m,) roundings can have carried each final state, 1 at most.

    Where two computed orbits are e apart at x, they are (α|1 - 2x| + αe) e apart one
    step later, at most, plus what both have rounded.  Followed along an orbit, this
    bounds the distance of any other computed one.  It stays small where the map
    contracts, and reaches 1 within some 50 steps of a chaotic orbit.
    """
    step = ROUNDING * float(np.finfo(x0.dtype).eps)
    bounds = np.zeros(x0.size)
    for start in range(0, x0.size, BLOCK):
        e, x = bounds[start : start + BLOCK], x0[start : start + BLOCK]
        a = alpha[start : start + BLOCK]
        for _ in range(n_steps):
            e *= np.abs(a - 2 * a * x) + a * e
            e += step
            np.minimum(e, 1, out=e)
            x = a * x * (1 - x)
    return bounds


def check(result, x0, alpha, n_steps):
    """Raise AssertionError unless `result` is where the orbits are after n_steps.

    The bits of `oracle` are right.  Other bits are judged in two parts.  An orbit whose
    `reach` is small has to be within it of the oracle's: roundings explain no more.
    The others have forgotten their start, so no number can be demanded of them; they
    have to lie where the map can lead, from 0 to α/4, and to be spread like the
    oracle's.  The distributions of k such states may differ by 3√(2/k) (Kolmogorov and
    Smirnov's distance), which chance exceeds less often than once in ten million times.
    """
    final = np.asarray(result)
    if final.shape != x0.shape:
        raise AssertionError(
            f"expected one state an orbit, {x0.size} in all, got an array of shape "
            f"{final.shape}"
        )
    if final.dtype != x0.dtype:
        raise AssertionError(f"expected states of {x0.dtype}, got {final.dtype}")
    expected = oracle(x0, alpha, n_steps)
    if np.array_equal(final, expected):
        return
    bounds = reach(x0, alpha, n_steps)
    known = bounds < KNOWN
    _same_numbers(final, expected, bounds, known, alpha)
    _same_crowd(final[~known], expected[~known], alpha[~known])


def work(x0, alpha, n_steps):
    """Return the least work: two operations a step, starts and alphas read once.

    The formula has three, but in the coordinate z = α(½ - x) a step is z² + constant.
    """
    return Work(2 * x0.size * n_steps, 3 * x0.nbytes)


def _same_numbers(final, expected, bounds, known, alpha):
    """Raise AssertionError unless states are as near as roundings leave them."""
    errors = np.abs(final.astype(np.float64) - expected)
    wrong = known & ~(errors <= bounds)  # NaN is wrong, too
    if not wrong.any():
        return
    i = int(wrong.argmax())
    tip = ""
    if np.median(errors[wrong]) < 1e-5 and final.dtype == np.float64:
        tip = "; was it computed in float32?"
    raise AssertionError(
        f"{wrong.sum()} of {known.sum()} orbits that settle down are elsewhere: for "
        f"orbit {i}, alpha {alpha[i]}, expected {expected[i]}, got {final[i]}, "
        f"{errors[i]:.1e} apart, where roundings explain {bounds[i]:.1e}" + tip
    )


def _same_crowd(final, expected, alpha):
    """Raise AssertionError unless chaotic states are possible, spread as expected."""
    top = alpha.astype(np.float64) / 4 + ROUNDING * np.finfo(final.dtype).eps
    outside = ~((final >= 0) & (final <= top))
    if outside.any():
        i = int(outside.argmax())
        raise AssertionError(
            f"{outside.sum()} chaotic orbits are where the map leads none: for alpha "
            f"{alpha[i]}, expected a state from 0 to {alpha[i] / 4}, got {final[i]}"
        )
    if not final.size:
        return
    ours, theirs = np.sort(final), np.sort(expected)
    every = np.concatenate([ours, theirs])
    apart = ours.searchsorted(every, "right") - theirs.searchsorted(every, "right")
    distance, allowed = (
        np.abs(apart).max() / final.size,
        CROWD * (2 / final.size) ** 0.5,
    )
    if distance > allowed:
        raise AssertionError(
            f"{final.size} chaotic orbits are not spread as they should be: expected "
            f"distributions at most {allowed:.3f} apart, got {distance:.3f}"
        )
