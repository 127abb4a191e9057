"""Every way of lying with a clock that we know, told with the real library and caught.

The numbers are those of the list of 21 lies that the course keeps; the lecture
`measuring` shows most of them.  No test asserts seconds: they count, compare within one
run with a wide margin, or look at verdicts.
"""

import gc
import os
import sys
import textwrap
import time
import timeit
from pathlib import Path

import jax
import jax.numpy as jnp
import numba
import numpy as np
import pytest

from arraylab import bench, compare, matches, wait
from arraylab.clock import Clock
from arraylab.memory import page_faults, peak_memory
from tests.apart import ran


def verdict(fn, *inputs, **options):
    """The row of one function; few rounds, as no time is looked at."""
    return compare([fn], *inputs, **{"rounds": 3} | options)[0]


def anything(result, *inputs):
    """A check that is always content, for lies that are not about the result."""


def script(code, **environment):
    """Run `code` in a Python of its own; return what it prints."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = ran(command, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


class Test01FirstCallsAreCompiling:
    def test_numba(self):
        @numba.njit
        def total(x):
            s = 0.0
            for v in x:
                s += v
            return s

        x = np.ones(1000)
        row = bench(total, x, check=matches(1000.0))
        assert row.compiled >= 1
        assert row.first > 20 * row.median

    def test_jax(self):
        row = bench(jax.jit(lambda x: x.sum()), jnp.ones(1000), check=matches(1000.0))
        assert row.compiled >= 1
        assert row.first > 5 * row.median


class Test02HiddenRecompilation:
    def test_a_fresh_lambda_is_a_new_function_to_jax(self):
        def fresh(x):
            return jax.jit(lambda v: v * 2)(x)

        row = verdict(fresh, jnp.ones(8), check=anything)
        assert row.verdict == "RECOMPILES"
        assert "fresh lambda" in row.message

    def test_a_fresh_lambda_as_static_argument(self):
        apply = jax.jit(lambda f, v: f(v), static_argnums=0)
        row = verdict(lambda x: apply(lambda v: v + 1, x), jnp.ones(8), check=anything)
        assert row.verdict == "RECOMPILES"

    def test_a_function_compiled_inside_a_call_with_numba(self):
        def fresh(x):
            return numba.njit(lambda v: v + 1)(x)

        assert verdict(fresh, 1.0, check=matches(2.0)).verdict == "RECOMPILES"

    def test_a_shape_that_changes_while_the_clock_runs(self):
        sizes = iter(range(1, 100))
        grow = jax.jit(lambda x: x + 1)

        def fresh():
            return (np.ones(next(sizes)),)

        row = compare({"jax": grow}, *fresh(), check=anything, fresh=fresh)[0]
        assert row.verdict == "RECOMPILES"

    def test_a_function_that_is_compiled_once_passes(self):
        row = verdict(jax.jit(lambda v: v * 2), jnp.ones(8), check=anything)
        assert row.verdict in ("ok", "NOISY")


class Test03WorkThatIsStillRunning:
    def test_jax_returns_before_it_is_done(self):
        x = jnp.ones((900, 900), "float32")
        product = jax.jit(lambda a: a @ a @ a)
        wait(product(x))
        start = time.perf_counter()
        pending = product(x)
        dispatch = time.perf_counter() - start
        wait(pending)
        row = bench(product, x, check=anything, rounds=3)
        assert row.median > 3 * dispatch

    def test_work_queued_before_the_clock_is_drained_first(self):
        big = jax.jit(lambda a: a @ a @ a @ a)
        x = jnp.ones((1200, 1200), "float32")
        wait(big(x))
        start = time.perf_counter()
        wait(big(x))
        one = time.perf_counter() - start

        class Unfair(Clock):
            """Somebody queues work, and forgets it, before each sample."""

            def canary(self):
                return 1.0

            def wall(self):
                return time.perf_counter()

        def small(v):
            return v + 1

        def queue_and_forget():
            big(x)
            return (np.ones(3),)

        small = jax.jit(small)
        row = compare(
            {"jax": small},
            np.ones(3),
            check=anything,
            fresh=queue_and_forget,
            clock=Unfair(),
            rounds=5,
        )[0]
        assert max(row.seconds) < one / 2


class Test04LazyResults:
    def test_a_dask_graph_is_computed_inside_the_clock(self):
        calls, worked = [], []

        def double(block):
            worked.append(1)
            return 2 * block

        def graph(a):
            calls.append(1)
            return a.map_blocks(double, dtype=a.dtype, meta=np.empty(0))

        x = np.ones(1000)
        row = compare({"dask": graph}, x, check=matches(2 * x), rounds=3)[0]
        assert row.reported
        assert len(worked) >= len(calls) > 3  # every graph that was built has worked

    @pytest.mark.parametrize(
        "promise", [lambda x: (v for v in x), lambda x: map(abs, x)], ids=["()", "map"]
    )
    def test_generators_are_refused(self, promise):
        row = verdict(promise, np.ones(3), check=anything)
        assert row.verdict == "LAZY"
        assert "a promise of a result" in row.message

    def test_futures_are_refused(self):
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as pool:
            row = verdict(lambda x: pool.submit(sum, x), [1], check=anything)
        assert row.verdict == "LAZY"

    def test_coroutines_are_refused(self):
        async def later(x):
            return x

        with pytest.warns(RuntimeWarning, match="never awaited"):
            row = verdict(later, 1, check=anything)
        assert row.verdict == "LAZY"


class Test05ConstantsFoldedIntoTheProgram:
    def test_an_array_closed_over_by_a_jitted_function(self):
        x = jnp.ones(100_000)
        row = verdict(jax.jit(lambda: jnp.cos(x).sum()), check=anything)
        assert row.verdict == "CONSTANT"
        assert "x (800 kB) is not an argument" in row.message

    def test_an_array_closed_over_by_a_numba_function(self):
        x = np.ones(100_000)
        row = verdict(numba.njit(lambda: np.cos(x).sum()), check=anything)
        assert row.verdict == "CONSTANT"

    def test_hidden_one_function_deeper_it_is_impossibly_fast(self):
        x = jnp.linspace(0, 1, 1_000_000)

        def hidden():
            return jnp.cos(x).sum()

        folded = jax.jit(lambda: hidden())
        row = verdict(folded, check=matches(hidden()), work=(0, x.nbytes))
        assert row.verdict == "IMPOSSIBLE"


class Test06DeadCode:
    def test_a_loop_whose_result_nobody_wants(self):
        @numba.njit
        def dead(x):
            s = 0.0
            for v in x:
                s += np.cos(v)

        row = verdict(dead, np.ones(1000), check=anything)
        assert row.verdict == "NOTHING"

    def test_a_loop_that_the_compiler_left_out(self):
        @numba.njit
        def left_out(x):
            for v in x:
                v * v + 1.0
            return 1.0

        x = np.ones(5_000_000)
        row = verdict(left_out, x, check=matches(1.0), work=(2 * x.size, x.nbytes))
        assert row.verdict == "IMPOSSIBLE"


@pytest.mark.skipif(peak_memory(list) is None, reason="no high-water mark here")
def test_14_memory_that_malloc_had_kept_is_counted_again(python):
    python(
        """
import numpy as np
from arraylab.memory import peak_memory

x = np.ones(100_000)
kept = [np.ones(100_000) for _ in range(20)]
del kept  # freed, and perhaps not given back
assert peak_memory(lambda: (x + 1) * 2) > 0.9 * x.nbytes  # the system counts pages
"""
    )


def test_07_whatever_is_faster_than_the_machine_is_impossible():
    x = np.ones(8_000_000)
    known = {x.nbytes: float(x.sum())}

    def remembers(a):
        return known[a.nbytes]

    row = verdict(remembers, x, check=matches(8e6), work=lambda a: (a.size, a.nbytes))
    assert row.verdict == "IMPOSSIBLE"
    honest = verdict(np.sum, x, check=matches(8e6), work=lambda a: (a.size, a.nbytes))
    assert honest.verdict in ("ok", "NOISY")
    assert 0 < honest.share.fraction < 1.2


class Test08UnequalPrecision:
    def test_a_result_of_another_dtype_is_refused(self):
        x = np.linspace(0, 1, 100)
        result = compare(
            {"numpy": np.cos, "less": lambda a: np.cos(a.astype("f4"))},
            x,
            check=matches(np.cos(x), rtol=1e-3),
            rounds=3,
        )
        assert result["less"].verdict == "DTYPE"
        assert "float32 where numpy returned float64" in result["less"].message

    def test_unless_told_so_and_then_the_table_shows_it(self):
        x = np.linspace(0, 1, 100)
        result = compare(
            {"numpy": np.cos, "less": lambda a: np.cos(a.astype("f4"))},
            x,
            check=matches(np.cos(x), rtol=1e-3),
            rounds=3,
            allow_dtype=True,
        )
        assert result["less"].reported
        assert '<th scope="col">result</th>' in result._repr_html_()
        assert "float32" in result._repr_html_()

    def test_jax_that_halves_the_precision_of_its_input_is_refused(self):
        told = script(
            """
            import numpy as np
            from arraylab import compare
            row = compare({"jax": lambda x: x.sum()}, np.ones(3), check=None)[0]
            print(row.verdict, row.message)
            """,
            JAX_ENABLE_X64="0",
        )
        assert told.startswith("RAISED TypeError: jax turned float64 into float32")
        assert "jax_enable_x64" in told


def test_09_wrong_results_have_no_time():
    def forgets_the_last(x):
        return x[:-1].sum()

    row = verdict(forgets_the_last, np.arange(100.0), check=matches(4950.0))
    assert row.verdict == "WRONG"
    assert not row.seconds


def test_09_and_unchecked_ones_are_marked():
    assert verdict(np.sum, np.ones(9), check=None).verdict == "UNCHECKED"


def test_10_the_garbage_collector_does_not_run_inside_the_clock():
    collections = []

    def watch(phase, info):
        if phase == "start" and watching:
            collections.append(info)

    watching = []

    def litter(n):
        watching.append(1)
        rubbish = [[] for _ in range(n)]
        watching.pop()
        return float(len(rubbish))

    gc.callbacks.append(watch)
    try:
        n = 20_000
        litter(n)
        assert collections  # out of the clock, this does collect
        samples = Clock()
        samples.canary = lambda: collections.clear() or 1.0
        row = bench(litter, n, check=matches(float(n)), clock=samples, rounds=3)
        assert row.reported
        assert not collections
    finally:
        gc.callbacks.remove(watch)


def test_11_cold_caches_on_request():
    x = np.ones(32_000)  # a quarter of a megabyte: warm after the first call
    warm = bench(np.sum, x, check=anything)
    cold = compare([np.sum], x, check=anything, cold=True)
    assert cold[0].median > 1.2 * warm.median
    assert "Caches were cleared before every sample." in cold.notes


def test_12_branches_learnt_by_heart_are_unlearnt_with_fresh_inputs():
    rng = np.random.default_rng(0)
    seen = []

    def fresh():
        x = rng.random(1000)
        seen.append(x)
        return (x,)

    bench(np.sort, *fresh(), check=anything, fresh=fresh, rounds=5)
    assert len({a.tobytes() for a in seen}) == len(seen) >= 6


class Test13DataThatDriftWithEveryCall:
    def test_are_noticed(self):
        def decay(x):
            x *= 0.5
            return x

        row = verdict(decay, np.ones(100), check=anything)
        assert row.verdict == "MUTATES"

    def test_and_numba_in_place_too(self):
        @numba.njit
        def decay(x):
            for i in range(x.size):
                x[i] *= 0.5
            return x

        row = verdict(decay, np.ones(100), check=anything)
        assert row.verdict == "MUTATES"

    def test_and_put_back_on_request(self):
        seen = []

        def decay(x):
            seen.append(x[0])
            x *= 0.5
            return x

        half = matches(np.full(100, 0.5))
        row = verdict(decay, np.ones(100), check=half, mutates=True)
        assert row.reported
        assert set(seen) == {1.0}


@pytest.mark.skipif(page_faults() == 0, reason="this system does not count page faults")
def test_14_page_faults_of_fresh_memory_are_counted():
    x = np.ones(8_000_000)
    out = np.empty_like(x)
    result = compare(
        {
            "fresh": lambda a: np.full(a.size, 2.0),
            "reused": lambda a: np.multiply(a, 2.0, out=out),
        },
        x,
        check=matches(2 * x),
        rounds=5,
    )
    assert result["fresh"].faults > 10 * (result["reused"].faults + 1)


def test_15_another_program_on_the_same_core_is_noticed():
    class Shared(Clock):
        """Every other sample is slow: a neighbour has the core half of the time."""

        calls = 0

        def canary(self):
            self.calls += 1
            return 1.0 if (self.calls - 1) // 2 % 2 else 3.0

    row = verdict(np.sum, np.ones(100), check=anything, clock=Shared(), rounds=4)
    assert row.verdict == "NOISY"


def test_16_one_run_is_no_measurement():
    row = bench(np.sum, np.ones(1000), check=anything, rounds=9)
    assert len(row.seconds) >= 3
    low, high = row.quartiles
    assert low <= row.median <= high


def test_17_no_variant_is_always_the_first():
    firsts = []

    def variant(name):
        def fn(x):
            firsts.append(name)
            return time.sleep(0.011) or 1.0

        return fn

    fns = {name: variant(name) for name in "abc"}
    compare(fns, 0, check=anything, rounds=9)
    turns = firsts[6:]
    assert len({turns[i] for i in range(0, len(turns), 3)}) > 1


def test_18_transfers_are_shown_apart():
    x = np.ones((500, 500))
    row = compare({"jax": jax.jit(lambda a: a @ a)}, x, check=matches(x @ x))[0]
    assert row.place > 0
    assert row.finish > 0
    table = compare({"jax": jax.jit(lambda a: a + 1)}, x, check=matches(x + 1))
    assert '<th scope="col">place</th>' in table._repr_html_()


def test_19_threads_are_those_really_in_use():
    told = script(
        """
        import numpy, os
        os.environ["OMP_NUM_THREADS"] = "1"        # too late: the BLAS has started
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        from arraylab import machine
        print(machine().json()["threads"])
        """,
        OMP_NUM_THREADS="2",
        OPENBLAS_NUM_THREADS="2",
    )
    assert "1" in told
    assert "2" in told


def test_20_the_timers_own_cost_is_small_and_stated():
    def nothing(x):
        return 1.0

    result = compare([nothing], 0, check=matches(1.0))
    assert any("The loop around each call costs" in note for note in result.notes)
    assert Clock().overhead() < 1e-5


def test_20_agrees_with_timeit_on_plain_numpy():
    x = np.random.default_rng(0).random(100_000)
    ratios = []
    for _ in range(5):
        theirs = min(timeit.repeat(lambda: np.sort(x), number=20, repeat=5)) / 20
        ours = min(bench(np.sort, x, check=anything).seconds)
        ratios.append(ours / theirs)
    assert 0.7 < sorted(ratios)[2] < 1.4


def test_21_an_environment_that_does_not_reach_c_is_noticed():
    told = script(
        """
        import os
        os.environ = {**os.environ, "OMP_NUM_THREADS": "7"}   # a plain dictionary
        from arraylab import machine
        print(*machine().notes)
        """
    )
    assert "OMP_NUM_THREADS" in told


def test_every_number_of_the_list_has_its_test():
    source = Path(__file__).read_text(encoding="utf-8")
    for number in range(1, 22):
        assert f"test_{number:02}_" in source or f"Test{number:02}" in source


def test_19_threads_that_still_spin_are_not_counted_as_the_next_rows_cores():
    from case_studies import grid_max

    x, y = grid_max.inputs(700)
    rows = ["grid_max.numpy_blocked", "grid_max.numba_parallel"]
    result = compare(rows, x, y, rounds=5, max_seconds=0.5)
    assert result["numpy_blocked"].cores < 1.15
