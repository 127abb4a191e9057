"""What became of arrays that one library handed to another, and how it is shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from arraylab import html

WAYS = ("asarray", "from_dlpack")
MEMORY = ("aligned", "not aligned", "strided", "read-only")
"""Kinds of memory that are handed over: at a multiple of 64 bytes, 16 bytes beyond
one, every second element, and closed to writing."""

NOT_HERE, NO_WAY, ITSELF = "not yet measured", "no such way", "itself"


@dataclass(frozen=True)
class Conversion:
    """What became of the arrays of one world when another took them one way.

    Attributes
    ----------
    source, target, way : str
        Two worlds, and one of `WAYS`.
    outcome : str
        "shares", "copies", "refuses", "itself", "no such way", "not yet measured", or
        "unclear" where two proofs disagree: in float32, for memory at a multiple of 64
        bytes.
    memory : Mapping of str to str
        The outcome by kind of memory (`MEMORY`), where the source can have it.
    writable : bool or None
        Whether the result can be written; None where nothing came, or for a graph.
    device : str
        Where the result is: "cpu", or the name of a GPU.
    dtypes : Mapping of str to str
        The dtype that came for each that was sent, "" for a refusal.
    protocols : tuple of str
        Those that the source offers and this way of the target reads.
    error : str
        What was raised, if something was.
    """

    source: str
    target: str
    way: str
    outcome: str
    memory: Mapping[str, str] = field(default_factory=dict)
    writable: bool | None = None
    device: str = ""
    dtypes: Mapping[str, str] = field(default_factory=dict)
    protocols: tuple[str, ...] = ()
    error: str = ""

    @property
    def works(self) -> bool:
        """Whether an array came, by a copy or as the same memory."""
        return self.outcome in ("shares", "copies")

    @property
    def changed(self) -> str:
        """The dtypes that did not come as they were sent, in words."""
        lost = [(a, b) for a, b in self.dtypes.items() if a != b]
        return ", ".join(f"{a} → {b}" if b else f"{a} refused" for a, b in lost)

    def words(self) -> str:
        """Return the outcome as it stands in a matrix: "shares, read-only"."""
        if not self.works:
            return "—" if self.outcome == NO_WAY else self.outcome
        also = ["read-only"] if self.writable is False else []
        if len({*self.memory.values()}) > 1:
            also.append("not always")
        return ", ".join([self.outcome, *also])

    def json(self) -> dict[str, Any]:
        """Return the conversion as plain data."""
        plain = {
            name: getattr(self, name)
            for name in ("source", "target", "way", "outcome", "writable", "device")
        }
        return {
            **plain,
            "memory": dict(self.memory),
            "dtypes": dict(self.dtypes),
            "protocols": list(self.protocols),
            "error": self.error,
        }


@dataclass(frozen=True, repr=False)
class Grid:
    """A table of words: what stands where a row and a column meet.

    Attributes
    ----------
    caption : str
    head : tuple of str
        What the rows are, then the columns.
    rows : tuple of tuple of str
        The row's name, then its cells.
    notes : tuple of str
    width : float
        At which a cell is broken into lines, in widths of a letter.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    width: float = 6

    def __getitem__(self, at: tuple[str, str]) -> str:
        row, column = at
        cells = {name: cells for name, *cells in self.rows}
        return cells[row][self.head[1:].index(column)]

    def json(self) -> dict[str, Any]:
        """Return the cells as plain data, by row and column."""
        return {
            name: dict(zip(self.head[1:], cells, strict=True))
            for name, *cells in self.rows
        }

    def __repr__(self) -> str:
        return "\n".join([self.caption, *_in_columns([self.head, *self.rows])])

    def _repr_html_(self) -> str:
        cells = [(escape(row[0]), *map(self._wrapped, row[1:])) for row in self.rows]
        table = html.table(self.caption, self.head, cells)
        return html.block(table, *map(html.note, self.notes))

    def _wrapped(self, text: str) -> str:
        """Return a cell that breaks at `width`; on a phone, at the edge of the screen.

        The second width is below the first on screens wider than 600 pixels.
        """
        if len(text) <= min(self.width, 20):
            return escape(text)
        width = f"max({self.width}em, calc((601px - 100vw) * 999))"
        style = f"display:inline-block;white-space:normal;max-width:{width}"
        return f'<span style="{style}">{escape(text)}</span>'


@dataclass(frozen=True, repr=False)
class Conversions:
    """What came of every ordered pair of worlds, each way.

    Ask for one with ``conversions["JAX", "NumPy"]``, or ``[..., "from_dlpack"]``.
    """

    rows: tuple[Conversion, ...]
    absent: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, at: tuple[str, ...]) -> Conversion:
        source, target, way = (*at, WAYS[0])[:3]
        for row in self.rows:
            if (row.source, row.target, row.way) == (source, target, way):
                return row
        names = ", ".join(dict.fromkeys(row.source for row in self.rows))
        raise KeyError(f"no conversion {at!r}; there are {names} and {WAYS}")

    def __iter__(self) -> Iterator[Conversion]:
        return iter(self.rows)

    def matrix(self, way: str = WAYS[0]) -> Grid:
        """Return the outcomes of one way: who gives by row, who takes by column."""
        rows = [row for row in self.rows if row.way == way]
        sources = dict.fromkeys(row.source for row in rows)
        targets = [
            name
            for name in dict.fromkeys(row.target for row in rows)
            if any(r.outcome not in (NO_WAY, ITSELF) for r in rows if r.target == name)
        ]
        cells = [
            (name, *(self[name, target, way].words() for target in targets))
            for name in sources
        ]
        caption = f"By {way} of the library that takes, float32, on {self.title}."
        return Grid(caption, ("array of", *targets), tuple(cells), self._notes())

    def details(self, *sources: str) -> Grid:
        """Return all that was found, a row a pair and way; of some sources, if named.

        Columns that would be empty are left out.
        """
        rows = [
            row
            for row in self.rows
            if row.outcome not in (NO_WAY, NOT_HERE, ITSELF)
            and (not sources or row.source in sources)
        ]
        columns = [column for column in _columns(rows) if any(column[1])]
        head = ("pair", *(name for name, _ in columns))
        cells = zip(*(cells for _, cells in columns), strict=True)
        named = [
            (f"{row.source} → {row.target}, {row.way}", *of)
            for row, of in zip(rows, cells, strict=True)
        ]
        caption = f"Every pair, on {self.title}."
        return Grid(caption, head, tuple(named), width=11)

    def json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "schema": 1,
            "machine": self.title,
            "versions": dict(self.versions),
            "absent": dict(self.absent),
            "rows": [row.json() for row in self.rows],
        }

    def _notes(self) -> tuple[str, ...]:
        why = [f"{name}: {NOT_HERE}, {why}." for name, why in self.absent.items()]
        with_ = ", ".join(f"{name} {told}" for name, told in self.versions.items())
        return (
            "shares: the same address, and what one side writes the other reads; "
            "not always: other memory (not at a multiple of 64 bytes, strided, or "
            "read-only) is copied or refused; refuses: an error.",
            "By asarray, Numba takes what is passed to a compiled function.",
            *why,
            *([f"With {with_}."] if with_ else []),
        )

    def __repr__(self) -> str:
        return "\n\n".join(repr(self.matrix(way)) for way in WAYS)

    def _repr_html_(self) -> str:
        *first, last = (self.matrix(way) for way in WAYS)
        without = [replace(grid, notes=()) for grid in first]
        return "".join(grid._repr_html_() for grid in [*without, last])


def _columns(rows: Sequence[Conversion]) -> list[tuple[str, list[str]]]:
    return [
        ("result", [row.outcome for row in rows]),
        *(
            (f"if {kind}", [row.memory.get(kind, "") for row in rows])
            for kind in MEMORY[1:]
        ),
        (
            "writable",
            [{True: "yes", False: "no"}.get(row.writable, "") for row in rows],
        ),
        ("device", [row.device for row in rows]),
        ("dtypes changed", [row.changed for row in rows]),
        ("both speak", [", ".join(row.protocols) for row in rows]),
        ("error", [row.error for row in rows]),
    ]


def _in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
