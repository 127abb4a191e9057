"""Every implementation of stateful_filter follows the recurrence from its start."""

import functools
from fractions import Fraction

import numpy as np
import pytest

from case_studies import stateful_filter as case
from case_studies.stateful_filter import problem
from tests import solvers

DTYPES = ("float32", "float64")
SAME_BITS = ("numpy_elements", "numpy_lanes", "numba_reused", "numba_select")
SAME_BITS += ("numba_seams",)
# One sample, one past a power of two, one past a block of the scan, one short of a lane
# and past it, lanes on every core with a rest.
SIZES = (1, 2, 65, 257, 4_095, 8_193, 70_001)

solver = functools.partial(solvers.solver, case)
solve = solvers.fixture_of(case)


def handed_out(x, threshold=0.5, keep=0.9, decay=0.95):
    """Inputs as a lecture hands them out: nobody may write into x."""
    x.flags.writeable = False
    return x, *(x.dtype.type(number) for number in (threshold, keep, decay))


@functools.cache
def noise(n, dtype, **numbers):
    x = np.random.default_rng(n).standard_normal(n, dtype=dtype)
    return handed_out(x, **numbers)


def kinds(dtype):
    """Signals that end in something special, each of some 20,000 samples."""
    n = 20_011
    t = np.arange(n)
    burst = np.where(t < 100, 3.0, 0.0)  # then silence: the state dies away
    equal = np.where(t % 3, 0.5, 2.0)  # two samples in three are the threshold itself
    late = np.where(t == n - 1, 1e3, 0.0)
    tone = 2 * np.sin(t / 50)
    return {
        "silence": np.zeros(n),
        "all loud": np.full(n, 1.5),
        "a burst, then silence": burst,
        "equal to the threshold": equal,
        "loud at the very end": late,
        "sorted": np.sort(tone),
        "negative": -1 - tone,
        "a tone": tone,
        "tiny": tone * float(np.finfo(dtype).tiny) * 4,
        "huge": tone * (float(np.finfo(dtype).max) / 16),
    }


KINDS = tuple(kinds("float64"))


def exact(x, threshold, keep, decay):
    """Return the states as fractions: no rounding anywhere."""
    threshold, keep, decay = (Fraction(float(v)) for v in (threshold, keep, decay))
    s, states = Fraction(0), []
    for value in map(Fraction, x.tolist()):
        s = keep * s + (1 - keep) * value if value > threshold else decay * s
        states.append(s)
    return states


def distance(states, truth):
    """Return the largest distance of states from exact ones."""
    pairs = zip(states.tolist(), truth, strict=True)
    return float(max(abs(Fraction(s) - t) for s, t in pairs))


# What every implementation promises


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_follows_the_recurrence_at_awkward_sizes(solve, n, dtype):
    given = noise(n, dtype)
    states = solve(*given)
    assert states.dtype == dtype
    assert states.shape == (n,)
    case.check(states, *given)
    truth = case.oracle(*given)
    assert np.abs(states - truth).max() <= case.bound(given[0], *given[2:])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:(underflow|overflow) encountered")
def test_follows_the_recurrence_on_unusual_signals(solve, kind, dtype):
    given = handed_out(kinds(dtype)[kind].astype(dtype))
    case.check(solve(*given), *given)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "numbers",
    [
        {"threshold": 0.0},
        {"threshold": 9.0},
        {"keep": 0.5, "decay": 0.5},
        {"keep": 0.999, "decay": 0.99},  # remembers longer than a lane is
        {"keep": 0.75, "decay": 0.9999},
    ],
    ids=str,
)
def test_follows_the_recurrence_for_other_numbers(solve, numbers, dtype):
    given = noise(50_003, dtype, **numbers)
    case.check(solve(*given), *given)


@pytest.mark.parametrize("dtype", DTYPES)
def test_stays_within_the_bound_of_exact_arithmetic(solve, dtype):
    given = noise(300, dtype, keep=0.75, decay=0.875)
    assert distance(solve(*given), exact(*given)) <= case.bound(given[0], *given[2:])


@pytest.mark.parametrize("dtype", DTYPES)
def test_does_not_remember_the_call_before(solve, dtype):
    one = noise(9_001, dtype)
    other = handed_out(-one[0])
    solve(*one)
    case.check(solve(*other), *other)
    case.check(solve(*one), *one)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SAME_BITS)
@pytest.mark.parametrize("n", SIZES)
def test_gives_the_bits_of_the_plain_loop(name, n, dtype):
    given = noise(n, dtype)
    expected = solver("numba_loop")(*given).tobytes()
    assert solver(name)(*given).tobytes() == expected


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["numpy_lanes", "numba_seams"])
def test_gives_these_bits_where_lanes_never_meet(name, dtype):
    # A lane of the filter that hardly forgets is wrong from its first sample to its
    # last, so that each seam has to be mended through all that follows.
    given = noise(70_001, dtype, keep=0.99999, decay=0.99999)
    expected = solver("numba_loop")(*given).tobytes()
    assert solver(name)(*given).tobytes() == expected


def test_float64_python_is_the_same_loop():
    given = noise(5_000, "float64")
    expected = solver("numba_loop")(*given).tobytes()
    assert solver("python_loop")(*given).tobytes() == expected


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ["numba_affine", "numba_lanes", "numba_seams"])
def test_is_right_for_any_number_of_threads(name, threads):
    numba = pytest.importorskip("numba")
    if threads > numba.config.NUMBA_NUM_THREADS:
        pytest.skip("this machine has one thread")
    given = noise(200_003, "float64")
    before = numba.get_num_threads()
    numba.set_num_threads(threads)
    try:
        states = solver(name)(*given)
    finally:
        numba.set_num_threads(before)
    case.check(states, *given)


# What the judges promise


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_oracle_is_within_the_bound_of_exact_arithmetic(dtype):
    given = noise(300, dtype, keep=0.75, decay=0.875)
    truth = exact(*given)
    assert distance(case.oracle(*given), truth) <= case.bound(given[0], *given[2:]) / 5


def test_the_oracle_knows_the_step_response():
    # Always loud: s = 1 - keep^(t+1) for x = 1.  Then quiet: a power of decay.
    x = np.repeat([1.0, 0.0], 50)
    states = case.oracle(*handed_out(x, 0.5, 0.75, 0.875))
    t = np.arange(1, 51)
    np.testing.assert_allclose(states[:50], 1 - 0.75**t, rtol=1e-14)
    np.testing.assert_allclose(states[50:], states[49] * 0.875**t, rtol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_after_its_memory_a_state_has_no_influence(dtype):
    eps = float(np.finfo(dtype).eps)
    for keep, decay in [(0.9, 0.95), (0.5, 0.5), (0.999, 0.6)]:
        samples = case.memory(dtype, keep, decay)
        c = max(keep, decay)
        assert c**samples <= eps < c ** (samples - 1)


def test_states_stay_between_zero_and_the_largest_sample():
    x, *numbers = noise(10_000, "float64")
    states = case.oracle(x, *numbers)
    assert states.min() >= 0
    assert states.max() <= np.abs(x).max()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_check_passes_any_two_answers_within_the_bound(dtype):
    x, *numbers = noise(1_000, dtype)
    bound = case.bound(x, *numbers[1:])
    truth = case.oracle(x, *numbers)
    sign = np.where(np.arange(x.size) % 2, 1, -1)
    case.check(truth + 0.95 * bound * sign, x, *numbers)


@pytest.mark.parametrize("dtype", DTYPES)
def test_work_counts_operations_and_bytes(dtype):
    x, *numbers = noise(7, dtype)
    assert case.work(x, *numbers) == (28, 14 * x.itemsize)


def plain(x, threshold, keep, decay, **other):
    """The loop with one thing changed."""
    start = other.get("start", 0.0)
    gain = other.get("gain", 1 - keep)
    loud = other.get("loud", lambda v: v > threshold)
    states, s = np.empty(x.size), start
    for t, v in enumerate(x):
        s = keep * s + gain * v if loud(v) else decay * s
        states[t] = s
    return states


def with_samples(*changes):
    """Return a wrong answer: right but for some states, each (index, change)."""

    def wrong(*given):
        states = case.oracle(*given)
        for index, change in changes:
            states[index] += change
        return states

    return wrong


def lanes(early, length=500):
    """Return lanes that start `early` samples before their own, from 0."""

    def wrong(x, *numbers):
        parts = []
        for start in range(0, x.size, length):
            first = max(0, start - early)
            states = case.oracle(x[first : start + length], *numbers)
            parts.append(states[start - first :])
        return np.concatenate(parts)

    return wrong


WRONG = {
    "the samples": lambda x, *_: x.copy(),
    "zeros": lambda x, *_: np.zeros_like(x),
    "starts at one": lambda *given: plain(*given, start=1.0),
    "starts at the first sample": lambda *given: plain(*given, start=given[0][0]),
    "gain of one": lambda *given: plain(*given, gain=1.0),
    "decay and keep exchanged": lambda x, a, b, c: case.oracle(x, a, c, b),
    "equal counts as loud": lambda *given: plain(*given, loud=lambda v: v >= given[1]),
    "size in place of value": lambda *g: plain(*g, loud=lambda v: abs(v) > g[1]),
    "always loud": lambda *given: plain(*given, loud=lambda v: True),
    "threshold ignored": lambda *given: plain(*given, loud=lambda v: v > 0),
    "never decays": lambda x, a, b, c: case.oracle(x, a, b, np.float64(1)),
    "branch on the state": lambda x, a, b, c: case.oracle(
        np.maximum(x, 0), 0 * a, b, c
    ),
    "one sample late": lambda *given: np.roll(case.oracle(*given), 1),
    "backwards": lambda x, *rest: case.oracle(x[::-1], *rest)[::-1],
    "the last state is missing": with_samples((-1, -0.01)),
    "one state off by 1e-12": with_samples((777, 1e-12)),
    "half precision": lambda x, *r: case.oracle(x.astype("f2"), *r),
    "single precision": lambda *given: case.oracle(*given).astype("f4"),
    "rounded for display": lambda *given: case.oracle(*given).round(6),
    "every second state kept": lambda *g: np.repeat(case.oracle(*g)[::2], 2),
    "chunks from zero": lanes(early=0),
    "lanes that start a little early": lanes(early=100),
    "the mean of the past": lambda x, *_: np.cumsum(x) / np.arange(1, x.size + 1),
    "not a number at the end": with_samples((-1, np.nan)),
    "infinite in the middle": with_samples((500, np.inf)),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_the_check_rejects_wrong_answers(wrong):
    x = noise(2_000, "float64")[0].copy()
    x[100:1_900:50] = 0.5  # some that equal the threshold
    given = handed_out(x)
    case.check(case.oracle(*given), *given)
    with pytest.raises(AssertionError, match="does not follow from the one before"):
        case.check(wrong(*given), *given)


@pytest.mark.parametrize("n", [2_000, problem.BLOCK + 1])
def test_the_check_looks_at_every_sample(n):
    given = noise(n, "float64")
    for index in (0, 1, n // 2, n - 1):
        wrong = with_samples((index, 1e-9))(*given)
        with pytest.raises(AssertionError, match=f"state {index:,} does not follow"):
            case.check(wrong, *given)


def test_lanes_that_start_early_enough_pass():
    given = noise(5_000, "float64")
    early = case.memory("float64", *given[2:])
    case.check(lanes(early, 1_000)(*given), *given)


def test_the_check_gives_a_tip():
    x, *numbers = noise(2_000, "float64")
    single = case.oracle(x, *numbers).astype("f4")
    with pytest.raises(AssertionError, match="was it computed in float32"):
        case.check(single, x, *numbers)
    with pytest.raises(AssertionError, match="before the first sample is 0"):
        case.check(plain(x, *numbers, start=1.0), x, *numbers)
    at = handed_out(np.full(3, 0.5))
    with pytest.raises(AssertionError, match="equal to the threshold is quiet"):
        case.check(np.array([0, 0.05, 0.05]), *at)


MALFORMED = {
    "None": (None, "expected an array of states, got NoneType"),
    "a list": ([0.0] * 5, "expected an array of states, got list"),
    "the last state": (np.float64(1), r"shape \(5,\), got \(\)"),
    "one too few": (np.zeros(4), r"shape \(5,\), got \(4,\)"),
    "a column": (np.zeros((5, 1)), r"shape \(5,\), got \(5, 1\)"),
    "integers": (np.zeros(5, int), "expected floating-point states, got int"),
    "complex": (np.zeros(5, complex), "expected floating-point states, got complex"),
}


@pytest.mark.parametrize(
    ("result", "message"), MALFORMED.values(), ids=MALFORMED.keys()
)
def test_the_check_says_what_is_no_answer(result, message):
    given = noise(5, "float64")
    with pytest.raises(AssertionError, match=message):
        case.check(result, *given)
