"""Every implementation of quadratic_ensemble follows each of its orbits to the end."""

import importlib
import math
from decimal import Decimal, localcontext
from functools import partial

import numpy as np
import pytest

from case_studies import quadratic_ensemble
from case_studies.quadratic_ensemble import problem
from tests import solvers
from tests.solvers import handed_out

DTYPES = ("float32", "float64")
SAME_LAW = {
    "jax_fori",
    "jax_vmap",
    "jax_blocks",
    "jax_unrolled",
}  # all others promise the bits of the oracle
SAME_BITS = [n for n in quadratic_ensemble.IMPLEMENTATIONS if n not in SAME_LAW]
COUNTS = (1, 2, 7, 255, 256, 257, 1_000)  # orbits, around a block of 256
STEPS = (0, 1, 2, 3, 4, 5, 63, 101)  # around a visit of 4

solver = partial(solvers.solver, quadratic_ensemble)
solve = solvers.fixture_of(quadratic_ensemble)


def ensemble(n, dtype, alpha=None):
    """Starts and alphas of `n` orbits, over the whole range or with one alpha."""
    rng = np.random.default_rng(n)
    x0 = rng.uniform(0, 1, n).astype(dtype)
    alphas = rng.uniform(0, 4, n) if alpha is None else np.full(n, alpha)
    return handed_out(x0, alphas.astype(dtype))


# What every implementation promises


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", COUNTS)
def test_follows_any_number_of_orbits_for_any_number_of_steps(solve, n, dtype):
    x0, alpha = ensemble(n, dtype)
    before = x0.copy(), alpha.copy()
    for n_steps in STEPS:
        problem.check(solve(x0, alpha, n_steps), x0, alpha, n_steps)
    np.testing.assert_array_equal((x0, alpha), before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SAME_BITS)
def test_has_the_bits_of_the_oracle(name, dtype):
    solve = solver(name)
    for n in COUNTS:
        x0, alpha = ensemble(n, dtype)
        for n_steps in STEPS:
            result = solve(x0, alpha, n_steps)
            assert result.dtype == dtype
            expected = problem.oracle(x0, alpha, n_steps)
            np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("name", SAME_BITS)
def test_keeps_them_over_a_thousand_chaotic_steps(name):
    for dtype in DTYPES:
        given = ensemble(513, dtype, alpha=4)
        np.testing.assert_array_equal(
            solver(name)(*given, 1_000), problem.oracle(*given, 1_000)
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["dask_blocks", "dask_numba_blocks"])
def test_blocks_of_any_size_give_the_same_bits(monkeypatch, name, dtype):
    module = importlib.import_module(f"case_studies.quadratic_ensemble.{name}")
    given = ensemble(301, dtype)
    for orbits in (1, 100, 257):
        monkeypatch.setattr(module, "ORBITS", orbits)
        np.testing.assert_array_equal(
            solver(name)(*given, 9), problem.oracle(*given, 9)
        )


@pytest.mark.parametrize("name", quadratic_ensemble.IMPLEMENTATIONS)
def test_gives_each_call_a_result_of_its_own(name):
    solve, (x0, alpha) = solver(name), ensemble(100, "float64")
    first = solve(x0, alpha, 10)
    kept = np.array(first)
    solve(x0[::-1].copy(), alpha, 11)
    np.testing.assert_array_equal(first, kept)
    assert not np.may_share_memory(first, x0)


# Facts that no implementation had a part in


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_few_steps_are_those_of_the_closed_form(solve, dtype):
    """For alpha = 4, state t is sin²(2ᵗ θ); a rounding grows fourfold at most."""
    x0, alpha = ensemble(300, dtype, alpha=4)
    n_steps = 15 if dtype == "float64" else 5
    angle = np.arcsin(np.sqrt(x0.astype(float)))
    expected = np.sin(2.0**n_steps * angle) ** 2
    allowed = 8 * np.finfo(dtype).eps * 4.0**n_steps
    assert np.abs(solve(x0, alpha, n_steps) - expected).max() <= allowed


@pytest.mark.parametrize("dtype", DTYPES)
def test_orbits_settle_where_the_map_has_a_stable_point(solve, dtype):
    eps = np.finfo(dtype).eps
    x0, _ = ensemble(300, dtype)
    for alpha, point in ((0.5, 0), (2, 1 / 2), (2.5, 3 / 5)):
        final = solve(x0, np.full_like(x0, alpha), 500)
        assert np.abs(final - point).max() <= 8 * eps
    x0 = x0.clip(0.1, 0.9)
    final = solve(x0, np.full_like(x0, 3.2), 500)
    root = math.sqrt((3.2 - 3) * (3.2 + 1))
    low, high = (4.2 - root) / 6.4, (4.2 + root) / 6.4
    distance = np.minimum(np.abs(final - low), np.abs(final - high))
    assert distance.max() <= 32 * eps


def test_chaotic_orbits_have_the_arcsine_law(solve):
    """For alpha = 4, a share (2/π) asin √x of all orbits ends below x."""
    n = 10_000
    final = np.sort(solve(*ensemble(n, "float64", alpha=4), 100))
    law = 2 / np.pi * np.arcsin(np.sqrt(final))
    assert np.abs(law - (np.arange(n) + 0.5) / n).max() < 2 / math.sqrt(n)


# What the judges promise


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_oracle_and_its_reach_hold_against_exact_arithmetic(dtype):
    x0, alpha = ensemble(60, dtype)
    compared = 0
    for n_steps in (1, 5, 20, 60):
        final, bounds = (f(x0, alpha, n_steps) for f in (problem.oracle, problem.reach))
        with localcontext() as context:
            context.prec = 80
            for i in range(x0.size):
                x, a = Decimal(float(x0[i])), Decimal(float(alpha[i]))
                for _ in range(n_steps):
                    x = a * x * (1 - x)
                error = abs(Decimal(float(final[i])) - x)
                assert error <= bounds[i]
                compared += bounds[i] < problem.KNOWN
    assert compared > 150  # of 240: the others are chaotic


@pytest.mark.parametrize("dtype", DTYPES)
def test_two_orbits_of_three_are_known_to_their_end(dtype):
    known = problem.reach(*quadratic_ensemble.inputs(3_000, dtype)) < problem.KNOWN
    assert 0.6 < known.mean() < 0.75
    assert known[[0, -1]].all()


def test_work_counts_steps_and_bytes():
    x0, alpha = ensemble(10, "float32")
    assert problem.work(x0, alpha, 7) == (140, 120)


def rounded_otherwise(x0, alpha, n_steps):
    """The same law in other coordinates, as a later implementation may have it."""
    z, c = alpha * (x0.dtype.type(0.5) - x0), alpha * (2 - alpha) / 4
    for _ in range(n_steps):
        z = z * z + c
    return x0.dtype.type(0.5) - z / alpha


def fused(x0, alpha, n_steps):
    """The same formula with one rounding less, as compilers may have it."""
    x, wide = x0, np.float64 if x0.dtype == "float32" else np.longdouble
    for _ in range(n_steps):
        y = alpha * x
        x = (y.astype(wide) - y.astype(wide) * x.astype(wide)).astype(x0.dtype)
    return x


@pytest.mark.parametrize("step", [rounded_otherwise, fused])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 100, 5_000])
def test_the_check_admits_other_roundings(step, n, dtype):
    given = quadratic_ensemble.inputs(n, dtype)
    result = step(*given)
    assert n == 1 or not np.array_equal(result, problem.oracle(*given))
    problem.check(result, *given)


def test_the_check_admits_other_roundings_where_all_is_chaos():
    given = *ensemble(2_000, "float64", alpha=4), 1_000
    problem.check(rounded_otherwise(*given), *given)


N = 5_000
GIVEN = quadratic_ensemble.inputs(N)
RIGHT = problem.oracle(*GIVEN)
CHAOTIC = problem.reach(*GIVEN) >= problem.KNOWN
LAW = rounded_otherwise(*GIVEN)  # right, but no bits to hide behind


def steps(n_steps):
    return rounded_otherwise(*GIVEN[:2], n_steps)


def with_part(part, values):
    """The right states, those of `part` exchanged."""
    final = LAW.copy()
    final[part] = np.broadcast_to(values, final.shape)[part]
    return final


def other_map(step):
    x, alpha, n_steps = GIVEN
    with np.errstate(all="ignore"):
        for _ in range(n_steps):
            x = step(x, alpha)
    return x


def narrow():
    x0, alpha, n_steps = GIVEN
    given = x0.astype("f4"), alpha.astype("f4"), n_steps
    return problem.oracle(*given).astype("f8")


ELSEWHERE, SPREAD = "orbits that settle down are elsewhere", "are not spread as they"
LEADS = "where the map leads none"
WRONG = {
    "the starts": (GIVEN[0], ELSEWHERE),
    "the alphas": (GIVEN[1], ELSEWHERE),
    "one step too few": (steps(999), ELSEWHERE),
    "one step too many": (steps(1_001), ELSEWHERE),
    "two steps too many": (steps(1_002), ELSEWHERE),
    "eight steps too few": (steps(992), ELSEWHERE),
    "the last steps left out": (steps(960), ELSEWHERE),
    "the first orbit left out": (with_part(slice(0, 1), GIVEN[0]), ELSEWHERE),
    "the last orbit left out": (with_part(slice(-1, None), GIVEN[0]), ELSEWHERE),
    "the last block left out": (with_part(slice(-136, None), GIVEN[0]), ELSEWHERE),
    "the last block set to zero": (with_part(slice(-136, None), 0), ELSEWHERE),
    "a block in the middle left out": (with_part(slice(2048, 2304), 0), ELSEWHERE),
    "a block computed twice": (
        with_part(slice(512, 768), problem.oracle(LAW, *GIVEN[1:])),
        ELSEWHERE,
    ),
    "a block in the place of another": (
        with_part(slice(512, 768), np.roll(LAW, 256)),
        ELSEWHERE,
    ),
    "shifted by one": (np.roll(LAW, 1), ELSEWHERE),
    "in reverse order": (LAW[::-1].copy(), ELSEWHERE),
    "sorted": (np.sort(LAW), ELSEWHERE),
    "one alpha for all": (
        problem.oracle(GIVEN[0], np.full(N, GIVEN[1].mean()), GIVEN[2]),
        ELSEWHERE,
    ),
    "single precision": (narrow(), "was it computed in float32"),
    "rounded for display": (LAW.round(6), "was it computed in float32"),
    "1 + x": (other_map(lambda x, a: a * x * (1 + x)), ELSEWHERE),
    "x²": (other_map(lambda x, a: a * x * x), ELSEWHERE),
    "sine": (other_map(lambda x, a: a / 4 * np.sin(np.pi * x)), ELSEWHERE),
    "not numbers": (with_part(CHAOTIC, np.nan), LEADS),
    "all not numbers": (np.full(N, np.nan), ELSEWHERE),
    "negative": (with_part(CHAOTIC, -LAW), LEADS),
    "larger than alpha allows": (with_part(CHAOTIC, 0.99), LEADS),
    "chaotic orbits set to one state": (with_part(CHAOTIC, 0.5), SPREAD),
    "chaotic orbits left at their starts": (
        with_part(CHAOTIC, np.minimum(GIVEN[0], GIVEN[1] / 4)),
        SPREAD,
    ),
    "chaotic orbits at random": (
        with_part(CHAOTIC, np.random.default_rng(0).random(N) * GIVEN[1] / 4),
        SPREAD,
    ),
    "chaotic orbits at rest": (with_part(CHAOTIC, 1 - 1 / GIVEN[1]), SPREAD),
    "chaotic orbits turned over": (with_part(CHAOTIC, GIVEN[1] / 4 - LAW), SPREAD),
}


@pytest.mark.parametrize(("final", "message"), WRONG.values(), ids=WRONG.keys())
def test_the_check_rejects_wrong_states(final, message):
    with pytest.raises(AssertionError, match=message):
        problem.check(final, *GIVEN)


def test_these_wrong_states_were_made_from_right_ones():
    problem.check(RIGHT, *GIVEN)
    problem.check(LAW, *GIVEN)


@pytest.mark.parametrize("n", [20, 64, 256])
def test_the_check_sees_a_range_left_out_at_every_place(n):
    x0, alpha, n_steps = quadratic_ensemble.inputs(3_000)
    right = problem.oracle(x0, alpha, n_steps)
    errors = np.abs(x0 - right) > problem.reach(x0, alpha, n_steps)
    known = problem.reach(x0, alpha, n_steps) < problem.KNOWN
    seen = np.lib.stride_tricks.sliding_window_view(errors & known, n)
    assert seen.any(axis=1).all()


MALFORMED = {
    "None": (None, r"expected one state an orbit, 5000 in all, got .* shape \(\)"),
    "one state": (RIGHT[0], r"shape \(\)"),
    "one too few": (RIGHT[:-1], r"shape \(4999,\)"),
    "all states": (RIGHT[None] * np.ones((3, 1)), r"shape \(3, 5000\)"),
    "single precision": (RIGHT.astype("f4"), "expected states of float64, got float32"),
    "complex": (RIGHT.astype(complex), "got complex128"),
    "integers": (np.zeros(N, int), "got int64"),
    "text": (RIGHT.astype(str), "got <U"),
}


@pytest.mark.parametrize(
    ("result", "message"), MALFORMED.values(), ids=MALFORMED.keys()
)
def test_the_check_says_what_are_no_states(result, message):
    with pytest.raises(AssertionError, match=message):
        problem.check(result, *GIVEN)
