"""The directive `{course-status}`: when each notebook ran last, on what, and how.

It reads what `make book` left under `_build/executed` and what `make gpu` recorded, so
it executes nothing and its page needs no kernel.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from afresh import Place, register
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from arraylab import html, records, units
from arraylab.words import counted
from tools import execute, pages
from tools.records import grouped

NEVER = "never"
HEAD = ("notebook", "result", "date", "duration", "machine")


@dataclass(frozen=True)
class Execution:
    """The last execution of a notebook on one kind of device."""

    result: str
    date: str
    seconds: float
    machine: str
    versions: Mapping[str, str]
    gpu: bool

    def cells(self) -> tuple[str, ...]:
        """Return the cells of a row, as HTML, after the name of the notebook."""
        well = self.result.startswith("passed")
        result = escape(self.result) if well else html.badge(self.result, bad=True)
        return (
            result,
            escape(self.date[:10]),
            escape(units.seconds(self.seconds)),
            escape(self.machine),
        )


def here(root: Path, page: str) -> Execution | None:
    """Return the execution of a page that this build shows."""
    told = execute.stored(root / execute.EXECUTED / f"{page}.ipynb")
    if not told:
        return None
    return Execution(
        result="passed",  # a page that failed has no such file
        date=told["date"],
        seconds=told["seconds"],
        machine=told["machine"],
        versions={"Python": told["python"], **told.get("versions", {})},
        gpu=told["device"] != "cpu",
    )


def on_gpu(name: str, book: Any, library: records.Library) -> Execution | None:
    """Return the newest recorded execution of a page on a machine with a GPU."""
    ran = [
        (record, record.executions[name])
        for record in library.records
        if record.gpus and name in record.executions
    ]
    if not ran:
        return None
    record, told = max(ran, key=lambda found: found[1]["date"])
    result = told["result"]
    if told.get("code") != execute.key(book, ""):
        result += ", stale: the page has changed since"
    used = told.get("versions") or record.machine.get("versions", {})
    return Execution(
        result=result,
        date=told["date"],
        seconds=told["seconds"],
        machine=record.title,
        versions={"Python": record.machine.get("python", ""), **used},
        gpu=True,
    )


def table(caption: str, rows: Mapping[str, Execution | None]) -> str:
    """Return the table of one device; the keys of `rows` are links."""
    cells = [
        (link, *(ran.cells() if ran else (html.badge(NEVER), "", "", "")))
        for link, ran in rows.items()
    ]
    return html.table(caption, HEAD, cells)


def versions(executions: Iterable[Execution | None]) -> str:
    """Return one table a set of versions, with the machines that ran with it."""
    machines: dict[tuple[tuple[str, str], ...], dict[str, None]] = {}
    for ran in executions:
        if ran is not None:
            key = tuple((k, v) for k, v in ran.versions.items() if v)
            machines.setdefault(key, {})[ran.machine] = None
    rows = [
        (escape("; ".join(names)), escape(", ".join(f"{k} {v}" for k, v in key)))
        for key, names in machines.items()
    ]
    return html.table("Versions", ("machine", "versions"), rows, words=1)


def recorded(library: records.Library) -> Iterator[str]:
    """Yield what the records hold, and what in them is stale or missing."""
    found = records.status(library)
    rows = []
    for record in library.records:
        counts = [
            str(sum(entry.machine == record.title for entry in entries))
            for entries in (found.present, found.stale, found.missing)
        ]
        about = (record.title, record.date[:10], record.commit, *counts)
        rows.append(tuple(map(escape, (*about, str(len(record.cells))))))
    head = ("machine", "date", "commit", "current", "stale", "missing", "GPU cells")
    yield html.table("Records: measurements and GPU cells", head, rows)
    if not any(record.gpus for record in library.records):
        yield html.note("There is no record of a machine with a GPU yet.")
    for title, entries in (("stale", found.stale), ("missing", found.missing)):
        if entries:
            lines = "".join(f"<li>{escape(line)}</li>" for line in grouped(entries))
            count = counted(len(entries), f"{title} measurement")
            yield f"<details><summary>{count}</summary><ul>{lines}</ul></details>"
    yield from map(html.note, library.problems)


def make(app: Sphinx, docname: str, place: Place) -> str:
    """Return what stands in the place of the directive."""
    root, library = Path(app.srcdir), records.load()
    cpu, gpu = {}, {}
    for path, book in execute.collect(root, [])[0].items():
        label = pages.label(path)
        target = app.builder.get_relative_uri(docname, path)
        link = f'<a href="{escape(target)}">{escape(label)}</a>'
        ran, gpu[link] = here(root, path), on_gpu(label, book, library)
        if ran is not None and ran.gpu:  # this build itself is of such a machine
            gpu[link], ran = ran, None
        cpu[link] = ran
    return html.block(
        table("Last execution on a CPU", cpu),
        table("Last execution on a GPU", gpu),
        versions([*cpu.values(), *gpu.values()]),
        *recorded(library),
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    return register(app, "course-status", make)
