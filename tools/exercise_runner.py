"""Runs the cells of an exercise notebook in a process of its own (tools/exercises).

    python exercise_runner.py JOB RESULT

RESULT gets a line of JSON for each thing that happens, as it happens.

A job of `verify` holds phases, each a list of steps: ``["run", label, code]`` runs a
cell as Jupyter would, ``["judge", question]`` runs the tests of a question.

A job of `grade` holds a learner's cells.  They run first; then what they may have
changed is put back, the package is loaded anew, and the official tests judge the
learner's answers.  It is no wall: this is a stranger's code in the same process.
"""

import contextlib
import dataclasses
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

OURS = ("arraylab", "case_studies")
KEPT = (  # modules that tests rely on, put back after a learner's code
    *("builtins", "dis", "gc", "inspect", "json", "linecache", "math", "os"),
    *("signal", "statistics", "subprocess", "sys", "time", "tracemalloc", "types"),
    *("functools", "importlib", "zlib"),
    *("numpy", "numpy.linalg", "numpy.random", "numpy.testing"),
)
Note = Callable[..., None]


class TooLong(BaseException):
    """A step took longer than it may; no `except Exception` stops it."""


def shell() -> Any:
    """Return IPython's shell, without history or colours."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    settings = Config()
    settings.HistoryManager.enabled = False
    settings.InteractiveShell.colors = "NoColor"
    made = InteractiveShell.instance(config=settings)
    made.ask_exit = lambda *_: None
    return made


def said(result: Any) -> str:
    """Return why a cell failed, "" if it did not."""
    from arraylab.judging import raised

    error = result.error_before_exec or result.error_in_exec
    if error is None:
        return ""
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg} in line {error.lineno}"
    return raised(error) if str(error) else repr(error)


def verify(job: dict[str, Any], note: Note) -> None:
    """Run all phases; `note(**facts)` is told what happens."""
    from arraylab import exercises

    here = shell()
    for number, phase in enumerate(job["phases"]):
        here.reset(new_session=False)
        exercises.registry.clear()
        for kind, *told in phase:
            if kind == "run":
                label, code = told
                wrong = said(here.run_cell(code, store_history=False))
                if wrong:
                    note(phase=number, kind="error", label=label, what=wrong)
            elif told[0] in exercises.registry.questions:
                for row in exercises.judge(told[0], here.user_ns):
                    facts = dataclasses.asdict(row)
                    note(phase=number, kind="row", question=told[0], **facts)
            else:
                what = f"{told[0]} was never announced"
                note(phase=number, kind="error", label=told[0], what=what)


# -- grading --------------------------------------------------------------------------


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise `TooLong` in what runs longer, and again each second after."""
    if not hasattr(signal, "setitimer"):  # Windows: the parent's limit is left
        yield
        return

    def stop(*_: Any) -> None:
        raise TooLong(f"it took longer than {seconds:g} s")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def limit_memory(number: int) -> None:
    """Let larger arrays fail here, with a MemoryError, where the system can do so."""
    try:
        import resource
    except ImportError:
        return
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (number, number))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 28, 1 << 28))


def kept() -> dict[str, dict[str, Any]]:
    """Return what is in the modules that tests rely on."""
    import importlib

    return {name: dict(vars(importlib.import_module(name))) for name in KEPT}


def put_back(before: dict[str, dict[str, Any]]) -> list[tuple[str, str, Any]]:
    """Give those modules back what a learner's code may have replaced.

    Returns where what was replaced: the module, the name, and what was there.
    """
    found = []
    for name, content in before.items():
        now = vars(sys.modules.get(name) or content.get("sys"))
        for key, value in content.items():
            if now.get(key) is not value:
                if callable(value) and key in now:
                    found.append((name, key, now[key]))
                now[key] = value
    return found


def loaded_anew() -> Any:
    """Return the checks, imported anew with all of the course's package."""
    for name in list(sys.modules):
        if name.partition(".")[0] in OURS:
            del sys.modules[name]
    from arraylab import exercises

    return exercises


def grade(job: dict[str, Any], note: Note) -> None:
    """Run a learner's cells, then the official tests on what they bound."""
    import arraylab.exercises
    from arraylab.pristine import counts

    skipped = {tuple(step) for step in job["skip"]}
    trusted_path = list(sys.path)
    before = kept()
    here = shell()
    limit_memory(job["memory"])
    for number, code in job["cells"]:
        if ("cell", number) in skipped:
            continue
        note(kind="begin", step=["cell", number])
        try:
            with within(job["seconds"]):
                wrong = said(here.run_cell(code, store_history=False))
        except (TooLong, KeyboardInterrupt, SystemExit) as error:
            wrong = str(error) or type(error).__name__
        except BaseException as error:  # a learner's own, in IPython's hands
            wrong = type(error).__name__
        note(kind="cell", number=number, what=wrong)
    sys.path[:] = trusted_path
    sys.settrace(None)
    sys.setprofile(None)
    replaced = [
        f"{place[0]}.{place[1]}" for place in put_back(before) if counts(*place)
    ]
    judge_all(job, here.user_ns, skipped, note, replaced)
    del arraylab


def judge_all(
    job: dict[str, Any],
    answers: dict[str, Any],
    skipped: set[tuple],
    note: Note,
    replaced: list[str],
) -> None:
    """Run the official tests of all questions."""
    exercises = loaded_anew()
    given: dict[str, Any] = {"__name__": "official"}
    note(kind="begin", step=["official"])
    for number, code in enumerate(job["official"]):
        exec(compile(code, f"<official {number}>", "exec"), given)
    exercises.registry.seed = given.get("SEED", 0)
    exercises.registry.replaced = replaced
    for name, question in exercises.registry.questions.items():
        for test in question.tests.values():
            mark = ("test", name, test.name)
            test.fn = limited(test.fn, mark, job["seconds"], mark in skipped, exercises)

        def begin(test: str, name: str = name) -> None:
            note(kind="begin", step=["test", name, test])

        def end(row: Any, name: str = name) -> None:
            note(kind="row", question=name, **dataclasses.asdict(row))

        exercises.judge(name, answers, given, begin, end)


def limited(
    fn: Any, mark: tuple, seconds: float, skipped: bool, exercises: Any
) -> Callable[..., Any]:
    """Return a test that cannot take longer, and that fails where it is skipped."""
    import functools

    @functools.wraps(fn)
    def test(**arguments: Any) -> Any:
        if skipped:
            raise exercises.NotYet("The answer stopped the process in this test.")
        try:
            with within(seconds):
                return fn(**arguments)
        except exercises.NotYet:
            raise
        except Exception:
            raise
        except BaseException as error:
            what = str(error) or type(error).__name__
            raise exercises.NotYet(f"The test was stopped: {what}.") from None

    return test


def main() -> None:
    """Run the job that the command line names."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    result = Path(sys.argv[2]).open("w", encoding="utf-8")  # noqa: SIM115
    del sys.argv[1:]
    warnings.simplefilter("ignore")
    write, dumps, flush = result.write, json.dumps, result.flush

    def note(**facts: Any) -> None:
        write(dumps(facts, default=str) + "\n")
        flush()

    with contextlib.redirect_stderr(sys.stdout):
        (grade if "cells" in job else verify)(job, note)
    note(kind="done")
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    os._exit(0)  # whatever threads a notebook has left


if __name__ == "__main__":
    main()
