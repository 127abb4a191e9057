"""The building blocks of an exercise's checks: they see what is wrong, and say it."""

import functools

import numpy as np
import pytest

from arraylab import judging
from arraylab.judging import (
    NeedsGpu,
    NotStarted,
    NotYet,
    chunks_within,
    compilations_at_most,
    compiles_once,
    expect,
    matches,
    no_python_loops,
    peak_memory,
    result_of,
    same_value,
    speedup,
    started,
    tasks_at_most,
)

X = np.array([1.0, 2.0, 4.0])
SINGLE = X.astype("float32")


def double(x):
    return x * 2


def says(kind, fn, *args, **options):
    """Return the refusal of a check, which says what happened and gives a tip."""
    with pytest.raises(kind) as caught:
        fn(*args, **options)
    error = caught.value
    assert type(error) is kind
    assert error.what
    assert error.tip or kind is NotYet
    return error


class TestMatches:
    """Values, shape, dtype, library, and inputs that stay as they were."""

    def test_what_is_right_passes_and_says_how_often(self):
        told = matches(lambda x: x + x, double, [(X,), (SINGLE,)])
        assert told == "right in 2 cases"

    def test_a_wrong_value_is_shown_with_its_place(self):
        error = says(NotYet, matches, lambda x: x * [2, 2, 3], double, [(X,)])
        assert "wrong in 1 of 3 elements, first at index 2" in error.what
        assert (error.expected, error.got) == ("8", "12")
        assert "by hand" in error.tip

    def test_a_wrong_number_alone_is_shown(self):
        error = says(NotYet, matches, np.min, np.max, [(X,)])
        assert error.what.endswith("is wrong.")
        assert (error.expected, error.got) == ("4", "1")

    def test_digits_go_as_far_as_the_difference(self):
        got = X + np.array([0, 1e-12, 0])
        error = says(NotYet, matches, lambda x: got, lambda x: X, [(X,)], rtol=1e-15)
        assert error.expected == "2.000000000000"[: len(error.expected)]
        assert error.got == "2.000000000001"

    def test_a_wrong_shape_is_shown(self):
        error = says(NotYet, matches, lambda x: x[:, None] * 2, double, [(X,)])
        assert "wrong shape" in error.what
        assert (error.expected, error.got) == ("(3,)", "(3, 1)")
        assert "keepdims" in error.tip

    def test_a_wrong_dtype_is_shown(self):
        def widened(x):
            return x.astype(float) * 2

        error = says(NotYet, matches, widened, double, [(SINGLE,)])
        assert (error.expected, error.got) == ("float32", "float64")
        assert matches(widened, double, [(SINGLE,)], same_dtype=False)

    def test_another_library_is_seen(self):
        error = says(NotYet, matches, lambda x: list(x * 2), double, [(X,)])
        assert "something else" in error.what
        assert (error.expected, error.got) == ("an array of numpy", "builtins.list")
        assert matches(lambda x: list(x * 2), double, [(X,)], same_library=False)

    def test_a_changed_input_is_seen(self):
        def into(x):
            x *= 2
            return x

        before = X.copy()
        error = says(NotYet, matches, into, double, [(X,)])
        assert "changed its argument number 1" in error.what
        assert "x -= y" in error.tip
        assert (before == X).all()

    def test_nothing_returned_is_seen(self):
        error = says(NotYet, matches, lambda x: print(end=""), double, [(X,)])
        assert error.what == "`<lambda>([1. 2. 4.])` returned None."
        assert "return" in error.tip

    def test_an_error_is_told_in_a_line(self):
        error = says(NotYet, matches, lambda x: x @ x[:2], double, [(X,)])
        assert "stopped with an error" in error.what
        assert error.got.startswith("ValueError")
        assert "\n" not in error.got

    def test_an_endless_recursion_is_told(self):
        def again(x):
            return again(x)

        assert "without an end" in says(NotYet, matches, again, double, [(X,)]).what

    def test_not_implemented_is_not_started(self):
        def later(x):
            raise NotImplementedError

        says(NotStarted, matches, later, double, [(X,)])

    def test_several_results_are_compared_in_turn(self):
        def pair(x):
            return x, x + 1

        assert matches(pair, pair, [(X,)])
        error = says(NotYet, matches, lambda x: (x, x), pair, [(X,)])
        assert error.what.startswith("part 2 of")
        error = says(NotYet, matches, lambda x: x, pair, [(X,)])
        assert (error.expected, error.got) == ("a tuple of 2", "ndarray")
        error = says(NotYet, matches, lambda x: (x,), pair, [(X,)])
        assert error.got == "tuple of 1"

    def test_nan_and_infinity_are_values(self):
        odd = np.array([np.nan, np.inf, 1.0])
        assert matches(lambda x: x + 0, lambda x: x, [(odd,)])
        says(NotYet, matches, lambda x: np.nan_to_num(x), lambda x: x, [(odd,)])

    def test_rounding_is_no_mistake(self):
        assert matches(lambda x: x * (1 + 1e-12), lambda x: x, [(X,)])
        assert matches(lambda x: x - x + 1e-16, lambda x: x - x, [(X,)], atol=1e-12)

    def test_integers_and_booleans_are_exact(self):
        whole = np.arange(3)
        says(
            NotYet,
            matches,
            lambda x: x + np.eye(3, dtype=int)[0],
            lambda x: x,
            [(whole,)],
        )
        says(NotYet, matches, lambda x: x >= 1, lambda x: x > 1, [(whole,)])

    def test_python_numbers_are_no_matter_of_dtype(self):
        assert matches(lambda x: float(x.sum()), lambda x: x.sum(), [(X,)])
        assert matches(lambda x: x.sum(), lambda x: 7.0, [(X,)])

    @pytest.mark.parametrize("library", ["jax", "dask"])
    def test_other_libraries_get_their_own_arrays(self, library):
        pytest.importorskip(library, reason=f"{library} is not installed")
        kinds = []

        def seen(x):
            kinds.append(judging.library_of(x))
            return x * 2

        told = matches(seen, double, [(X,), (SINGLE,)], libraries=["numpy", library])
        assert told == f"right in 2 cases with numpy and {library}"
        assert kinds == ["numpy", "numpy", library, library]
        error = says(
            NotYet, matches, lambda x: np.asarray(x) * 2, double, [(X,)],
            libraries=[library],
        )  # fmt: skip
        assert error.expected == f"an array of {library}"

    def test_dask_arrays_come_in_several_chunks(self):
        pytest.importorskip("dask", reason="Dask is not installed")

        def per_block(x):
            return x.map_blocks(lambda block: block - block.mean())

        error = says(
            NotYet, matches, per_block, lambda x: x - x.mean(), [(X,)],
            libraries=["dask"],
        )  # fmt: skip
        assert "wrong in" in error.what

    def test_without_a_gpu_nothing_is_judged(self, monkeypatch):
        lacking = "CuPy needs a CUDA GPU, and finds none here"
        monkeypatch.setattr(
            judging.arrays, "missing", lambda lib: lacking if lib == "cupy" else ""
        )
        error = says(NeedsGpu, matches, double, double, [(X,)], libraries=["cupy"])
        assert "Colab" in error.tip
        told = matches(double, double, [(X,)], libraries=["numpy", "cupy"])
        assert told == "right in 1 case with numpy (cupy left out)"


class TestStarted:
    """A stub is not started, and not wrong."""

    def test_ellipsis_none_and_empty_functions(self):
        def dots(x):
            """Return something."""
            ...

        def passes(x):
            pass

        for stub in (..., None, dots, passes, functools.partial(dots, 1)):
            error = says(NotStarted, started, stub, "f")
            assert "`f` is still" in error.what

    def test_a_function_that_does_something_is_started(self):
        started(double)
        started(lambda x: 0)
        started(3)

    def test_compiled_stubs_are_seen(self):
        numba = pytest.importorskip("numba", reason="Numba is not installed")
        jax = pytest.importorskip("jax", reason="JAX is not installed")

        def dots(x): ...

        says(NotStarted, started, numba.njit(dots))
        says(NotStarted, started, jax.jit(dots))


def own_helper(x):
    return [v for v in x]  # noqa: C416


class TestLoops:
    """Loops of the interpreter, wherever they stand."""

    @pytest.mark.parametrize(
        ("fn", "what"),
        [
            (lambda x: np.array([v * 2 for v in x]), "a comprehension"),
            (lambda x: np.array(list(map(abs, x))), "`map`"),
            (lambda x: sum(x), "`sum`"),
            (lambda x: np.vectorize(abs)(x), "`vectorize`"),
            (lambda x: np.apply_along_axis(np.sum, 0, x), "`apply_along_axis`"),
            (lambda x: np.fromiter(x, float), "fromiter"),
            (lambda x: np.array(own_helper(x)), "a"),
            (np.vectorize(abs), "vectorize"),
        ],
    )
    def test_are_seen(self, fn, what):
        error = says(NotYet, no_python_loops, fn)
        assert what in error.got
        assert "whole arrays" in error.tip

    def test_for_and_while_and_recursion_are_seen(self):
        def with_for(x):
            for v in x:
                x = v
            return x

        def with_while(x):
            while x.size > 1:
                x = x[1:]
            return x

        def inside(x):
            def helper(y):
                for v in y:
                    x = v
                return x

            return helper(x)

        for fn in (
            with_for,
            with_while,
            inside,
            functools.wraps(with_for)(lambda x: x),
        ):
            assert "loop" in says(NotYet, no_python_loops, fn).what
        assert "for v in x:" in says(NotYet, no_python_loops, with_for).what
        assert "itself" in says(NotYet, no_python_loops, recursive).what

    def test_whole_arrays_pass(self):
        def fine(x):
            return (x * 2).sum() + np.maximum(x, 0).max()

        assert no_python_loops(fine) == ""
        assert no_python_loops(fine, (X,), (np.ones(1000),)) == ""

    def test_a_compiled_loop_is_none_of_the_interpreter(self):
        numba = pytest.importorskip("numba", reason="Numba is not installed")

        @numba.njit
        def total(x):
            s = 0.0
            for v in x:
                s += v
            return s

        no_python_loops(total)
        no_python_loops(lambda x: total(x))

    def test_what_hides_from_reading_is_counted(self):
        hidden = eval("lambda x: hide(x)", {"hide": Looping()})
        no_python_loops(hidden)
        error = says(NotYet, no_python_loops, hidden, (X,), (np.ones(500),))
        assert "more in the interpreter" in error.what


class Looping:
    def __call__(self, x):
        return np.array([v + 1 for v in x])


def recursive(x):
    return x if x.size < 2 else recursive(x[1:])


class TestSpeed:
    """A bar that is far away is seen, and right comes before fast."""

    def test_faster_passes_and_keeps_its_room(self):
        def slow(x):
            return np.array([v * 2 for v in x.tolist()])

        told = speedup(double, slow, (np.ones(20_000),), at_least=2)
        assert "times as fast as `slow` (asked: 2)" in told
        assert told.headroom > 1

    def test_slow_is_told_with_the_ratio(self):
        error = says(
            NotYet, speedup, double, double, (np.ones(1000),), at_least=50, rounds=3
        )
        assert error.what == "`double` is right, and not yet fast enough."
        assert error.expected == "at least 50 times as fast as `double`"
        assert error.got.endswith("times as fast")
        assert "interpreter" in error.tip

    def test_wrong_is_told_before_any_speed(self):
        error = says(NotYet, speedup, lambda x: x, double, (X,), at_least=1)
        assert "is wrong" in error.what


class TestCounts:
    """Compilations, bytes, chunks and tasks."""

    def test_one_compilation_is_enough(self):
        jax = pytest.importorskip("jax", reason="JAX is not installed")
        jitted = jax.jit(lambda x: x + 1)
        told = compiles_once(jitted, (X,), (X + 1,), (X + 2,))
        assert told == "0 further compilations in 2 calls"

    def test_compiling_anew_is_counted(self):
        jax = pytest.importorskip("jax", reason="JAX is not installed")

        def fresh(x):
            return jax.jit(lambda y: y + 1)(x)

        error = says(NotYet, compiles_once, fresh, (X,), (X,), (X,))
        assert error.expected == "no further compilation"
        assert error.got.startswith("2 in 2 calls")
        assert compilations_at_most(fresh, 4, (X,), (X,), (X,))

    def test_numba_s_are_counted_too(self):
        numba = pytest.importorskip("numba", reason="Numba is not installed")
        fn = numba.njit(lambda x: x + 1)
        assert compiles_once(fn, (1.0,), (2.0,))
        error = says(NotYet, compiles_once, fn, (1.0,), (1,))
        assert error.got.startswith("1 in 1 call")

    def test_what_is_not_compiled_is_told(self):
        error = says(NotYet, compiles_once, double, (X,), (X,))
        assert "nothing was compiled" in error.what
        assert "@njit" in error.tip

    def test_memory_is_counted(self):
        def greedy(x):
            return (x[:, None] * x).sum()

        x = np.ones(500)
        assert "kB at the worst" in peak_memory(double, (x,), at_most=100_000)
        error = says(NotYet, peak_memory, greedy, (x,), at_most=100_000)
        assert error.expected == "at most 100 kB"
        assert error.got.endswith("MB")

    def test_a_lazy_argument_is_named_by_shape_and_dtype(self):
        array = pytest.importorskip("dask.array", reason="Dask is not installed")
        lazy = array.ones((400, 500), chunks=100)
        error = says(NotYet, peak_memory, np.asarray, (lazy,), at_most=1000)
        assert "asarray(<dask float64 of shape (400, 500)>)" in error.what

    def test_chunks_have_a_size(self):
        array = pytest.importorskip("dask.array", reason="Dask is not installed")
        cut = array.zeros((100, 100), chunks=(50, 100))
        assert chunks_within(cut, 40_000) == "2 chunks, the largest 40.0 kB"
        error = says(NotYet, chunks_within, cut, 10_000)
        assert error.got == "40.0 kB"
        assert "too small" in says(
            NotYet, chunks_within, cut, 10**6, at_least=10**5
        ).what  # fmt: skip
        assert "no Dask" in says(NotYet, chunks_within, X, 10).what
        says(NotStarted, chunks_within, ..., 10)

    def test_tasks_are_counted(self):
        array = pytest.importorskip("dask.array", reason="Dask is not installed")
        sums = array.ones(100, chunks=10).sum()
        assert tasks_at_most(sums, 100).endswith("tasks")
        error = says(NotYet, tasks_at_most, sums, 5)
        assert error.expected == "at most 5"
        assert int(error.got) > 5
        assert tasks_at_most(sums, 100, optimised=True)


class TestWords:
    """Whatever is said can be read."""

    def test_a_refusal_reads_as_lines(self):
        error = NotYet("It is wrong.", "4", "5", "Count again.")
        lines = str(error).splitlines()
        assert lines == [
            "It is wrong.",
            "expected: 4",
            "got:      5",
            "tip:      Count again.",
        ]

    def test_expect_shows_values(self):
        expect(True, "fine")
        error = says(NotYet, expect, X < 3, "too large", expected=3, got=X, tip="Cut.")
        assert error.expected == "3"
        assert error.got == "[1. 2. 4.] (float64, shape (3,))"

    @pytest.mark.parametrize(
        ("got", "expected"),
        [
            (3.0, 3),
            ("a", "a"),
            ((1, 2), (1, 2)),
            ([1, 2], (1, 2)),
            (X, X),
            (True, True),
            (np.True_, True),
        ],
    )
    def test_a_value_may_be_the_answer(self, got, expected):
        assert same_value(got, expected) == "right"

    @pytest.mark.parametrize(
        ("got", "expected"),
        [(3, 4), ("a", "b"), ((1,), (1, 2)), (X, X + 1), ("a", 3), (X, 1.0), (1, True)],
    )
    def test_a_wrong_value_is_told_without_the_right_one(self, got, expected):
        what = "The stride"
        error = says(NotYet, same_value, got, expected, what, secret=True, tip="Look.")
        assert error.what == "The stride is not right yet."
        assert error.expected == "another value"

    def test_of_what_a_function_returns_both_are_told(self):
        error = says(NotYet, same_value, 3, np.int64(4), "f(2)", tip="Count.")
        assert (error.expected, error.got) == ("4", "3")

    def test_a_result_is_had_or_the_call_that_failed_is_told(self):
        assert result_of(np.add, 1, 2) == 3
        error = says(NotYet, result_of, lambda x, y: x / y, 8e9, 0)
        assert error.what == "`<lambda>(8e+09, 0)` stopped with an error."
        assert "ZeroDivisionError" in error.got

    def test_a_call_with_long_arguments_is_cut_where_it_shows(self):
        told = judging.call_of("f", [double, [{"numpy"}] * 9, 0.1, 1234567.8, 1e-300])
        long = "[{'numpy'}, {'numpy'}, {'nu…"
        assert told == f"f(double, {long}, 0.1, 1234567.8, 1e-300)"

    def test_a_value_may_be_a_stub(self):
        says(NotStarted, same_value, ..., 3)

    def test_numba_s_errors_become_a_line(self):
        numba = pytest.importorskip("numba", reason="Numba is not installed")

        @numba.njit
        def mixes(x):
            return x + "a"

        error = says(NotYet, matches, mixes, double, [(X,)])
        assert error.got.startswith("TypingError")
        assert len(error.got) < 300
