"""What the runs on an array larger than memory promise."""

import sys

import pytest

from arraylab import records
from arraylab.fingerprint import code_hash
from tools import outofcore
from tools.outofcore import Run

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux enforces the limit"
)
GIB = 2**30


def test_every_run_has_a_name_of_its_own_and_an_implementation_that_exists():
    names = [run.name for run in outofcore.RUNS]
    assert len(set(names)) == len(names)
    listed = records.cases()[outofcore.CASE]
    assert {run.implementation for run in outofcore.RUNS} <= set(listed)


@pytest.mark.parametrize("name", [outofcore.FLOOR, "as written", "rewritten"])
def test_a_run_says_what_it_took_and_is_ready_to_be_recorded(name, tmp_path):
    pytest.importorskip("dask")
    run = next(run for run in outofcore.RUNS if run.name == name)
    row = outofcore.record_of(run, 3_000, 2 * GIB)
    assert row["result"] == "finished"
    assert row["array"] == 72_000_000
    assert 0 < row["peak"] < row["reserved"] <= row["limit"] == 2 * GIB
    assert row["seconds"] > 0
    assert row["code"] == code_hash(outofcore.CASE, run.implementation)
    stamp = {"cpu": "a CPU", "cores": 2}
    saved = records.save(tmp_path / "a.json", stamp, [], outofcore=[row])
    assert saved.outofcore[0]["name"] == name
    assert name in outofcore.line(row, 1.0)


def test_the_system_refuses_what_goes_beyond_the_limit():
    run = Run("all at once", "numpy_whole")
    row = outofcore.record_of(run, 9_000, GIB)  # 0.65 GB for x, and as much again
    assert row["result"].startswith("MemoryError: Unable to allocate")
    assert row["peak"] < row["reserved"] <= GIB


def test_chunks_that_are_too_large_fail_where_small_ones_pass():
    pytest.importorskip("dask")
    large, small = (Run(str(c), "dask_blocks", c) for c in (7_000, 1_000))
    results = [outofcore.record_of(r, 7_000, GIB)["result"] for r in (large, small)]
    assert "MemoryError" in results[0]
    assert results[1] == "finished"


def test_a_run_that_takes_too_long_is_killed_and_said_to_be(monkeypatch):
    monkeypatch.setattr(outofcore, "LONGEST", 0.0)
    row = outofcore.record_of(Run("slow", "numpy_whole"), 3_000, GIB)
    assert row["result"].startswith("killed, signal 9")
    assert row["peak"] > 0


def test_a_wrong_result_is_no_result(monkeypatch):
    monkeypatch.setattr(outofcore, "prepare", lambda asked: lambda keys, unit: keys)
    monkeypatch.setattr("resource.setrlimit", lambda kind, limits: None)
    asked = {"limit": GIB, "n": 10, "name": "wrong"}
    with pytest.raises(AssertionError, match="expected float64"):
        outofcore.inside(asked)


def test_spilling_gives_the_same_means():
    """In a process of its own: Dask pauses a worker whose whole process is too large.

    Here that is the process of all tests before, and the worker would wait for ever.
    """
    pytest.importorskip("distributed")
    run = Run("spilling", "dask_blocks", 100, spill=GIB)
    assert outofcore.record_of(run, 300, 4 * GIB)["result"] == "finished"


def test_the_command_lists_its_runs(capsys):
    assert outofcore.main(["--list", "--only", "rewritten"]) == 0
    assert "rewritten" in capsys.readouterr().out
