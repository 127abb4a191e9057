"""Measured results as data: one JSON file a machine, merged, never typed by hand.

A record says on which machine, when and by which code a result came about.  A result of
other code than today's is *stale*: it can be listed, and is never shown as current.
"""

import importlib
import importlib.util
import json
import math
import os
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from arraylab import html
from arraylab.files import write_atomically
from arraylab.fingerprint import cell_hash, code_hash
from arraylab.hardware import title
from arraylab.schema import (
    SCHEMA,
    TIMED,
    Unreadable,
    check,
    check_execution,
    check_large_run,
    check_measurement,
)

VARIABLE = "BEYOND_NUMPY_RECORDS"
REMEDY = (
    "Restore it with git, or delete it and run `make bench` on that machine "
    "to record it again."
)

_TIMES = ("median", "low", "high", "first", "place", "finish", "cores", "share")
_UNTRIED = frozenset({"ABSENT", "STOPPED"})  # says nothing about the code


@dataclass(frozen=True, repr=False)
class Record:
    """What one machine measured.

    Attributes
    ----------
    path : Path
        The file.
    machine : Mapping
        The machine's stamp, as `arraylab.machine` writes it.
    date : str
        ISO 8601, when the file was last written.
    commit : str
        The revision of the course it was written with, or "".
    measurements : tuple of dict
        One row an implementation, device, dtype and shapes; times in seconds.
    cells : Mapping
        Recorded outputs of ``%%gpu`` cells by the hash of the cell (`cell_hash`).
    claims : tuple of dict
        The claims that this machine judged, with their verdicts.
    executions : Mapping
        The last execution of each lecture ("part/stem") on this machine: when, with
        what result, in how many seconds, of which code.
    outofcore : tuple of dict
        Runs on arrays larger than memory, as `tools.outofcore` made them: one row a
        case and name, with limit, seconds, and the peak that the system counted.
    """

    path: Path
    machine: Mapping[str, Any]
    date: str
    commit: str = ""
    measurements: tuple[dict[str, Any], ...] = ()
    cells: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    claims: tuple[dict[str, Any], ...] = ()
    executions: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    outofcore: tuple[dict[str, Any], ...] = ()

    @property
    def gpus(self) -> tuple[str, ...]:
        """Names of the machine's GPUs."""
        return _gpus(self.machine)

    @property
    def title(self) -> str:
        """The machine in one line, for the head of a table."""
        return title(self.machine)

    def json(self) -> dict[str, Any]:
        """Return the record as it stands in its file."""
        return {
            "schema": SCHEMA,
            "machine": dict(self.machine),
            "date": self.date,
            "commit": self.commit,
            "measurements": list(self.measurements),
            "cells": dict(self.cells),
            "claims": list(self.claims),
            "executions": dict(self.executions),
            "outofcore": list(self.outofcore),
        }

    def __repr__(self) -> str:
        return (
            f"<Record {self.path.name}: {self.title}, {self.date[:10]}, "
            f"{len(self.measurements)} measurements, {len(self.cells)} GPU cells>"
        )


@dataclass(frozen=True, repr=False)
class Library:
    """The records of a folder, and a sentence for each file that could not be read."""

    records: tuple[Record, ...] = ()
    problems: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Library: {len(self.records)} records, {len(self.problems)} problems>"


@dataclass(frozen=True)
class Found:
    """A recorded measurement, and whether today's code produced it."""

    record: Record
    measurement: Mapping[str, Any]
    fresh: bool

    @property
    def date(self) -> str:
        """When it was measured, ISO 8601."""
        return self.measurement.get("date") or self.record.date

    @property
    def versions(self) -> Mapping[str, str]:
        """The library versions it was measured with."""
        return _versions(self.measurement, self.record.machine)


class Entry(NamedTuple):
    """One line of a `Status`."""

    machine: str
    case: str
    implementation: str
    device: str = ""
    dtype: str = ""
    shapes: str = ""


@dataclass(frozen=True, repr=False)
class Status:
    """Which records are present, stale and missing.

    `present` and `stale` hold one entry a measurement, `missing` one entry for each
    implementation that a recorded machine could run and has no measurement of.
    """

    present: tuple[Entry, ...]
    stale: tuple[Entry, ...]
    missing: tuple[Entry, ...]
    problems: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        """Return the entries as plain data."""
        kinds = {name: getattr(self, name) for name in ("present", "stale", "missing")}
        plain = {name: [e._asdict() for e in kinds[name]] for name in kinds}
        return {**plain, "problems": list(self.problems)}

    def __repr__(self) -> str:
        return (
            f"{len(self.present)} measurements present, {len(self.stale)} stale, "
            f"{len(self.missing)} missing, {len(self.problems)} unreadable files"
        )

    def _repr_html_(self) -> str:
        rows = [
            (entry.implementation, kind, *entry[:2], ", ".join(filter(None, entry[3:])))
            for kind, entries in (("stale", self.stale), ("missing", self.missing))
            for entry in entries
        ]
        if not rows:
            return html.block(*map(html.note, (repr(self), *self.problems)))
        head = ("implementation", "state", "machine", "case", "measured")
        return html.sheet(repr(self), head, rows, self.problems)


# Reading


def default_folder() -> Path:
    """Return the folder of the course's own records, which need not exist.

    The environment variable BEYOND_NUMPY_RECORDS overrides it.
    """
    if override := os.environ.get(VARIABLE):
        return Path(override)
    spec = importlib.util.find_spec("arraylab_records")  # as the wheel calls it
    installed = list((spec and spec.submodule_search_locations) or ())
    beside = Path(__file__).resolve().parent.parent / "records"
    return Path(installed[0]) if installed else beside


def load(folder: str | os.PathLike[str] | None = None) -> Library:
    """Return every record of `folder`, by default the course's own.

    Never raises for what is in the files: one that cannot be used becomes a sentence
    in `problems`, and the others are kept.
    """
    asked = folder is not None or bool(os.environ.get(VARIABLE))
    where = default_folder() if folder is None else Path(folder)
    if not where.is_dir():
        problem = (
            f"{where}: there is no such folder of records. Name one that exists"
            f" in the call or in {VARIABLE}, or leave both out."
        )
        return Library((), (problem,) if asked else ())
    records, problems = [], []
    for path in sorted(where.glob("*.json")):
        try:
            records.append(read(path))
        except Unreadable as problem:
            problems.append(str(problem))
    return Library(tuple(records), tuple(problems))


def read(path: str | os.PathLike[str]) -> Record:
    """Return the record in one file.

    Raises
    ------
    Unreadable
        If the file is damaged or of a newer schema; the message says what to do.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_text("utf-8"), parse_constant=_no_constant)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Unreadable(f"{path.name}: cannot be opened ({reason}).") from error
    except (ValueError, RecursionError) as error:
        message = f"{path.name}: damaged, not JSON ({error}). {REMEDY}"
        raise Unreadable(message) from error
    return _record(data, path)


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


def _record(data: Any, path: Path) -> Record:
    """Return the checked record of `data`, the parsed text of `path`."""
    try:
        check(data, path.name)
    except Unreadable:
        raise
    except ValueError as error:
        raise Unreadable(f"{path.name}: damaged, {error}. {REMEDY}") from error
    return Record(
        path=path,
        machine=data["machine"],
        date=data["date"],
        commit=data.get("commit", ""),
        measurements=tuple(data["measurements"]),
        cells=data["cells"],
        claims=tuple(data.get("claims", ())),
        executions=data.get("executions", {}),
        outofcore=tuple(data.get("outofcore", ())),
    )


# Finding


def find(
    case: str,
    implementation: str,
    dtype: Any,
    shapes: Iterable[Sequence[int]],
    device: str | None = None,
    library: Library | None = None,
) -> list[Found]:
    """Return the recorded measurements of an implementation, fresh and newest first.

    Parameters
    ----------
    case, implementation : str
        Such as "grid_max" and "numba_parallel".
    dtype : str or dtype
        Of the inputs.
    shapes : iterable of tuple of int
        Of the inputs.
    device : str, optional
        "cpu" or a GPU's name; all devices if left out.
    library : Library, optional
        Where to look; by default the course's own records.
    """
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    wanted = (case, implementation, name)
    sizes = [list(shape) for shape in shapes]
    today = _today(case, implementation)
    found = [
        Found(record, row, today is not None and row["code"] == today)
        for record in (load() if library is None else library).records
        for row in record.measurements
        if (row["case"], row["implementation"], row["dtype"]) == wanted
        and row["shapes"] == sizes
        and device in (None, row["device"])
    ]
    found.sort(key=lambda f: (f.fresh, f.date), reverse=True)
    return found


def out_of_core(case: str, library: Library | None = None) -> list[Found]:
    """Return the recorded runs of a case on arrays larger than memory, by machine."""
    return [
        Found(record, row, row["code"] == _today(case, row["implementation"]))
        for record in (load() if library is None else library).records
        for row in record.outofcore
        if row["case"] == case
    ]


def status(library: Library | None = None) -> Status:
    """Return which measurements are current, which are stale and which are missing."""
    library = load() if library is None else library
    present, stale, missing = [], [], []
    today = {
        (case, name): _today(case, name)
        for case, names in cases().items()
        for name in names
    }
    for record in library.records:
        rows = [
            row
            for row in record.measurements
            if row["implementation"] and row["verdict"] not in _UNTRIED
        ]
        for row in rows:
            key = (row["case"] or "", row["implementation"])
            fresh = today.get(key) is not None and row["code"] == today[key]
            shapes = " ".join("x".join(map(str, shape)) for shape in row["shapes"])
            details = (row["device"], row["dtype"], shapes)
            (present if fresh else stale).append(Entry(record.title, *key, *details))
        lacking = today.keys() - {(row["case"], row["implementation"]) for row in rows}
        missing += [
            Entry(record.title, case, name)
            for case, name in today
            if (case, name) in lacking and (record.gpus or not _needs_gpu(name))
        ]
    return Status(tuple(present), tuple(stale), tuple(missing), library.problems)


def cases() -> dict[str, tuple[str, ...]]:
    """Return the implementations of every case study, in teaching order."""
    package = importlib.import_module("case_studies")
    names = [m.name for m in pkgutil.iter_modules(package.__path__) if m.ispkg]
    return {
        name: tuple(importlib.import_module(f"case_studies.{name}").IMPLEMENTATIONS)
        for name in sorted(names)
    }


def find_cell(
    body: str, library: Library | None = None
) -> tuple[Record, dict[str, Any]] | None:
    """Return the newest record that holds the outputs of a ``%%gpu`` cell, and them.

    `body` is the cell's text below the ``%%gpu`` line.  Machines without a GPU are
    passed over.
    """
    key = cell_hash(body)
    found = [
        (record, record.cells[key])
        for record in (load() if library is None else library).records
        if record.gpus and key in record.cells
    ]
    return max(found, key=lambda f: f[1].get("date", f[0].date), default=None)


def _today(case: str, implementation: str) -> str | None:
    try:
        return code_hash(case, implementation)
    except LookupError:
        return None


def _needs_gpu(implementation: str) -> bool:
    return implementation.startswith(("cupy", "numba_cuda"))


def _gpus(machine: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(gpu["name"] for gpu in machine.get("gpus", ()))


def _versions(entry: Mapping[str, Any], machine: Mapping[str, Any]) -> dict[str, str]:
    return dict(entry.get("versions") or machine.get("versions") or {})


# Writing


def save(
    path: str | os.PathLike[str],
    stamp: Mapping[str, Any],
    measurements: Iterable[Mapping[str, Any]],
    cells: Mapping[str, Mapping[str, Any]] | None = None,
    commit: str = "",
    claims: Iterable[Mapping[str, Any]] = (),
    date: str | None = None,
    executions: Mapping[str, Mapping[str, Any]] | None = None,
    outofcore: Iterable[Mapping[str, Any]] = (),
) -> Record:
    """Merge new results into the record of a machine, all or nothing.

    A measurement replaces the one of the same case, implementation, device, dtype and
    shapes.  A row whose verdict is not in `TIMED` is kept without its times, so that
    losers and failures stay visible; a row of no case study is left out, because no
    hash would tell when its code changed.  New cells of a lecture replace all its old
    ones; cells are kept only where `stamp` lists a GPU (a simulator's are no record).
    An execution replaces the one of the same lecture, a run out of core the one of the
    same case and name.

    Raises
    ------
    Unreadable
        If the file exists and is damaged or newer; it is left as it is.
    ValueError
        If the file is of another machine, or a measurement or an execution is not
        complete.
    """
    path = Path(path)
    now = date or datetime.now(UTC).isoformat(timespec="seconds")
    old = read(path) if path.exists() else None
    rows = [_row(row, now) for row in measurements if row.get("implementation")]
    shown = (cells or {}).items() if _gpus(stamp) else ()
    dated = {key: {**cell, "date": now} for key, cell in shown}
    told = tuple({"date": now, **claim} for claim in claims)
    ran = _executions(executions or {}, now)
    large = tuple({"date": now, **run} for run in outofcore)
    for run in large:
        check_large_run(run, f"the run {run.get('name', '')!r}")
    new = Record(path, dict(stamp), now, commit, tuple(rows), dated, told, ran, large)
    merged = merge(old, new).json()
    _record(merged, path)
    write_atomically(path, _pretty(merged))
    return read(path)


def merge(old: Record | None, new: Record) -> Record:
    """Return `new` with what only `old` holds, which keeps its date and versions."""
    if old is None:
        empty = {"measurements": (), "cells": {}, "claims": (), "executions": {}}
        old = replace(new, **empty, outofcore=())
    if identity(old.machine) != identity(new.machine):
        raise ValueError(
            f"{new.path.name}: holds the record of {old.title}, and this machine is "
            f"{new.title}. Give every machine a file of its own."
        )
    rows = {_key(row): _aged(row, old, new) for row in old.measurements}
    for row in new.measurements:
        if row["verdict"] not in _UNTRIED or _key(row) not in rows:
            rows[_key(row)] = row
    redone = {cell.get("lecture") for cell in new.cells.values()}
    kept = {
        key: _aged(cell, old, new)
        for key, cell in old.cells.items()
        if cell["lecture"] not in redone
    }
    claims = {claim["id"]: claim for claim in (*old.claims, *new.claims)}
    large = {
        (run["case"], run["name"]): run
        for run in (*(_aged(run, old, new) for run in old.outofcore), *new.outofcore)
    }
    return replace(
        new,
        measurements=tuple(rows[key] for key in sorted(rows)),
        cells={**kept, **new.cells},
        claims=tuple(claims[key] for key in sorted(claims)),
        executions={
            **{name: _aged(ran, old, new) for name, ran in old.executions.items()},
            **new.executions,
        },
        outofcore=tuple(large.values()),
    )


def identity(machine: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what two stamps of one machine agree in."""
    return machine.get("cpu"), machine.get("cores"), sorted(_gpus(machine))


def _aged(entry: Mapping[str, Any], old: Record, new: Record) -> dict[str, Any]:
    """Return an `entry` of `old`, with the versions that `new` no longer states."""
    aged = {"date": old.date, **entry}
    before = _versions(entry, old.machine)
    aged.pop("versions", None)
    if before != _versions({}, new.machine):
        aged["versions"] = before
    return aged


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    key = (row["case"], row["implementation"], row["device"], row["dtype"])
    return *(word or "" for word in key), json.dumps(row["shapes"])


def _row(measurement: Mapping[str, Any], date: str) -> dict[str, Any]:
    """Return a measurement as it is written: checked, no times if it was refused."""
    row = {"date": date, **measurement}
    row = {key: None if _is_odd(value) else value for key, value in row.items()}
    if row.get("verdict") not in TIMED:
        row.update({key: None for key in _TIMES if key in row} | {"median": None})
    try:
        row["shapes"] = [[int(n) for n in shape] for shape in row["shapes"]]
        check_measurement(row, f"measurement {row.get('name', '')!r}")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"not recorded: {error.args[0]}. Hand over the rows of a comparison"
        ) from error
    return row


def _executions(
    executions: Mapping[str, Mapping[str, Any]], date: str
) -> dict[str, dict[str, Any]]:
    """Return executions as they are written: dated and checked."""
    ran = {name: {"date": date, **said} for name, said in executions.items()}
    for name, said in ran.items():
        check_execution(said, f"the execution of {name}")
    return ran


def _is_odd(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _pretty(data: Mapping[str, Any]) -> str:
    """Return `data` as JSON with sorted keys, one measurement, claim or run a line."""
    parts = []
    for key in sorted(data):
        value = data[key]
        if key in ("measurements", "claims", "outofcore") and value:
            text = "[\n  " + ",\n  ".join(_json(row) for row in value) + "\n ]"
        else:
            text = _json(value, indent=1).replace("\n", "\n ")
        parts.append(f' "{key}": {text}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(
        value, indent=indent, sort_keys=True, ensure_ascii=False, allow_nan=False
    )
