"""Recorded measurements, one run at a time: what may be set against what.

A *run* is what one machine measured of one case in one go: the same inputs, the same
data type, the same day and second.  Times are divided by each other within a run only;
two runs are compared by what each of them says of its own rows.
"""

import contextlib
import importlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from arraylab import html, records, units
from arraylab.fingerprint import code_hash
from arraylab.records import Found, Library, Record
from arraylab.results import NOISY, recorded_versions
from arraylab.schema import TIMED

SMALL = 1_000_000  # numbers in the inputs, up to which they are made to count the work
STALE = "stale"


class Work(NamedTuple):
    """The least work of a call: operations, and bytes read plus written."""

    operations: float
    nbytes: float


class Crossing(NamedTuple):
    """Two recorded sizes between which an order turns round."""

    fast: str  # from `above` on
    slow: str
    below: str  # sizes in words
    above: str

    def __repr__(self) -> str:
        return (
            f"{self.fast} overtakes {self.slow}: slower at {self.below}, "
            f"faster at {self.above}"
        )


@dataclass(frozen=True, repr=False)
class Run:
    """One run of a case on a machine.

    Attributes
    ----------
    record : Record
        Of the machine.
    case, dtype, date : str
        What was computed, in which type of numbers, when (ISO 8601).
    shapes : tuple of tuple of int
        Of the inputs; a whole number n counts as (n,).
    rows : tuple of Found
        The measurements, in the order in which the course teaches them.
    """

    record: Record
    case: str
    dtype: str
    shapes: tuple[tuple[int, ...], ...]
    date: str
    rows: tuple[Found, ...]

    @property
    def size(self) -> str:
        """The sizes of the inputs in words: "3,000 and 3,000"."""
        return " and ".join(" x ".join(f"{n:,}" for n in s) for s in self.shapes)

    @property
    def names(self) -> tuple[str, ...]:
        """A name a row: the implementation, and its device where one has several."""
        plain = [row.measurement["implementation"] for row in self.rows]
        return tuple(
            name if plain.count(name) == 1 else f"{name} on {row.measurement['device']}"
            for name, row in zip(plain, self.rows, strict=True)
        )

    @property
    def yardstick(self) -> str:
        """The row that others are held to: the case's own, else the first timed."""
        own = getattr(_case(self.case), "YARDSTICK", "")
        timed = [n for n in self.names if self.seconds(n)]
        return own if own in timed else next(iter(timed), "")

    def __getitem__(self, name: str) -> Found:
        """Return the row of a name."""
        return self.rows[self.names.index(name)]

    def seconds(self, name: str) -> float | None:
        """Return the median of a row, None if it has none that today's code took."""
        return _seconds(self[name]) if name in self.names else None

    def speed(self, name: str, reference: str) -> float | None:
        """Return how many times as fast as `reference` a row is."""
        own, base = self.seconds(name), self.seconds(reference)
        return base / own if own and base else None

    def break_even(self, name: str, reference: str) -> float | None:
        """Return after how many calls a row's first call is paid back.

        Counted against calling `reference` as often, its own first call included;
        infinity where that is never, None where there is nothing to pay back.
        """
        own, base = self.seconds(name), self.seconds(reference)
        if name == reference or not own or not base or not _compiled(self[name]):
            return None
        first, begin = (self[n].measurement["first"] for n in (name, reference))
        if begin is None or own >= base:
            return math.inf
        return max(1, math.ceil(((first - own) - (begin - base)) / (base - own)))

    def faster(self, name: str, other: str) -> bool | None:
        """Return whether `name` beats `other`; None where their quartiles overlap."""
        if not (self.seconds(name) and self.seconds(other)):
            return None
        mine, theirs = self[name].measurement, self[other].measurement
        if mine["high"] < theirs["low"]:
            return True
        return False if theirs["high"] < mine["low"] else None

    def leaders(self) -> tuple[str, ...]:
        """Return the fastest, and whoever is not clearly slower, fastest first."""
        timed = sorted((n for n in self.names if self.seconds(n)), key=self.seconds)
        return tuple(n for n in timed if not self.faster(timed[0], n))

    def columns(self, reference: str = "") -> list[tuple[str, list[str]]]:
        """Return (head, cells) of the columns that have something to say."""
        base = reference or self.yardstick
        pairs = list(zip(self.names, self.rows, strict=True))

        def cells(show: Any) -> list[str]:
            return [show(name, found) for name, found in pairs]

        columns = [
            ("time", cells(lambda _, f: _time(f))),
            ("quartiles", cells(lambda _, f: _quartiles(f))),
            ("verdict", cells(lambda _, f: verdict(f))),
            ("device", _devices(self.rows)),
            (f"speed, {base} = 1", cells(lambda n, _: _ratio(self.speed(n, base)))),
            ("share of limit", cells(lambda _, f: _share(f))),
            ("rate", cells(lambda _, f: _rate(f))),
            ("first call", cells(lambda _, f: _first(f))),
            (
                "pays back after",
                cells(lambda n, _: _calls(self.break_even(n, base))),
            ),
            ("place", cells(lambda _, f: _seconds_in_words(f, "place"))),
            ("finish", cells(lambda _, f: _seconds_in_words(f, "finish"))),
            ("cores", cells(lambda _, f: _cores(f))),
            ("memory", cells(lambda _, f: _memory(f))),
        ]
        return [(head, told) for head, told in columns if any(told)]

    @property
    def caption(self) -> str:
        """What was measured, on what and when."""
        where = f"{self.record.title}, {self.date[:10]}"
        return f"{self.case}, {self.dtype}, inputs {self.size}. {where}."

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that the times depend on: "numpy 2.4.6"."""
        return tuple(
            sorted({word for row in self.rows for word in recorded_versions(row)})
        )

    @property
    def limits(self) -> tuple[str, ...]:
        """The limits that the shares are of."""
        shares = (row.measurement.get("share") for row in self.rows)
        return tuple(sorted({share["limit"] for share in shares if share}))

    def notes(self) -> list[str]:
        """Return what a reader of the table has to know."""
        told = [f"With {', '.join(self.versions)}." if self.versions else ""]
        if self.record.commit:
            told.append(f"The record was last written at commit {self.record.commit}.")
        if self.limits:
            told.append(f"Shares are of this machine's {', '.join(self.limits)}.")
        if any(not row.fresh for row in self.rows):
            told.append(
                "A row marked stale was measured by other code than today's: its time "
                "is listed, and compared with nothing."
            )
        return [" ".join(filter(None, told))]

    def __repr__(self) -> str:
        return f"<Run of {self.caption[:-1]}: {len(self.rows)} rows>"

    def _repr_html_(self) -> str:
        columns = self.columns()
        head = ("implementation", *(head for head, _ in columns))
        rows = list(zip(self.names, *(told for _, told in columns), strict=True))
        return html.sheet(self.caption, head, rows, filter(None, self.notes()))


def runs(library: Library | None = None, case: str = "") -> list[Run]:
    """Return the runs that records hold: by case, machine, dtype, size; newest first.

    Parameters
    ----------
    library : Library, optional
        Where to look; by default the course's own records.
    case : str, optional
        Only of this case.
    """
    today: dict[tuple[str, str], str] = {}
    found: dict[tuple[Any, ...], list[Found]] = {}
    library = records.load() if library is None else library
    for number, record in enumerate(library.records):
        for row in record.measurements:
            if not (row["case"] and row["implementation"]):
                continue
            if case not in ("", row["case"]):
                continue
            key = row["case"], row["implementation"]
            if key not in today:
                today[key] = _hash(*key)
            one = Found(record, row, row["code"] == today[key])
            shapes = tuple(map(tuple, row["shapes"]))
            run = (row["case"], number, row["dtype"], shapes, one.date)
            found.setdefault(run, []).append(one)
    made = [
        Run(rows[0].record, name, dtype, shapes, date, tuple(_taught(name, rows)))
        for (name, _, dtype, shapes, date), rows in found.items()
    ]
    made.sort(key=lambda run: run.date, reverse=True)
    return sorted(
        made,
        key=lambda run: (
            run.case,
            run.record.title,
            run.dtype != "float64",
            volume(run.shapes),
        ),
    )


def series(run: Run, among: Iterable[Run]) -> list[Run]:
    """Return the newest run of every size that differs from `run` in size alone."""
    newest: dict[tuple[tuple[int, ...], ...], Run] = {}
    for one in among:
        same = one.case == run.case and one.dtype == run.dtype
        if same and one.record.path == run.record.path:
            before = newest.get(one.shapes)
            if before is None or before.date < one.date:
                newest[one.shapes] = one
    return sorted(newest.values(), key=lambda one: volume(one.shapes))


def crossings(sizes: Sequence[Run], reference: str) -> list[Crossing]:
    """Return where rows overtake `reference`, or it them, from size to size.

    An order counts where the quartiles of a run do not overlap.  Only the order within
    each run is used, so the runs may be of different days.
    """
    found = []
    for name in dict.fromkeys(name for run in sizes for name in run.names):
        last: tuple[bool, Run] | None = None
        for run in sizes if name != reference else ():
            order = run.faster(name, reference)
            if order is None:
                continue
            if last is not None and last[0] != order:
                fast, slow = (name, reference) if order else (reference, name)
                found.append(Crossing(fast, slow, last[1].size, run.size))
            last = order, run
    return found


def rate(found: Found) -> tuple[float, str] | None:
    """Return what a row did in a second, and of what ("flop" or "B").

    The least work of its case over its median; None for what is stale, has no time, or
    is of a case that no longer exists.
    """
    seconds, row = _seconds(found), found.measurement
    work = seconds and work_of(row["case"], row["dtype"], _tuples(row["shapes"]))
    if not work:
        return None
    flops = (row.get("share") or {}).get("kind", "flops") == "flops"
    return (work.operations / seconds, "flop") if flops else (work[1] / seconds, "B")


def verdict(found: Found) -> str:
    """Return "ok", "NOISY" or a refusal with its reason, and whether it is stale."""
    row = found.measurement
    told = row["verdict"]
    if told not in TIMED and row.get("message"):
        told += f": {row['message']}"
    return told if found.fresh else f"{told}, {STALE}"


# The cases


_counted: dict[tuple[Any, ...], Work | None] = {}


def work_of(case: str, dtype: str, shapes: tuple[tuple[int, ...], ...]) -> Work | None:
    """Return the least work on inputs of these shapes, as the case counts it today.

    Small inputs are made, because the work may depend on their values; large ones are
    stood for by arrays of zeros that take no memory.
    """
    key = case, dtype, shapes
    if key not in _counted:
        problem, inputs = _case(case), None
        with contextlib.suppress(TypeError, ValueError):  # no such dtype or size
            inputs = _inputs(problem, dtype, shapes) if problem else None
        _counted[key] = Work(*problem.work(*inputs)) if inputs is not None else None
    return _counted[key]


def _inputs(
    problem: Any, dtype: str, shapes: tuple[tuple[int, ...], ...]
) -> list[Any] | None:
    """Return inputs of these shapes, None if the case has none such."""
    sizes = sorted((*problem.SIZES, *getattr(problem, "GPU_SIZES", ())))
    for n in sizes if volume(shapes) <= SMALL else ():
        made = problem.inputs(n, dtype)
        if shapes_of(made) == shapes:
            return list(made)
        if volume(shapes_of(made)) > SMALL:
            break
    pattern, left, stood = problem.inputs(sizes[0], dtype), list(shapes), []
    for value in pattern:
        if isinstance(value, np.ndarray) and left:
            shape = left.pop(0)
            stood.append(np.broadcast_to(np.zeros((), value.dtype), shape))
        elif _is_count(value) and left:
            stood.append(left.pop(0)[0])
        else:
            stood.append(value)
    return stood if shapes_of(stood) == shapes else None


def shapes_of(inputs: Iterable[Any]) -> tuple[tuple[int, ...], ...]:
    """Return shapes as `arraylab.compare` records them."""
    return tuple(
        value.shape if isinstance(value, np.ndarray) else (int(value),)
        for value in inputs
        if isinstance(value, np.ndarray) or _is_count(value)
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _case(name: str) -> Any:
    """Return the package of a case, None if there is none."""
    try:
        return importlib.import_module(f"case_studies.{name}")
    except ModuleNotFoundError:
        return None


def _taught(case: str, rows: Iterable[Found]) -> list[Found]:
    """Return rows in teaching order, those that left the course behind."""
    order = list(getattr(_case(case), "IMPLEMENTATIONS", ()))

    def place(found: Found) -> tuple[int, str, bool]:
        name = found.measurement["implementation"]
        known = order.index(name) if name in order else len(order)
        return known, name, found.measurement["device"] != "cpu"

    return sorted(rows, key=place)


def _hash(case: str, implementation: str) -> str:
    try:
        return code_hash(case, implementation)
    except LookupError:
        return ""


def volume(shapes: Iterable[Sequence[int]]) -> int:
    """Return how many numbers the inputs hold, a count as itself."""
    return sum(math.prod(shape) for shape in shapes)


def _tuples(shapes: Iterable[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(shape) for shape in shapes)


# Cells


def _seconds(found: Found) -> float | None:
    timed = found.fresh and found.measurement["verdict"] in TIMED
    return found.measurement["median"] if timed else None


def _compiled(found: Found) -> bool:
    row = found.measurement
    return bool(row.get("compiled") and row.get("first"))


def digits(row: Any) -> int:
    """Return how many digits of a recorded median the spread leaves standing."""
    spread = (row["high"] - row["low"]) / row["median"]
    return 3 if spread < 0.02 else 2 if spread < NOISY else 1


def _time(found: Found) -> str:
    row = found.measurement
    if row["verdict"] not in TIMED:
        return "—"
    return units.seconds(row["median"], digits(row))


def _quartiles(found: Found) -> str:
    row = found.measurement
    if row["verdict"] not in TIMED:
        return ""
    return f"{units.seconds(row['low'])} to {units.seconds(row['high'])}"


def _devices(rows: Iterable[Found]) -> list[str]:
    shown = [row.measurement["device"] for row in rows]
    return shown if set(shown) != {"cpu"} else ["" for _ in shown]


def _ratio(value: float | None) -> str:
    return "" if value is None else units.ratio(value)


def _share(found: Found) -> str:
    share = found.measurement.get("share")
    if not share or not _seconds(found):
        return ""
    of = "flops" if share["kind"] == "flops" else "bytes"
    return f"{units.rounded(100 * share['fraction'], 2)} % {of}"


def _rate(found: Found) -> str:
    done = rate(found)
    return units.rate(*done) if done else ""


def _first(found: Found) -> str:
    row = found.measurement
    shown = _compiled(found) and row["verdict"] in TIMED
    return units.seconds(row["first"], 2) if shown else ""


def _calls(calls: float | None) -> str:
    if calls is None:
        return ""
    if math.isinf(calls):
        return "never"
    return f"{calls:,} call" + ("s" if calls > 1 else "")


def _seconds_in_words(found: Found, key: str) -> str:
    row = found.measurement
    return units.seconds(row[key], 2) if row.get(key) else ""


def _cores(found: Found) -> str:
    cores = found.measurement.get("cores")
    return f"{cores:.1f}" if cores else ""


def _memory(found: Found) -> str:
    memory = found.measurement.get("memory")
    return "" if memory is None else units.size(memory)
