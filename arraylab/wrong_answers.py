"""The ``%%wrong`` cells: a plausible wrong answer, and the check that has to reject it.

The page shows what a learner would be told; it fails where the check does not see it.
"""

import re
from typing import Any

from IPython.core.error import UsageError
from IPython.core.getipython import get_ipython
from IPython.display import display

from arraylab import exercises


def load_ipython_extension(ip: Any) -> None:
    """Register ``%%wrong`` with the shell `ip`."""
    ip.register_magic_function(wrong, magic_kind="cell")


def unload_ipython_extension(ip: Any) -> None:
    """Take ``%%wrong`` away from the shell `ip`."""
    ip.magics_manager.magics["cell"].pop("wrong", None)


def wrong(line: str, cell: str) -> None:
    """Run a wrong answer on a copy of the notebook's names, and check it.

    Usage: ``%%wrong right_answer``: the tests of the question named last that have to
    fail, the first of them first.
    """
    asked = exercises.registry.current
    names = [name for name in re.split(r"[,\s]+", line.strip()) if name]
    if asked is None:
        raise UsageError("%%wrong: there is no question yet; its tests come first")
    unknown = [name for name in names if name not in asked.tests]
    if unknown or not names:
        known = ", ".join(asked.tests)
        raise UsageError(
            f"%%wrong: expected names of tests of {asked.name} ({known}), got "
            f"{line.strip() or 'none'}"
        )
    ip = get_ipython()
    source = ip.transform_cell(cell)
    names_now = dict(ip.user_ns)
    exec(compile(source, ip.compile.cache(source), "exec"), names_now)
    rows = exercises.judge(asked.name, names_now)
    # without hints and the next task: this report is read, not worked with
    display(exercises.Report(asked.name, asked.title, tuple(rows)))
    failed = [row.name for row in rows if row.state == "not yet"]
    lacking = any(row.state == "needs a GPU" for row in rows)
    if lacking and not failed:
        return  # nobody can judge it here
    if failed[:1] != names[:1] or not {*names} <= {*failed}:
        raise AssertionError(
            f"%%wrong {', '.join(names)}: this answer to {asked.name} has to fail "
            f"these tests, {names[0]} first; it failed {', '.join(failed) or 'none'}"
        )
