"""What a record file holds: checked when it is read, and before it is written.

A record is ``{"schema": 1, "machine": stamp, "date": ..., "measurements": [...],
"cells": {hash: {"lecture": ..., "outputs": [...]}}, "claims": [...],
"executions": {lecture: {"date": ..., "result": ..., "seconds": ...}}, "outofcore":
[{"case": ..., "name": ..., "result": ..., "seconds": ...}]}``.  The last three may be
absent, as in older files.
"""

from datetime import datetime
from typing import Any

SCHEMA = 1

TIMED = frozenset({"ok", "NOISY"})
"""Verdicts whose times are kept; other rows keep their verdict and message only."""

LONGEST = 1e9  # s, thirty years: no time of a call


class Unreadable(ValueError):
    """A record file cannot be used; the message names the file and the remedy."""


def check(data: Any, name: str) -> None:
    """Raise ValueError for what is damaged, Unreadable for what is newer."""
    schema = _get(data, "schema", int)
    if schema > SCHEMA:
        raise Unreadable(
            f"{name}: written by a newer version of the course (schema {schema}; this "
            f"version reads {SCHEMA}): update it with git pull."
        )
    if schema < 1:
        raise ValueError(f"schema is {schema} where 1 or more was expected")
    machine = _get(data, "machine", dict)
    _get(machine, "cpu", str, "machine")
    _get({"cores": 1, **machine}, "cores", int, "machine")
    _get({"python": "", **machine}, "python", str, "machine")
    _check_versions(machine, "machine")
    for gpu in _get({"gpus": [], **machine}, "gpus", list, "machine"):
        _get(gpu, "name", str, "a GPU")
        _get({"driver": "", **gpu}, "driver", str, "a GPU")
    _get({"commit": "", **data}, "commit", str)
    datetime.fromisoformat(_get(data, "date", str))
    for i, row in enumerate(_get(data, "measurements", list), 1):
        check_measurement(row, f"measurement {i}")
    for key, cell in _get(data, "cells", dict).items():
        _get(cell, "lecture", str, f"cell {key}")
        _check_origin(cell, f"cell {key}")
        for output in _get(cell, "outputs", list, f"cell {key}"):
            _check_output(output, f"an output of cell {key}")
    for i, claim in enumerate(_get({"claims": [], **data}, "claims", list), 1):
        _get(claim, "id", str, f"claim {i}")
        _get(claim, "verdict", str, f"claim {i}")
    executions = _get({"executions": {}, **data}, "executions", dict)
    for lecture, execution in executions.items():
        check_execution(execution, f"the execution of {lecture}")
    for i, run in enumerate(_get({"outofcore": [], **data}, "outofcore", list), 1):
        check_large_run(run, f"run {i} out of core")


def check_execution(execution: Any, where: str) -> None:
    """Raise ValueError unless an execution says when, how long and how it ended."""
    datetime.fromisoformat(_get(execution, "date", str, where))
    _get(execution, "result", str, where)
    _get(execution, "seconds", int | float, where)


def check_large_run(run: Any, where: str) -> None:
    """Raise ValueError unless a run out of core says of what, how large, how it went.

    Sizes are bytes; a run that failed has the seconds until then.
    """
    check_execution(run, where)
    for key in ("case", "name", "implementation", "dtype", "enforced"):
        _get(run, key, str, where)
    _get(run, "code", str | None, where)
    for key in ("n", "chunk", "threads", "array", "limit", "peak"):
        _get(run, key, int, where)
    _check_origin(run, where)


def check_measurement(row: Any, where: str) -> None:
    """Raise ValueError if a row is not what a comparison gives."""
    for key in ("device", "library", "dtype", "verdict"):
        _get(row, key, str, where)
    for key in ("case", "implementation", "code"):
        _get(row, key, str | None, where)
    _check_origin(row, where)
    _get(row, "median", int | float | None, where)
    for key in ("median", "low", "high") if row["verdict"] in TIMED else ():
        value = _get(row, key, int | float | None, where)
        if not (value is not None and 0 < value < LONGEST):
            raise ValueError(
                f"{where} is {row['verdict']} with {key} {value}; expected seconds"
            )
    for shape in _get(row, "shapes", list, where):
        if not isinstance(shape, list) or not all(type(n) is int for n in shape):
            raise ValueError(f"{where} has {shape!r} where a shape was expected")


def _check_origin(entry: Any, where: str) -> None:
    """Raise ValueError if an entry has a date or versions of its own, and odd ones."""
    if "date" in entry:
        datetime.fromisoformat(_get(entry, "date", str, where))
    _check_versions(entry, where)


def _check_versions(entry: Any, where: str) -> None:
    versions = _get({"versions": {}, **entry}, "versions", dict, where)
    for name in versions:
        _get(versions, name, str, f"'versions' of {where}")


def _check_output(output: Any, where: str) -> None:
    kind = _get(output, "output_type", str, where)
    wanted = {
        "stream": {"name": str, "text": str},
        "error": {"ename": str, "evalue": str, "traceback": list},
    }
    for key, kinds in wanted.get(kind, {"data": dict}).items():
        _get(output, key, kinds, where)


def _get(data: Any, key: str, kinds: Any, where: str = "the file") -> Any:
    """Return ``data[key]``, which must be of `kinds`."""
    if not isinstance(data, dict):
        kind = type(data).__name__
        raise ValueError(f"{where} holds {kind} where an object was expected")
    if key not in data:
        raise ValueError(f"{where} has no {key!r}")
    value = data[key]
    if not isinstance(value, kinds) or isinstance(value, bool):
        kind, wanted = type(value).__name__, getattr(kinds, "__name__", kinds)
        raise ValueError(f"{key!r} of {where} is {kind}, expected {wanted}")
    return value
