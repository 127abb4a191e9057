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
from tests.submissions import FULL, ORDINARY
from tools import autograders, grading
from tools.learner import NoNetwork, python_of, uv

pytestmark = [pytest.mark.slow, pytest.mark.timeout(800)]
ROOT = Path(__file__).resolve().parents[1]
SCRIPT = Path(__file__).parent / "routes.py"
LIMITS = grading.Limits(seconds=30)


@pytest.fixture(scope="module")
def instructor():
    """The Python of an environment with the extra `instructor`."""
    folder = ROOT / "_build" / "instructor"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["project"]["optional-dependencies"]["instructor"]
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


def by_script(python, result, *words):
    """Return the marks that another grader gives."""
    command = [str(python), str(SCRIPT), *map(str, words), str(result)]
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path}  # as where it is activated
    done = ran(command, cwd=result.parent, env=environment, timeout=700)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(result.read_text(encoding="utf-8"))
    return {name: {q: marks.get(q, 0) for q in FULL} for name, marks in found.items()}


def test_there_are_twenty_submissions_and_two_that_cheat():
    assert len(ORDINARY) == 22


def test_marks_here(key, folder):
    found = {}
    for path in sorted(folder.glob("*.ipynb")):
        graded = grading.grade_file(path, key, LIMITS)
        found[path.stem] = dict.fromkeys(FULL, 0)
        for question, check in key.checks:
            found[path.stem][question] += graded.points(question, check.name)
    assert found == deserved()


def test_marks_on_gradescope(key, folder, instructor, tmp_path):
    out = tmp_path / "out"
    command = [str(instructor), "-m", "tools.exercises", "gradescope", "numpy"]
    ran([*command, "--out", str(out)], cwd=ROOT, check=True)
    autograder = out / "gradescope" / "numpy" / "autograder.zip"
    result = tmp_path / "otter.json"
    assert by_script(instructor, result, "otter", autograder, folder) == deserved()


def test_marks_with_nbgrader(key, folder, instructor, tmp_path):
    course = autograders.nbgrader(ROOT, key, tmp_path / "out")
    result = tmp_path / "nbgrader.json"
    marks = by_script(instructor, result, "nbgrader", course, "numpy", folder)
    assert marks == deserved()
    release = (course / "release" / "numpy" / "numpy.ipynb").read_text(encoding="utf-8")
    for secret in ("BEGIN HIDDEN", "def judged", "large_offset", "BEGIN SOLUTION"):
        assert secret not in release
