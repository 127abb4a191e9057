"""Make of a set of exercises what Gradescope and nbgrader grade; see `tools/exercises`.

Both run the same official tests as `tools/grading`, after the learner's cells and with
the package loaded anew, so that the same answers get the same marks.  What differs is
who watches: limits of time and memory are theirs.

Gradescope (otter-grader 7) takes the notebook of ``exercises/`` as it is.  nbgrader
(0.9.6) has to hand out its own release of the notebook, with cells that it grades.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools import masters, wheel
from tools.grading import Key

OUT = Path("_build", "autograders")
PREPROCESSORS = (  # nbgrader's own, but for ClearSolutions: there are none in it
    "IncludeHeaderFooter",
    "LockCells",
    "ClearOutput",
    "CheckCellMetadata",
    "ComputeChecksums",
    "SaveCells",
    "ClearHiddenTests",
    "ClearMarkScheme",
    "ComputeChecksums",
    "CheckCellMetadata",
)
JUDGE = '''\
def judged(question, test, answers, codes, known={}):
    """Judge the answers, once for each question; raise what a test has to say."""
    import sys

    if "exercises" not in known:
        for name in list(sys.modules):  # as a notebook may have changed it
            if name.partition(".")[0] in ("arraylab", "case_studies"):
                del sys.modules[name]
        from arraylab import exercises

        given = {"__name__": "official"}
        for number, code in enumerate(codes):
            exec(compile(code, f"<official {number}>", "exec"), given)
        exercises.registry.seed = given.get("SEED", 0)
        known.update(exercises=exercises, given=given)
    if question not in known:
        rows = known["exercises"].judge(question, answers, known["given"])
        known[question] = {row.name: row for row in rows}
    row = known[question][test]
    told = [row.what, *(f"{name}: {text}" for name, text in row.details())]
    if row.state != "passed":
        raise AssertionError("; ".join(filter(None, [row.state, *told])))
'''


def asked_for(key: Key, cpu: bool = True) -> list[str]:
    """Return what a grader's machine needs beside the course's wheel."""
    from tools.export import DISTRIBUTIONS
    from tools.glued import imports

    codes = "\n".join(key.official())
    found = set(imports(codes)) | {"numpy"}
    for question in key.master.questions:
        for part in question.answer:
            found |= imports(masters.solved(part.body))
    return sorted({DISTRIBUTIONS[name] for name in found if name in DISTRIBUTIONS})


# -- Gradescope -----------------------------------------------------------------------


def test_file(key: Key, question: str) -> str:
    """Return otter's test file of a question."""
    head = [
        '"""Official tests; made by tools/autograders.py."""',
        "",
        "OK_FORMAT = False",
        "",
        "from otter.test_files import test_case",
        "",
        f'name = "{question}"',
        "points = None",
        "",
        f"CODES = {json.dumps(key.official(), ensure_ascii=True)}",
        "",
        "",
        JUDGE,
    ]
    cases = []
    for name, check in key.checks:
        if name == question:
            options = f"points={check.points!r}, hidden={check.hidden!r}"
            call = f'judged("{question}", "{check.name}", env, CODES)'
            cases += [
                "",
                f'@test_case(name="{check.name}", {options})',
                f"def {check.name}(env):",
                f"    {call}",
                "",
            ]
    return "\n".join([*head, *cases])


def gradescope(root: Path, key: Key, out: Path) -> Path:
    """Write an autograder for Gradescope; return the folder that holds it.

    With otter-grader installed, ``autograder.zip`` in it is what Gradescope takes.
    """
    stem = key.master.stem
    folder = fresh(out / "gradescope" / stem)
    (folder / "tests").mkdir()
    for question in key.master.questions:
        if not question.open:
            text = test_file(key, question.name)
            (folder / "tests" / f"{question.name}.py").write_text(text, "utf-8")
    built = wheel.build(root)
    shutil.copy(built, folder)
    lines = [*asked_for(key), f"/autograder/source/files/{built.name}"]
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n", "utf-8")
    config = {"show_hidden": False, "show_stdout": False, "lang": "python"}
    (folder / "otter_config.json").write_text(json.dumps(config, indent=1), "utf-8")
    if installed("otter"):
        options = ["-t", "tests", "-o", "autograder.zip", "-r", "requirements.txt"]
        options += ["-c", "otter_config.json", built.name]
        run(["otter.cli", "generate", *options], folder)
    return folder


# -- nbgrader -------------------------------------------------------------------------


def marked(name: str, **more: Any) -> dict[str, Any]:
    """Return what nbgrader reads of a cell."""
    plain = {"grade": False, "solution": False, "locked": False, "task": False}
    return {"nbgrader": {"schema_version": 3, "grade_id": name, **plain, **more}}


def source(key: Key, book: dict[str, Any]) -> dict[str, Any]:
    """Return nbgrader's source of a set, from its notebook for learners."""
    made = json.loads(json.dumps(book))
    place = masters.PLACE
    opened = iter(q for q in key.master.questions if q.open)
    stubs = {
        masters.stub(part.body).strip(): f"{q.name}-answer-{number}"
        for q in key.master.questions
        for number, part in enumerate(q.answer, 1)
    }
    for cell in made["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code" and text.strip() in stubs:
            cell["metadata"] |= marked(stubs[text.strip()], solution=True)
        elif cell["cell_type"] == "markdown" and text.startswith(place):
            question = next(opened)
            cell["metadata"] |= marked(
                f"{question.name}-by-hand",
                grade=True,
                solution=True,
                points=question.by_hand,
            )
    made["cells"] += graded_cells(key)
    return made


def graded_cells(key: Key) -> list[dict[str, Any]]:
    """Return the cells that nbgrader grades, all of them hidden from learners."""
    cells = []
    codes = json.dumps(key.official(), ensure_ascii=True)
    start = f"{JUDGE}\n\nCODES = {codes}\n"
    for question, check in key.checks:
        call = f'judged("{question}", "{check.name}", globals(), CODES)'
        # what a hidden test is called would tell what it is about
        name = f"hidden-{len(cells)}" if check.hidden else check.name
        text = (
            f"# {question}, {name}: graded here\n### BEGIN HIDDEN TESTS\n"
            f"{start}{call}\n### END HIDDEN TESTS"
        )
        start = ""
        name = f"{question}-{name}".replace("_", "-")
        options = {"grade": True, "locked": True, "points": check.points}
        cells.append(
            {
                "cell_type": "code",
                "execution_count": None,
                "id": f"graded-{len(cells)}",
                "metadata": marked(name, **options),
                "outputs": [],
                "source": text.splitlines(keepends=True),
            }
        )
    return cells


CONFIG = '''\
"""A course for nbgrader 0.9.6; made by tools/autograders.py."""

from nbgrader import preprocessors

c = get_config()
c.CourseDirectory.course_id = "beyond-numpy"
c.GenerateAssignment.preprocessors = [
{names}]
c.ExecutePreprocessor.timeout = 300  # seconds a cell
c.ExecutePreprocessor.interrupt_on_timeout = True
'''


def nbgrader(root: Path, key: Key, out: Path) -> Path:
    """Write a course for nbgrader with this set in it; return its folder."""
    stem = key.master.stem
    course = out / "nbgrader"
    folder = fresh(course / "source" / stem)
    text = (root / masters.STUDENTS / f"{stem}.ipynb").read_text(encoding="utf-8")
    made = source(key, json.loads(text))
    (folder / f"{stem}.ipynb").write_text(json.dumps(made, indent=1), "utf-8")
    names = "".join(f"    preprocessors.{name},\n" for name in PREPROCESSORS)
    config = CONFIG.replace("{names}", names)
    (course / "nbgrader_config.py").write_text(config, encoding="utf-8")
    return course


def fresh(folder: Path) -> Path:
    """Return an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def installed(package: str) -> bool:
    """Return whether a package is there."""
    from importlib.util import find_spec

    return find_spec(package) is not None


def run(command: list[str], folder: Path) -> None:
    """Run a module of this environment in a folder.

    Raises
    ------
    RuntimeError
        If it fails; the text is what it said.
    """
    program = [sys.executable, "-c", "from otter.cli import cli; cli()", *command[1:]]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {(done.stdout + done.stderr).strip()}")
