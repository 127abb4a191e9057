"""Peak memory: right, or not told."""

import threading

import numpy as np
import pytest

from arraylab import compare
from arraylab.memory import peak_memory
from arraylab.memory_apart import peaks_apart
from case_studies import column_stats

pytestmark = pytest.mark.skipif(
    peak_memory(list) is None, reason="the system keeps no mark that can be reset"
)
KEPT = """
import dask.array as da
import numpy as np
from arraylab.memory import peak_memory

large = np.ones(4_000_000)  # freed, it lets malloc keep blocks of up to its size
del large
blocks = da.random.random((4000, 2000), chunks=(500, 2000))
mean = ((blocks + 1) * 2).mean(axis=0)
for _ in range(4):
    print(peak_memory(lambda: mean.compute(scheduler="threads")))
print(peak_memory(lambda: np.ones(4_000_000)))
"""
BOTH = """
from arraylab import compare
from case_studies import column_stats
from case_studies.column_stats import numpy_usual

variants = {
    "case": "column_stats.numpy_usual",
    "function": lambda x: numpy_usual.column_stats(x),
}
matrix = column_stats.inputs(100, "float64")
table = compare(variants, *matrix, check=None, memory=True, rounds=3)
assert "cannot be told" not in str(table)
print(table["case"].memory, table["function"].memory)
"""


@pytest.fixture
def matrix():
    return column_stats.inputs(100, "float64")


@pytest.mark.parametrize("setting", [{}, {"MALLOC_ARENA_MAX": "1"}], ids=str)
def test_what_threads_freed_does_not_hide_what_they_use(python, setting) -> None:
    pytest.importorskip("dask")
    *threads, alone = python(KEPT, **setting).split()
    told = [int(word) for word in threads if word != "None"]
    assert all(peak > 16e6 for peak in told), "a thread's block and its double"
    assert len(told) == len(threads) or not setting, "one heap: nothing is kept"
    assert int(alone) == pytest.approx(32e6, rel=0.05), "no thread took part"


def test_a_thread_of_ones_own_is_judged_by_what_is_kept_for_it() -> None:
    found = []
    ask = threading.Thread(
        target=lambda: found.append(peak_memory(np.ones, 10_000_000))
    )
    ask.start()
    ask.join(60)
    assert found[0] is None or found[0] == pytest.approx(80e6, rel=0.05)


def test_the_result_and_a_kept_buffer_are_counted(matrix) -> None:
    names = ("numpy_in_place", "numba_one_pass", "numpy_usual")
    peaks = peaks_apart([f"column_stats.{name}" for name in names], matrix)
    size = matrix[0].nbytes
    in_place, one_pass, usual = (peaks[f"column_stats.{name}"] for name in names)
    assert in_place == pytest.approx(size, rel=0.2)
    assert one_pass == pytest.approx(size, rel=0.2)
    assert usual > 1.8 * size, "x - mean, and that by the deviation"


def test_memory_of_threads_is_counted_apart() -> None:
    pytest.importorskip("jax")
    from case_studies import stateful_filter

    inputs = stateful_filter.inputs(1_000_000, "float32")
    (peak,) = peaks_apart(["stateful_filter.jax_associative"], inputs).values()
    assert peak > 0.9 * inputs[0].nbytes, "the result at least"


def test_what_cannot_be_measured_apart_is_missing(matrix) -> None:
    assert peaks_apart([], matrix) == {}
    assert peaks_apart(["column_stats.numpy_usual"], [lambda: 0]) == {}
    assert peaks_apart(["column_stats.numpy_usual"], ["no matrix"]) == {}
    both = ["column_stats.numpy_usual", "grid_max.numpy_mesh"]
    assert list(peaks_apart(both, matrix)) == both[:1], "the other takes two arrays"


def test_a_table_shows_the_memory_of_cases_and_of_functions(python) -> None:
    """In a process of its own: this one may have kept what the function needs."""
    case, function = map(int, python(BOTH).split())
    assert case == pytest.approx(function, rel=0.2)


def test_a_memory_that_is_not_told_is_explained(matrix, monkeypatch) -> None:
    monkeypatch.setattr("arraylab.timing.peaks_apart", lambda addresses, inputs: {})
    table = compare(
        ["column_stats.numpy_usual"], *matrix, check=None, memory=True, rounds=3
    )
    assert "No memory stands where it cannot be told" in str(table)
