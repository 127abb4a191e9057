"""Grade returned notebooks of a set of exercises; see `tools/exercises`.

Each notebook runs in a process of its own, one at a time, with limits on time, memory
and output.  A cell or a test that stops the process is left out in another attempt, so
that the rest is judged.  Whatever happens, every file gets a row: scored, or refused
with a reason.

The code of the notebooks is strangers' code, and the limits are no wall: grade in a
container or a machine that you can throw away, without a network.
"""

import ast
import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arraylab.words import counted
from tools import masters
from tools.masters import Check, Master

RUNNER = Path(__file__).resolve().parent / "exercise_runner.py"
LARGEST = 50_000_000  # bytes of a notebook that is read at all
ATTEMPTS = 8  # of one notebook, each without what stopped the one before
LOOK = 0.05  # seconds between two looks at a process
KEPT_OUTPUT = 4000  # characters of what a notebook printed
CANVAS = re.compile(r"^(?P<name>.+?)_(?:LATE_)?(?P<id>\d+)_\d+_.+$")
INSTALLS = re.compile(r"^(\s*)(!|[%!]pip\b|%conda\b|%system\b|%sx\b).*$", re.MULTILINE)
ONLY_CHECKS = re.compile(r"\s*((check|hint)\([^()]*\)\s*;?\s*)+")


@dataclass(frozen=True)
class Limits:
    """What a notebook may take."""

    seconds: float = 60.0  # a cell, or a test
    total: float = 600.0  # seconds of all attempts
    memory: int = 4_000_000_000  # bytes
    output: int = 10_000_000  # bytes that are worth a note
    grace: float = 5.0  # seconds in which a process may heed its own limit

    def words(self) -> str:
        """Return them as a sentence."""
        return (
            f"{self.seconds:g} s a cell or test, {self.total:g} s a notebook, "
            f"{self.memory / 1e9:g} GB of memory"
        )


@dataclass
class Key:
    """What a set is graded by: the master, and what a private folder adds."""

    master: Master
    private: str = ""  # code

    @property
    def checks(self) -> list[tuple[str, Check]]:
        """All tests, with their questions."""
        own = [(q.name, check) for q in self.master.questions for check in q.checks]
        more = private_checks(self.private)
        return sorted(own + more, key=lambda pair: self.order(pair[0]))

    def order(self, name: str) -> int:
        """Return the place of a question."""
        return [q.name for q in self.master.questions].index(name)

    @property
    def points(self) -> float:
        """The points that tests give."""
        return sum(check.points for _, check in self.checks)

    @property
    def names(self) -> list[str]:
        """The names of all answers."""
        return [name for q in self.master.questions for name in q.names]

    def official(self) -> list[str]:
        """Return the code that names and judges the questions, in order."""
        given = [
            masters.plain(part.body)
            for part in [
                *self.master.intro,
                *(p for q in self.master.questions for p in q.prompt),
            ]
            if part.name == "code-cell" and not part.body.startswith("%%")
        ]
        imports = masters.imported(self.private, ("question", "test"))
        return [*given, masters.all_checks(self.master, hidden=True), imports] + (
            [self.private] if self.private else []
        )


def private_checks(code: str) -> list[tuple[str, Check]]:
    """Return the tests of a private file with the questions that they are added to.

    Raises
    ------
    masters.Malformed
        If a test stands before the first ``add_to("q1")``.
    """
    found, place = [], ""
    lines = code.splitlines()
    for node in ast.parse(code).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            if ast.unparse(call.func) == "add_to":
                place = ast.literal_eval(call.args[0])
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            start = node.decorator_list[0].lineno - 1
            text = "\n".join(lines[start : node.end_lineno])
            if "test(" not in lines[start]:
                continue
            if not place:
                raise masters.Malformed(
                    f"private tests, line {start + 1}: {node.name} stands before the "
                    'first add_to("q1")'
                )
            found += [(place, check) for check in masters.checks_in(text)]
    return found


def key_of(root: Path, stem: str, private: Path | None = None) -> Key:
    """Return what a set is graded by.

    Raises
    ------
    masters.Malformed
        If the private file names a question that there is not.
    """
    master = masters.parse(root / masters.FOLDER / f"{stem}.md")
    place = private / f"{stem}.py" if private else None
    code = place.read_text(encoding="utf-8") if place and place.is_file() else ""
    key = Key(master, code)
    known = {q.name for q in master.questions}
    unknown = {name for name, _ in private_checks(code)} - known
    if unknown:
        raise masters.Malformed(f"private tests: there is no {', '.join(unknown)}")
    return key


# -- notebooks ------------------------------------------------------------------------


class Refused(Exception):
    """A file that is not graded; the text says why."""


@dataclass
class Returned:
    """A notebook as it came back."""

    cells: list[tuple[int, str]]  # number and code
    prose: list[str]


def read(path: Path, key: Key) -> Returned:
    """Return the cells of a returned notebook.

    Raises
    ------
    Refused
        If it is no notebook, or another set's.
    """
    if path.stat().st_size > LARGEST:
        raise Refused(f"the file has {path.stat().st_size / 1e6:.0f} MB")
    try:
        book = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise Refused("the file is not text in UTF-8, so it is no notebook") from None
    except (ValueError, RecursionError) as error:
        raise Refused(f"the file is no notebook: {str(error)[:120]}") from None
    cells = cells_of(book)
    if cells is None:
        raise Refused("the file has no list of cells, so it is no notebook")
    own = Returned([], [])
    for number, cell in enumerate(cells, 1):
        text = source_of(cell)
        kind = cell.get("cell_type") if isinstance(cell, dict) else None
        if kind == "code" and text.strip():
            own.cells.append((number, text))
        elif kind == "markdown":
            own.prose.append(text)
    belongs(book, own, key)
    return own


def cells_of(book: Any) -> list[Any] | None:
    """Return the cells of a notebook of any format, None if there are none."""
    if not isinstance(book, dict):
        return None
    if isinstance(book.get("cells"), list):
        return book["cells"]
    sheets = book.get("worksheets")  # format 3
    if isinstance(sheets, list) and sheets and isinstance(sheets[0], dict):
        cells = sheets[0].get("cells")
        return cells if isinstance(cells, list) else None
    return None


def source_of(cell: Any) -> str:
    """Return the text of a cell."""
    if not isinstance(cell, dict):
        return ""
    text = cell.get("source", cell.get("input", ""))
    if isinstance(text, list):
        return "".join(piece for piece in text if isinstance(piece, str))
    return text if isinstance(text, str) else ""


def belongs(book: dict[str, Any], own: Returned, key: Key) -> None:
    """Refuse another set's notebook; where nothing says whose it is, look inside."""
    metadata = book.get("metadata")
    named = metadata.get("exercises") if isinstance(metadata, dict) else None
    stem = key.master.stem
    if isinstance(named, str) and named and named != stem:
        raise Refused(f"this is a notebook of the set {named!r}, not of {stem!r}")
    code = "\n".join(code for _, code in own.cells)
    if not any(re.search(rf"\b{name}\b", code) for name in key.names):
        raise Refused(
            f"none of the answers of {stem!r} is in it ({', '.join(key.names)})"
        )


def cleaned(own: Returned) -> list[tuple[int, str]]:
    """Return the cells to run: nothing is installed, no command is run."""
    return [
        (number, INSTALLS.sub(r"\1pass", code))
        for number, code in own.cells
        if not ONLY_CHECKS.fullmatch(code)
    ]


# -- one notebook ---------------------------------------------------------------------


@dataclass
class Graded:
    """What became of one file."""

    file: str
    student: str
    canvas: str = ""  # the learner's number there
    refused: str = ""
    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)  # to open questions
    seconds: float = 0.0

    def points(self, question: str, test: str) -> float | None:
        """Return the points of a test, None where nobody could judge it."""
        row = self.rows.get((question, test))
        if row is None:
            return 0.0
        if row["state"] == "needs a GPU":
            return None
        return row["points"] if row["state"] == "passed" else 0.0

    def score(self, key: Key) -> float:
        """Return the points of all tests."""
        return sum(self.points(q, check.name) or 0.0 for q, check in key.checks)


def grade_file(path: Path, key: Key, limits: Limits) -> Graded:
    """Grade one returned file."""
    graded = Graded(path.name, path.stem)
    if canvas := CANVAS.match(path.stem):
        graded.student, graded.canvas = canvas["name"], canvas["id"]
    start = time.monotonic()
    try:
        own = read(path, key)
    except Refused as error:
        graded.refused = str(error)
    except OSError as error:
        graded.refused = f"the file cannot be read: {error.strerror or error}"
    else:
        graded.answers = open_answers(own, key)
        attempts(own, key, limits, graded)
    graded.seconds = time.monotonic() - start
    return graded


def open_answers(own: Returned, key: Key) -> dict[str, str]:
    """Return the texts below the open questions."""
    asked = [q for q in key.master.questions if q.open]
    found = [text for text in own.prose if text.lstrip().startswith("**Your answer**")]
    texts = [re.sub(r"^\s*\*\*Your answer\*\*[^\n]*\n*", "", text) for text in found]
    pairs = zip(asked, texts, strict=False)
    return {q.name: text.strip() for q, text in pairs}


def attempts(own: Returned, key: Key, limits: Limits, graded: Graded) -> None:
    """Run a notebook until it comes to its end, each time without what stopped it."""
    skip: list[list[Any]] = []
    left = limits.total
    for _ in range(ATTEMPTS):
        start = time.monotonic()
        run = Run(own, key, limits, skip, left)
        left -= time.monotonic() - start
        for row in run.rows:
            graded.rows[row["question"], row["name"]] = row
        if run.ended:
            break
        step = run.step
        if step is None or step == ["official"] or left <= 0:
            graded.notes.append(f"stopped: {run.reason}")
            break
        graded.notes.append(f"{words_of(step)} left out: {run.reason}")
        skip.append(step)
        graded.rows.clear()
    else:
        graded.notes.append("stopped: too many of its cells stop the process")
    for number, what in run.failed:
        graded.notes.append(f"cell {number}: {what}")
    if run.printed > limits.output:
        graded.notes.append(f"it printed {run.printed / 1e6:.0f} MB, which are dropped")


def words_of(step: list[Any]) -> str:
    """Return a step in words."""
    return f"cell {step[1]}" if step[0] == "cell" else f"{step[1]}, test {step[2]}"


class Run:
    """One attempt at a notebook, in a process of its own."""

    def __init__(
        self,
        own: Returned,
        key: Key,
        limits: Limits,
        skip: list[list[Any]],
        left: float,
    ):
        """Run it."""
        self.rows: list[dict[str, Any]] = []
        self.failed: list[tuple[int, str]] = []
        self.step: list[Any] | None = None
        self.ended, self.reason, self.printed = False, "", 0
        job = {
            "cells": cleaned(own),
            "official": key.official(),
            "skip": skip,
            "seconds": limits.seconds,
            "memory": limits.memory,
        }
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            self.result = Path(name, "result.jsonl")
            place = Path(name, "job.json")
            place.write_text(json.dumps(job), encoding="utf-8")
            here, home = Path(name, "here"), Path(name, "home")
            here.mkdir()
            home.mkdir()
            program = [sys.executable, "-I", "-X", "utf8", str(RUNNER)]
            process = subprocess.Popen(
                [*program, str(place), str(self.result)],
                cwd=here,
                env=surroundings(home),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                self.watch(process, limits, left)
            finally:
                end(process)
                self.drainer.join(1.0)
            self.read()

    def watch(
        self, process: subprocess.Popen[bytes], limits: Limits, left: float
    ) -> None:
        """Wait for the end of the process, or for it to break a limit."""
        self.head = b""
        self.drainer = threading.Thread(target=self.drain, args=(process,), daemon=True)
        self.drainer.start()
        start = moved = time.monotonic()
        size = -1
        while process.poll() is None:
            now = time.monotonic()
            grown = self.result.stat().st_size if self.result.is_file() else 0
            if grown != size:
                size, moved = grown, now
            if now - start > left:
                self.reason = f"the notebook took longer than {limits.total:g} s"
            elif now - moved > limits.seconds + limits.grace:
                self.reason = f"it took longer than {limits.seconds:g} s"
            elif memory(process.pid) > limits.memory:
                self.reason = f"it took more than {limits.memory / 1e9:g} GB of memory"
            if self.reason:
                return
            time.sleep(LOOK)
        if process.returncode:
            told = self.head.decode(errors="replace").strip().splitlines()[-1:]
            status = process.returncode
            name = signal.Signals(-status).name if status < 0 else f"status {status}"
            self.reason = f"its process ended with {name}"
            self.reason += f" ({told[0][:120]})" if told and status > 0 else ""
        else:
            self.reason = "it ended its process"

    def drain(self, process: subprocess.Popen[bytes]) -> None:
        """Take what the process prints, and keep the end of it."""
        with process.stdout:
            while piece := os.read(process.stdout.fileno(), 1 << 16):
                self.printed += len(piece)
                self.head = (self.head + piece)[-KEPT_OUTPUT:]

    def read(self) -> None:
        """Read what happened."""
        text = ""
        if self.result.is_file():
            text = self.result.read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines():
            try:
                fact = json.loads(line)
            except ValueError:  # the last one, cut short
                continue
            kind = fact.pop("kind", "")
            if kind == "begin":
                self.step = fact["step"]
            elif kind == "row":
                self.rows.append(fact)
            elif kind == "cell" and fact["what"]:
                self.failed.append((fact["number"], fact["what"]))
            self.ended |= kind == "done"


def surroundings(home: Path) -> dict[str, str]:
    """Return the environment of a stranger's code: nothing of ours that is secret."""
    passed = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TZ", "NUMBA_ENABLE_CUDASIM")
    passed += ("CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")
    own = {name: os.environ[name] for name in passed if name in os.environ}
    return {
        **own,
        "HOME": str(home),
        "TMPDIR": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "MPLBACKEND": "agg",
    }


def memory(session: int) -> int:
    """Return the bytes that the processes of a session hold; 0 where nobody says."""
    if not Path("/proc/self/stat").exists():
        return memory_by_ps(session)
    total = 0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            told = (place / "stat").read_text().rpartition(")")[2].split()
            if int(told[3]) == session:
                total += int(told[21]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError, ValueError):
            continue
    return total


def memory_by_ps(group: int) -> int:
    """Return the same as `memory` where there is no /proc, as on macOS."""
    try:
        command = ["ps", "-A", "-o", "pgid=,rss="]
        told = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    pairs = [line.split() for line in told.stdout.splitlines()]
    return sum(int(p[1]) * 1024 for p in pairs if len(p) == 2 and p[0] == str(group))


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started."""
    if hasattr(os, "killpg"):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
    else:
        process.kill()
    process.wait()


# -- a folder -------------------------------------------------------------------------


def grade_folder(
    folder: Path, key: Key, out: Path, limits: Limits, quiet: bool = False
) -> list[Graded]:
    """Grade all notebooks of a folder, one at a time; `out` is whole at any time."""
    found: list[Graded] = []
    files = [p for p in sorted(folder.iterdir()) if not p.name.startswith(".")]
    for number, path in enumerate(files, 1):
        if path.is_dir() or path.suffix == ".csv":
            continue
        if path.suffix != ".ipynb":
            graded = Graded(path.name, path.stem)
            graded.refused = "the file is no notebook (.ipynb)"
        else:
            graded = grade_file(path, key, limits)
        found.append(graded)
        write(out, table(found, key))
        if not quiet:
            told = graded.refused or f"{graded.score(key):g} of {key.points:g}"
            state = "refused: " if graded.refused else ""
            where = f"[{number}/{len(files)}] {path.name}"
            print(f"{where}  {state}{told}  {graded.seconds:.1f} s", flush=True)
    if not found:
        write(out, table(found, key))
    return found


def table(found: list[Graded], key: Key) -> str:
    """Return the grades as CSV."""
    checks = [(q, check.name) for q, check in key.checks]
    by_hand = [q.name for q in key.master.questions if q.open]
    head = ["student", "file", "status", "score", "of"]
    head += [f"{q}.{name}" for q, name in checks] + [f"{q} (by hand)" for q in by_hand]
    lines = [[*head, "notes"]]
    for graded in found:
        points = [graded.points(q, name) for q, name in checks]
        notes = "; ".join([graded.refused, *graded.notes]).strip("; ")
        unjudged = sum(point is None for point in points)
        state = "graded"
        if graded.refused:
            state = "refused"
        elif unjudged:
            state = "graded in part"
            notes += f"; {counted(unjudged, 'test')} could not be judged without a GPU"
        line = [graded.student, graded.file, state]
        line += [f"{graded.score(key):g}", f"{key.points:g}"]
        line += ["" if point is None else f"{point:g}" for point in points]
        lines.append([*line, *("" for _ in by_hand), notes.strip("; ")])
    return csv_text(lines)


def csv_text(lines: list[list[str]]) -> str:
    """Return lines as CSV, in which no cell is a formula."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for line in lines:
        writer.writerow(
            f"'{cell}" if cell[:1] in "=+@\t" and cell else cell for cell in line
        )
    return file.getvalue()


def write(path: Path, text: str) -> None:
    """Write a text so that `path` holds the old or the new one, never a part."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="")
    part.replace(path)


def by_hand(found: list[Graded], key: Key) -> str:
    """Return the answers to the open questions, for the person who marks them."""
    out = [f"# {key.master.title}: open questions"]
    for question in key.master.questions:
        if not question.open:
            continue
        out.append(f"## {question.name}: {question.title}\n\n{question.rubric}")
        for graded in found:
            text = graded.answers.get(question.name, "")
            lines = "\n".join(f"> {line}" for line in text.splitlines())
            out.append(f"### {graded.student}\n\n{lines or '*nothing*'}")
    return "\n\n".join(out) + "\n"


def feedback(graded: Graded, key: Key) -> str:
    """Return what a learner may be told."""
    if graded.refused:
        return f"Not graded: {graded.refused}.\n"
    out = [f"{graded.score(key):g} of {key.points:g} points by checks."]
    for question in key.master.questions:
        rows = [
            graded.rows.get((q, c.name)) for q, c in key.checks if q == question.name
        ]
        if not rows:
            continue
        out.append(f"\n{question.name}: {question.title}")
        for row in filter(None, rows):
            out.append(f"  {row['state']}: {row['label']}")
            if row["state"] not in ("passed", "waits"):
                told = [row["what"]]
                told += [f"{n}: {row[n]}" for n in ("expected", "got", "tip") if row[n]]
                out += [f"      {line}" for line in told]
    return "\n".join([*out, "", *graded.notes]).rstrip() + "\n"


# -- Canvas ---------------------------------------------------------------------------

CANVAS_KEPT = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")


def canvas_import(
    gradebook: Path, found: list[Graded], key: Key, assignment: str = ""
) -> tuple[str, list[str]]:
    """Return a file that Canvas imports, and what to say about it.

    `gradebook` is the file that Canvas exports; `assignment` the start of the column's
    name, the title of the set if left out.  Learners are found by the number that
    Canvas writes into the names of returned files.

    Raises
    ------
    Refused
        If the gradebook has no such column.
    """
    text = gradebook.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    columns = list(rows[0]) if rows else text.partition("\n")[0].split(",")
    wanted = assignment or key.master.title
    fitting = [name for name in columns if name.startswith(wanted)]
    if len(fitting) != 1 or "ID" not in columns:
        raise Refused(
            f"{gradebook.name} has {counted(len(fitting), 'column')} whose name begins "
            f"with {wanted!r}, expected one, and one called ID: say --assignment NAME"
        )
    scores = {g.canvas: g for g in found if g.canvas and not g.refused}
    kept = [name for name in CANVAS_KEPT if name in columns]
    lines, told, seen = [[*kept, fitting[0]]], [], set()
    for row in rows:
        graded = scores.get((row["ID"] or "").strip())
        if graded:
            seen.add(graded.canvas)
            score = f"{graded.score(key):g}"
            lines.append([*(row[name] or "" for name in kept), score])
    told += [
        f"{g.file}: no number of Canvas in its name" for g in found if not g.canvas
    ]
    told += [
        f"{g.file}: number {g.canvas} is not in the gradebook"
        for g in scores.values()
        if g.canvas not in seen
    ]
    return csv_text(lines), told


def texts(found: list[Graded], key: Key) -> Iterator[tuple[str, str]]:
    """Yield name and text of the feedback to each learner."""
    for graded in found:
        yield f"{Path(graded.file).stem}.txt", feedback(graded, key)
