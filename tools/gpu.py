"""Execute every notebook on a machine with a CUDA GPU, and record what it finds.

    python -m tools.gpu                    check, execute, benchmark; writes records/
    python -m tools.gpu --check            only check every implementation, in seconds
    python -m tools.gpu --only start/limits
    python -m tools.gpu --bench-only --within 580

Each step is recorded when it is done, so what is done is not done again: with
``--within`` the command stops in time, and the same command goes on.  A cell that
fails, a ``%%gpu`` cell that was left out and a wrong result are said, and make the exit
status 1 once everything is recorded; 3 says that time was up and nothing was wrong.
It runs in a clone of the course and, without Sphinx, in a bundle of it (tools.bundle).
"""

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arraylab import arrays, machine, records
from arraylab.gpus import devices
from arraylab.notebooks import REPLAY, collect
from arraylab.words import said
from tools import bench, execute
from tools.pages import label
from tools.state import BUNDLE, CODE, digest, state, state_of

ROOT = Path(__file__).resolve().parent.parent
KEPT = Path("_build", "gpu")
LIMIT = 540.0  # seconds a notebook
LEAST = 45.0  # seconds that have to be left to begin something
# Where the book's own package is absent, pages can still hand numbers to their text.
GLUE = '''"""Stands in for MyST-NB where a notebook runs without the book."""


def glue(name, variable, display=True):
    """Show `variable`, if asked to."""
    if display:
        from IPython.display import display as show

        show(variable)
'''


class TimeIsUp(Exception):
    """The command was told to stop by now."""


@dataclass
class Run:
    """One command: where it writes, how long it may take, what went wrong so far."""

    root: Path
    folder: Path
    within: float = float("inf")
    limit: float = LIMIT
    force: bool = False
    begun: float = field(default_factory=time.monotonic)
    wrong: list[str] = field(default_factory=list)

    @property
    def left(self) -> float:
        """Seconds that are left for this command."""
        return self.within - (time.monotonic() - self.begun)

    @property
    def path(self) -> Path:
        """The record of this machine."""
        return self.folder / f"{machine().slug}.json"

    def begin(self, head: str, mark: str, name: str) -> bool:
        """Return whether `name` is to be done; raise `TimeIsUp` if there is no time."""
        before = self.recorded().get(name, {})
        done = before.get("key") == mark and before.get("result") == "passed"
        if done and not self.force:
            print(f"{head or name}  unchanged ({before['date'][:10]})", flush=True)
            return False
        if self.left < LEAST:
            raise TimeIsUp
        print(head, end="  " if head else "", flush=True)
        return True

    def recorded(self) -> Mapping[str, Any]:
        """Return the executions that the record of this machine holds."""
        return records.read(self.path).executions if self.path.exists() else {}

    def save(
        self, name: str, rows: list[dict[str, Any]], ended: dict[str, Any], **more: Any
    ) -> None:
        """Record one execution with what it measured."""
        ended = {"device": devices_seen()[0], "commit": bench.commit(), **ended}
        bench.record(rows, self.folder, executions={name: ended}, **more)

    def complain(self, *sentences: str) -> None:
        """Say what is wrong now, and again at the end."""
        self.wrong += sentences
        for sentence in sentences:
            print(f"    {sentence}", flush=True)


def devices_seen() -> tuple[str, ...]:
    """Return the names of the GPUs that a library can use here."""
    seen = [
        g for view in devices().views if view.library in bench.ON_GPU for g in view.gpus
    ]
    return tuple(dict.fromkeys(seen))


def prepare(root: Path) -> None:
    """Let kernels find the course, leave GPU memory to all libraries, use float64."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    paths = [str(root)]
    try:
        import myst_nb  # noqa: F401
    except ImportError:
        stand_in = root / KEPT / "stand-in"
        stand_in.mkdir(parents=True, exist_ok=True)
        (stand_in / "myst_nb.py").write_text(GLUE, encoding="utf-8")
        paths.append(str(stand_in))
    # a kernel starts in a folder of its own, where a relative path leads nowhere
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths += [str(Path(path).resolve()) for path in before if path]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    bench.compute_in_float64()


# Right before fast


def check(run: Run) -> None:
    """Check every implementation that computes on a GPU, on the smallest inputs."""
    start, problems = time.monotonic(), []
    for name, implementations in records.cases().items():
        for implementation in implementations:
            library = arrays.library_of(implementation)
            for dtype in bench.DTYPES if library in bench.ON_GPU else ():
                called = f"{name}.{implementation} {dtype}"
                error = arrays.missing(library) or fault(name, implementation, dtype)
                print(f"check {called}: {error or 'right'}", flush=True)
                problems += [f"check: {called}: {error}"] if error else []
    run.wrong += problems
    seconds = round(time.monotonic() - start, 1)
    mark, result = check_mark(run), problems[0] if problems else "passed"
    run.save("check", [], {"key": mark, "result": result, "seconds": seconds})


def check_mark(run: Run) -> str:
    """Return what changes when implementations have to be checked again."""
    return digest(["check", state(run.root, CODE)])


def fault(case: str, implementation: str, dtype: str) -> str:
    """Return what is wrong with the result of an implementation, "" for nothing."""
    problem = importlib.import_module(f"case_studies.{case}")
    inputs = problem.inputs(min(problem.SIZES), dtype)
    try:
        module = importlib.import_module(f"case_studies.{case}.{implementation}")
        placed = arrays.place(arrays.library_of(implementation), *inputs)
        result = arrays.wait(getattr(module, case)(*placed))
        problem.check(arrays.finish(result), *inputs)
        if module.__name__.rpartition(".")[2].startswith("jax"):
            assert arrays.device_of(result) != "cpu", "JAX computed it on the CPU"
    except Exception as error:  # whatever a library raises is what is to be said
        return f"{type(error).__name__}: {said(error, 3)}"
    return ""


# Notebooks


def notebooks(root: Path, wanted: list[str]) -> dict[str, Any]:
    """Return the notebooks to execute, from a bundle or from the pages themselves.

    Raises
    ------
    ValueError
        If a page cannot be read, or is wanted and does not exist.
    """
    if (root / BUNDLE).is_file():
        import nbformat

        pages = json.loads((root / BUNDLE).read_text("utf-8"))["pages"]
        files = {page: root / "notebooks" / f"{page}.ipynb" for page in pages}
        books = {page: nbformat.read(f, as_version=4) for page, f in files.items()}
    else:
        books, wrong = execute.collect(root, [])
        if wrong:
            raise ValueError("\n".join(wrong))
    known = {label(page): book for page, book in books.items()}
    if unknown := set(wanted) - known.keys():
        raise ValueError(
            f"no notebook is called {', '.join(sorted(unknown))}; there are "
            f"{', '.join(known)}"
        )
    return {name: book for name, book in known.items() if not wanted or name in wanted}


def execute_all(run: Run, books: dict[str, Any]) -> None:
    """Execute the notebooks that are not recorded as they are now."""
    width = max(map(len, books), default=0)
    for number, (name, book) in enumerate(books.items(), start=1):
        head = f"[{number}/{len(books)}] {name:{width}}"
        mark = execute.mark_of(run.root, book, here=False)
        if run.begin(head, mark, name):
            one(run, name, book, mark)


def one(run: Run, name: str, book: Any, mark: str) -> None:
    """Execute one notebook and record it."""
    start = time.monotonic()
    limit = min(run.limit, run.left)
    ended = {"key": mark, "code": execute.key(book, ""), "result": "failed"}
    try:
        seconds = execute.run(book, limit)
    except execute.CellFailed as error:
        seconds = round(time.monotonic() - start, 1)
        if seconds >= limit - 1 and limit < run.limit:
            print("not finished")
            raise TimeIsUp from error
        print(f"FAILED after {seconds} s\n{error}", flush=True)
        run.complain(f"{name}: a cell failed, see above")
        last = str(error).strip().splitlines()[-1].strip()
        run.save(name, [], {**ended, "seconds": seconds, "message": last[:300]})
        return
    print(f"{seconds:.1f} s", flush=True)
    execute.stamp(book, mark, seconds)
    execute.write(book, run.root / KEPT / "executed" / f"{name}.ipynb")
    found = collect(book, name)
    problems = [*left_out(name, book), *refused(name, found.measurements)]
    run.complain(*problems)
    ended["result"] = problems[0] if problems else "passed"
    ended["seconds"] = round(seconds, 1)
    more = {"cells": found.cells, "claims": found.claims}
    run.save(name, found.measurements, ended, **more)


def left_out(name: str, book: Any) -> Iterator[str]:
    """Yield a sentence for each ``%%gpu`` cell that did not run here."""
    for cell in execute.codes(book):
        for output in cell.outputs:
            data = output.get("data", {})
            if REPLAY in data:
                line = cell.source.lstrip().partition("\n")[0]
                reason = data.get("text/plain", "").partition("\n")[0]
                yield f"{name}: a cell '{line}' did not run: {reason}"


def refused(name: str, measurements: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a sentence for each wrong result of an implementation for GPUs."""
    for row in measurements:
        ours = row.get("implementation") and row.get("library") in bench.ON_GPU
        if ours and row["verdict"] in bench.WRONG:
            called = f"{row['case']}.{row['implementation']} {row['dtype']}"
            yield f"{name}: {called} is {row['verdict']}: {row['message']}"


# Benchmarks


def measure(run: Run) -> None:
    """Run the benchmarks that are not recorded as they are now."""
    for job in bench.jobs(records.cases(), gpu=True):
        surroundings = state_of(run.root, [job.case], here=False)
        mark = digest([surroundings, job.label, *job.names])
        if not run.begin(job.label, mark, job.label):
            continue
        start = time.monotonic()
        comparison = bench.run(job)
        seconds = round(time.monotonic() - start, 1)
        print(f"{seconds} s\n{comparison}\n", flush=True)
        rows = bench.rows(comparison)
        problems = list(refused(job.label, rows))
        run.complain(*problems)
        result = problems[0] if problems else "passed"
        run.save(job.label, rows, {"key": mark, "result": result, "seconds": seconds})


# The command


def work(run: Run, asked: argparse.Namespace) -> int:
    """Do what was asked for; return the exit status."""
    late = False
    try:
        if asked.check or run.begin("", check_mark(run), "check"):
            check(run)
        if not (asked.check or asked.bench_only):
            execute_all(run, notebooks(run.root, asked.only))
        if asked.bench_only or not (asked.check or asked.only or asked.no_bench):
            measure(run)
    except TimeIsUp:
        late = True
        print("time is up; the same command goes on from here", flush=True)
    except ValueError as error:
        run.complain(str(error))
    if run.path.exists():
        print(f"{run.path}: {records.read(run.path)!r}")
    for sentence in run.wrong:
        print(sentence, file=sys.stderr)
    return 1 if run.wrong else 3 * late


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tools.gpu")
    parser.add_argument("--check", action="store_true", help="only check results")
    parser.add_argument(
        "--only", action="append", default=[], metavar="PART/STEM", help="a notebook"
    )
    parser.add_argument("--bench-only", action="store_true", help="only benchmarks")
    parser.add_argument("--no-bench", action="store_true", help="no benchmarks")
    parser.add_argument("--force", action="store_true", help="even if recorded")
    parser.add_argument(
        "--limit", type=float, default=LIMIT, help=f"seconds a notebook ({LIMIT:.0f})"
    )
    parser.add_argument(
        "--within", type=float, default=float("inf"), help="seconds for this command"
    )
    parser.add_argument(
        "--records", type=Path, help="folder to write the record to (records)"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    asked = parse(arguments)
    root = asked.root.resolve()
    prepare(root)
    print(f"{machine()}\n\n{devices()}\n", flush=True)
    if not (devices_seen() and machine().gpus):
        print(
            "a record has to name a CUDA GPU that nvidia-smi lists and that CuPy, JAX "
            "or Numba can use, and there is none here: see above",
            file=sys.stderr,
        )
        return 2
    folder = asked.records or root / "records"
    try:
        run = Run(root, folder, asked.within, asked.limit, asked.force)
        return work(run, asked)
    except KeyboardInterrupt:
        print("\ninterrupted; what was finished is recorded")
        return 130


if __name__ == "__main__":
    sys.exit(main())
