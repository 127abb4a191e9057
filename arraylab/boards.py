"""The versions of a case against NumPy as it is usually written, in one run each.

Runs come from `arraylab.scoreboard`; here they are chosen, one a machine, case, dtype
and size, and each version's time is set against the usual NumPy's of the same run.
Results of other code than today's have no part in it.
"""

import ast
import importlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from arraylab import html, units
from arraylab.records import Found, Library
from arraylab.results import recorded_versions
from arraylab.schema import TIMED
from arraylab.scoreboard import STALE, Run, runs, volume
from arraylab.words import counted


@dataclass(frozen=True, repr=False)
class Board:
    """A case in one table a machine: all versions, their speed at every recorded size.

    `runs` are those of one machine and dtype, by rising size.
    """

    case: str
    dtype: str
    runs: tuple[Run, ...]

    def __repr__(self) -> str:
        return f"<Board of {self.case}: {counted(len(self.runs), 'run')}>"

    def _repr_html_(self) -> str:
        if not self.runs:
            return html.block(html.note(nothing(self.case)))
        last = self.runs[-1]
        head = ["version, and what it does", "time", *map(_against, self.runs)]
        head += ["first call", "cores", "share of limit"]
        rows = [self._cells(found) for found in last.rows]
        caption = (
            f"{self.case}, {self.dtype}, on {where(last)}: median time of a call at "
            f"{asked(last)}; speed with {usual(self.case)} of the same run as 1."
        )
        table = html.table(caption, head, rows, words=0)
        return html.block(table, html.note(origin(last)))

    def _cells(self, found: Found) -> list[str]:
        """Return the cells of a row, HTML."""
        row = found.measurement
        name, device = row["implementation"], row["device"]
        told = "" if device == "cpu" else f" on {device}"
        words = re.sub("`(.+?)`", r"<code>\1</code>", escape(summary(self.case, name)))
        plain = f'<span style="font-weight:400">{words}</span>'
        cells = [f"{escape(name + told)}<br>{plain}"]
        if not found.fresh or row["verdict"] not in TIMED:
            told = row["verdict"] if found.fresh else STALE
            blank = ["" for _ in self.runs]
            return [*cells, html.badge(told, bad=True), *blank, "", "", ""]
        mark = "" if row["verdict"] == "ok" else f" {html.badge(row['verdict'])}"
        cells.append(units.seconds(row["median"], 2) + mark)
        for run in self.runs:
            there = row_of(run, name, device)
            cells.append(gain_in_words(run, there) if there else "")
        cells.append(units.seconds(row["first"], 2) if row.get("first") else "")
        cells.append(f"{row['cores']:.1f}" if row.get("cores") else "")
        share = row.get("share")
        of = share and ("flops" if share["kind"] == "flops" else "bytes")
        percent = share and units.rounded(100 * share["fraction"], 2)
        return [*cells, f"{percent} % {of}" if share else ""]


def _against(run: Run) -> str:
    return f"speed, {asked(run)}"


def origin(run: Run) -> str:
    """Return where, when and with which versions a run was taken."""
    words = sorted({word for found in timed(run) for word in recorded_versions(found)})
    return f"Recorded on {where(run)}" + (f": {', '.join(words)}." if words else ".")


def nothing(case: str) -> str:
    """Return what to say where no run of `case` is recorded."""
    return (
        f"No run of {case} with today's code is recorded: make bench records one on "
        "your machine."
    )


def timed(run: Run) -> list[Found]:
    """Return the rows of a run that have a time and come from today's code."""
    return [f for f in run.rows if f.fresh and f.measurement["verdict"] in TIMED]


def row_of(run: Run, name: str, device: str = "cpu") -> Mapping[str, Any] | None:
    """Return the row of an implementation on a device, None where it has no time.

    A device that is "" is any.
    """
    for found in timed(run):
        row = found.measurement
        if row["implementation"] == name and device in ("", row["device"]):
            return row
    return None


def best(run: Run) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the fastest row of every library and device."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in (f.measurement for f in timed(run)):
        key = row["library"], row["device"]
        if key not in found or row["median"] < found[key]["median"]:
            found[key] = row
    return found


def gain(run: Run, row: Mapping[str, Any]) -> float:
    """Return how many times as fast as the usual NumPy `row` is, nan without that."""
    base = row_of(run, usual(run.case))
    return base["median"] / row["median"] if base else math.nan


def gain_in_words(run: Run, row: Mapping[str, Any]) -> str:
    """Return `gain` as "2.7x", or "3x" where a time was noisy; "" without it."""
    speed, base = gain(run, row), row_of(run, usual(run.case))
    if base is None:
        return ""
    noisy = "NOISY" in (row["verdict"], base["verdict"]) and row is not base
    return units.ratio(speed, 1 if noisy else 2)


def asked(run: Run) -> str:
    """Return the size that the case was asked for, in words: "n = 3,000"."""
    package = importlib.import_module(f"case_studies.{run.case}")
    numbers = [n for shape in run.shapes for n in shape]
    sizes = [
        n
        for n in (*package.SIZES, *getattr(package, "GPU_SIZES", ()))
        if n in numbers or n == math.prod(numbers[1:])  # of seeds and paths each
    ]
    return f"n = {max(sizes):,}" if sizes else run.size


def computes(run: Run) -> str:
    """Return the dtype of a run: that of the results where inputs are whole numbers."""
    if run.dtype.startswith("float"):
        return run.dtype
    kinds = {found.measurement.get("result_dtype") for found in timed(run)}
    return kinds.pop() or run.dtype if len(kinds) == 1 else run.dtype


def where(run: Run) -> str:
    """Return machine and day, as they stand beside every number of a run."""
    return f"{run.record.title}, {run.date[:10]}"


def chosen(
    library: Library | None = None, case: str = "", dtype: str = "float64"
) -> list[Run]:
    """Return one run for each machine, case and size, by rising size.

    Of several it is the one with most times that count, the newest of equals.

    Parameters
    ----------
    library : Library, optional
        Where to look; by default the course's own records.
    case : str, optional
        Only this one; all if left out.
    dtype : str
        As `computes` has it.
    """
    kept: dict[tuple[Any, ...], Run] = {}
    for run in runs(library, case):
        key = run.record.path, run.case, run.shapes
        if computes(run) != dtype or not timed(run):
            continue
        other = kept.get(key)
        rank = len(timed(run)), run.date
        if other is None or rank > (len(timed(other)), other.date):
            kept[key] = run
    order = {key: volume(run.shapes) for key, run in kept.items()}
    return [kept[key] for key in sorted(order, key=lambda k: (*k[:2], order[k]))]


def largest(found: Sequence[Run]) -> list[Run]:
    """Return of `found`, by rising size, the largest run of each machine and case.

    It is the largest in which the usual NumPy has a time.
    """
    kept = {(r.record.path, r.case): r for r in found if row_of(r, usual(r.case))}
    return list(kept.values())


def boards(library: Library, case: str, dtype: str = "float64") -> tuple[Board, ...]:
    """Return the tables of a case, one for each machine that has recorded it."""
    machines: dict[Any, list[Run]] = {}
    for run in chosen(library, case, dtype):
        machines.setdefault(run.record.path, []).append(run)
    made = [Board(case, dtype, tuple(found)) for found in machines.values()]
    return tuple(made) or (Board(case, dtype, ()),)


def usual(case: str) -> str:
    """Return the implementation that stands for NumPy as it is usually written.

    It is the case's yardstick if that is NumPy's, else the first of NumPy's in the
    order in which the lectures meet them; "" if there is none.
    """
    yardstick = importlib.import_module(f"case_studies.{case}").YARDSTICK
    ours = [n for n in (yardstick, *implementations(case)) if n.startswith("numpy_")]
    return ours[0] if ours else ""


@cache
def implementations(case: str) -> tuple[str, ...]:
    """Return the implementations of a case, in teaching order."""
    return tuple(importlib.import_module(f"case_studies.{case}").IMPLEMENTATIONS)


@cache
def summary(case: str, implementation: str) -> str:
    """Return the first line of an implementation's file; nothing is imported."""
    for folder in importlib.import_module("case_studies").__path__:
        path = Path(folder) / case / f"{implementation}.py"
        if path.is_file():
            told = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
            return told.partition("\n")[0]
    return ""
