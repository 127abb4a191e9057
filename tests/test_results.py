"""What tables promise: no verdict hidden, no foreign file able to break a page."""

import json

import pytest

from arraylab import records
from arraylab.results import Comparison, Sweep, Timing

CPU = {"cpu": "AMD EPYC", "cores": 2, "gpus": []}
GPU = CPU | {
    "cores": 16,
    "gpus": [{"name": "NVIDIA H200", "driver": "580.1"}],
    "versions": {"cupy-cuda13x": "14.2.0", "jax": "0.11.2", "numpy": "2.4.0"},
}
DATE = "2026-11-21T10:00:00+00:00"
SIZES = (10, 100, 1000)


def timing(name="numpy", seconds=1e-3, **changes):
    rounds = tuple(range(3))
    return Timing(name, seconds=(seconds,) * 3, rounds=rounds, **changes)


def refused(name, verdict, message="off by one"):
    return Timing(name, verdict=verdict, message=message)


def comparison(*rows, **changes):
    settings = {"title": "a machine", "date": DATE, "stamp": CPU} | changes
    return Comparison(rows, rows[0].name, **settings)


def sweep(*columns, **changes):
    made = tuple(comparison(*rows, **changes) for rows in columns)
    return Sweep(SIZES[: len(made)], made)


def cells(result):
    """Return the cells of a sweep by the variant's name."""
    return {row[0]: row[1:] for row in result._cells()[1]}


# Recorded elsewhere


def row(name="cupy_sum", **changes):
    return {
        "case": "toy",
        "implementation": name,
        "library": name.split("_")[0],
        "device": "NVIDIA H200",
        "dtype": "float64",
        "shapes": [[8]],
        "verdict": "ok",
        "median": 0.25,
        "low": 0.25,
        "high": 0.25,
        "code": records.code_hash("toy", name),
    } | changes


@pytest.fixture
def recorded(toy, tmp_path, monkeypatch):
    """Return a function that shows the toy beside what a file records of it."""
    folder = tmp_path / "records"
    folder.mkdir()
    monkeypatch.setenv("BEYOND_NUMPY_RECORDS", str(folder))

    def table(*rows, machine=GPU):
        data = {"schema": 1, "machine": machine, "date": DATE, "cells": {}}
        text = json.dumps(data | {"measurements": rows})
        (folder / "h200.json").write_text(text, "utf-8")
        common = {"case": "toy", "dtype": "float64", "shapes": ((8,),)}
        names = ("numpy_sum", "cupy_sum")
        return comparison(*(timing(n, implementation=n, **common) for n in names))

    return table


def test_a_recorded_time_stands_with_device_date_and_versions(recorded):
    result = recorded(row())
    for text in (str(result), result._repr_html_()):
        assert "recorded on NVIDIA H200, 2026-11-21" in text
        assert "250 ms" in text
        assert "2026-11-21: cupy 14.2.0, driver 580.1." in text
        assert "jax 0.11.2" not in text  # no row of its own


def test_a_row_taken_on_the_processor_tells_no_driver(recorded):
    result = recorded(row("numpy_sum", device="cpu"))
    assert "2026-11-21: numpy 2.4.0." in str(result)


def test_versions_of_a_row_come_before_those_of_its_machine(recorded):
    result = recorded(row(versions={"cupy-cuda12x": "13.0.0"}))
    assert "cupy 13.0.0, driver 580.1." in str(result)


@pytest.mark.parametrize("key", ["low", "high", "library"])
def test_a_fresh_row_that_lacks_something_breaks_no_page(recorded, key):
    damaged = row()
    del damaged[key]
    result = recorded(damaged)
    for text in (str(result), result._repr_html_()):
        assert "h200.json: damaged, measurement 1 has no" in text
        assert "recorded on" not in text
        assert "1.00 ms" in text


@pytest.mark.parametrize(
    "changes",
    [
        {"date": 20261121},
        {"date": "last week"},
        {"low": None},
        {"low": 0},
        {"high": "fast"},
        {"median": 10**400},
        {"versions": {"cupy-cuda13x": 14}},
        {"versions": ["cupy"]},
        {"library": None},
    ],
)
def test_a_row_of_another_form_is_reported_and_the_rest_goes_on(recorded, changes):
    result = recorded(row(**changes))
    for text in (str(result), result._repr_html_()):
        assert "h200.json: damaged" in text
        assert "1.00 ms" in text


def test_a_time_of_a_refused_row_is_never_shown(recorded):
    text = str(recorded(row(verdict="WRONG", median=0.25, low=None)))
    assert "250 ms" not in text
    assert "WRONG" in text


def test_a_recorded_time_that_is_noisy_says_so(recorded):
    assert "250 ms NOISY" in str(recorded(row(verdict="NOISY")))


# Sweeps


def test_a_sweep_shows_the_verdict_where_there_is_no_time():
    bad = [refused(verdict, verdict) for verdict in ("WRONG", "RAISED", "ABSENT")]
    result = sweep((timing(), *bad))
    for verdict in ("WRONG", "RAISED", "ABSENT"):
        assert cells(result)[verdict] == [verdict]
        assert f"{verdict} at 10: {verdict}, off by one." in str(result)
        assert f"{verdict} at 10: {verdict}, off by one." in result._repr_html_()


def test_a_sweep_says_what_was_left_out_as_too_slow():
    result = sweep((timing(), timing("slow", 2.0)), (timing(),))
    assert cells(result)["slow"] == ["2.00 s", "left out"]
    assert "left out: too slow at the size before" in str(result)
    assert "left out" not in str(sweep((timing(),), (timing(),)))


@pytest.mark.parametrize("verdict", ["NOISY", "UNCHECKED"])
def test_a_sweep_marks_times_that_are_not_plain(verdict):
    doubtful = timing("other", verdict=verdict, message="why")
    result = sweep((timing(), doubtful), (timing(), doubtful))
    assert cells(result)["other"] == [f"1.00 ms {verdict}"] * 2
    assert cells(result)["numpy"] == ["1.00 ms"] * 2
    assert f"other at 10 and 100: {verdict}, why." in str(result)


def test_a_sweep_hands_on_the_notes_of_its_comparisons_once():
    result = sweep((timing(),), (timing(),), notes=("Every call got new inputs.",))
    assert str(result).count("Every call got new inputs.") == 1


def test_a_note_of_some_sizes_names_them():
    noted = comparison(timing(), notes=("Others were at work.",))
    result = Sweep((10, 100), (comparison(timing()), noted))
    assert "At 100: Others were at work." in str(result)


def test_a_leader_that_drops_out_leaves_the_lead_but_is_not_overtaken():
    result = sweep(
        (timing("a", 1e-3), timing("b", 2e-3)),
        (refused("a", "RAISED"), timing("b", 3e-3)),
        (refused("a", "RAISED"), refused("b", "RAISED")),
    )
    assert [lead.name for lead in result.leaders()] == ["a", "b", ""]
    assert result.crossovers() == ()
    assert "a fastest at 10; b fastest at 100; no time at 1,000" in repr(result)


def test_a_lead_spans_the_sizes_it_lasts():
    a_leads = (timing("a", 1e-3), timing("b", 2e-3))
    result = sweep(a_leads, a_leads, (timing("a", 2.0), timing("b", 1.0)))
    assert "a fastest from 10 to 100; b fastest at 1,000" in repr(result)
    assert len(result.crossovers()) == 1
