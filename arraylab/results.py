"""What a measurement found: immutable values with a text, an HTML and a JSON form."""

import math
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from html import escape
from typing import Any

from arraylab import html, records, units
from arraylab.limits import Share
from arraylab.notebooks import COMPARISON, SWEEP
from arraylab.schema import TIMED

NOISY = 0.25  # interquartile range over median above which a time is called noisy

LEFT_OUT = "left out"  # of the larger sizes of a sweep, as too slow

REPORTED = ("ok", "NOISY", "UNCHECKED")  # every other verdict withholds the time


class Refused(Exception):
    """No time can be reported for this row; the message says why."""


@dataclass(frozen=True)
class Timing:
    """What is known about one variant on one set of inputs.

    Attributes
    ----------
    name, library, device : str
        What was called, the library it was placed for, "cpu" or the GPU's name.
    case, implementation : str
        The case study and its file, "" for a function of the reader's own.
    dtype, result_dtype : str
        Of the inputs and of the result; "" where there is none.
    shapes : tuple of tuple of int
        Of the input arrays; an input that is a whole number n counts as (n,).
    verdict, message : str
        "ok", "NOISY", "UNCHECKED", or a refusal, and the sentence that goes with it.
    seconds : tuple of float
        Steady state, one entry a round, seconds a call.  Empty if refused.
    rounds : tuple of int
        The round each entry of `seconds` was taken in.
    first, place, finish : float or None
        Seconds of the first call, of moving inputs in, of moving the result out.
    compiled : int
        Compilations during the first call.
    cores : float or None
        CPU time over wall time: how many cores worked.
    faults : float or None
        Page faults a call.
    memory : int or None
        Peak bytes beyond the start, if asked for.
    share : Share or None
        Share of this machine's measured limit, if the work is known.
    code : str
        Hash of the case study's code, "" for other functions.
    """

    name: str
    library: str = ""
    device: str = "cpu"
    case: str = ""
    implementation: str = ""
    dtype: str = ""
    result_dtype: str = ""
    shapes: tuple[tuple[int, ...], ...] = ()
    verdict: str = "ok"
    message: str = ""
    seconds: tuple[float, ...] = ()
    rounds: tuple[int, ...] = ()
    first: float | None = None
    place: float | None = None
    finish: float | None = None
    compiled: int = 0
    cores: float | None = None
    faults: float | None = None
    memory: int | None = None
    share: Share | None = None
    code: str = ""

    @property
    def reported(self) -> bool:
        """Whether there is a time that may be quoted."""
        return self.verdict in REPORTED

    @property
    def median(self) -> float:
        """Median seconds a call in the steady state; raises `Refused` if withheld."""
        if not self.reported:
            raise Refused(f"no time for {self.name}: {self.verdict}, {self.message}")
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """First and third quartile, seconds."""
        return _quartiles(self.seconds)

    @property
    def spread(self) -> float:
        """Interquartile range over the median: 0.02 is calm, above 0.25 is noisy."""
        low, high = self.quartiles
        return (high - low) / self.median

    @property
    def digits(self) -> int:
        """How many digits of the median the spread leaves standing."""
        return _digits(self.spread)

    def time(self) -> str:
        """Return the median in words, to the digits that the spread leaves."""
        return units.seconds(self.median, self.digits) if self.reported else "—"

    def json(self) -> dict[str, Any]:
        """Return the row as the plain data that records keep."""
        row = asdict(self)
        row["share"] = asdict(self.share) if self.share else None
        row["shapes"] = [list(s) for s in self.shapes]
        row["rounds"] = len(self.seconds)
        del row["seconds"]
        low, high = self.quartiles if self.reported else (None, None)
        median = self.median if self.reported else None
        return row | {"median": median, "low": low, "high": high}

    def __repr__(self) -> str:
        if not self.reported:
            return f"{self.name}: {self.verdict}, {self.message}"
        words = f"{self.name}: {self.time()} ± {self.spread:.0%}"
        if self.first is not None:
            words += f", first call {units.seconds(self.first, 2)}"
        if self.share:
            words += f", {self.share}"
        return words + ("" if self.verdict == "ok" else f" ({self.verdict})")

    def _repr_html_(self) -> str:
        return html.block(f"<p>{escape(repr(self))}</p>")


@dataclass(frozen=True)
class Ratio:
    """How many times as long one variant takes as another, round by round.

    Attributes
    ----------
    value, low, high : float
        Median and quartiles of the ratios within rounds.
    """

    value: float
    low: float
    high: float

    def __repr__(self) -> str:
        digits = 2 if (self.high - self.low) < NOISY * self.value else 1
        return units.ratio(self.value, digits)

    def __float__(self) -> float:
        return self.value


@dataclass(frozen=True)
class Comparison(Sequence[Timing]):
    """Several variants on the same inputs, measured in the same shuffled rounds.

    Attributes
    ----------
    rows : tuple of Timing
        In the order given.
    reference : str
        The row that ratios and break-even calls refer to.
    title, date : str
        The machine in a line; ISO 8601, UTC.
    stamp : dict
        The machine in full, as records keep it.
    notes : tuple of str
        What a reader has to know about the conditions.
    """

    rows: tuple[Timing, ...]
    reference: str
    title: str
    date: str
    stamp: dict[str, Any] = field(repr=False)
    notes: tuple[str, ...] = ()

    def __getitem__(self, key: Any) -> Any:
        """Return the row called `key` (a name, a module or a position)."""
        if isinstance(key, int | slice):
            return self.rows[key]
        name = getattr(key, "__name__", str(key)).rpartition(".")[2]
        for row in self.rows:
            if row.name in (key, name):
                return row
        known = ", ".join(row.name for row in self.rows)
        raise KeyError(f"no row {key!r} in this comparison; it has {known}")

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Timing]:
        return iter(self.rows)

    def ratio(self, slow: Any, fast: Any) -> Ratio:
        """Return how many times as long `slow` takes as `fast`, paired by round."""
        a, b = self[slow], self[fast]
        _ = a.median, b.median  # raises Refused where either has no time
        theirs = dict(zip(b.rounds, b.seconds, strict=True))
        ratios = [
            s / theirs[r]
            for r, s in zip(a.rounds, a.seconds, strict=True)
            if r in theirs
        ] or [a.median / b.median]
        return Ratio(statistics.median(ratios), *_quartiles(ratios))

    def break_even(self, key: Any) -> int | None:
        """Return after how many calls the first call is paid back; None if never.

        Counted against calling the reference as often, its own first call included.
        """
        row, base = self[key], self[self.reference]
        if None in (row.first, base.first) or row.median >= base.median:
            return None
        dearer = (row.first - row.median) - (base.first - base.median)
        return max(1, math.ceil(dearer / (base.median - row.median)))

    def json(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        return {
            "schema": 1,
            "machine": self.stamp,
            "date": self.date,
            "reference": self.reference,
            "notes": list(self.notes),
            "rows": [row.json() for row in self.rows],
        }

    def __str__(self) -> str:
        head, rows = self._cells()
        return "\n".join([self._caption(), *_aligned(head, rows), *self._notes()])

    def __repr__(self) -> str:
        times = ", ".join(f"{row.name} {row.time()}" for row in self.rows)
        return f"Comparison({times}; {self.title})"

    def _repr_html_(self) -> str:
        head, rows = self._cells()
        rows = [[escape(cell) for cell in row] for row in rows]
        for cells, row in zip(rows, self.rows, strict=True):
            cells[2] = html.badge(row.verdict, bad=not row.reported)
        table = html.table(self._caption(), head, rows)
        return html.block(table, *(html.note(n) for n in self._notes()))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict:
        return {
            "text/plain": str(self),
            "text/html": self._repr_html_(),
            COMPARISON: self.json(),
        }

    def _notes(self) -> tuple[str, ...]:
        """Return the messages of the rows, the notes, what is known of the records."""
        said: dict[str, list[str]] = {}
        for row in self.rows:
            if row.message:
                said.setdefault(f"{row.verdict}, {row.message}.", []).append(row.name)
        messages = tuple(f"{'; '.join(names)}: {what}" for what, names in said.items())
        if not any(row.case for row in self.rows):
            return messages + self.notes
        library = records.load()
        versions = _recorded_with(self, library)
        return messages + self.notes + versions + library.problems

    def _caption(self) -> str:
        sizes = sorted({_inputs_in_words(row) for row in self.rows} - {""})
        inputs = f"Inputs {'; '.join(sizes)}. " if sizes else ""
        return f"{inputs}Median seconds a call on {self.title}, {self.date[:10]}."

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        """Return head and rows; columns that would be empty are left out."""
        columns = [c for c in _columns(self) if any(c[1])]
        head = ["variant", *(name for name, _ in columns)]
        rows = [
            [row.name, *(cells[i] for _, cells in columns)]
            for i, row in enumerate(self.rows)
        ]
        return head, rows


@dataclass(frozen=True)
class Crossover:
    """The size at which one variant overtakes another.

    Attributes
    ----------
    below, above : str
        The variant that is faster at smaller sizes, and at larger ones.
    size : float
        Where the two curves meet, interpolated on logarithmic axes.
    """

    below: str
    above: str
    size: float

    def __repr__(self) -> str:
        size = units.rounded(self.size, 2)
        return f"{self.above} overtakes {self.below} at about {size}"


@dataclass(frozen=True)
class Lead:
    """A range of sizes over which one variant is the fastest of those with a time.

    Attributes
    ----------
    name : str
        The variant; "" where none has a time.
    first, last : int
        The smallest and the largest size of the range.
    """

    name: str
    first: int
    last: int

    def __repr__(self) -> str:
        sizes = f"from {self.first:,} to {self.last:,}"
        if self.first == self.last:
            sizes = f"at {self.first:,}"
        return f"{self.name} fastest {sizes}" if self.name else f"no time {sizes}"


@dataclass(frozen=True)
class Sweep:
    """Time against size: a comparison at every size.

    Attributes
    ----------
    sizes : tuple of int
    comparisons : tuple of Comparison
        One a size; a variant that became too slow is missing from the larger ones.
    """

    sizes: tuple[int, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The variants, in the order given."""
        return tuple(row.name for row in self.comparisons[0])

    def curve(self, name: str) -> tuple[list[int], list[Timing]]:
        """Return the sizes at which `name` has a time, and its rows there."""
        pairs = [
            (size, row)
            for size, comparison in zip(self.sizes, self.comparisons, strict=True)
            for row in comparison
            if row.name == name and row.reported
        ]
        return [p[0] for p in pairs], [p[1] for p in pairs]

    def leaders(self) -> tuple[Lead, ...]:
        """Return which variant is the fastest of those with a time, by rising size."""
        leads: list[Lead] = []
        for size, row in zip(self.sizes, self._best(), strict=True):
            name = row.name if row else ""
            if leads and leads[-1].name == name:
                leads[-1] = replace(leads[-1], last=size)
            else:
                leads.append(Lead(name, size, size))
        return tuple(leads)

    def crossovers(self) -> tuple[Crossover, ...]:
        """Return where the fastest variant changes hands, by rising size.

        Only where both variants have a time on either side: what drops out of the
        measurement, or is refused, is not overtaken (see `leaders`).
        """
        best = self._best()
        found = []
        for i in range(1, len(self.sizes)):
            if best[i - 1] and best[i] and best[i - 1].name != best[i].name:
                crossover = self._meeting(i, best[i - 1].name, best[i].name)
                if crossover:
                    found.append(crossover)
        return tuple(found)

    def _best(self) -> list[Timing | None]:
        """Return the fastest row at every size, None where no row has a time."""
        return [
            min(_reported(c), key=lambda row: row.median, default=None)
            for c in self.comparisons
        ]

    def _meeting(self, i: int, below: str, above: str) -> Crossover | None:
        """Interpolate, between sizes i-1 and i, where `above` overtakes `below`."""
        gaps = []
        for j in (i - 1, i):
            rows = {row.name: row for row in _reported(self.comparisons[j])}
            if below not in rows or above not in rows:
                return None
            gaps.append(math.log(rows[above].median / rows[below].median))
        start, end = math.log(self.sizes[i - 1]), math.log(self.sizes[i])
        t = gaps[0] / (gaps[0] - gaps[1])
        return Crossover(below, above, math.exp(start + t * (end - start)))

    def json(self) -> dict[str, Any]:
        """Return the sweep as plain data."""
        return {
            "schema": 1,
            "sizes": list(self.sizes),
            "comparisons": [c.json() for c in self.comparisons],
        }

    def __str__(self) -> str:
        cells = _aligned(*self._cells())
        return "\n".join([self._caption(), *cells, *self._notes()])

    def __repr__(self) -> str:
        words = "; ".join([*map(repr, self.leaders()), *map(repr, self.crossovers())])
        return f"Sweep({self.sizes[0]} to {self.sizes[-1]}: {words})"

    def _repr_html_(self) -> str:
        return html.sheet(self._caption(), *self._cells(), self._notes())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict:
        return {
            "text/plain": str(self),
            "text/html": self._repr_html_(),
            SWEEP: self.json(),
        }

    def _caption(self) -> str:
        last = self.comparisons[-1]
        return f"Median seconds a call by size, on {last.title}, {last.date[:10]}."

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        rows = []
        for name in self.names:
            cells = [time_or_verdict(row) for row in self._row(name)]
            rows.append([name, *cells])
        return ["variant", *(f"{n:,}" for n in self.sizes)], rows

    def _row(self, name: str) -> list[Timing | None]:
        """Return the rows of `name`, one a size; None where it was left out."""
        by_name = [{row.name: row for row in c} for c in self.comparisons]
        return [rows.get(name) for rows in by_name]

    def remarks(self) -> dict[str, dict[str, list[int]]]:
        """Return what is to be said of each variant, and the sizes it holds for.

        The words are verdicts other than "ok", and `LEFT_OUT`.
        """
        found: dict[str, dict[str, list[int]]] = {}
        for name in self.names:
            for size, row in zip(self.sizes, self._row(name), strict=True):
                word = row.verdict if row else LEFT_OUT
                if word != "ok":
                    found.setdefault(name, {}).setdefault(word, []).append(size)
        return found

    def _notes(self) -> tuple[str, ...]:
        """Return the messages of the rows and the notes, with their sizes."""
        said: dict[str, dict[str, list[int]]] = {}
        notes: dict[str, list[int]] = {}
        for size, comparison in zip(self.sizes, self.comparisons, strict=True):
            for row in comparison:
                if row.message:
                    names = said.setdefault(f"{row.verdict}, {row.message}.", {})
                    names.setdefault(row.name, []).append(size)
            for note in comparison.notes:
                notes.setdefault(note, []).append(size)
        messages = [
            f"{'; '.join(f'{n} at {in_words(at)}' for n, at in names.items())}: {what}"
            for what, names in said.items()
        ]
        if any(LEFT_OUT in words for words in self.remarks().values()):
            messages.append(
                f"{LEFT_OUT}: too slow at the size before, so not measured at this one."
            )
        everywhere = len(self.sizes)
        return (
            *messages,
            *(
                note if len(at) == everywhere else f"At {in_words(at)}: {note}"
                for note, at in notes.items()
            ),
        )


def _columns(c: Comparison) -> list[tuple[str, list[str]]]:
    """Return (head, cells) of every column after the name."""

    def cells(show: Any) -> list[str]:
        return [show(row) if row.reported else "" for row in c.rows]

    return [
        ("time here", [_time_and_spread(row) for row in c.rows]),
        ("verdict", [row.verdict for row in c.rows]),
        ("device", _devices(c)),
        (f"speed, {c.reference} = 1", cells(lambda r: _ratio_to(c, r))),
        ("first call", cells(lambda r: _first_call(r))),
        ("pays back after", cells(lambda r: _break_even(c, r))),
        ("place", cells(lambda r: units.seconds(r.place, 2) if r.place else "")),
        ("finish", cells(lambda r: units.seconds(r.finish, 2) if r.finish else "")),
        ("cores", cells(lambda r: f"{r.cores:.1f}" if r.cores else "")),
        (
            "memory",
            cells(lambda r: units.size(r.memory) if r.memory is not None else ""),
        ),
        ("share of limit", cells(_share)),
        ("result", _result_dtypes(c)),
        *_recorded(c),
    ]


def _recorded(c: Comparison) -> list[tuple[str, list[str]]]:
    """Return a column for every device of another machine that has timed these rows."""
    return [
        (
            f"recorded on {where}, {date}",
            [_recorded_time(found[i]) if i in found else "" for i in range(len(c))],
        )
        for (where, date), found in _elsewhere(c, records.load()).items()
    ]


def _elsewhere(
    c: Comparison, library: records.Library
) -> dict[tuple[str, str], dict[int, records.Found]]:
    """Return by device and day what other machines recorded of each row's number."""
    columns: dict[tuple[str, str], dict[int, records.Found]] = {}
    for i, row in enumerate(c.rows):
        if not row.case:
            continue
        key = row.case, row.implementation, row.dtype, row.shapes
        for f in reversed(records.find(*key, library=library)):  # the freshest stays
            if records.identity(f.record.machine) == records.identity(c.stamp):
                continue
            device = f.measurement["device"]
            where = f.record.title if device == "cpu" else device
            columns.setdefault((where, f.date[:10]), {})[i] = f
    return columns


def _recorded_with(c: Comparison, library: records.Library) -> tuple[str, ...]:
    """Return a note for every recorded column: the versions behind its times."""
    notes = []
    for (where, date), found in _elsewhere(c, library).items():
        shown = [f for f in found.values() if f.fresh]
        words = dict.fromkeys(word for f in shown for word in recorded_versions(f))
        if words:
            notes.append(f"Recorded on {where}, {date}: {', '.join(sorted(words))}.")
    return tuple(notes)


def recorded_versions(found: records.Found) -> list[str]:
    """Return the versions that a recorded time depends on: "cupy 14.2.0".

    Those of the row's own library, and for a GPU its driver.
    """
    row, stamp = found.measurement, found.record.machine
    python = {"python": stamp["python"]} if stamp.get("python") else {}
    words = [
        f"{name} {version}"
        for key, version in {**python, **found.versions}.items()  # "cupy-cuda13x"
        if (name := re.sub(r"-cuda\d+x$", "", key)) and _is_of(name, row["library"])
    ]
    drivers = {
        gpu["driver"]
        for gpu in stamp.get("gpus", ())
        if gpu["name"] == row["device"] and gpu.get("driver")
    }
    return words + [f"driver {driver}" for driver in sorted(drivers)]


def _is_of(package: str, library: str) -> bool:
    """Return whether `library`'s times depend on `package` (jax's on jaxlib too)."""
    name, own = package.replace("-", "_"), library
    return name in {own, f"{own}lib", f"{own}_compat", f"{own}_strict"}


def _recorded_time(found: records.Found) -> str:
    """Return a recorded time in words; one of other code is stale, and never shown."""
    if not found.fresh:
        return "stale"
    row = found.measurement
    if row["verdict"] not in TIMED:
        return row["verdict"]
    spread = (row["high"] - row["low"]) / row["median"]
    mark = "" if row["verdict"] == "ok" else f" {row['verdict']}"
    return units.seconds(row["median"], _digits(spread)) + mark


def _devices(c: Comparison) -> list[str]:
    """Return the devices where they differ, or where they are not the CPU."""
    shown = {row.device for row in c.rows if row.reported}
    if shown <= {"cpu"}:
        return ["" for _ in c.rows]
    return [row.device if row.reported else "" for row in c.rows]


def _result_dtypes(c: Comparison) -> list[str]:
    """Return the dtypes of the results where they differ: unlike is not like."""
    kinds = {row.result_dtype for row in c.rows if row.reported and row.result_dtype}
    if len(kinds) < 2:
        return ["" for _ in c.rows]
    return [row.result_dtype if row.reported else "" for row in c.rows]


def _ratio_to(c: Comparison, row: Timing) -> str:
    """Return by how much `row` is faster than the reference ("7.1x")."""
    if len(c) == 1 or not c[c.reference].reported:
        return ""
    return repr(c.ratio(c.reference, row.name))


def _share(row: Timing) -> str:
    if not row.share:
        return ""
    of = "flops" if row.share.kind == "flops" else "bytes"
    return f"{units.rounded(100 * row.share.fraction, 2)} % {of}"


def _time_and_spread(row: Timing) -> str:
    return f"{row.time()} ±{row.spread:.0%}" if row.reported else "—"


def _first_call(row: Timing) -> str:
    return units.seconds(row.first, 2) if row.compiled and row.first else ""


def _break_even(c: Comparison, row: Timing) -> str:
    alone = row.name == c.reference
    if alone or not (row.compiled and c[c.reference].reported):
        return ""
    calls = c.break_even(row.name)
    if calls is None:
        return "never"
    return f"{calls:,} call" + ("s" if calls > 1 else "")


def time_or_verdict(row: Timing | None) -> str:
    """Return a time, marked unless it is "ok", or the verdict of a row without one."""
    if row is None:
        return LEFT_OUT
    if not row.reported:
        return row.verdict
    return row.time() + ("" if row.verdict == "ok" else f" {row.verdict}")


def in_words(sizes: Sequence[int]) -> str:
    """Return sizes as in a sentence: "10, 100 and 1,000"."""
    *most, last = (f"{n:,}" for n in sizes)
    return f"{', '.join(most)} and {last}" if most else last


def _reported(comparison: Comparison) -> list[Timing]:
    return [row for row in comparison if row.reported]


def _inputs_in_words(row: Timing) -> str:
    """Return "float64 3,000 and 3,000", the sizes of the input arrays."""
    sizes = (" x ".join(f"{n:,}" for n in shape) for shape in row.shapes)
    return f"{row.dtype} {' and '.join(sizes)}".strip()


def _digits(spread: float) -> int:
    return 3 if spread < 0.02 else 2 if spread < NOISY else 1


def _quartiles(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def _aligned(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return the table as lines of text: names to the left, the rest to the right."""
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells))
    return lines
