"""Every implementation of savings finds the value of the best plan, and the plan."""

import numpy as np
import pytest
import quantecon

from case_studies import savings
from case_studies.savings import problem
from tests import solvers

DTYPES = ("float32", "float64")
SIZES = ((1, 1), (2, 1), (1, 3), (9, 4), (17, 6), (16, 5))  # levels of wealth, income

solve = solvers.fixture_of(savings)


def model(size, dtype="float64", richest=5.0):
    """Inputs with other grids, into which nobody may write."""
    m, n = size
    log_y, P = problem.tauchen(n, 0.8, 0.2)
    w = np.linspace(0.01, richest, m)
    arrays = [a.astype(dtype) for a in (w, np.exp(log_y), P)]
    for array in arrays:
        array.flags.writeable = False
    return *arrays, *problem.inputs(1, dtype)[3:]


# What every implementation promises


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("richest", [0.4, 5.0])
def test_finds_value_and_plan_on_every_grid(solve, size, richest, dtype):
    given = model(size, dtype, richest)
    v, policy = solve(*given)
    assert v.dtype == dtype
    assert policy.dtype == "int64"
    problem.check((v, policy), *given)
    exact, _ = problem.oracle(*given)
    rounding = 400 * np.finfo(dtype).eps * np.abs(exact).max()  # 8 / (1 - β)
    assert np.abs(v - exact).max() <= float(given[-1]) + rounding


def test_a_household_with_one_level_of_wealth_has_a_closed_form(solve):
    w, y, P, β, γ, R, accuracy = model((1, 1))
    c = (R - 1) * w[0] + y[0]
    value = c ** (1 - γ) / (1 - γ) / (1 - β)
    v, policy = solve(w, y, P, β, γ, R, accuracy)
    assert abs(v[0, 0] - value) <= accuracy
    assert policy[0, 0] == 0


def test_an_impatient_household_keeps_nothing(solve):
    w, y, P, _, γ, R, accuracy = model((9, 4), richest=0.4)
    given = w, y, P, np.float64(0.01), γ, R, accuracy
    v, policy = solve(*given)
    problem.check((v, policy), *given)
    assert (policy == 0).all()


def test_the_plan_rises_with_wealth_and_the_value_with_both(solve):
    v, policy = solve(*savings.inputs(24))
    assert (np.diff(policy, axis=0) >= 0).all()
    assert (np.diff(v, axis=0) > 0).all()
    assert (np.diff(v, axis=1) > 0).all()


# What the judges promise


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_check_accepts_the_oracle(dtype):
    given = savings.inputs(12, dtype)
    v, policy = problem.oracle(*given)
    problem.check((v.astype(dtype), policy), *given)


def test_the_oracle_solves_the_equation():
    w, y, P, β, γ, R, _ = given = savings.inputs(12)
    v, policy = problem.oracle(*given)
    choices = problem.bellman(v, w, y, P, β, γ, R)
    np.testing.assert_allclose(choices.max(axis=2), v, rtol=1e-13)
    np.testing.assert_array_equal(choices.argmax(axis=2), policy)


def test_bellman_is_its_definition():
    w, y, P, β, γ, R, _ = model((4, 3))
    v = np.arange(12.0).reshape(4, 3)
    choices = problem.bellman(v, w, y, P, β, γ, R)
    for i, j, k in np.ndindex(4, 3, 4):
        c = R * w[i] + y[j] - w[k]
        later = sum(P[j, l] * v[k, l] for l in range(3))  # noqa: E741
        value = c ** (1 - γ) / (1 - γ) + β * later if c > 0 else -np.inf
        assert choices[i, j, k] == pytest.approx(value, rel=1e-14)
    assert np.isinf(choices).any()


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_tauchen_gives_probabilities(n):
    states, P = problem.tauchen(n, 0.9, 0.1)
    assert states.shape == (n,)
    assert P.shape == (n, n)
    assert (P >= 0).all()
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(P, P[::-1, ::-1], atol=1e-15)  # z and -z are alike


def test_tauchen_moves_as_the_process_does():
    states, P = problem.tauchen(201, 0.9, 0.1, reach=6)
    middle = slice(60, 141)  # far from the ends, where the tails are collected
    np.testing.assert_allclose((P @ states)[middle], 0.9 * states[middle], atol=1e-12)
    spread = P @ states**2 - (P @ states) ** 2
    width = states[1] - states[0]
    np.testing.assert_allclose(spread[middle], 0.01 + width**2 / 12, rtol=1e-9)


def test_tauchen_is_that_of_quantecon():
    chain = quantecon.tauchen(100, 0.9, 0.1)
    states, P = problem.tauchen(100, 0.9, 0.1)
    np.testing.assert_allclose(states, chain.state_values, rtol=1e-13)
    np.testing.assert_allclose(P, chain.P, atol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
def test_work_is_one_look_at_every_state(dtype):
    given = model((4, 3), dtype)
    assert problem.work(*given) == (12 * 29, 16 * given[0].itemsize + 192)


def early(w, y, P, β, γ, R, accuracy):
    """Stop where the steps are small, which the distance is not."""
    v, gap = np.zeros((w.size, y.size)), 1.0
    while gap > accuracy:
        choices = problem.bellman(v, w, y, P, β, γ, R)
        gap = np.abs(choices.max(axis=2) - v).max()
        v = choices.max(axis=2)
    return v, choices.argmax(axis=2)


def with_other(**changes):
    """Solve another model than the one that is asked for."""
    names = ("w", "y", "P", "β", "γ", "R", "accuracy")

    def wrong(*given):
        told = dict(zip(names, given, strict=True))
        told |= {name: change(told[name]) for name, change in changes.items()}
        return problem.oracle(*told.values())

    return wrong


def right(*given):
    return problem.oracle(*given)


WRONG_VALUES = {
    "stops at small steps": early,
    "transposed probabilities": with_other(P=lambda P: P.T),
    "certain income": with_other(P=lambda P: np.eye(len(P))),
    "other patience": with_other(β=lambda β: β - 1e-4),
    "no interest": with_other(R=lambda R: 1.0),
    "logarithmic utility, nearly": with_other(γ=lambda γ: 1.001),
    "log income": with_other(y=np.log1p),
    "value of zero": lambda *given: (0 * right(*given)[0], right(*given)[1]),
    "a constant too much": lambda *given: (right(*given)[0] + 0.01, right(*given)[1]),
    "one state spoilt": lambda *given: (spoilt(right(*given)[0]), right(*given)[1]),
    "reward, not value": lambda *given: (right(*given)[0] * 0.02, right(*given)[1]),
}


def spoilt(v):
    v = v.copy()
    v[-1, -1] += 0.01
    return v


@pytest.mark.parametrize("wrong", WRONG_VALUES.values(), ids=WRONG_VALUES.keys())
def test_the_check_rejects_wrong_values(wrong):
    given = savings.inputs(15)
    with pytest.raises(AssertionError, match="not the value: at wealth"):
        problem.check(wrong(*given), *given)


WRONG_PLANS = {
    "keeps nothing": lambda plan: 0 * plan,
    "keeps what it has": lambda plan: 0 * plan + np.arange(len(plan))[:, None],
    "one level less": lambda plan: np.maximum(plan - 1, 0),
    "for other incomes": lambda plan: plan[:, ::-1],
    "wrong in one state": lambda plan: np.where(plan == plan.max(), 0, plan),
}


@pytest.mark.parametrize("wrong", WRONG_PLANS.values(), ids=WRONG_PLANS.keys())
def test_the_check_rejects_wrong_plans(wrong):
    given = savings.inputs(15)
    v, policy = right(*given)
    with pytest.raises(AssertionError, match="not the best choice: at wealth"):
        problem.check((v, wrong(policy)), *given)


V, PLAN = np.ones((15, 10)), np.zeros((15, 10), int)
MALFORMED = {
    "None": (None, "expected a pair, value and policy, got NoneType"),
    "the value alone": (V, "expected a pair, value and policy, got ndarray"),
    "swapped": ((PLAN, V), "expected the value as floating-point numbers"),
    "transposed": ((V.T, PLAN.T), r"of shape \(15, 10\), got float64 of shape \(10"),
    "a plan in levels": ((V, V), "expected the policy as whole numbers"),
    "nan": ((V * np.nan, PLAN), "has to be finite"),
    "off the grid": ((V, PLAN + 15), "places in w, 0 to 14; got 15 to 15"),
    "before the grid": ((V, PLAN - 1), "got -1 to -1"),
}


@pytest.mark.parametrize(
    ("result", "message"), MALFORMED.values(), ids=MALFORMED.keys()
)
def test_the_check_says_what_is_no_answer(result, message):
    with pytest.raises(AssertionError, match=message):
        problem.check(result, *savings.inputs(15))
