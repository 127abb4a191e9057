"""Grading: every returned file is scored or refused with a reason, whatever it does."""

import csv
import io
import json
import os
import sys
from pathlib import Path

import pytest

from tests import submissions
from tests.submissions import FULL, HOSTILE, ORDINARY, REFUSED, returned, texts
from tools import exercises, grading
from tools.masters import Malformed

ROOT = Path(__file__).resolve().parents[1]
SHORT = grading.Limits(seconds=2, total=60, memory=1_000_000_000, grace=1)
if sys.platform == "win32":
    pytest.skip("no signals there: grade on Linux or macOS", allow_module_level=True)
LINUX = sys.platform == "linux"
FEW = ("all right", "untouched", "columns for rows", "does not parse", "another name")
FEW += ("replaces a function", "replaces it when called")


@pytest.fixture(scope="module")
def key():
    return grading.key_of(ROOT, "numpy")


def marks(graded, key):
    """Return the marks by question."""
    found = dict.fromkeys(FULL, 0)
    for question, check in key.checks:
        found[question] += graded.points(question, check.name)
    return found


def grade(folder, key, name, book, limits=SHORT):
    submissions.write_all(folder, {name: (book, None)})
    return grading.grade_file(folder / f"{name}.ipynb", key, limits)


@pytest.mark.parametrize("stem", [path.stem for path in exercises.sets(ROOT)])
def test_the_solutions_of_every_set_get_full_marks(stem, tmp_path):
    key = grading.key_of(ROOT, stem)
    book = submissions.all_solved(stem)
    graded = grade(tmp_path, key, "solved", book, grading.Limits())
    assert graded.notes == []
    states = {name: row["state"] for name, row in graded.rows.items()}
    assert len(states) == len(key.checks)
    assert {*states.values()} <= {"passed", "needs a GPU"}, states


@pytest.mark.parametrize("name", FEW)
def test_marks_are_those_that_an_answer_deserves(name, key, tmp_path):
    book, deserved = ORDINARY[name]
    graded = grade(tmp_path, key, name, book)
    assert graded.refused == ""
    assert marks(graded, key) == deserved


@pytest.mark.parametrize("name", HOSTILE)
def test_what_goes_wrong_costs_only_what_it_must(name, key, tmp_path):
    if name == "fills memory" and not LINUX:
        pytest.skip("the memory of a process is limited on Linux only")
    book, deserved = HOSTILE[name]
    graded = grade(tmp_path, key, name, book)
    assert graded.refused == ""
    assert marks(graded, key) == deserved, graded.notes


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_graded_is_refused_with_a_reason(name, key, tmp_path):
    data, reason = REFUSED[name]
    graded = grade(tmp_path, key, name, data)
    assert reason in graded.refused
    assert graded.score(key) == 0


def test_memory_is_seen_without_proc():
    own = grading.memory_by_ps(os.getpgid(0))
    assert own > 10_000_000


class TestNotes:
    """What happened on the way is said."""

    def test_of_a_cell_that_never_ends(self, key, tmp_path):
        book, _ = HOSTILE["never ends"]
        graded = grade(tmp_path, key, "x", book)
        assert "it took longer than 2 s" in graded.notes[0]
        assert graded.notes[0].startswith("cell ")

    def test_of_a_process_that_ends(self, key, tmp_path):
        graded = grade(tmp_path, key, "x", HOSTILE["leaves"][0])
        assert graded.notes == ["cell 5 left out: it ended its process"]

    def test_of_much_output(self, key, tmp_path):
        graded = grade(tmp_path, key, "x", HOSTILE["prints megabytes"][0])
        assert graded.notes == ["it printed 40 MB, which are dropped"]

    def test_of_a_crash(self, key, tmp_path):
        book = submissions.with_cell(returned(), "import os\nos.abort()")
        graded = grade(tmp_path, key, "x", book)
        assert graded.notes == ["cell 5 left out: its process ended with SIGABRT"]
        assert marks(graded, key) == FULL

    def test_of_too_many_crashes(self, key, tmp_path):
        book = returned()
        for _ in range(grading.ATTEMPTS):
            book = submissions.with_cell(book, "import os\nos._exit(3)")
        graded = grade(tmp_path, key, "x", book)
        assert "stopped: too many of its cells" in graded.notes[-1]


def test_nothing_is_installed_and_no_command_is_run(key, tmp_path):
    made = tmp_path / "made"
    cells = f"%pip install -q nothing-of-the-kind\n!touch {made}\n%system touch {made}"
    graded = grade(tmp_path, key, "x", submissions.with_cell(returned(), cells))
    assert graded.notes == []
    assert not made.exists()


def test_the_environment_carries_no_secret(key, tmp_path, monkeypatch):
    monkeypatch.setenv("A_TOKEN", "secret")
    code = "import os\nassert 'A_TOKEN' not in os.environ\nassert not os.listdir()"
    graded = grade(tmp_path, key, "x", submissions.with_cell(returned(), code))
    assert graded.notes == []


PRIVATE = '''\
"""Secret tests."""

SEED = 77

add_to("q1")


@test(points=5)
def other_numbers(centred, rng):
    """other numbers"""
    expect(rng.random() != np.random.default_rng([0, 1]).random(), "the public seed")
    return matches(centred, lambda t: t - t.mean(1)[:, None], [(rng.random((2, 9)),)])
'''


class TestPrivate:
    """Tests and a seed that are in no public repository."""

    def test_are_added(self, tmp_path):
        (tmp_path / "numpy.py").write_text(PRIVATE, encoding="utf-8")
        key = grading.key_of(ROOT, "numpy", tmp_path)
        assert key.points == grading.key_of(ROOT, "numpy").points + 5
        graded = grade(tmp_path, key, "x", returned())
        assert marks(graded, key) == {**FULL, "q1": 8}
        wrong = grade(tmp_path, key, "x", ORDINARY["columns for rows"][0])
        assert marks(wrong, key) == {**FULL, "q1": 0}

    def test_belong_to_a_question(self, tmp_path):
        path = tmp_path / "numpy.py"
        path.write_text(PRIVATE.replace('add_to("q1")', ""), encoding="utf-8")
        with pytest.raises(Malformed, match="stands before the first add_to"):
            _ = grading.key_of(ROOT, "numpy", tmp_path).checks
        path.write_text(PRIVATE.replace('"q1"', '"q9"'), encoding="utf-8")
        with pytest.raises(Malformed, match="there is no q9"):
            grading.key_of(ROOT, "numpy", tmp_path)


GRADEBOOK = """\
Student,ID,SIS User ID,SIS Login ID,Section,Exercises: NumPy (99),Other (1)
    Points Possible,,,,,20,5
"Gauss, Carl",11,g1,gauss,A,,3
"Noether, Emmy",12,n1,noether,A,,4
"""


@pytest.fixture
def folder(tmp_path):
    """A folder of returned notebooks, as Canvas names them, with trouble in it."""
    place = tmp_path / "returned"
    place.mkdir()
    (place / "gausscarl_11_501_numpy.ipynb").write_text(texts(returned()), "utf-8")
    late, _ = ORDINARY["widens"]
    (place / "noetheremmy_LATE_12_502_numpy-1.ipynb").write_text(texts(late), "utf-8")
    (place / "=cmd_13_503_numpy.ipynb").write_bytes(REFUSED["cut short"][0])
    (place / "notes.txt").write_text("see attachment", encoding="utf-8")
    (place / "gradebook.csv").write_text(GRADEBOOK, encoding="utf-8")
    return place


def test_a_folder_becomes_grades_and_an_import_for_canvas(folder, tmp_path, capsys):
    out = tmp_path / "grades.csv"
    options = ["--out", str(out), "--canvas", str(folder / "gradebook.csv")]
    options += ["--feedback", str(tmp_path / "told"), "--seconds", "2"]
    arguments = ["--root", str(ROOT), "grade", "numpy", str(folder), *options]
    assert exercises.main(arguments) == 0
    said = capsys.readouterr().out
    assert "strangers' code" in said
    assert "4 files, 2 refused" in said
    rows = list(csv.DictReader(io.StringIO(out.read_text("utf-8"))))
    assert [(r["student"], r["status"], r["score"], r["of"]) for r in rows] == [
        ("'=cmd", "refused", "0", "20"),
        ("gausscarl", "graded", "20", "20"),
        ("noetheremmy", "graded", "19", "20"),
        ("notes", "refused", "0", "20"),
    ]
    assert rows[2]["q1.keeps_dtype"] == "0"
    assert rows[2]["q5 (by hand)"] == ""
    assert rows[3]["notes"] == "the file is no notebook (.ipynb)"
    canvas = (tmp_path / "grades-canvas.csv").read_text("utf-8").splitlines()
    assert canvas == [
        "Student,ID,SIS User ID,SIS Login ID,Section,Exercises: NumPy (99)",
        '"Gauss, Carl",11,g1,gauss,A,20',
        '"Noether, Emmy",12,n1,noether,A,19',
    ]
    told = (tmp_path / "told" / "noetheremmy_LATE_12_502_numpy-1.txt").read_text(
        "utf-8"
    )
    assert told.startswith("19 of 20 points by checks.")
    assert "not yet: float32 stays float32" in told
    by_hand = (tmp_path / "grades-by-hand.md").read_text("utf-8")
    assert "### gausscarl\n\n> *Write it here.*" in by_hand
    assert list(tmp_path.glob("*.part")) == []


def test_a_gradebook_without_the_column_is_told(folder, tmp_path, key):
    with pytest.raises(grading.Refused, match="0 columns whose name begins with 'X'"):
        grading.canvas_import(folder / "gradebook.csv", [], key, "X")


def test_grades_so_far_are_there_at_any_time(folder, tmp_path, key, monkeypatch):
    out, real = tmp_path / "grades.csv", grading.grade_file

    def stops(path, *rest):
        if "noether" in path.name:
            raise KeyboardInterrupt
        return real(path, *rest)

    monkeypatch.setattr(grading, "grade_file", stops)
    with pytest.raises(KeyboardInterrupt):
        grading.grade_folder(folder, key, out, SHORT, quiet=True)
    rows = list(csv.DictReader(io.StringIO(out.read_text("utf-8"))))
    assert [row["student"] for row in rows] == ["'=cmd", "gausscarl"]


def test_an_answer_to_an_open_question_is_found(key):
    book = returned()
    for cell in book["cells"]:
        text = "".join(cell["source"])
        cell["source"] = text.replace("*Write it here.*", "It depends.")
    own = grading.Returned(
        [], ["".join(c["source"]) for c in book["cells"] if c["cell_type"] != "code"]
    )
    assert grading.open_answers(own, key) == {"q5": "It depends."}


def test_a_test_that_needs_a_gpu_is_not_judged(key, tmp_path):
    graded = grading.Graded("x.ipynb", "x")
    row = {"question": "q1", "name": "right_answer", "points": 2}
    graded.rows["q1", "right_answer"] = {**row, "state": "needs a GPU"}
    line = next(csv.DictReader(io.StringIO(grading.table([graded], key))))
    assert line["status"] == "graded in part"
    assert line["q1.right_answer"] == ""
    assert "1 test could not be judged without a GPU" in line["notes"]


def test_an_old_format_is_read(key, tmp_path):
    cells = [
        {"cell_type": c["cell_type"], "input": "".join(c["source"])}
        for c in returned()["cells"]
    ]
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps({"worksheets": [{"cells": cells}]}), encoding="utf-8")
    assert len(grading.read(path, key).cells) > 8
