"""The same answers get the same marks here, on Gradescope and with nbgrader.

Slow: the graders are in an environment of their own, and start a kernel a notebook.
"""

import json
import os
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from tests import submissions
from tests.apart import ran
from tests.submissions import ORDINARY
from tools import autograders, grading
from tools.learner import NoNetwork, python_of, uv

pytestmark = [pytest.mark.slow, pytest.mark.timeout(800)]
ROOT = Path(__file__).resolve().parents[1]
SCRIPT = Path(__file__).parent / "routes.py"
LIMITS = grading.Limits(seconds=30)
OTHERS = ("start", "numba", "cupy", "jax", "dask", "ecosystem")


@pytest.fixture(scope="module")
def instructor():
    """The Python of an environment with the extra `instructor`."""
    folder = ROOT / "_build" / "instructor"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["project"]["optional-dependencies"]["instructor"]
    keys = [grading.key_of(ROOT, stem) for stem in OTHERS]
    wanted = sorted({*wanted, *(n for key in keys for n in autograders.asked_for(key))})
    mark = folder / "complete"
    key = json.dumps([*wanted, sys.version])
    if not mark.is_file() or mark.read_text(encoding="utf-8") != key:
        shutil.rmtree(folder, ignore_errors=True)
        try:
            uv("venv", "--seed", "--python", sys.executable, str(folder))
            python = ["--python", str(python_of(folder))]
            uv("pip", "install", *python, *wanted, "--editable", str(ROOT))
        except NoNetwork as error:
            pytest.skip(f"no network to install the graders from: {error}")
        mark.write_text(key, encoding="utf-8")
    return python_of(folder)


@pytest.fixture(scope="module")
def key():
    return grading.key_of(ROOT, "numpy")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return submissions.write_all(tmp_path_factory.mktemp("returned"), ORDINARY)


def deserved():
    return {name: marks for name, (_, marks) in ORDINARY.items()}


def by_script(key, python, result, *words):
    """Return the marks that another grader gives, by file and question."""
    command = [str(python), str(SCRIPT), *map(str, words), str(result)]
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path}  # as where it is activated
    done = ran(command, cwd=result.parent, env=environment, timeout=700)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(result.read_text(encoding="utf-8"))
    asked = {question for question, _ in key.checks}
    return {
        name: {q: round(m.get(q, 0), 6) for q in asked} for name, m in found.items()
    }


def here(key, folder):
    """Return the marks that our own grader gives."""
    found = {}
    for path in sorted(folder.glob("*.ipynb")):
        graded = grading.grade_file(path, key, LIMITS)
        assert not graded.refused
        marks = found[path.stem] = {q: 0.0 for q, _ in key.checks}
        for question, check in key.checks:
            marks[question] += graded.points(question, check.name)
    return found


def on_gradescope(key, folder, instructor, tmp_path):
    """Return the marks that otter-grader gives, as Gradescope runs it."""
    out, stem = tmp_path / "out", key.master.stem
    command = [str(instructor), "-m", "tools.exercises", "gradescope", stem]
    done = ran([*command, "--out", str(out)], cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    autograder = out / "gradescope" / stem / "autograder.zip"
    result = tmp_path / "otter.json"
    return by_script(key, instructor, result, "otter", autograder, folder)


def with_nbgrader(key, folder, instructor, tmp_path):
    """Return the marks that nbgrader gives, and the folder of its course."""
    course = autograders.nbgrader(ROOT, key, tmp_path / "out")
    result = tmp_path / "nbgrader.json"
    stem = key.master.stem
    marks = by_script(key, instructor, result, "nbgrader", course, stem, folder)
    return marks, course


def test_there_are_twenty_submissions_and_two_that_cheat():
    assert len(ORDINARY) == 22


def test_marks_here(key, folder):
    assert here(key, folder) == deserved()


def test_marks_on_gradescope(key, folder, instructor, tmp_path):
    assert on_gradescope(key, folder, instructor, tmp_path) == deserved()


def test_marks_with_nbgrader(key, folder, instructor, tmp_path):
    marks, course = with_nbgrader(key, folder, instructor, tmp_path)
    assert marks == deserved()
    release = (course / "release" / "numpy" / "numpy.ipynb").read_text(encoding="utf-8")
    for secret in ("BEGIN HIDDEN", "def judged", "large_offset", "BEGIN SOLUTION"):
        assert secret not in release


@pytest.mark.parametrize("stem", OTHERS)
def test_marks_of_other_sets_are_the_same_three_times(stem, instructor, tmp_path):
    """Solved, untouched, and two notebooks in which every answer is a wrong one."""
    key = grading.key_of(ROOT, stem)
    books = {name: (book, None) for name, book in submissions.of_set(stem, 2).items()}
    folder = submissions.write_all(tmp_path / "returned", books)
    marks = here(key, folder)
    full = {q: sum(c.points for p, c in key.checks if p == q) for q, _ in key.checks}
    assert marks["all right"] == full
    given = sum(marks["untouched"].values())  # by programs to mend, which half work
    assert given < sum(full.values()) / 5
    for name, found in marks.items():
        if name.startswith("wrong"):
            assert found != full, name
    assert on_gradescope(key, folder, instructor, tmp_path) == marks
    assert with_nbgrader(key, folder, instructor, tmp_path)[0] == marks
