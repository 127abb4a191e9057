"""What records promise: nothing lost, nothing invented, nothing stale as current."""

import importlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from arraylab import machine, records

CPU = {"cpu": "AMD EPYC", "cores": 2, "gpus": [], "versions": {"numpy": "2.4.0"}}
GPU = CPU | {"gpus": [{"name": "NVIDIA H200"}], "versions": {"cupy": "14.0.0"}}
MONDAY, TUESDAY = "2026-03-02T10:00:00+00:00", "2026-03-03T10:00:00+00:00"


def row(implementation="numpy_sum", median: float | None = 0.5, **changes):
    return {
        "case": "toy",
        "implementation": implementation,
        "name": implementation,
        "library": "numpy",
        "device": "cpu",
        "dtype": "float64",
        "shapes": [[30], [3, 10]],
        "verdict": "ok",
        "message": "",
        "median": median,
        "low": median,
        "high": median,
        "first": median,
        "place": 0.0,
        "finish": 0.0,
        "rounds": 7,
        "cores": 1.0,
        "share": {"kind": "bandwidth", "fraction": 0.5},
        "code": "0123456789ab",
    } | changes


def write(folder, name, **changes):
    data = {
        "schema": 1,
        "machine": CPU,
        "date": MONDAY,
        "commit": "",
        "measurements": [row()],
        "cells": {},
    } | changes
    (folder / name).write_text(json.dumps(data), "utf-8")


def one_problem(folder):
    library = records.load(folder)
    assert len(library.problems) == 1
    return library.problems[0]


# Reading


def test_a_record_comes_back_as_it_was_saved(tmp_path):
    saved = records.save(tmp_path / "a.json", CPU, [row()], commit="abc", date=MONDAY)
    (loaded,) = records.load(tmp_path).records
    assert loaded == saved
    assert (loaded.machine, loaded.date, loaded.commit) == (CPU, MONDAY, "abc")
    assert loaded.measurements == (row() | {"date": MONDAY},)
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == loaded.json()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"machine": "a laptop"}, "'machine' of the file is str, expected dict"),
        ({"machine": {"cores": 2}}, "machine has no 'cpu'"),
        ({"date": "last week"}, "last week"),
        ({"schema": "1"}, "'schema' of the file is str, expected int"),
        ({"schema": True}, "'schema' of the file is bool, expected int"),
        ({"schema": 0}, "schema is 0"),
        ({"measurements": {}}, "'measurements' of the file is dict, expected list"),
        ({"measurements": [row(), 3]}, "measurement 2 holds int"),
        ({"measurements": [row(device=None)]}, "'device' of measurement 1"),
        ({"measurements": [row(median="fast")]}, "'median' of measurement 1 is str"),
        ({"measurements": [row(median=None)]}, "ok with median None"),
        ({"measurements": [row(median=-1.0)]}, "ok with median -1.0"),
        ({"measurements": [row(shapes=[3])]}, "3 where a shape"),
        ({"measurements": [row(low=None)]}, "ok with low None"),
        ({"measurements": [row(high=0)]}, "ok with high 0"),
        ({"measurements": [row(median=1e12)]}, "ok with median 1000000000000.0"),
        ({"measurements": [row(date=3)]}, "'date' of measurement 1 is int"),
        ({"measurements": [row(date="soon")]}, "soon"),
        ({"measurements": [row(library=None)]}, "'library' of measurement 1"),
        ({"measurements": [row(versions=[])]}, "'versions' of measurement 1 is list"),
        ({"machine": CPU | {"versions": {"jax": 1}}}, "'jax' of 'versions' of machine"),
        ({"machine": CPU | {"cores": "2"}}, "'cores' of machine is str"),
        ({"commit": 3}, "'commit' of the file is int"),
        (
            {"cells": {"f00": {"lecture": "a/b", "outputs": [], "date": None}}},
            "'date' of cell f00",
        ),
        ({"measurements": [{"case": "toy"}]}, "measurement 1 has no 'device'"),
        ({"cells": {"f00": []}}, "cell f00 holds list"),
        ({"cells": {"f00": {"lecture": "a/b"}}}, "cell f00 has no 'outputs'"),
        (
            {"cells": {"f00": {"lecture": "a/b", "outputs": [{"text": ""}]}}},
            "an output of cell f00 has no 'output_type'",
        ),
        ({"claims": "A1"}, "'claims' of the file is str, expected list"),
        ({"claims": [{"id": "A1"}]}, "claim 1 has no 'verdict'"),
    ],
)
def test_a_damaged_record_is_named_with_its_fault_and_its_remedy(
    tmp_path, changes, said
):
    write(tmp_path, "bad.json", **changes)
    write(tmp_path, "good.json")
    problem = one_problem(tmp_path)
    assert problem.startswith("bad.json: damaged, ")
    assert said in problem
    assert "git" in problem
    assert "make bench" in problem
    assert [r.path.name for r in records.load(tmp_path).records] == ["good.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b'{"schema": NaN}',
        b"[" * 100_000,
        b"[1, 2]",
        b"null",
    ],
)
def test_whatever_the_bytes_of_a_file_loading_never_raises(tmp_path, content):
    (tmp_path / "bad.json").write_bytes(content)
    write(tmp_path, "good.json")
    assert one_problem(tmp_path).startswith("bad.json: damaged, ")
    assert len(records.load(tmp_path).records) == 1


@pytest.mark.parametrize("key", ["schema", "machine", "date", "measurements", "cells"])
def test_a_record_without_a_key_says_which(tmp_path, key):
    write(tmp_path, "bad.json")
    data = json.loads((tmp_path / "bad.json").read_text("utf-8"))
    del data[key]
    (tmp_path / "bad.json").write_text(json.dumps(data), "utf-8")
    assert f"the file has no '{key}'" in one_problem(tmp_path)


def test_a_record_of_a_newer_schema_asks_for_an_update(tmp_path):
    write(tmp_path, "new.json", schema=2, machine="of some form to come")
    problem = one_problem(tmp_path)
    assert problem.startswith("new.json: written by a newer version of the course")
    assert "git pull" in problem


def test_a_file_that_cannot_be_opened_is_a_problem_not_an_error(tmp_path):
    (tmp_path / "folder.json").mkdir()
    assert one_problem(tmp_path).startswith("folder.json: cannot be opened")


def test_the_environment_variable_overrides_the_folder(tmp_path, monkeypatch):
    write(tmp_path, "mine.json")
    monkeypatch.setenv("BEYOND_NUMPY_RECORDS", str(tmp_path))
    assert [r.path.name for r in records.load().records] == ["mine.json"]


def test_a_folder_asked_for_that_is_absent_is_said(tmp_path, monkeypatch):
    assert "no such folder" in one_problem(tmp_path / "absent")
    monkeypatch.setenv("BEYOND_NUMPY_RECORDS", str(tmp_path / "gone"))
    assert "no such folder" in one_problem(None)


def test_the_installed_package_of_records_comes_before_the_repository(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("BEYOND_NUMPY_RECORDS", raising=False)
    (tmp_path / "arraylab_records").mkdir()
    write(tmp_path / "arraylab_records", "installed.json")
    monkeypatch.syspath_prepend(tmp_path)
    assert records.default_folder() == tmp_path / "arraylab_records"
    assert [r.path.name for r in records.load().records] == ["installed.json"]


def test_without_a_package_the_folder_beside_arraylab_serves(monkeypatch):
    monkeypatch.delenv("BEYOND_NUMPY_RECORDS", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    root = Path(records.__file__).resolve().parent.parent
    assert records.default_folder() == root / "records"


def test_the_title_names_gpus_processor_and_cores():
    twins = GPU | {"gpus": [{"name": "L4"}, {"name": "L4"}], "cores": 1}
    assert records.title(CPU) == "AMD EPYC, 2 cores"
    assert records.title(GPU) == "NVIDIA H200 with AMD EPYC, 2 cores"
    assert records.title(twins) == "2 L4 with AMD EPYC, 1 core"


def test_the_title_of_a_record_is_the_one_of_the_machine():
    here = machine()
    assert records.title(here.json()) == here.title


# Finding


def test_a_measurement_of_todays_code_is_fresh_until_the_code_changes(toy, tmp_path):
    code = records.code_hash("toy", "numpy_sum")
    records.save(tmp_path / "r" / "a.json", CPU, [row(code=code)])
    library = records.load(tmp_path / "r")
    wanted = ("toy", "numpy_sum", np.dtype("float64"), [(30,), (3, 10)])
    (found,) = records.find(*wanted, library=library)
    assert found.fresh
    assert found.measurement["median"] == 0.5
    (toy / "numpy_sum.py").write_text("def toy(x): return 2\n", "utf-8")
    (found,) = records.find(*wanted, library=library)
    assert not found.fresh
    (toy / "numpy_sum.py").unlink()
    (found,) = records.find(*wanted, library=library)
    assert not found.fresh


def test_a_row_without_a_hash_is_never_fresh(tmp_path):
    write(tmp_path, "a.json", measurements=[row(code=None)])
    library = records.load(tmp_path)
    (found,) = records.find(
        "toy", "numpy_sum", "float64", [[30], [3, 10]], "cpu", library
    )
    assert not found.fresh


def test_only_the_same_device_dtype_and_shapes_are_found(tmp_path):
    others = [
        row(device="NVIDIA H200"),
        row(dtype="float32"),
        row(shapes=[[31]]),
        row("numba"),
    ]
    write(tmp_path, "a.json", measurements=[row(), *others])
    library = records.load(tmp_path)
    shapes = [(30,), (3, 10)]
    (found,) = records.find("toy", "numpy_sum", np.float64, shapes, "cpu", library)
    assert found.measurement == row()
    both = records.find("toy", "numpy_sum", "float64", shapes, library=library)
    assert {f.measurement["device"] for f in both} == {"cpu", "NVIDIA H200"}


def test_fresh_measurements_come_first_and_newer_before_older(toy, tmp_path):
    code = records.code_hash("toy", "numpy_sum")
    for i, (hash_, date) in enumerate(
        [("stale", TUESDAY), (code, MONDAY), (code, TUESDAY)]
    ):
        records.save(tmp_path / "r" / f"{i}.json", CPU, [row(code=hash_)], date=date)
    found = records.find(
        "toy",
        "numpy_sum",
        "float64",
        row()["shapes"],
        None,
        records.load(tmp_path / "r"),
    )
    seen = [(f.fresh, f.date) for f in found]
    assert seen == [(True, TUESDAY), (True, MONDAY), (False, TUESDAY)]


def test_status_counts_present_stale_and_missing(toy, tmp_path):
    code = records.code_hash("toy", "numpy_sum")
    absent = row("cupy_sum", None, verdict="ABSENT")
    rows = [row(code=code), row(dtype="float32"), row("gone", code=None), absent]
    records.save(tmp_path / "r" / "cpu.json", CPU, rows)
    records.save(tmp_path / "r" / "gpu.json", GPU, [row(code=code), absent])
    (tmp_path / "r" / "bad.json").write_text("{", "utf-8")
    status = records.status(records.load(tmp_path / "r"))
    assert [e.implementation for e in status.present] == ["numpy_sum", "numpy_sum"]
    assert [(e.implementation, e.dtype) for e in status.stale] == [
        ("gone", "float64"),
        ("numpy_sum", "float32"),
    ]
    # CuPy is missing where there is a GPU to run it, and only there.
    assert [(e.machine, e.implementation) for e in status.missing] == [
        ("NVIDIA H200 with AMD EPYC, 2 cores", "cupy_sum")
    ]
    assert "2 measurements present, 2 stale, 1 missing, 1 unreadable" in repr(status)
    assert "cupy_sum" in status._repr_html_()
    assert status.json()["stale"][0]["shapes"] == "30 3x10"


def test_the_cases_of_the_course_are_discovered(toy):
    assert records.cases() == {"toy": ("numpy_sum", "cupy_sum")}


# Writing


def test_a_new_measurement_replaces_the_one_of_the_same_kind_only(tmp_path):
    path = tmp_path / "a.json"
    records.save(path, CPU, [row(), row(dtype="float32")], date=MONDAY)
    saved = records.save(path, CPU, [row(median=0.25)], date=TUESDAY)
    assert {(r["dtype"], r["median"], r["date"]) for r in saved.measurements} == {
        ("float64", 0.25, TUESDAY),
        ("float32", 0.5, MONDAY),
    }


def test_what_is_kept_from_before_keeps_its_versions(tmp_path):
    path, newer = tmp_path / "a.json", CPU | {"versions": {"numpy": "2.5.0"}}
    records.save(path, CPU, [row(), row(dtype="float32")])
    records.save(path, newer, [row()])
    again = records.save(path, newer, [])  # a third time must not rewrite history
    library = records.Library((again,))
    for dtype, version in [("float32", "2.4.0"), ("float64", "2.5.0")]:
        (found,) = records.find(
            "toy", "numpy_sum", dtype, row()["shapes"], None, library
        )
        assert found.versions == {"numpy": version}


@pytest.mark.parametrize("verdict", ["WRONG", "IMPOSSIBLE", "RECOMPILES", "UNCHECKED"])
def test_a_refused_row_keeps_its_verdict_and_loses_its_times(tmp_path, verdict):
    refused = row(verdict=verdict, message="off by 3")
    (saved,) = records.save(tmp_path / "a.json", CPU, [refused]).measurements
    assert (saved["verdict"], saved["message"]) == (verdict, "off by 3")
    times = ("median", "low", "high", "first", "place", "finish", "cores", "share")
    assert {saved[key] for key in times} == {None}


def test_a_noisy_row_keeps_its_times(tmp_path):
    (saved,) = records.save(
        tmp_path / "a.json", CPU, [row(verdict="NOISY")]
    ).measurements
    assert saved["median"] == 0.5


def test_a_library_that_is_absent_today_does_not_wipe_what_it_did(tmp_path):
    path = tmp_path / "a.json"
    records.save(path, CPU, [row()])
    (kept,) = records.save(path, CPU, [row(verdict="ABSENT")]).measurements
    assert (kept["verdict"], kept["median"]) == ("ok", 0.5)
    (failed,) = records.save(path, CPU, [row(verdict="WRONG")]).measurements
    assert failed["verdict"] == "WRONG"


def test_a_row_of_no_case_study_is_not_recorded(tmp_path):
    loose = row(case="", implementation="", code="")
    assert records.save(tmp_path / "a.json", CPU, [loose]).measurements == ()


@pytest.mark.parametrize("median", [float("nan"), float("inf"), None, 0.0, -1.0])
def test_an_accepted_row_without_a_possible_time_is_not_written(tmp_path, median):
    with pytest.raises(ValueError, match=r"not recorded: .*numpy_sum"):
        records.save(tmp_path / "a.json", CPU, [row(median=median)])
    assert list(tmp_path.iterdir()) == []


def test_a_record_of_another_machine_is_not_overwritten(tmp_path):
    path = tmp_path / "a.json"
    records.save(path, CPU, [row()])
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"holds the record of AMD EPYC, 2 cores"):
        records.save(path, GPU, [row()])
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"{", b'{"schema": 99}'])
def test_a_damaged_or_newer_file_is_not_overwritten(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(records.Unreadable, match=r"^a\.json: "):
        records.save(path, CPU, [row()])
    assert path.read_bytes() == content


def fail_to_replace(monkeypatch):
    def refuse(source, target):
        assert json.loads(Path(source).read_text("utf-8"))["schema"] == 1
        raise OSError("disk unplugged")

    monkeypatch.setattr(os, "replace", refuse)


def fail_to_sync(monkeypatch):
    def refuse(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", refuse)


def be_interrupted(monkeypatch):
    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)


@pytest.mark.parametrize("fault", [fail_to_replace, fail_to_sync, be_interrupted])
def test_an_interrupted_write_leaves_the_old_record_and_no_litter(
    tmp_path, monkeypatch, fault
):
    path = tmp_path / "a.json"
    records.save(path, CPU, [row()])
    before = path.read_bytes()
    fault(monkeypatch)
    with pytest.raises((OSError, KeyboardInterrupt)):
        records.save(path, CPU, [row(median=0.25)])
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_outputs_that_json_cannot_hold_leave_the_old_record(tmp_path):
    path = tmp_path / "a.json"
    records.save(path, GPU, [row()])
    before = path.read_bytes()
    output = {"output_type": "display_data", "data": {"text/plain": object()}}
    with pytest.raises(TypeError, match="not JSON serializable"):
        records.save(path, GPU, [], {"f00": {"lecture": "", "outputs": [output]}})
    assert path.read_bytes() == before


def test_the_text_is_stable_and_has_one_measurement_a_line(tmp_path):
    rows = [row(), row(dtype="float32"), row("λ")]
    shuffled = [dict(reversed(r.items())) for r in reversed(rows)]
    records.save(tmp_path / "a.json", CPU, rows, date=MONDAY)
    records.save(tmp_path / "b.json", CPU, shuffled, date=MONDAY)
    text = (tmp_path / "a.json").read_bytes()
    assert text == (tmp_path / "b.json").read_bytes()
    lines = [line for line in text.decode().splitlines() if '"implementation"' in line]
    assert len(lines) == 3
    assert b"\r" not in text
    assert text.endswith(b"}\n")


def test_cells_of_a_lecture_are_replaced_together(tmp_path):
    def cell(lecture):
        return {"lecture": lecture, "outputs": []}

    path = tmp_path / "a.json"
    first = {"a1": cell("a/x"), "a2": cell("a/x"), "b1": cell("b/y")}
    records.save(path, GPU, [], first, date=MONDAY)
    saved = records.save(path, GPU, [], {"a3": cell("a/x")}, date=TUESDAY)
    dates = {key: value["date"] for key, value in saved.cells.items()}
    assert dates == {"a3": TUESDAY, "b1": MONDAY}


def test_cells_that_ran_without_a_gpu_are_no_record(tmp_path):
    cells = {"f00": {"lecture": "a/x", "outputs": []}}
    assert records.save(tmp_path / "a.json", CPU, [], cells).cells == {}
    assert set(records.save(tmp_path / "b.json", GPU, [], cells).cells) == {"f00"}


def test_claims_are_kept_by_their_id(tmp_path):
    path = tmp_path / "a.json"
    old = [{"id": "A1", "verdict": "fails"}, {"id": "A2", "verdict": "holds"}]
    records.save(path, CPU, [], claims=old, date=MONDAY)
    new = [{"id": "A1", "verdict": "holds"}]
    saved = records.save(path, CPU, [], claims=new, date=TUESDAY)
    assert [(c["id"], c["verdict"], c["date"]) for c in saved.claims] == [
        ("A1", "holds", TUESDAY),
        ("A2", "holds", MONDAY),
    ]


def test_an_execution_replaces_that_of_its_lecture_only(tmp_path):
    path = tmp_path / "a.json"
    ended = {"result": "passed", "seconds": 3.5, "code": "c"}
    both = {"part/one": ended, "part/two": ended}
    records.save(path, GPU, [], date=MONDAY, executions=both)
    failed = {"part/two": {**ended, "result": "failed"}}
    newer = GPU | {"versions": {"cupy": "15.0.0"}}
    saved = records.save(path, newer, [], date=TUESDAY, executions=failed)
    one, two = saved.executions["part/one"], saved.executions["part/two"]
    assert (one["date"], one["result"]) == (MONDAY, "passed")
    assert (two["date"], two["result"]) == (TUESDAY, "failed")
    assert one["versions"] == GPU["versions"], "what it ran with is not lost"


def test_an_execution_that_does_not_say_how_it_ended_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="execution of part/one has no 'result'"):
        records.save(tmp_path / "a.json", GPU, [], executions={"part/one": {}})
    assert not (tmp_path / "a.json").exists()


def test_a_record_from_before_executions_were_kept_is_read(tmp_path):
    write(tmp_path, "a.json")
    (loaded,) = records.load(tmp_path).records
    assert loaded.executions == {}


def test_the_newest_record_of_a_cell_is_found_and_machines_without_gpu_passed_over(
    tmp_path,
):
    cells = {records.cell_hash("x"): {"lecture": "a/x", "outputs": []}}
    records.save(tmp_path / "a.json", GPU, [], cells, date=MONDAY)
    other = GPU | {"cpu": "Intel Xeon"}
    records.save(tmp_path / "b.json", other, [], cells, date=TUESDAY)
    write(tmp_path, "c.json", date="2027-01-01", cells=cells)
    record, _ = records.find_cell("x\n", records.load(tmp_path))
    assert record.path.name == "b.json"
    assert records.find_cell("y", records.load(tmp_path)) is None


# Runs on arrays larger than memory


def large(name="as written", **changes):
    return {
        "case": "grid_max",
        "name": name,
        "implementation": "numpy_blocked",
        "code": records._today("grid_max", "numpy_blocked"),
        "n": 100_000,
        "dtype": "float64",
        "chunk": 1_000,
        "threads": 2,
        "array": 80 * 10**9,
        "limit": 4 * 2**30,
        "enforced": "by the system",
        "result": "finished",
        "seconds": 45.0,
        "peak": 10**9,
    } | changes


def test_a_run_out_of_core_replaces_its_namesake_and_outlives_other_results(tmp_path):
    path = tmp_path / "a.json"
    records.save(path, CPU, [], outofcore=[large(), large("spilling")], date=MONDAY)
    records.save(path, CPU, [], outofcore=[large(seconds=40.0)], date=TUESDAY)
    records.save(path, CPU | {"versions": {"numpy": "3"}}, [row()], date=TUESDAY)
    found = records.out_of_core("grid_max", records.load(tmp_path))
    assert [f.measurement["seconds"] for f in found] == [40.0, 45.0]
    assert [f.date for f in found] == [TUESDAY, MONDAY]
    assert all(f.fresh for f in found)
    assert found[0].versions == {"numpy": "2.4.0"}
    assert records.out_of_core("heat", records.load(tmp_path)) == []


def test_a_run_out_of_core_of_other_code_is_stale(tmp_path):
    path = tmp_path / "a.json"
    records.save(path, CPU, [], outofcore=[large(code="0123456789ab")])
    (found,) = records.out_of_core("grid_max", records.load(tmp_path))
    assert not found.fresh


@pytest.mark.parametrize("key", ["case", "code", "limit", "enforced", "peak", "result"])
def test_a_run_out_of_core_has_to_say_all(tmp_path, key):
    run = large()
    del run[key]
    with pytest.raises(ValueError, match=key):
        records.save(tmp_path / "a.json", CPU, [], outofcore=[run])
    assert not list(tmp_path.iterdir())
