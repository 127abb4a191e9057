"""Every implementation of quadratic_map gives an orbit of the map from its start."""

import math
from decimal import Decimal, localcontext
from functools import partial

import numpy as np
import pytest

from arraylab.arrays import library_of
from case_studies import quadratic_map
from case_studies.quadratic_map import problem
from tests import solvers

DTYPES = ("float32", "float64")
SAME_LAW = {  # all others promise the bits of the oracle
    ("numba_conjugate", "float32"),
    ("numba_conjugate", "float64"),
    ("python_loop", "float32"),  # Python has float64 only
    *(
        (f"jax_{way}", dtype)
        for way in ("scan", "unrolled", "fori")
        for dtype in DTYPES
    ),
}
SAME_BITS = [
    (name, dtype)
    for name in quadratic_map.IMPLEMENTATIONS
    for dtype in DTYPES
    if (name, dtype) not in SAME_LAW
]
LENGTHS = (1, 2, 3, 64, 1_025)
ALPHAS = (0.1, 0.7, 1.0, 2.0, 3.2, 3.83, 3.99, 4.0)
LONG = 200_000

solver = partial(solvers.solver, quadratic_map)
solve = solvers.fixture_of(quadratic_map)


def start(x0, dtype):
    """A start as a lecture hands it out: nobody may write into it."""
    array = np.array([x0], dtype)
    array.flags.writeable = False
    return array


# What every implementation promises


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("alpha", ALPHAS)
def test_follows_the_map_for_every_length_and_alpha(solve, alpha, dtype):
    for n in LENGTHS:
        x0 = start(0.3, dtype)
        problem.check(solve(x0, alpha, n), x0, alpha, n)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("x0", [0.0, 1e-6, 0.123, 0.5, 0.75, 1.0])
def test_follows_the_map_from_every_start(solve, x0, dtype):
    x0 = start(x0, dtype)
    problem.check(solve(x0, 4.0, 300), x0, 4.0, 300)


@pytest.mark.parametrize(("name", "dtype"), SAME_BITS)
def test_has_the_bits_of_the_oracle(name, dtype):
    for alpha in ALPHAS:
        for n in LENGTHS:
            x0 = start(0.1, dtype)
            expected = problem.oracle(x0, alpha, n)
            np.testing.assert_array_equal(solver(name)(x0, alpha, n), expected)


@pytest.mark.parametrize("name", quadratic_map.IMPLEMENTATIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_keeps_the_dtype(name, dtype):
    result = solver(name)(start(0.3, dtype), 3.7, 10)
    if library_of(name) == "python":
        assert result.typecode == "d"  # Python has no other
    else:
        assert result.dtype == dtype


@pytest.mark.parametrize("name", ["numba_buffer", "numba_conjugate"])
def test_a_kept_array_is_filled_anew(name):
    solve = solver(name)
    first = solve(start(0.3, "float64"), 4.0, 100)
    kept = np.array(first)
    second = solve(start(0.2, "float64"), 3.9, 100)
    assert second is first  # the promise that saves the pages
    problem.check(second, start(0.2, "float64"), 3.9, 100)
    for n, dtype in ((100, "float32"), (99, "float64"), (100, "float64")):
        other = solve(start(0.3, dtype), 4.0, n)
        assert other is not first
        problem.check(other, start(0.3, dtype), 4.0, n)
    np.testing.assert_array_equal(other, kept)


# Facts that no implementation had a part in


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_first_steps_are_those_of_the_closed_form(solve, dtype):
    """For alpha = 4, state t is sin²(2ᵗ θ); a rounding grows fourfold at most."""
    x0 = start(0.3, dtype)
    angle = math.asin(math.sqrt(float(x0[0])))
    n = 20 if dtype == "float64" else 8
    expected = np.sin(2.0 ** np.arange(n) * angle) ** 2
    allowed = 8 * np.finfo(dtype).eps * 4.0 ** np.arange(n)
    assert (np.abs(solve(x0, 4.0, n) - expected) <= allowed).all()


@pytest.mark.parametrize("alpha", [0.7, 3.2, 3.83, 3.99, 4.0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_stays_near_the_exact_orbit_as_long_as_roundings_allow(solve, alpha, dtype):
    x0, n = start(0.3, dtype), 40
    orbit, eps = solve(x0, alpha, n), float(np.finfo(dtype).eps)
    compared, reach = 0, 0.0
    with localcontext() as context:
        context.prec = 60
        x, exact_alpha = Decimal(float(x0[0])), Decimal(float(x0.dtype.type(alpha)))
        for state in orbit:
            if reach > 0.01:
                break
            assert abs(Decimal(float(state)) - x) <= reach
            slope = float(exact_alpha * abs(1 - 2 * x))
            reach = reach * (slope + alpha * reach) + 8 * eps
            x = exact_alpha * x * (1 - x)
            compared += 1
    assert compared >= (10 if dtype == "float32" else 30)


@pytest.mark.parametrize("dtype", DTYPES)
def test_settles_where_the_map_has_a_stable_point(solve, dtype):
    eps = np.finfo(dtype).eps
    for alpha, point in ((0.5, 0.0), (2.0, 0.5), (2.5, 0.6)):
        state = solve(start(0.3, dtype), alpha, 500)[-1]
        assert abs(float(state) - point) <= 8 * eps
    x = np.asarray(solve(start(0.3, dtype), 3.2, 501)[-2:], float)
    root = math.sqrt((3.2 - 3) * (3.2 + 1))
    pair = [(4.2 - root) / 6.4, (4.2 + root) / 6.4]
    np.testing.assert_allclose(np.sort(x), pair, atol=32 * eps)


@pytest.mark.parametrize("name", ["numba_buffer", "numba_conjugate", "python_loop"])
def test_a_long_orbit_has_the_arcsine_law(name):
    """For alpha = 4, a share (2/π) asin √x of a typical orbit lies below x."""
    x = np.sort(solver(name)(start(0.3, "float64"), 4.0, LONG))
    law = 2 / np.pi * np.arcsin(np.sqrt(x))
    assert np.abs(law - (np.arange(LONG) + 0.5) / LONG).max() < 0.01


def test_in_float32_the_orbit_runs_into_a_cycle():
    x = problem.oracle(start(0.3, "float32"), 4.0, 20_000)
    assert np.unique(x).size < 10_000
    assert np.unique(problem.oracle(start(0.3, "float64"), 4.0, 20_000)).size == 20_000


# What the judges promise


def test_work_counts_steps_and_bytes():
    assert problem.work(np.zeros(1, "float32"), 4.0, 11) == (20, 48)
    assert problem.work(np.zeros(1, "float64"), 4.0, 11) == (20, 96)


def wrong_orbit(step=None, x0=0.3, alpha=4.0, n=1_000, dtype="float64"):
    """An orbit of another map, or from another start."""
    real = np.dtype(dtype).type
    step = step or (lambda x, a: a * x * (1 - x))
    orbit, a = [real(x0)], real(alpha)
    with np.errstate(over="ignore", invalid="ignore"):
        while len(orbit) < n:
            orbit.append(step(orbit[-1], a))
    return np.array(orbit, dtype)


def changed(index, by):
    orbit = wrong_orbit()
    orbit[index] += by
    return orbit


def other(part, orbit):
    """The right orbit with a part of it exchanged."""
    right = wrong_orbit()
    right[part] = orbit[part]
    return right


def doubled_angle():
    """The closed form with the angle kept in turns: each doubling drops a digit."""
    turns, orbit = math.asin(math.sqrt(0.3)) / math.pi, [0.3]
    while len(orbit) < 1_000:
        turns = 2 * turns % 1
        orbit.append(math.sin(math.pi * turns) ** 2)
    return np.array(orbit)


RIGHT = wrong_orbit()
ANGLE = math.asin(math.sqrt(0.3))
WRONG = {
    "another start": (wrong_orbit(x0=0.31), "expected the start"),
    "the start left out": (wrong_orbit(n=1_001)[1:], "expected the start"),
    "another alpha": (wrong_orbit(alpha=3.99), "not a step"),
    "alpha a rounding off in float32": (wrong_orbit(alpha=4 - 1e-7), "not a step"),
    "the start twice": (np.concatenate([RIGHT[:1], RIGHT[:-1]]), "not a step"),
    "every other state": (wrong_orbit(n=2_000)[::2], "not a step"),
    "the last state left out": (np.append(RIGHT[:-1], 0.0), "not a step"),
    "a hole": (other(slice(500, 501), np.zeros(1_000)), "not a step"),
    "stops half way": (other(slice(500, None), np.zeros(1_000)), "not a step"),
    "stays where it was": (np.full(1_000, 0.3), "not a step"),
    "a jump to another orbit": (other(slice(500, None), RIGHT[::-1]), "not a step"),
    "one state a little off": (changed(700, 1e-14), "not a step"),
    "the last state a little off": (changed(-1, 1e-14), "not a step"),
    "sorted": (np.sort(RIGHT) + (0.3 - RIGHT.min()), "not a step"),
    "a cosine": (wrong_orbit(lambda x, a: np.cos(a * x)), "not a step"),
    "x² in place of x(1 - x)": (wrong_orbit(lambda x, a: a * x * x / 4), "not a step"),
    "the sign lost": (wrong_orbit(lambda x, a: a * x * (x - 1)), "not a step"),
    "random numbers": (
        np.append(0.3, np.random.default_rng(0).random(999)),
        "not a step",
    ),
    "the closed form for integer powers that wrap around": (
        np.append(0.3, np.sin(2 ** np.arange(1, 1000) * ANGLE) ** 2),
        "not a step",
    ),
    "an angle that runs out of digits": (doubled_angle(), "came to rest at 0.0"),
    "in single precision": (
        other(slice(1, None), wrong_orbit(dtype="float32").astype(float)),
        "not a step",
    ),
    "not a number": (other(slice(500, None), np.full(1_000, np.nan)), "not a step"),
    "infinite": (other(slice(999, None), np.full(1_000, np.inf)), "not a step"),
}


@pytest.mark.filterwarnings("ignore:invalid value")  # infinity less infinity
@pytest.mark.parametrize(("orbit", "message"), WRONG.values(), ids=WRONG.keys())
def test_the_check_rejects_wrong_orbits(orbit, message):
    with pytest.raises(AssertionError, match=message):
        problem.check(orbit, start(0.3, "float64"), 4.0, 1_000)


@pytest.mark.parametrize("at", [0, 1, problem.CHUNK - 1, problem.CHUNK, -2, -1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_check_sees_every_state(at, dtype):
    x0, n = start(0.3, dtype), 2 * problem.CHUNK + 1
    for length in (n, n - 1, n + 1):
        orbit = problem.oracle(x0, 3.9, length)
        problem.check(orbit, x0, 3.9, length)
        orbit[at] += 100 * np.finfo(dtype).eps
        with pytest.raises(AssertionError):
            problem.check(orbit, x0, 3.9, length)


def test_the_check_says_where_and_names_single_precision():
    orbit = wrong_orbit(dtype="float32").astype(float)
    orbit[0] = 0.3
    with pytest.raises(AssertionError, match=r"after state 0, .*computed in float32"):
        problem.check(orbit, start(0.3, "float64"), 4.0, 1_000)
    with pytest.raises(AssertionError, match=r"after state 699, "):
        problem.check(changed(700, 0.01), start(0.3, "float64"), 4.0, 1_000)


def test_the_check_admits_the_closed_form_as_long_as_it_can_be_computed():
    """2ᵗθ is exact in float64, and the remainder of a division is: no digit is lost."""
    x0, powers = start(0.3, "float64"), 2.0 ** np.arange(1, 1000)
    orbit = np.append(x0, np.sin(powers * ANGLE % np.pi) ** 2)
    problem.check(orbit, x0, 4.0, 1_000)


def test_an_orbit_may_rest_where_the_oracle_does():
    for x0 in (0.5, 0.75, 1.0):
        problem.check(
            problem.oracle(start(x0, "f8"), 4.0, 300), start(x0, "f8"), 4.0, 300
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_check_admits_the_same_mathematics_rounded_otherwise(dtype):
    x0 = start(0.3, dtype)  # and no power of two as alpha: scaling by it is exact
    for step in (
        lambda x, a: a * (x * (1 - x)),
        lambda x, a: a * (x - x * x),
        lambda x, a: a * x - a * x * x,
    ):
        orbit = wrong_orbit(step, x0[0], 3.9, 5_000, dtype)
        assert not np.array_equal(orbit, problem.oracle(x0, 3.9, 5_000))
        problem.check(orbit, x0, 3.9, 5_000)


MALFORMED = {
    "None": (None, r"expected 5 states, got an array of shape \(\)"),
    "a number": (0.3, r"shape \(\)"),
    "too short": (RIGHT[:4], r"shape \(4,\)"),
    "too long": (RIGHT[:6], r"shape \(6,\)"),
    "a column": (RIGHT[:5, None], r"shape \(5, 1\)"),
    "single precision": (RIGHT[:5].astype("f4"), "expected states of float64"),
    "complex": (RIGHT[:5].astype(complex), "expected states of float64, got complex"),
    "integers": (np.zeros(5, int), "expected states of float64, got int64"),
    "text": (["0.3"] * 5, "expected states of float64, got <U3"),
    "a list of integers": ([0] * 5, "expected states of float64, got int64"),
}


@pytest.mark.parametrize(
    ("result", "message"), MALFORMED.values(), ids=MALFORMED.keys()
)
def test_the_check_says_what_is_no_orbit(result, message):
    with pytest.raises(AssertionError, match=message):
        problem.check(result, start(0.3, "float64"), 4.0, 5)
