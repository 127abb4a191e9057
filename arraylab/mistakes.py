"""The ``%%raises`` cells: a mistake worth seeing, run, and the error it has to give.

Unlike a cell tagged to raise, it lets "Run all" go on everywhere, and it fails where
the error that the text speaks of does not come.
"""

import linecache
import os
import re
from html import escape
from typing import Any

from IPython.core.error import UsageError
from IPython.core.getipython import get_ipython
from IPython.display import display

from arraylab import html

MOST_LINES = 14  # of an error's message that are shown
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
CELL = re.compile(r'(?:File )?"?[^\s"]*ipykernel_\w+[/\\](\w+)\.py"?')


def load_ipython_extension(ip: Any) -> None:
    """Register ``%%raises`` with the shell `ip`."""
    ip.register_magic_function(raises, magic_kind="cell")


def unload_ipython_extension(ip: Any) -> None:
    """Take ``%%raises`` away from the shell `ip`."""
    ip.magics_manager.magics["cell"].pop("raises", None)


def raises(line: str, cell: str) -> None:
    """Run a cell that is meant to fail, and show the error in place of a traceback.

    Usage: ``%%raises TypingError``, the name of the exception or of a class above it.
    Names bound before the error stay bound, as in any cell.
    """
    wanted = line.strip()
    if not wanted.isidentifier():
        raise UsageError(
            f"%%raises: expected the name of one exception, got {wanted!r}. For "
            "example: %%raises TypeError"
        )
    ip = get_ipython()
    code = ip.transform_cell(cell)
    file = ip.compile.cache(code)  # lets a compiler find the source
    _find_cells_by_relative_paths()
    try:
        exec(compile(code, file, "exec"), ip.user_ns)
    except Exception as error:
        if wanted not in {kind.__name__ for kind in type(error).__mro__}:
            raise
        _show(error, file)
    else:
        raise AssertionError(
            f"%%raises {wanted}: the cell was to raise it, and ended without an error. "
            "If that is right on this machine, take the first line away"
        )


def _find_cells_by_relative_paths() -> None:
    """Let the sources of all cells be found by the names that Numba looks for."""
    for file in [name for name in linecache.cache if CELL.fullmatch(name)]:
        linecache.cache[os.path.relpath(file)] = linecache.cache[file]


def _show(error: Exception, file: str) -> None:
    """Display the name and the message of `error`, raised by the cell called `file`."""

    def cell(found: re.Match[str]) -> str:
        return "this cell" if f"{found[1]}." in file else "an earlier cell"

    message = CELL.sub(cell, COLOURS.sub("", str(error)))
    lines = [row.rstrip() for row in message.strip().splitlines()]
    lines = [row for i, row in enumerate(lines) if row or (i and lines[i - 1])]
    if len(lines) > MOST_LINES:
        lines[MOST_LINES - 1 :] = ["[...]"]
    text = f"{type(error).__name__}: " + "\n".join(lines)
    words = html.badge("raised, as meant")
    page = html.block(f"<p>{words}</p><pre>{escape(text)}</pre>")
    display({"text/plain": text, "text/html": page}, raw=True)
