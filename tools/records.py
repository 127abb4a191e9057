"""List what the records hold, what is stale and what is missing; nothing fails.

python -m tools.records
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from arraylab import records
from arraylab.notebooks import gpu_body
from tools import execute, pages

ROOT = Path(__file__).resolve().parent.parent


def grouped(entries: Iterable[records.Entry]) -> list[str]:
    """Return one line a machine and case, with its implementations."""
    lines: dict[tuple[str, str], dict[str, None]] = {}
    for entry in entries:
        names = lines.setdefault((entry.machine, entry.case), {})
        names[entry.implementation] = None
    return [f"{m}: {case}: {', '.join(names)}" for (m, case), names in lines.items()]


def executions(record: records.Record, books: dict[str, Any]) -> Iterator[str]:
    """Yield one line a notebook: its last execution on the machine of a record."""
    for name, book in books.items():
        ran = record.executions.get(name)
        if ran is None:
            yield f"{name}: missing"
            continue
        stale = "" if ran.get("code") == execute.key(book, "") else ", stale"
        yield f"{name}: {ran['result']}, {ran['date'][:10]}, {ran['seconds']} s{stale}"


def gpu_cells(library: records.Library, books: dict[str, Any]) -> Iterator[str]:
    """Yield one line a ``%%gpu`` cell of the book: who recorded it as it is now."""
    for name, book in books.items():
        for number, cell in enumerate(execute.codes(book), start=1):
            body = gpu_body(cell.source)
            if body is None:
                continue
            found = records.find_cell(body, library)
            where = f"recorded on {found[0].title}" if found else "missing"
            line = cell.source.lstrip().partition("\n")[0]
            yield f"{name}, code cell {number}: {where}: {line}"


def block(title: str, lines: Iterable[str]) -> None:
    """Print `lines` below a title, nothing if there are none."""
    lines = list(lines)
    if lines:
        print(f"\n{title}", *(f"  {line}" for line in lines), sep="\n")


def main() -> int:
    """Print the list; the exit status is 0 whatever is missing."""
    library = records.load()
    found = records.status(library)
    books, wrong = execute.collect(ROOT, [])
    books = {pages.label(page): book for page, book in books.items()}
    print(f"{records.default_folder()}: {found!r}")
    for record in library.records:
        print(f"\n{record!r}, of {record.commit or 'no commit'}")
        if record.gpus:
            block("Notebooks executed there", executions(record, books))
    if not any(record.gpus for record in library.records):
        print("\nThere is no record of a machine with a GPU: run `make gpu` on one.")
    block("Stale: measured by other code", grouped(found.stale))
    block("Missing: could be measured on the machine", grouped(found.missing))
    block("Cells for a GPU", gpu_cells(library, books))
    block("Not readable", [*library.problems, *wrong])
    return 0


if __name__ == "__main__":
    sys.exit(main())
