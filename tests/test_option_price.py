"""Every implementation of option_price prices the call, and says how well, honestly."""

import importlib
import json
import math
from functools import partial
from statistics import NormalDist

import numpy as np
import pytest

from case_studies import option_price
from case_studies.option_price import problem
from tests import solvers

DTYPES = ("float32", "float64")
SHAPES = ((1, 3_000), (3, 1_001), (25, 513), (101, 64), (1_000, 1))  # seeds, paths
OTHERS = {  # contracts that are not the one of `inputs`
    "far out of the money": (100, 160, 0.05, 0.2, 1),
    "far in the money": (100, 40, 0.05, 0.2, 1),
    "wild and long": (20, 18, 0.01, 0.5, 4),
    "rates below zero": (1, 1, -0.02, 0.1, 0.25),
}
# Those whose streams belong to seeds, so that nobody's threads matter.
STREAMS = (
    "numpy_blocked",
    "numpy_threads",
    "numba_parallel",
    "numba_generators",
    "numba_counter",
    "numba_vectorised",
    "numpy_quasi",
    "dask_streams",
    "array_api_counter",
)

solver = partial(solvers.solver, option_price)
solve = solvers.fixture_of(option_price)


def handed_out(m, n_paths, dtype="float64", contract=problem.CONTRACT, root=7):
    """Inputs as a lecture hands them out: nobody may write into them."""
    contract = np.array(contract, dtype)
    seeds = np.random.SeedSequence(root).generate_state(m)
    contract.flags.writeable = seeds.flags.writeable = False
    return contract, seeds, n_paths


# What every implementation promises


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gives_one_mean_a_seed_in_the_dtype_of_the_contract(solve, shape, dtype):
    given = handed_out(*shape, dtype)
    means = solve(*given)
    assert means.dtype == dtype
    problem.check(means, *given)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("contract", OTHERS.values(), ids=OTHERS.keys())
def test_prices_other_contracts(solve, contract, dtype):
    given = handed_out(100, 1_000, dtype, contract)
    problem.check(solve(*given), *given)


def test_the_same_seeds_give_the_same_bits_and_others_do_not(solve):
    given = handed_out(25, 600)
    once, again = solve(*given), solve(*given)
    np.testing.assert_array_equal(once, again)
    assert not np.isin(solve(*handed_out(25, 600, root=8)), once).any()


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_depends_on_its_seed_alone(name):
    solve = solver(name)
    contract, seeds, n_paths = handed_out(40, 700)
    order = np.random.default_rng(0).permutation(40)[:23]
    means = solve(contract, seeds, n_paths)
    np.testing.assert_array_equal(solve(contract, seeds[order], n_paths), means[order])


THREADS = """
import json
import numpy as np
from case_studies.option_price import {name}
contract = np.array({contract}, "{dtype}")
seeds = np.random.SeedSequence(7).generate_state(37)
print(json.dumps([x.hex() for x in {name}.option_price(contract, seeds, 513).tolist()]))
"""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "name", ["numba_parallel", "numba_counter", "numba_vectorised"]
)
def test_the_number_of_threads_changes_no_bit(name, dtype, python):
    solve = solver(name)
    code = THREADS.format(name=name, dtype=dtype, contract=problem.CONTRACT)
    alone = json.loads(python(code, NUMBA_NUM_THREADS="1"))
    assert alone == [x.hex() for x in solve(*handed_out(37, 513, dtype)).tolist()]


def test_four_threads_share_the_streams_as_one_does(python):
    code = THREADS.format(
        name="numba_vectorised", dtype="float64", contract=problem.CONTRACT
    )
    four = json.loads(python(code, NUMBA_NUM_THREADS="4"))
    here = solver("numba_vectorised")(*handed_out(37, 513)).tolist()
    assert four == [x.hex() for x in here]


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_give_the_bits_of_the_blocked_version(dtype):
    given = handed_out(25, 513, dtype)
    blocked, threads = solver("numpy_blocked"), solver("numpy_threads")
    np.testing.assert_array_equal(blocked(*given), threads(*given))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["dask_random", "dask_streams"])
def test_the_number_of_dask_s_workers_changes_no_bit(monkeypatch, name, dtype):
    dask = pytest.importorskip("dask")
    given = handed_out(25, 513, dtype)
    module = importlib.import_module(f"case_studies.option_price.{name}")
    monkeypatch.setattr(module, "BLOCK_PATHS", 2_000)  # three seeds a block
    results = []
    for workers in (1, 2, 7):
        with dask.config.set(scheduler="threads", num_workers=workers):
            results.append(solver(name)(*given))
    np.testing.assert_array_equal(results[0], results[1], strict=True)
    np.testing.assert_array_equal(results[0], results[2], strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_blocks_of_any_size_give_dask_the_bits_of_the_blocked_version(
    monkeypatch, dtype
):
    given = handed_out(25, 513, dtype)
    module = importlib.import_module("case_studies.option_price.dask_streams")
    for paths in (1, 2_000, 10**9):
        monkeypatch.setattr(module, "BLOCK_PATHS", paths)
        np.testing.assert_array_equal(
            solver("dask_streams")(*given), solver("numpy_blocked")(*given), strict=True
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_numba_draws_the_numbers_of_the_generator_it_is_given(dtype):
    given = handed_out(25, 513, dtype)
    numpy, numba = solver("numpy_blocked")(*given), solver("numba_generators")(*given)
    np.testing.assert_allclose(numba, numpy, rtol=300 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_integers_of_the_array_api_draw_the_numbers_of_numba_counter(dtype):
    given = handed_out(25, 513, dtype)
    numba, portable = (
        solver("numba_counter")(*given),
        solver("array_api_counter")(*given),
    )
    np.testing.assert_allclose(portable, numba, rtol=300 * np.finfo(dtype).eps)


def test_numbas_own_generator_is_the_legacy_one_of_numpy():
    given = handed_out(25, 513)
    numpy, numba = solver("numpy_legacy")(*given), solver("numba_serial")(*given)
    np.testing.assert_allclose(numba, numpy, rtol=1e-13)


# What less variance promises


def spread(name, dtype="float64"):
    given = handed_out(400, 1_000, dtype)
    return solver(name)(*given).std() / problem.deviation(given[0]) * math.sqrt(1_000)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "most"), [("numpy_antithetic", 0.35), ("numpy_quasi", 0.05)]
)
def test_a_method_of_less_variance_has_less(name, most, dtype):
    assert spread(name, dtype) < most


def test_quasi_monte_carlo_gains_with_the_number_of_paths():
    solve, found = solver("numpy_quasi"), []
    for n_paths in (100, 400, 1_600):
        found.append(solve(*handed_out(400, n_paths)).std())
    assert found[0] / found[1] > 3  # where independent paths gain a factor of 2
    assert found[1] / found[2] > 3


def test_one_path_in_each_stratum_is_a_scrambled_sequence_in_one_dimension():
    bits = 10
    points = [int(f"{i:0{bits}b}"[::-1], 2) for i in range(1 << bits)]  # van der Corput
    assert sorted(points) == list(range(1 << bits))  # one in each 1024th of (0, 1)


# What our own random numbers promise


@pytest.fixture(scope="module")
def words():
    """Words of 200 streams, 5,000 each, as the implementations draw them."""
    pytest.importorskip("numba")
    from case_studies.option_price.numba_counter import key_of, word

    seeds = np.random.SeedSequence(3).generate_state(200)
    keys = (np.uint64(key_of(seed)) for seed in seeds)
    return np.array([[word(key, i) for i in range(5_000)] for key in keys], np.uint64)


def test_words_are_those_of_splitmix(words):
    def mixed(state):
        z = state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        return z ^ z >> 31

    seed = int(np.random.SeedSequence(3).generate_state(1)[0])
    step = 0x9E3779B97F4A7C15
    key = mixed((seed + 1) * step % 2**64)
    expected = [mixed((key + i * step) % 2**64) for i in range(100)]
    assert words[0, :100].tolist() == expected
    assert mixed(step) == 0xE220A8397B1DCDAF  # the first word of seed 0, as published


def test_every_bit_of_a_word_is_set_half_of_the_time(words):
    for bit in range(64):
        share = np.mean(words >> np.uint64(bit) & np.uint64(1))
        assert abs(share - 0.5) < 5 * 0.5 / math.sqrt(words.size)


def test_words_are_uniform(words):
    counts = np.bincount((words >> np.uint64(54)).ravel().astype(int), minlength=1024)
    expected = words.size / 1024
    chi = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi - 1023) < 5 * math.sqrt(2 * 1023)


@pytest.mark.parametrize(
    ("streams", "places"), [(1, 0), (0, 1), (1, 1), (7, 0), (0, 2)]
)
def test_words_of_neighbours_are_not_correlated(words, streams, places):
    u = words / 2.0**64 - 0.5
    a, b = u[streams:, places:], u[: 200 - streams, : 5_000 - places]
    correlation = (a * b).mean() * 12
    assert abs(correlation) < 5 / math.sqrt(a.size)


def test_no_word_comes_twice(words):
    assert np.unique(words).size == words.size


@pytest.mark.parametrize(
    "name", ["numba_counter", "numba_vectorised", "array_api_counter"]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_paths_end_as_the_law_says(name, dtype):
    # A call with next to no strike is the stock itself, and one path a seed shows z.
    scale = 0.2
    given = handed_out(200_000, 1, dtype, (1, 1e-6, 0, scale, 1))
    stock = solver(name)(*given).astype("float64") + 1e-6
    z = np.sort((np.log(stock) + scale**2 / 2) / scale)
    n = z.size
    for power, (mean, variance) in enumerate([(0, 1), (1, 2), (0, 15), (3, 96)], 1):
        off = np.mean(z**power) - mean
        assert abs(off) < 5 * math.sqrt(variance / n), f"moment {power}"
    at = np.linspace(-4, 4, 801)
    law = np.array([NormalDist().cdf(t) for t in at])
    distance = np.abs(np.searchsorted(z, at) / n - law).max()
    assert distance < 2.7 / math.sqrt(n)  # Kolmogorov and Smirnov, one in a million
    assert z[-1] > 4
    assert z[0] < -4


@pytest.mark.parametrize(("dtype", "most"), [("float64", 5e-9), ("float32", 4e-7)])
def test_the_quantile_is_as_good_as_it_says(dtype, most):
    real = np.dtype(dtype).type
    top, bottom = (np.array(c, dtype) for c in problem.POLYNOMIALS[dtype][:2])
    digits = 52 if dtype == "float64" else 23
    low = np.geomspace(2.0 ** -(digits + 1), 0.499, 4_001)
    for u in low:
        q = real(2 * u - 1)
        w = real(-math.log(4 * u * (1 - u)))
        z = q * np.polyval(top, w) / np.polyval(bottom, w)
        exact = NormalDist().inv_cdf(u)
        assert z == pytest.approx(exact, rel=most)


@pytest.mark.parametrize(("dtype", "most"), [("float64", 2e-11), ("float32", 3e-8)])
def test_the_series_are_as_good_as_they_say(dtype, most):
    logs, powers = problem.POLYNOMIALS[dtype][2:]
    part = np.linspace(math.sqrt(0.5), math.sqrt(2), 1_000)
    s = (part - 1) / (part + 1)
    np.testing.assert_allclose(s * np.polyval(logs, s * s), np.log(part), atol=most)
    rest, eps = np.linspace(-0.5, 0.5, 1_001), np.finfo(dtype).eps
    rounding = eps / 2 if dtype == "float32" else 2 * eps  # polyval itself is rounded
    np.testing.assert_allclose(np.polyval(powers, rest), np.exp2(rest), rtol=rounding)


# What the judges promise


def test_the_closed_form_is_the_integral():
    for contract in (problem.CONTRACT, *OTHERS.values()):
        spot, strike, rate, volatility, years = contract
        z = np.linspace(-12, 14, 2_000_001)
        growth = (rate - volatility**2 / 2) * years + volatility * math.sqrt(years) * z
        payoff = np.exp(-rate * years) * np.maximum(spot * np.exp(growth) - strike, 0)
        density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
        price, square = payoff @ density, payoff**2 @ density
        assert problem.oracle(contract) == pytest.approx(price, rel=1e-9)
        deviation = math.sqrt(square - price**2)
        assert problem.deviation(contract) == pytest.approx(deviation, rel=1e-8)


def test_the_closed_form_knows_its_limits():
    spot, strike, rate, _, years = problem.CONTRACT
    forward = spot - strike * math.exp(-rate * years)  # what is certain is worth that
    assert problem.oracle((200, 5, 0.05, 0.2, 1)) == pytest.approx(
        200 - 5 * math.exp(-0.05), rel=1e-12
    )
    assert problem.oracle(problem.CONTRACT) > max(forward, 0)


def test_inputs_are_as_many_paths_as_asked_for_and_seeds_differ():
    for n, m in ((25, 25), (100_000, 25), (1_000_000, 100), (10_000_000, 400)):
        contract, seeds, n_paths = option_price.inputs(n)
        assert (contract.shape, seeds.shape, n_paths) == ((5,), (m,), n // m)
        assert np.unique(seeds).size == m
    with pytest.raises(ValueError, match="expected at least 25"):
        option_price.inputs(24)


def test_the_quantiles_of_the_check_are_those_of_the_tables():
    # Two-sided 5.7e-7 in Student's t, one-sided 2.9e-7 in chi-square.
    assert problem._student(24) == pytest.approx(6.786, rel=0.02)
    assert problem._student(10**6) == pytest.approx(5, rel=1e-4)
    n = 10**8
    assert problem._chi_square(n) == pytest.approx(n + 5 * math.sqrt(2 * n), rel=1e-6)


def test_an_honest_method_passes_for_every_seed():
    contract = np.array(problem.CONTRACT, "float64")
    refused = 0
    for root in range(1_000):
        rng = np.random.default_rng(root)
        means = problem.oracle(contract) + rng.standard_normal(100) * (
            problem.deviation(contract) / 100
        )
        try:
            problem.check(means, contract, np.zeros(100), 10_000)
        except AssertionError:
            refused += 1
    assert refused == 0


M, PATHS = 400, 2_500  # 10⁶ paths


def payoffs(rng, shape=(M, PATHS), drift=0.05 - 0.2**2 / 2, volatility=0.2):
    stock = 100 * np.exp(drift + volatility * rng.standard_normal(shape))
    return np.maximum(stock - 105, 0)


def put(rng):
    stock = 100 * np.exp(0.05 - 0.2**2 / 2 + 0.2 * rng.standard_normal((M, PATHS)))
    return np.maximum(105 - stock, 0)


def shifted(rng):
    """Streams that begin half a stream after one another."""
    half = payoffs(rng, (M + 1, PATHS // 2))
    return np.hstack([half[:-1], half[1:]])


DISCOUNT = math.exp(-0.05)
WRONG = {
    "drift without -σ²/2": lambda rng: DISCOUNT * payoffs(rng, drift=0.05).mean(axis=1),
    "no drift": lambda rng: DISCOUNT * payoffs(rng, drift=0).mean(axis=1),
    "no discount": lambda rng: payoffs(rng).mean(axis=1),
    "a put": lambda rng: DISCOUNT * put(rng).mean(axis=1),
    "variance for volatility": lambda rng: (
        DISCOUNT * payoffs(rng, volatility=0.04).mean(axis=1)
    ),
    "uniform for normal": lambda rng: (
        DISCOUNT
        * np.maximum(
            100 * np.exp(0.03 + 0.2 * (rng.random((M, PATHS)) - 0.5)) - 105, 0
        ).mean(axis=1)
    ),
    "half the streams identical": lambda rng: (
        DISCOUNT * np.tile(payoffs(rng, (M // 2, PATHS)).mean(axis=1), 2)
    ),
    "every stream identical": lambda rng: np.full(
        M, DISCOUNT * payoffs(rng, (1, 10**6)).mean()
    ),
    "half the paths of a stream used twice": lambda rng: (
        DISCOUNT * payoffs(rng, (M, PATHS // 2)).mean(axis=1)
    ),
    "streams that overlap": lambda rng: DISCOUNT * shifted(rng).mean(axis=1),
    "the closed form": lambda rng: np.full(M, problem.oracle(problem.CONTRACT)),
    "too few paths": lambda rng: DISCOUNT * payoffs(rng, (M, PATHS // 4)).mean(axis=1),
    "half precision": lambda rng: (DISCOUNT * payoffs(rng).mean(axis=1)).astype("f2"),
    "single precision": lambda rng: (DISCOUNT * payoffs(rng).mean(axis=1)).astype("f4"),
    "summed in half precision": lambda rng: (
        DISCOUNT * payoffs(rng).astype("f2").cumsum(axis=1, dtype="f2")[:, -1] / PATHS
    ),
    "a sum for a mean": lambda rng: payoffs(rng).sum(axis=1),
    "one path missing in ten": lambda rng: (
        DISCOUNT * payoffs(rng, (M, PATHS * 9 // 10)).sum(axis=1) / PATHS
    ),
}


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_the_check_rejects_wrong_answers(wrong):
    given = handed_out(M, PATHS)
    means = wrong(np.random.default_rng(11))
    with pytest.raises(AssertionError, match=r"expected|seeds|scatter|precision"):
        problem.check(means, *given)


def test_the_right_answer_by_the_same_road_passes():
    means = DISCOUNT * payoffs(np.random.default_rng(11)).mean(axis=1)
    problem.check(means, *handed_out(M, PATHS))


SAYS = {
    "the closed form": "formula, or one seed for all",
    "half the streams identical": "same numbers were used for several seeds",
    "streams that overlap": "neighbouring seeds are correlated",
    "half the paths of a stream used twice": "some used twice",
    "too few paths": "were there fewer",
    "no discount": r"expected 8\.02135, got 8\.4",
    "half precision": "was it computed in float16",
    "single precision": "was it computed in float32",
    "summed in half precision": "not the price|was it computed in float16",
}


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize("name", SAYS)
def test_the_check_says_what_is_wrong(name):
    means = WRONG[name](np.random.default_rng(11))
    with pytest.raises(AssertionError, match=SAYS[name]):
        problem.check(means, *handed_out(M, PATHS))


def test_half_precision_is_seen_in_a_single_precision_contract_too():
    means = (DISCOUNT * payoffs(np.random.default_rng(11)).mean(axis=1)).astype("f2")
    with pytest.raises(AssertionError, match="digits than half"):
        problem.check(means.astype("f4"), *handed_out(M, PATHS, "float32"))


MALFORMED = {
    "None": (None, "expected an array of float64, got NoneType"),
    "a float": (8.02, "expected an array of float64, got float"),
    "a list": ([8.02] * 25, "expected an array of float64, got list"),
    "integers": (np.full(25, 8), "expected an array of float64, got int64"),
    "one number": (np.float64(8.02), r"one mean a seed, shape \(25,\), got \(\)"),
    "all payoffs": (np.ones((25, 100)), r"shape \(25,\), got \(25, 100\)"),
    "not a number": (np.full(25, math.nan), "expected finite means"),
}


@pytest.mark.parametrize(
    ("result", "message"), MALFORMED.values(), ids=MALFORMED.keys()
)
def test_the_check_says_what_is_no_array_of_means(result, message):
    with pytest.raises(AssertionError, match=message):
        problem.check(result, *handed_out(25, 100))


@pytest.mark.parametrize("dtype", DTYPES)
def test_work_counts_paths_and_bytes(dtype):
    given = handed_out(3, 7, dtype)
    operations = {
        "float64": 19 + 2 * (7 + 7 + 5 + 12),
        "float32": 19 + 2 * (5 + 5 + 3 + 7),
    }
    itemsize = np.dtype(dtype).itemsize
    expected = (21 * (operations[dtype]), 8 * itemsize + 3 * 4)
    assert problem.work(*given) == expected
