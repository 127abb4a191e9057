"""The logic of a measurement, on a clock that only moves when a test says so."""

import functools
import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest

from arraylab import Refused, Variant, bench, compare, matches, sweep
from arraylab.clock import Clock
from arraylab.limits import Share
from arraylab.notebooks import COMPARISON
from arraylab.results import Comparison, Timing
from arraylab.variants import variants_of
from case_studies.grid_max import numpy_broadcast
from case_studies.option_price import array_api_counter


class HandClock(Clock):
    """Seconds pass when somebody adds to `now`; the machine is quiet unless told."""

    def __init__(self, canaries=()):
        self.now = 0.0
        self.cores = 1.0
        self.canaries = iter(canaries)

    def wall(self):
        return self.now

    def cpu(self):
        return self.now * self.cores

    def faults(self):
        return 0

    def canary(self):
        return next(self.canaries, 1.0)

    def busy(self):
        return None

    def settle(self):
        pass

    def overhead(self, calls=1000):
        return 0.0


@pytest.fixture
def clock():
    return HandClock()


def taking(clock, *seconds, result=1.0):
    """A function that takes `seconds` in turn, the last for ever after."""
    durations = itertools.chain(seconds, itertools.repeat(seconds[-1]))

    def fn(*inputs):
        clock.now += next(durations)
        return result

    return fn


def right(result, *inputs):
    if result != 1.0:
        raise AssertionError(f"expected 1.0, got {result}")


def test_the_first_call_is_kept_apart_from_the_steady_state(clock):
    row = bench(taking(clock, 5.0, 1.0), check=right, clock=clock)
    assert (row.first, row.median) == (5.0, 1.0)


def test_short_calls_are_repeated_until_a_sample_is_long_enough(clock):
    calls = []

    def fn():
        clock.now += 0.001
        calls.append(1)
        return 1.0

    row = bench(fn, check=right, clock=clock, rounds=3)
    assert row.median == pytest.approx(0.001)
    assert len(calls) == 2 + 3 * 10  # first, warm-up, three samples of 10 ms


def test_slow_functions_get_fewer_rounds_but_never_less_than_three(clock):
    row = bench(taking(clock, 60.0), check=right, clock=clock, max_seconds=1)
    assert len(row.seconds) == 3


def test_a_slow_function_that_did_not_compile_is_not_warmed_up(clock):
    calls = []

    def fn():
        clock.now += 60
        calls.append(1)
        return 1.0

    bench(fn, check=right, clock=clock)
    assert len(calls) == 1 + 3


def test_variants_take_turns_in_an_order_that_changes(clock):
    turns = []

    def variant(name):
        def fn():
            clock.now += 1
            turns.append(name)
            return 1.0

        return fn

    compare({n: variant(n) for n in "abc"}, check=right, clock=clock, max_seconds=9)
    rounds = ["".join(turns[i : i + 3]) for i in range(6, len(turns), 3)]
    assert len(rounds) == 9
    assert {"".join(sorted(r)) for r in rounds} == {"abc"}  # each round has each once
    assert len(set(rounds)) > 2  # not always in the same order


def test_median_quartiles_and_spread_are_those_of_the_samples(clock):
    fn = taking(clock, 1, 1, 1, 2, 3, 4, 5)
    row = bench(fn, check=right, clock=clock, rounds=5, max_seconds=99)
    assert row.seconds == (1, 2, 3, 4, 5)
    assert (row.median, row.quartiles, row.spread) == (3, (2, 4), pytest.approx(2 / 3))
    assert row.verdict == "NOISY"


@pytest.mark.parametrize(
    ("scatter", "said"), [(0.001, "1.23 s"), (0.1, "1.2 s"), (0.9, "1 s")]
)
def test_digits_follow_the_noise(scatter, said):
    seconds = tuple(1.234 * (1 + scatter * k) for k in (-1, -0.5, 0, 0.5, 1))
    assert Timing("f", seconds=seconds, rounds=tuple(range(5))).time() == said


def test_a_sample_taken_while_others_worked_is_dropped(clock):
    # Two canaries a sample, before and after; the second sample is disturbed.
    clock.canaries = iter([1, 1, 1, 2, 1, 1, 1, 1, 1, 1])
    fn = taking(clock, 1, 1, 1, 50, 1, 1, 1)
    row = bench(fn, check=right, clock=clock, rounds=5, max_seconds=99)
    assert row.seconds == (1, 1, 1, 1)
    assert row.rounds == (0, 2, 3, 4)


def test_a_machine_that_is_never_quiet_makes_the_row_noisy(clock):
    clock.canaries = iter([1, 1, 1, 1, 9, 9, 1, 9])
    fn = taking(clock, 1.0)
    row = bench(fn, check=right, clock=clock, rounds=4, max_seconds=99)
    assert row.verdict == "NOISY"
    assert "something else used the machine" in row.message


def test_cpu_time_over_wall_time_says_how_many_cores_worked(clock):
    clock.cores = 1.9
    row = bench(taking(clock, 1.0), check=right, clock=clock)
    assert row.cores == pytest.approx(1.9)


def test_other_programs_that_use_the_machine_are_mentioned(clock, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    clock.busy = lambda: 2 * clock.now  # both cores work; we use one of them
    result = compare([taking(clock, 1.0)], check=right, clock=clock)
    assert "Other programs used 50% of the machine meanwhile." in result.notes
    assert result[0].verdict == "NOISY"
    assert result[0].message == "other programs used 50% of the machine"


def comparison(clock, **seconds):
    fns = {name: taking(clock, *durations) for name, durations in seconds.items()}
    return compare(fns, check=right, clock=clock, rounds=3, max_seconds=99)


def test_ratios_are_taken_within_rounds(clock):
    # The machine is twice as slow in the second round, for both alike.
    result = comparison(clock, a=(4, 4, 4, 8, 4), b=(1, 1, 1, 2, 1))
    ratio = result.ratio("a", "b")
    assert (ratio.value, ratio.low, ratio.high) == (4, 4, 4)


@pytest.mark.parametrize(
    ("first", "steady", "calls"), [(9.0, 1.0, 8), (1.0, 1.0, 1), (3.0, 3.0, None)]
)
def test_break_even_is_when_the_first_call_is_paid_back(clock, first, steady, calls):
    # n calls cost first + (n - 1)·steady against 2·n: 8 calls make 16 of both.
    result = comparison(clock, base=(2.0,), jitted=(first, steady))
    assert result.break_even("jitted") == calls


def test_work_gives_the_share_of_the_machines_limit(clock, monkeypatch):
    limit = SimpleNamespace(share=lambda s, ops, n, dtype: Share("flops", ops / s / 10))
    monkeypatch.setattr("arraylab.timing.peaks", lambda device, refresh: limit)
    row = bench(taking(clock, 2.0), check=right, clock=clock, work=(5, 0))
    assert row.share.fraction == pytest.approx(0.25)


def test_faster_than_the_machine_allows_is_impossible(clock, monkeypatch):
    limit = SimpleNamespace(share=lambda s, ops, n, dtype: Share("flops", ops / s / 10))
    monkeypatch.setattr("arraylab.timing.peaks", lambda device, refresh: limit)
    result = compare([taking(clock, 2.0)], check=right, clock=clock, work=(25, 0))
    assert result[0].verdict == "IMPOSSIBLE"
    with pytest.raises(Refused, match="not done inside the clock"):
        _ = result[0].median


def test_every_call_gets_its_inputs_back_when_it_may_change_them(clock):
    seen = []

    def halve(x):
        clock.now += 1
        seen.append(x[0])
        x *= 0.5
        return x

    x = np.ones(3)
    row = bench(halve, x, check=matches(np.full(3, 0.5)), clock=clock, mutates=True)
    assert row.verdict == "ok"
    assert set(seen) == {1.0}


def test_every_sample_gets_new_inputs_when_asked(clock):
    seen = []

    def fn(x):
        clock.now += 1
        seen.append(float(x[0]))
        return x

    numbers = itertools.count(1)

    def fresh():
        return (np.full(2, float(next(numbers))),)

    def check(result, x):
        np.testing.assert_array_equal(result, x)

    bench(fn, np.zeros(2), check=check, clock=clock, fresh=fresh, rounds=3)
    assert len(seen) == len(set(seen)) == 5


def test_the_collector_is_quiet_while_the_clock_runs_and_back_afterwards(clock):
    import gc

    states = []

    def fn():
        clock.now += 1
        states.append(gc.isenabled())
        return 1.0

    bench(fn, check=right, clock=clock)
    assert states[2:]
    assert not any(states[2:])
    assert gc.isenabled()


def test_a_sweep_finds_where_the_lead_changes_and_drops_what_is_too_slow(clock):
    def slow_start(x):
        clock.now += 0.1 + 0.001 * x.size
        return 1.0

    def slow_end(x):
        clock.now += 0.01 * x.size
        return 1.0

    result = sweep(
        {"start": slow_start, "end": slow_end},
        [1, 10, 100, 1000],
        lambda n: (np.zeros(n),),
        check=lambda result, x: right(result),
        too_slow=0.5,
        clock=clock,
    )
    (crossover,) = result.crossovers()
    assert (crossover.below, crossover.above) == ("end", "start")
    assert 10 < crossover.size < 13  # 0.1 + 0.001·n = 0.01·n at n = 11.1
    assert result.curve("end")[0] == [1, 10, 100]
    assert result.curve("start")[0] == [1, 10, 100, 1000]


@pytest.mark.parametrize("sizes", [[], [2, 1], [1, 1]])
def test_a_sweep_wants_rising_sizes(sizes):
    with pytest.raises(ValueError, match="sizes have to rise"):
        sweep([abs], sizes, lambda n: (n,), check=None)


class TestOneBadVariantLeavesTheOthersAlone:
    """Bad input: the row says what happened, the other rows stand."""

    @pytest.fixture
    def rows(self, clock):
        def against(bad, **options):
            x = np.ones(4)
            good = taking(clock, 1.0)
            options = {"check": right, "clock": clock, "rounds": 3} | options
            result = compare({"good": good, "bad": bad}, x, **options)
            assert result["good"].verdict == "ok"
            assert result["good"].median == 1.0
            np.testing.assert_array_equal(x, np.ones(4))
            return result["bad"]

        return against

    def test_one_that_raises(self, rows):
        row = rows(lambda x: 1 / 0)
        assert (row.verdict, row.message) == (
            "RAISED",
            "ZeroDivisionError: division by zero",
        )

    def test_one_that_raises_only_later(self, rows):
        calls = itertools.count()

        def fn(x):
            if next(calls) == 3:
                raise ValueError("no more")
            return 1.0

        assert rows(fn).message == "ValueError: no more"

    def test_one_that_returns_nothing(self, rows):
        assert rows(lambda x: None).verdict == "NOTHING"

    def test_one_that_changes_its_input(self, rows):
        def fn(x):
            x += 1
            return 1.0

        row = rows(fn)
        assert row.verdict == "MUTATES"
        assert "input number 1" in row.message

    def test_one_that_changes_its_input_and_returns_nothing(self, rows):
        assert rows(lambda x: x.fill(2.0)).verdict == "MUTATES"

    @pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
    def test_one_that_changes_its_input_and_breaks_off(self, rows, error):
        def fn(x):
            x += 1
            raise error

        assert rows(fn).verdict in ("RAISED", "STOPPED")

    def test_one_that_changes_its_input_only_later(self, rows):
        calls = itertools.count()

        def fn(x):
            if next(calls) == 3:
                x += 1
            return 1.0

        assert rows(fn).verdict == "MUTATES"

    def test_one_that_leaves_python(self, rows):
        def fn(x):
            raise SystemExit(3)

        assert rows(fn).message == "SystemExit: 3"

    def test_one_whose_error_has_no_words(self, rows):
        class MuteError(Exception):
            def __str__(self):
                raise RuntimeError

        def fn(x):
            raise MuteError

        assert rows(fn).message == "MuteError: MuteError"

    def test_one_that_sorts_a_list_it_was_given(self, clock):
        numbers = [3, 1, 2]

        def fn(values):
            clock.now += 1
            values.sort()
            return 1.0

        row = compare([fn], numbers, check=lambda r, v: right(r), clock=clock)[0]
        assert row.verdict == "MUTATES"
        assert numbers == [3, 1, 2]

    def test_one_whose_check_writes_into_the_inputs(self, clock):
        x = np.array([2.0, 1.0])
        row = compare(
            [taking(clock, 1.0)], x, check=lambda r, v: v.sort(), clock=clock
        )[0]
        assert row.message.startswith("the check could not judge it: ValueError")
        np.testing.assert_array_equal(x, [2.0, 1.0])

    def test_one_that_hangs_until_somebody_interrupts(self, rows):
        def fn(x):
            raise KeyboardInterrupt

        assert rows(fn).verdict == "STOPPED"

    def test_one_that_is_interrupted_in_the_middle(self, rows):
        calls = itertools.count()

        def fn(x):
            if next(calls) == 4:
                raise KeyboardInterrupt
            return 1.0

        assert rows(fn).verdict == "STOPPED"

    def test_one_that_is_wrong(self, rows):
        row = rows(lambda x: 2.0)
        assert (row.verdict, row.message) == ("WRONG", "expected 1.0, got 2.0")

    def test_one_that_turns_wrong_later(self, rows):
        calls = itertools.count()
        assert rows(lambda x: 1.0 if next(calls) < 3 else 2.0).verdict == "WRONG"

    def test_one_that_the_check_cannot_judge(self, rows):
        assert rows(lambda x: "one").verdict == "WRONG"

    def test_a_check_that_returns_false_rejects(self, clock):
        row = compare([taking(clock, 1.0)], check=lambda r: False, clock=clock)[0]
        assert row.verdict == "WRONG"

    def test_one_whose_library_is_absent(self, rows, monkeypatch):
        monkeypatch.setattr(
            "arraylab.arrays.missing", lambda lib: "no cupy" if lib == "cupy" else ""
        )
        row = rows(Variant(lambda x: 1.0, library="cupy"))
        assert (row.verdict, row.message) == ("ABSENT", "no cupy")

    def test_a_refused_row_has_no_time_to_quote(self, rows):
        row = rows(lambda x: 2.0)
        with pytest.raises(Refused, match="no time for bad: WRONG"):
            _ = row.median

    def test_bench_of_one_function_raises(self, clock):
        with pytest.raises(Refused, match=r"expected 1\.0, got 2\.0"):
            bench(taking(clock, 1.0, result=2.0), check=right, clock=clock)


def test_variants_stay_those_of_their_case_also_where_a_library_is_absent(monkeypatch):
    monkeypatch.setattr("arraylab.arrays.missing", lambda library: "it is not here")
    found = variants_of(["grid_max.cupy_broadcast"])
    assert variants_of(found) == found
    renamed = variants_of({"ours": found[0]})
    assert [(v.name, v.case) for v in renamed] == [("ours", "grid_max")]


def test_what_wraps_an_implementation_is_not_taken_for_it():
    def wrapped(*inputs):
        return numpy_broadcast.grid_max(*inputs)

    functools.update_wrapper(wrapped, numpy_broadcast.grid_max)
    own, other = variants_of({"own": numpy_broadcast.grid_max, "other": wrapped})
    assert (own.case, own.implementation) == ("grid_max", "numpy_broadcast")
    assert own.fn is numpy_broadcast.grid_max
    assert (other.case, other.fn) == ("", wrapped)


def test_a_part_of_an_implementation_is_not_taken_for_it():
    (part,) = variants_of([array_api_counter.word])
    assert (part.case, part.fn) == ("", array_api_counter.word)


def test_a_result_of_an_earlier_call_is_no_work(clock):
    known = np.arange(3.0)
    row = compare({"cached": lambda: known}, check=matches(known.copy()), clock=clock)
    assert row[0].verdict == "CACHED"


def test_nor_is_one_that_comes_in_a_tuple(clock):
    known = np.arange(3.0)

    def half(x):
        clock.now += 1
        return x * 2, known

    row = compare({"half": half}, np.arange(3.0), check=lambda *_: True, clock=clock)
    assert row[0].verdict == "CACHED"


def test_a_buffer_that_is_filled_anew_is(clock):
    out = np.empty(3)

    def fill(x):
        clock.now += 1
        return np.multiply(x, 2, out=out)

    row = bench(fill, np.arange(3.0), check=matches([0, 2, 4]), clock=clock)
    assert row.verdict == "ok"


def test_a_first_call_that_compiled_is_remembered(clock, monkeypatch):
    count = iter([0, 3] + [3] * 999)
    monkeypatch.setattr("arraylab.timing.compilations", lambda: next(count))
    fn = taking(clock, 9.0, 1.0)
    once = bench(fn, check=right, clock=clock, rounds=3)
    again = bench(fn, check=right, clock=clock, rounds=3)
    assert (once.first, once.compiled) == (again.first, again.compiled) == (9.0, 3)


def test_what_one_library_compiled_is_no_first_call_of_another(clock, monkeypatch):
    count = iter([0, 3] + [3] * 999)
    monkeypatch.setattr("arraylab.timing.compilations", lambda: next(count))
    fn = taking(clock, 9.0, 1.0)
    jax, numpy = compare(
        [Variant(fn, "jax", "JAX"), Variant(fn, "numpy", "NumPy")],
        check=right,
        clock=clock,
        rounds=3,
    )
    assert (jax.first, jax.compiled) == (9.0, 3)
    assert numpy.compiled == 0


def test_a_variant_that_was_stopped_is_left_out_of_larger_sizes(clock):
    def hangs(n):
        clock.now += 1
        raise KeyboardInterrupt

    result = sweep(
        {"hangs": hangs, "good": taking(clock, 0.1)},
        [1, 2],
        lambda n: n,
        check=lambda result, n: right(result),
        clock=clock,
    )
    assert [len(c) for c in result.comparisons] == [2, 1]


def test_unchecked_rows_still_say_that_they_are_noisy(clock):
    fn = taking(clock, 1, 1, 1, 2, 3, 4, 5)
    row = bench(fn, check=None, clock=clock, rounds=5, max_seconds=99)
    assert row.verdict == "UNCHECKED"
    assert row.message.endswith("and the samples scatter")


class TestArgumentsThatCannotBeMeant:
    @pytest.mark.parametrize("rounds", [0, 1, 2])
    def test_too_few_rounds(self, rounds):
        with pytest.raises(ValueError, match="one run is no measurement"):
            compare([abs], 1.0, check=None, rounds=rounds)

    @pytest.mark.parametrize("work", [5, (None, 80), lambda x: "much"])
    def test_work_that_is_not_two_numbers(self, work):
        with pytest.raises(ValueError, match=r"two numbers, \(operations, bytes\)"):
            compare([abs], 1.0, check=None, work=work)

    def test_a_missing_check(self):
        with pytest.raises(TypeError, match=r"compare needs a check.*check=None"):
            compare([abs], 1.0)

    def test_a_check_that_is_no_function(self):
        with pytest.raises(TypeError, match="check must be a function or None"):
            compare([abs], 1.0, check=1.0)

    def test_one_function_without_a_list(self):
        with pytest.raises(TypeError, match="put this one in a list"):
            compare(abs, 1.0, check=None)

    def test_a_result_in_place_of_a_function(self):
        with pytest.raises(TypeError, match="give compare the function f and then x"):
            compare([abs(1.0)], check=None)

    def test_nothing_at_all(self):
        with pytest.raises(ValueError, match="nothing to compare"):
            compare([], check=None)

    def test_two_of_a_name(self):
        with pytest.raises(ValueError, match="two variants are called 'abs'"):
            compare([abs, abs], 1.0, check=None)

    def test_an_unknown_reference(self):
        with pytest.raises(ValueError, match="the reference 'sba' is none of abs"):
            compare([abs], 1.0, check=None, reference="sba")

    def test_an_unknown_implementation(self):
        with pytest.raises(ValueError, match="is no implementation of a case study"):
            compare(["grid_max.numpy_magic"], 1.0)

    def test_an_unknown_row(self, clock):
        with pytest.raises(KeyError, match="no row 'c'"):
            comparison(clock, a=(1,), b=(1,))["c"]


class TestMatches:
    def test_the_same_values_pass(self):
        matches([1.0, 2.0])(np.array([1.0, 2.0]))

    def test_float32_is_judged_as_float32(self):
        matches(np.array([1 / 3]))(np.array([1 / 3], "float32"))

    @pytest.mark.parametrize(
        "wrong", [[1.0, 2.1], [1.0], [[1.0, 2.0]], [np.nan, 2.0], None]
    )
    def test_wrong_ones_are_rejected(self, wrong):
        with pytest.raises((AssertionError, TypeError)):
            matches([1.0, 2.0])(wrong)


class TestShowing:
    @pytest.fixture
    def result(self, clock) -> Comparison:
        def bad(x):
            return 1 / 0

        fns = {"<numpy>": taking(clock, 2.0), "numba": taking(clock, 9.0, 1.0)}
        return compare(fns | {"bad": bad}, np.ones(3), check=right, clock=clock)

    def test_text_has_a_line_a_row_and_says_where(self, result):
        lines = str(result).splitlines()
        assert lines[0].startswith("Inputs float64 3. Median seconds a call on ")
        assert any(line.startswith("numba ") and "2.0x" in line for line in lines)
        assert any(line.startswith("bad ") and "RAISED" in line for line in lines)

    def test_html_is_escaped_and_has_headers(self, result):
        shown = result._repr_html_()
        assert '<th scope="row">&lt;numpy&gt;</th>' in shown
        assert '<th scope="col">time here</th>' in shown
        assert "<caption>" in shown

    def test_the_notebook_keeps_the_data(self, result):
        data = json.loads(json.dumps(result._repr_mimebundle_()))[COMPARISON]
        by_name = {row["name"]: row for row in data["rows"]}
        assert by_name["numba"]["median"] == 1.0
        assert by_name["numba"]["first"] == 9.0
        assert by_name["bad"]["median"] is None
        assert data["machine"]["cores"] >= 1

    def test_one_line_each(self, result):
        assert repr(result["numba"]) == "numba: 1.00 s ± 0%, first call 9.0 s"
        assert repr(result["bad"]) == "bad: RAISED, ZeroDivisionError: division by zero"
        assert "\n" not in repr(result)


def test_a_row_knows_its_inputs_by_shapes_whole_numbers_and_floating_dtype():
    inputs = np.ones((2, 3)), np.arange(4, dtype="uint32"), 1.5, True, 10_000
    row = compare({"f": lambda *_: 1.0}, *inputs, check=lambda *_: True)[0]
    assert row.shapes == ((2, 3), (4,), (10_000,))
    assert row.dtype == "float64"
    row = compare({"f": lambda *_: 1}, np.arange(4), check=lambda *_: True)[0]
    assert row.dtype == str(np.arange(4).dtype)


def test_without_arrays_of_floats_a_number_says_in_which_dtype_is_computed():
    inputs = np.arange(4, dtype="uint64"), np.float32(0.5)
    row = compare({"f": lambda keys, unit: keys * unit}, *inputs, check=None)[0]
    assert row.dtype == "float32"
