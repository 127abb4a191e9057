"""Functions that a notebook replaced are noticed, and nothing else is."""

import json
import math
import subprocess
import sys
import time

import numpy as np
import pytest

from arraylab import exercises, judging, pristine
from arraylab.exercises import judge, matches, question, registry

LIBRARIES = ("IPython", "numba", "jax", "dask.array", "cupy", "matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _empty():
    registry.clear()
    yield
    registry.clear()


def test_nothing_was_replaced_here():
    assert pristine.replaced() == []


def test_libraries_and_shells_replace_nothing_that_matters():
    code = """
import importlib.util, json, sys
for name in json.loads(sys.argv[1]):
    if importlib.util.find_spec(name.partition(".")[0]):
        __import__(name)
from IPython.core.interactiveshell import InteractiveShell
here = InteractiveShell.instance()
here.run_cell("from arraylab import pristine; found = pristine.replaced()", False)
assert here.user_ns["found"] == [], here.user_ns["found"]
"""
    command = [sys.executable, "-c", code, json.dumps(LIBRARIES)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (np, "allclose", eval("lambda *a, **k: True", {"__name__": "__main__"})),
        (np, "isclose", np.ones_like),
        (np.testing, "assert_allclose", print),
        (np.linalg, "norm", np.vectorize(abs)),
        (np, "add", np.frompyfunc(max, 2, 1)),
        (time, "perf_counter", eval("lambda: 0.0", {"__name__": "__main__"})),
        (math, "isclose", all),
    ],
)
def test_what_is_replaced_is_named(module, name, value, monkeypatch):
    monkeypatch.setattr(module, name, value)
    assert pristine.replaced() == [f"{module.__name__}.{name}"]


def test_a_library_may_have_put_its_own_into_python_s_modules(monkeypatch):
    monkeypatch.setattr(time, "sleep", judging.expect)
    monkeypatch.setattr("builtins.input", max)
    assert pristine.replaced() == []


def test_where_no_process_can_be_started_nothing_is_said(monkeypatch):
    def none(*args, **options):
        raise OSError("no processes here")

    pristine.installed.cache_clear()
    monkeypatch.setattr(subprocess, "run", none)
    monkeypatch.setattr(np, "allclose", np.isclose)
    assert pristine.replaced() == []
    pristine.installed.cache_clear()


def doubled(answer):
    """twice as much"""
    return matches(answer, lambda x: 2 * x, [(np.arange(3.0),)])


def judged(answer):
    """Return how the one test of an answer ended."""
    question("q1", answers=["answer"])
    exercises.test()(doubled)
    (row,) = judge("q1", {"answer": answer})
    return row


class TestChecks:
    """What was judged by another NumPy is not called right."""

    def test_before_the_check(self, monkeypatch):
        monkeypatch.setattr(np, "isclose", lambda got, wanted, **_: got == got)
        row = judged(lambda x: x)
        assert row.state == "not yet"
        assert row.what.startswith("This notebook has replaced functions")
        assert row.got == "others in place of `numpy.isclose`"
        assert "restart the kernel" in row.tip

    def test_by_the_answer_itself(self, monkeypatch):
        monkeypatch.setattr(np, "isclose", np.isclose)  # to be put back

        def answer(x):
            np.isclose = lambda got, wanted, **options: got == got
            return x

        assert judged(answer).state == "not yet"

    def test_what_is_wrong_is_told_as_ever(self, monkeypatch):
        monkeypatch.setattr(np, "allclose", np.ones_like)
        assert judged(lambda x: x).what.endswith("first at index 1.")

    def test_many_are_counted(self, monkeypatch):
        names = ["kron", "cov", "trapezoid", "fill_diagonal", "union1d"]
        for name in names:
            monkeypatch.setattr(np, name, np.ones_like)
        told = judged(lambda x: 2 * x).got
        assert told.endswith("and 2 more")

    def test_a_grader_that_put_them_back_says_so(self):
        registry.replaced = ["numpy.isclose"]
        assert judged(lambda x: 2 * x).state == "not yet"
