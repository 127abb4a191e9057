"""Runs the cells of an exercise notebook in a process of its own (tools/exercises).

    python exercise_runner.py JOB RESULT

JOB holds phases, each a list of steps: ``["run", label, code]`` runs a cell as Jupyter
would, ``["judge", question]`` runs the tests of a question.  RESULT gets a line of JSON
for each thing that happened, as it happens.
"""

import contextlib
import dataclasses
import json
import sys
import warnings
from pathlib import Path
from typing import Any


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


def run(job: dict[str, Any], note: Any) -> None:
    """Run all phases; `note(**facts)` is told what happens."""
    from arraylab import exercises

    here = shell()
    for number, phase in enumerate(job["phases"]):
        here.reset(new_session=False)
        exercises.registry.clear()
        exercises.registry.seed = job.get("seed", 0)
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
    note(kind="done")


def main() -> None:
    """Run the job that the command line names."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    warnings.simplefilter("ignore")
    with Path(sys.argv[2]).open("w", encoding="utf-8") as file:

        def note(**facts: Any) -> None:
            file.write(json.dumps(facts, default=str) + "\n")
            file.flush()

        with contextlib.redirect_stderr(sys.stdout):
            run(job, note)


if __name__ == "__main__":
    main()
