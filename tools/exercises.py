"""The exercises: made from their masters, and proven.

    python -m tools.exercises build [SET ...]
    python -m tools.exercises verify [SET ...]
    python -m tools.exercises grade SET FOLDER [--out grades.csv] [--private FOLDER]
    python -m tools.exercises gradescope SET [--private FOLDER]
    python -m tools.exercises nbgrader SET [--private FOLDER]

`build` writes ``exercises/<set>.md`` (the page) and ``exercises/<set>.ipynb`` (for
Jupyter, without addresses) from ``solutions/<set>.md``; the same master gives the same
bytes.  `verify` proves of each question that the solution passes every test, that the
untouched stub fails with words that help, that each wrong answer fails the tests that
it names, that a solution has room above a bar of speed, and that no line of a solution
is in what learners get.  `grade` judges returned notebooks, one at a time.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arraylab.settings import SETTINGS
from arraylab.words import counted
from tools import address, autograders, export, grading, masters, pages, style
from tools.masters import FOLDER, STUDENTS, Malformed, Master
from tools.pages import Unknown
from tools.references import References

ROOT = Path(__file__).resolve().parent.parent
RUNNER = ROOT / "tools" / "exercise_runner.py"
HEADROOM = 3.0  # how far above a bar of speed a solution has to be
LIMIT = 300.0  # seconds that the verification of a set may take
SHORT = 16  # characters of a line of a solution that may be anybody's


def sets(root: Path, wanted: list[str] | None = None) -> list[Path]:
    """Return the masters, or those of the sets that are `wanted`.

    Raises
    ------
    Unknown
        If there is no such set.
    """
    there = sorted((root / FOLDER).glob("*.md"))
    names = [path.stem for path in there]
    unknown = {*(wanted or ())} - {*names}
    if unknown:
        known = ", ".join(names)
        raise Unknown(
            f"no set is called {', '.join(sorted(unknown))}; there are {known}"
        )
    return [path for path in there if not wanted or path.stem in wanted]


# -- build ----------------------------------------------------------------------------


def without_address(root: Path) -> References:
    """Return what the book refers to, as where the course is published nowhere."""
    found = References(root)
    found.site = found.repository = ""
    return found


def notebook(root: Path, stem: str, references: References) -> str:
    """Return the text of a set's notebook; its page has to be written already."""
    book = export.export(f"{STUDENTS}/{stem}", references)
    return export.text_of(book)


def build(root: Path, wanted: list[str]) -> int:
    """Write pages and notebooks; return how many sets failed."""
    failed = 0
    chosen = sets(root, wanted)
    (root / STUDENTS).mkdir(exist_ok=True)
    for path in chosen:
        try:
            text = masters.student_page(masters.parse(path))
        except Malformed as error:
            failed += 1
            print(f"{FOLDER}/{path.name}:\n{indented(str(error))}", file=sys.stderr)
            continue
        write(root / STUDENTS / path.name, text)
    references = without_address(root)
    for path in chosen:
        if (root / STUDENTS / path.name).is_file():
            text = notebook(root, path.stem, references)
            write(root / STUDENTS / f"{path.stem}.ipynb", text)
    if not wanted:  # a set that is gone takes its files with it
        stems = {path.stem for path in chosen}
        for file in (root / STUDENTS).glob("*.*"):
            if file.stem not in stems:
                file.unlink()
    named = {*pages.pages(root)}
    for path in chosen:
        for folder in (STUDENTS, FOLDER):
            if f"{folder}/{path.stem}" not in named:
                print(f"note: {folder}/{path.stem} is not in _toc.yml yet")
    print(f"exercises: {counted(len(chosen) - failed, 'set')} in {STUDENTS}/")
    return failed


def write(path: Path, text: str) -> None:
    """Write a text, unless it is there already."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8", newline="\n")


def indented(text: str) -> str:
    """Return a text as a block."""
    return "\n".join(f"    {line}" for line in text.splitlines())


# -- verify ---------------------------------------------------------------------------


@dataclass
class Proof:
    """What the verification of a set found."""

    stem: str
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    questions: int = 0
    tests: int = 0
    answers: int = 0  # wrong ones that were rejected
    seconds: float = 0.0


def cells_of(text: str, path: Path) -> list[Any]:
    """Return the code cells of a page at `path` from its text, loaded files too."""
    from myst_nb.core.read import read_myst_markdown_notebook

    book = read_myst_markdown_notebook(text, path=str(path))
    return [cell for cell in book.cells if cell.cell_type == "code"]


def tagged(cell: Any) -> set[str]:
    """Return the tags of a cell."""
    return {*cell.metadata.get("tags", [])}


def steps_of(cells: list[Any]) -> list[list[str]]:
    """Return cells as steps of the runner; the call of `check` judges."""
    found: list[list[str]] = []
    place = "the first cells"
    for cell in cells:
        named = re.search(r'^check\("(\w+)"\)', cell.source)
        if "check" in tagged(cell) and named:
            found.append(["judge", named[1]])
            place = f"after check({named[1]!r})"
        else:
            line = next(iter(cell.source.strip().splitlines()), "")
            found.append(["run", f"{place}: `{line}`", cell.source])
    return found


def run(phases: list[list[list[str]]], limit: float = LIMIT) -> list[dict[str, Any]]:
    """Run phases of steps in one process; return what happened."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        job, result = Path(name, "job.json"), Path(name, "result.jsonl")
        job.write_text(json.dumps({"phases": phases}), encoding="utf-8")
        empty = Path(name, "empty")
        empty.mkdir()
        program = [sys.executable, "-X", "utf8", str(RUNNER), str(job), str(result)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        # as a learner's, whatever is set here (JAX's 64 bits, threads)
        env = {k: v for k, v in os.environ.items() if k not in SETTINGS}
        env |= {"PYTHONUTF8": "1", "MPLBACKEND": "agg"}
        try:
            done = subprocess.run(
                program, cwd=empty, timeout=limit, env=env, encoding="utf-8", **pipes
            )
            told = done.stdout.strip().splitlines()[-3:]
            ended = f"ended with status {done.returncode}: {' / '.join(told)}"
        except subprocess.TimeoutExpired:
            ended = f"took more than {limit:.0f} s"
        lines = result.read_text("utf-8").splitlines() if result.is_file() else []
    facts = [json.loads(line) for line in lines]
    if not facts or facts[-1]["kind"] != "done":
        what = f"the run stopped before its end: it {ended}"
        last = facts[-1].get("label", facts[-1].get("question", "")) if facts else ""
        facts.append({"kind": "error", "phase": 0, "label": last, "what": what})
    return facts


def verify(root: Path, path: Path) -> Proof:
    """Prove the set at `path`."""
    proof, start = Proof(path.stem), time.monotonic()
    try:
        master = masters.parse(path)
    except Malformed as error:
        proof.wrong += str(error).splitlines()
        return proof
    student = masters.student_page(master)
    solved = cells_of(masters.solution_page(master), root / FOLDER / path.name)
    asked = cells_of(student, root / STUDENTS / path.name)
    facts = run([steps_of(solved), steps_of(asked)])
    proof.questions = len(master.questions)
    proof.tests = sum(len(q.checks) for q in master.questions)
    proof.answers = sum(p.wrong for q in master.questions for p in q.after)
    for fact in facts:
        if fact["kind"] == "error":
            where = "solutions" if fact.get("phase", 0) == 0 else "student's notebook"
            proof.wrong.append(f"{where}, {fact['label']}: {fact['what']}")
    judge_solution(rows_of(facts, 0), proof)
    judge_stub(master, rows_of(facts, 1), proof)
    proof.wrong += leaks(master, student)
    proof.wrong += unformatted("solutions", solved)
    proof.wrong += unformatted("student's notebook", asked)
    proof.notes += unproven(master)
    proof.seconds = time.monotonic() - start
    return proof


def rows_of(facts: list[dict[str, Any]], phase: int) -> list[dict[str, Any]]:
    """Return the tests that ran in a phase."""
    return [f for f in facts if f["kind"] == "row" and f["phase"] == phase]


def judge_solution(rows: list[dict[str, Any]], proof: Proof) -> None:
    """Note what is wrong with the solutions."""
    for row in rows:
        name = f"{row['question']}, test {row['name']}"
        if row["state"] == "needs a GPU":
            proof.notes.append(f"{name} was not judged: {row['what']}")
        elif row["state"] != "passed":
            told = "; ".join(filter(None, [row["what"], row["expected"], row["got"]]))
            proof.wrong.append(f"{name}: the solution does not pass ({told})")
        elif row["headroom"] is not None and row["headroom"] < HEADROOM:
            proof.wrong.append(
                f"{name}: the solution is only {row['headroom']:.2g} times above its "
                f"bar, expected {HEADROOM:g}: lower `at_least`"
            )


def judge_stub(master: Master, rows: list[dict[str, Any]], proof: Proof) -> None:
    """Note which stubs pass, or fail without words that help."""
    for question in master.questions:
        if question.open:
            continue
        own = [row for row in rows if row["question"] == question.name]
        states = {row["state"] for row in own}
        if states <= {"passed"}:
            proof.wrong.append(f"{question.name}: the untouched stub passes")
        for row in own:
            unhelpful = not (row["what"] and row["tip"])
            if row["state"] in ("not yet", "not started") and unhelpful:
                proof.wrong.append(
                    f"{question.name}, test {row['name']}: what it says to the "
                    f"untouched stub lacks a tip: {row['what']!r}; raise with "
                    "expect(..., tip=...)"
                )


def leaks(master: Master, student: str) -> list[str]:
    """Return the lines of solutions and hidden tests that learners would see."""
    open_lines = {
        line.strip()
        for part in [
            *master.intro,
            *(p for q in master.questions for p in q.prompt),
        ]
        for line in part.text.splitlines()
    }
    for question in master.questions:
        for part in question.answer:
            open_lines |= {line.strip() for line in masters.stub(part.body).split("\n")}
    seen = {line.strip() for line in student.splitlines()}
    found = []
    for question in master.questions:
        secret = [
            line.strip()
            for part in question.answer
            for match in masters.SOLUTION.finditer(part.body)
            for line in match["solution"].splitlines()
        ]
        for line in secret:
            if len(line) > SHORT and line in seen and line not in open_lines:
                found.append(f"{question.name}: a line of the solution leaks: `{line}`")
        for check in question.checks:
            if check.hidden and re.search(rf"\bdef {check.name}\b", student):
                found.append(f"{question.name}: the hidden test {check.name} leaks")
    return found


def unformatted(name: str, cells: list[Any]) -> list[str]:
    """Return what ruff says of a page's code: its format, and plain mistakes."""
    codes = [
        masters.plain(cell.source) for cell in cells if "load" not in cell.metadata
    ]
    found = []
    for task in (style.FORMAT, (*style.CHECK, "--output-format", "concise")):
        if told := style.said(codes, *task, "-q"):
            found.append(f"{name}: ruff {task[0]} says of its cells\n{indented(told)}")
    return found


def unproven(master: Master) -> list[str]:
    """Return which tests no wrong answer on record fails."""
    found = []
    for question in master.questions:
        named = set()
        for part in question.after:
            if part.wrong:
                named |= {*re.findall(r"\w+", part.body.split("\n", 1)[0])}
        for check in question.checks:
            if check.name not in named:
                found.append(f"{question.name}: no wrong answer shows {check.name}")
    return found


def stale(root: Path) -> list[str]:
    """Return which generated files are not what their masters say."""
    found = []
    references = without_address(root)
    stems = set()
    for path in sets(root):
        stems.add(path.stem)
        page = root / STUDENTS / path.name
        try:
            text = masters.student_page(masters.parse(path))
        except Malformed as error:
            found.append(f"{FOLDER}/{path.name}: {error}")
            continue
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            found.append(f"{STUDENTS}/{path.name}")
            continue
        book = root / STUDENTS / f"{path.stem}.ipynb"
        text = notebook(root, path.stem, references)
        if not book.is_file() or book.read_text(encoding="utf-8") != text:
            found.append(f"{STUDENTS}/{book.name}")
    for file in (root / STUDENTS).glob("*.*"):
        if file.stem not in stems:
            found.append(f"{STUDENTS}/{file.name}: has no master")
    return found


def verify_all(root: Path, wanted: list[str]) -> int:
    """Prove sets and say so; return how many failed."""
    failed = 0
    for path in sets(root, wanted):
        proof = verify(root, path)
        failed += bool(proof.wrong)
        told = [
            counted(proof.questions, "question"),
            counted(proof.tests, "test"),
            f"{counted(proof.answers, 'wrong answer')} on record",
        ]
        state = "FAILED" if proof.wrong else "proven"
        print(f"{proof.stem:12} {state}: {', '.join(told)}, {proof.seconds:.1f} s")
        for line in proof.wrong:
            print(f"  wrong: {line}")
        for line in proof.notes:
            print(f"  note: {line}")
    if not wanted:
        for name in stale(root):
            failed += 1
            print(f"  wrong: {name} is out of date: make exercises")
    return failed


# -- grade ----------------------------------------------------------------------------


def grading_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `grade`."""
    limits = grading.Limits()
    add = parser.add_argument
    add("set")
    add("folder", type=Path, help="with the returned notebooks")
    add("--out", type=Path, default=Path("grades.csv"), help="(default: %(default)s)")
    add("--private", type=Path, help="folder with <set>.py: secret tests and SEED")
    add("--canvas", type=Path, help="the gradebook that Canvas exported")
    add("--assignment", default="", help="how its column begins")
    add("--feedback", type=Path, help="folder for a text a learner")
    add("--seconds", type=float, default=limits.seconds, help="a cell or test")
    add("--total", type=float, default=limits.total, help="seconds a notebook")
    add("--memory", type=float, default=limits.memory / 1e9, help="GB a notebook")


def grade(root: Path, options: argparse.Namespace) -> int:
    """Grade a folder of returned notebooks; return the exit status."""
    sets(root, [options.set])
    if not options.folder.is_dir():
        raise Unknown(f"{options.folder} is no folder")
    key = grading.key_of(root, options.set, options.private)
    memory = int(options.memory * 1e9)
    limits = grading.Limits(options.seconds, options.total, memory)
    print("These notebooks are strangers' code, and limits are no wall: grade in a")
    print("container or on a machine that you can throw away, without a network.")
    print(f"Limits: {limits.words()}.", flush=True)
    found = grading.grade_folder(options.folder, key, options.out, limits)
    beside = options.out.with_suffix("")
    if any(q.open for q in key.master.questions):
        place = beside.with_name(f"{beside.name}-by-hand.md")
        grading.write(place, grading.by_hand(found, key))
        print(f"open questions, to be marked by hand: {place}")
    if options.feedback:
        options.feedback.mkdir(parents=True, exist_ok=True)
        for name, text in grading.texts(found, key):
            grading.write(options.feedback / name, text)
    if options.canvas:
        text, told = grading.canvas_import(
            options.canvas, found, key, options.assignment
        )
        place = beside.with_name(f"{beside.name}-canvas.csv")
        grading.write(place, text)
        print("\n".join([f"for Canvas: {place}", *told]))
    refused = sum(bool(g.refused) for g in found)
    print(f"{counted(len(found), 'file')}, {refused} refused: {options.out}")
    return 0


def hand_over(root: Path, options: argparse.Namespace) -> int:
    """Write what another grader takes; return the exit status."""
    sets(root, [options.set])
    key = grading.key_of(root, options.set, options.private)
    if options.command == "gradescope":
        place = autograders.gradescope(root, key, options.out)
        print(f"gradescope: {place}")
        if not (place / "autograder.zip").is_file():
            print('for autograder.zip: pip install ".[instructor]", and say it again')
    else:
        place = autograders.nbgrader(root, key, options.out)
        print(f"nbgrader: {place}; there, nbgrader generate_assignment {options.set}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.exercises",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", type=Path, default=Path(), help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("build", "verify"):
        commands.add_parser(name).add_argument("sets", nargs="*")
    grading_options(commands.add_parser("grade"))
    for name in ("gradescope", "nbgrader"):
        parser_of = commands.add_parser(name)
        parser_of.add_argument("set")
        parser_of.add_argument("--private", type=Path)
        parser_of.add_argument("--out", type=Path, default=autograders.OUT)
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    try:
        if options.command == "grade":
            return grade(root, options)
        if options.command in ("gradescope", "nbgrader"):
            return hand_over(root, options)
        task = {"build": build, "verify": verify_all}[options.command]
        return 1 if task(root, options.sets) else 0
    except (Unknown, Malformed, grading.Refused, address.WrongAddress) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; what was done is kept")
        return 130


if __name__ == "__main__":
    sys.exit(main())
