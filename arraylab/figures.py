"""One look for every figure: a colour and a marker a library, readable in any theme."""

import hashlib
import io
import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure as MplFigure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from arraylab import html, units
from arraylab.arrays import library_of
from arraylab.boards import (
    asked,
    best,
    chosen,
    computes,
    gain,
    gain_in_words,
    largest,
    row_of,
    timed,
    usual,
)
from arraylab.records import Found, Library
from arraylab.results import (
    Comparison,
    Sweep,
    Timing,
    in_words,
    recorded_versions,
    time_or_verdict,
)
from arraylab.scoreboard import Run
from arraylab.scoreboard import runs as all_runs

INK = "#010203"  # becomes the page's text colour, black or white

# Okabe and Ito's colours, which survive colour blindness; a marker each besides.
LOOK = {
    "python": ("#767676", "x"),
    "numpy": ("#0072B2", "o"),
    "numba": ("#D55E00", "s"),
    "numba_cuda": ("#D55E00", "P"),
    "cupy": ("#009E73", "^"),
    "jax": ("#CC79A7", "D"),
    "dask": (INK, "v"),
    "array_api": ("#B87900", "*"),
}
PLAIN = ("#767676", "p")  # of what belongs to no library
NARROW = 4.6  # inches: the words of a drawing this wide can be read on a phone
LINES = ("-", "--", ":", "-.")  # the first, second, ... variant of one library

STYLE = {
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 12,
    "grid.alpha": 0.25,
    "grid.color": INK,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: it can be read, searched and scaled
    "svg.hashsalt": "beyond-numpy",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


@dataclass(frozen=True)
class Figure:
    """A drawing with the words that stand for it.

    Attributes
    ----------
    svg : str
        The drawing; its ink takes the colour of the page's text.
    alt : str
        What the drawing shows, for those who do not see it.
    caption : str
        What it means, for everyone.
    narrow : str
        The same drawing laid out for a phone, where the style sheet of the course's
        site shows it in the place of `svg`; "" where `svg` fits one.
    """

    svg: str
    alt: str
    caption: str
    narrow: str = ""

    def __repr__(self) -> str:
        return f"Figure: {self.caption} [{self.alt}]"

    def _repr_html_(self) -> str:
        hidden = '<div class="bn-narrow" style="display:none">'
        narrow = self.narrow and f"{hidden}{self.narrow}</div>"
        return (
            '<figure class="bn-figure" style="margin:1em 0;color:inherit">'
            f"{self.svg}{narrow}<figcaption>{escape(self.caption)}</figcaption>"
            "</figure>"
        )


def axes(
    width: float = 6.4, height: float = 4.0, **settings: Any
) -> tuple[MplFigure, plt.Axes]:
    """Return a figure (size in inches) and its axes, `settings` as in `ax.set`."""
    with mpl.rc_context(STYLE):
        fig, ax = plt.subplots(figsize=(width, height), layout="constrained")
        ax.set(**settings)
    return fig, ax


def show(fig: MplFigure, *, alt: str, caption: str) -> Figure:
    """Return `fig` as a `Figure` to end a cell with, and close it.

    Raises
    ------
    ValueError
        If the alternative text or the caption says next to nothing.
    """
    for name, words in (("alt", alt), ("caption", caption)):
        if len(words.split()) < 4:
            raise ValueError(
                f"a figure needs {name}= of at least four words, got {words!r}: say "
                "what the drawing shows (alt) and what it means (caption)"
            )
    for legend in filter(None, (ax.get_legend() for ax in fig.axes)):
        legend.set_frame_on(False)
        for text in legend.get_texts():
            text.set_color(INK)
    svg, narrow = _drawn(fig, alt), ""
    if fig.get_figwidth() > NARROW:
        fig.set_size_inches(NARROW, fig.get_figheight())
        _wrap_labels(fig)
        narrow = _drawn(fig, alt)
    plt.close(fig)
    return Figure(svg, alt, caption, narrow)


def _wrap_labels(fig: MplFigure, most: int = 36) -> None:
    """Break titles and labels of axes that are longer than `most` characters."""
    for ax in fig.axes:
        for label in (ax.title, ax.xaxis.label, ax.yaxis.label):
            words = label.get_text()
            if len(words) > most and "$" not in words:  # a formula stays in one piece
                label.set_text(textwrap.fill(words, most))


def _drawn(fig: MplFigure, alt: str) -> str:
    out = io.StringIO()
    with mpl.rc_context(STYLE):
        fig.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return _for_a_page(out.getvalue(), alt)


def times(comparison: Comparison, *, caption: str, alt: str = "") -> Figure:
    """Return a dot chart of the rows that have a time, fastest at the bottom.

    The caption goes on to name the rows that have none.
    """
    rows = sorted((r for r in comparison if r.reported), key=lambda r: -r.median)
    fig, ax = axes(6.4, 1.3 + 0.36 * len(rows), xscale="log", xlabel=SECONDS)
    for y, row in enumerate(rows):
        colour, marker = look(row)
        ax.plot(row.quartiles, (y, y), color=colour, linewidth=4, alpha=0.4)
        ax.plot(row.median, y, color=colour, marker=marker, markersize=8)
        _write(ax, time_or_verdict(row), (row.quartiles[1], y), (10, -4))
    ax.set_yticks(range(len(rows)), [r.name for r in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.margins(x=0.25)
    in_seconds(ax.xaxis)
    told = "; ".join(f"{r.name} {time_or_verdict(r)}" for r in rows)
    missing = [f"{r.name} ({r.verdict})" for r in comparison if not r.reported]
    if missing:
        caption += f" Without a time: {', '.join(missing)}."
    return show(fig, alt=f"{alt} Dot chart of median times: {told}.", caption=caption)


def times_by_size(
    sweep: Sweep,
    *,
    caption: str,
    alt: str = "",
    xlabel: str = "size n",
    roof: Callable[[int], float] | None = None,
) -> Figure:
    """Return time against size on logarithmic axes, quartiles as bands.

    The caption goes on to say which times are marked, withheld or left out, and where.

    Parameters
    ----------
    roof : callable, optional
        `roof(size)` in seconds: the least time that the machine's limits allow.
    """
    fig, ax = axes(6.4, 4.8, xscale="log", yscale="log", xlabel=xlabel, ylabel=SECONDS)
    ends, drawn = [], []
    for name in sweep.names:
        sizes, rows = sweep.curve(name)
        if rows:
            drawn.append(rows[0].library)
            _draw_curve(ax, sizes, rows, nth=drawn.count(rows[0].library) - 1)
            ends.append((rows[-1].median, sizes[-1], name))
    if roof:
        limit = [roof(n) for n in sweep.sizes]
        ax.plot(sweep.sizes, limit, color=INK, linewidth=1)
        ends.append((limit[-1], sweep.sizes[-1], "the machine's limit"))
    for crossover in sweep.crossovers():
        ax.axvline(crossover.size, color=INK, linewidth=0.8, linestyle=":")
    _label_line_ends(ax, ends)
    in_seconds(ax.yaxis)
    ax.xaxis.set_minor_formatter(NullFormatter())
    alt, caption = f"{alt} {_sweep_in_words(sweep)}", caption + _remarks(sweep)
    return show(fig, alt=alt, caption=caption)


def gains(library: Library, *, caption: str, dtype: str = "float64") -> Figure:
    """Return how much faster than the usual NumPy each library is, case by case.

    A panel a machine, a line a case, at the largest size that it recorded: all of a
    line comes from one run.  Small dots are versions, markers the best version of a
    library; filled ones ran on a CPU, hollow ones on a GPU.  Results of other code than
    today's are left out.  The caption goes on with machines, days and versions.
    """
    machines: dict[Any, list[Run]] = {}
    for run in largest(chosen(library, dtype=dtype)):
        machines.setdefault(run.record.path, []).append(run)
    if not machines:
        none = "No measurement of today's code is recorded: make bench records them."
        return Figure(html.note(none), none, caption)
    heights = [len(found) + 1 for found in machines.values()]
    fig, panels = _panels(6.4, 1.1 + 0.42 * sum(heights), heights)
    told, names = [], set()
    for ax, found in zip(panels, machines.values(), strict=True):
        found.sort(key=lambda run: -max(gain(run, row) for row in best(run).values()))
        told.append(_draw_gains(ax, found, alone=len(panels) == 1))
        names |= {name for run in found for name, _ in best(run)}
    panels[-1].set_xlabel("speed, with the usual NumPy as 1 (larger is faster)")
    _legend_of_libraries(fig, names)
    alt = (
        "Dot chart of the speed of the best version of each library, with the usual "
        f"NumPy of the same run as 1. {' '.join(told)}"
    )
    shown = [f for found in machines.values() for run in found for f in timed(run)]
    if {f.measurement["device"] for f in shown} == {"cpu"}:
        caption += " No record of a GPU yet."
    if any(f.measurement["verdict"] == "NOISY" for f in shown):
        caption += " Where a time was noisy, the number has one digit."
    drawn = {run.case for found in machines.values() for run in found}
    if lacking := sorted({run.case for run in all_runs(library)} - drawn):
        caption += f" Without a run in {dtype}: {', '.join(lacking)}."
    return show(fig, alt=alt, caption=f"{caption} {_origins(shown)}".strip())


def _panels(
    width: float, height: float, heights: list[int]
) -> tuple[MplFigure, list[plt.Axes]]:
    """Return a figure of panels below each other that share a logarithmic axis."""
    with mpl.rc_context(STYLE):
        fig, grid = plt.subplots(
            *(len(heights), 1),
            figsize=(width, height),
            layout="constrained",
            sharex=True,
            squeeze=False,
            height_ratios=heights,
        )
        panels = list(grid[:, 0])
        for ax in panels:
            ax.set(xscale="log")
    return fig, panels


def _draw_gains(ax: plt.Axes, found: list[Run], alone: bool) -> str:
    """Draw the runs of one machine, a line each; return what is drawn, in words."""
    told = []
    ax.axvline(1, color=INK, linewidth=1.2)
    for y, run in enumerate(found):
        speeds = [gain(run, f.measurement) for f in timed(run)]
        ax.plot((min(speeds), max(speeds)), (y, y), color=INK, linewidth=0.5, alpha=0.5)
        for f, speed in zip(timed(run), speeds, strict=True):
            colour, _ = LOOK.get(f.measurement["library"], PLAIN)
            ax.plot(speed, y, color=colour, marker=".", markersize=5)
        words = []
        for (name, device), row in best(run).items():
            colour, marker = LOOK.get(name, PLAIN)
            fill = colour if device == "cpu" else "none"
            at = gain(run, row)
            ax.plot(at, y, color=colour, marker=marker, mfc=fill, markersize=8)
            where = "" if device == "cpu" else f" on {device}"
            words.append(f"{name}{where} {gain_in_words(run, row)}")
        fastest = max(best(run).values(), key=lambda row: gain(run, row))
        _write(ax, gain_in_words(run, fastest), (max(speeds), y), (9, -4))
        told.append(f"{run.case} ({asked(run)}): {', '.join(words)}.")
    ax.set_yticks(range(len(found)), [run.case.replace("_", "\n") for run in found])
    ax.set(ylim=(len(found) - 0.4, -0.6))
    ax.margins(x=0.12)
    ax.xaxis.set_major_formatter(lambda value, _: units.ratio(value, 1))
    ax.xaxis.set_minor_formatter(NullFormatter())
    if not alone:
        ax.set_title(found[0].record.title, loc="left", fontsize=11, color=INK)
        told.insert(0, f"{found[0].record.title}:")
    return " ".join(told)


def versions(run: Run, *, caption: str) -> Figure:
    """Return the times of one run: a line a library, a marker a version.

    Filled markers are CPUs, hollow ones GPUs; the best of each line is named.  The
    caption goes on with the sizes, machine, day and versions of the libraries.
    """
    rows = [found.measurement for found in timed(run)]
    names = sorted({row["library"] for row in rows}, key=_in_our_order)
    fig, ax = axes(6.4, 1.0 + 0.5 * len(names), xscale="log", xlabel=SECONDS)
    told = []
    base = row_of(run, usual(run.case))
    if base:
        ax.axvline(base["median"], color=INK, linewidth=1, linestyle=":")
    for y, name in enumerate(names):
        ours = sorted(
            (row for row in rows if row["library"] == name), key=lambda r: r["median"]
        )
        colour, marker = LOOK.get(name, PLAIN)
        times = [row["median"] for row in ours]
        ax.plot((times[0], times[-1]), (y, y), color=colour, linewidth=3, alpha=0.35)
        for row in ours:
            fill = colour if row["device"] == "cpu" else "none"
            ax.plot(row["median"], y, color=colour, marker=marker, mfc=fill)
        words = f"{ours[0]['implementation']} {units.seconds(times[0], 2)}"
        ax.annotate(
            *(words, (times[0], y), (0, 8)),
            textcoords="offset points",
            color=INK,
            fontsize=10,
            annotation_clip=False,
        )
        others = [
            f"{r['implementation']} {units.seconds(r['median'], 2)}" for r in ours
        ]
        told.append(f"{name}: {', '.join(others)}.")
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.5, -0.8))
    ax.margins(x=0.08)
    low, high = ax.get_xlim()
    ax.set_xlim(low, high * (high / low) ** 0.35)  # for the name of a slow best one
    in_seconds(ax.xaxis)
    line = f" Dotted: {base['implementation']}, the usual NumPy." if base else ""
    alt = f"Dot chart of times, a line a library. {' '.join(told)}"
    sizes = f"Inputs {run.size}, {computes(run)}."
    caption = f"{caption} {sizes}{line} {_origins(timed(run))}".strip()
    return show(fig, alt=alt, caption=caption)


def _legend_of_libraries(fig: MplFigure, names: Iterable[str]) -> None:
    """Put the markers of libraries above all, in our order."""
    ax = fig.axes[0]
    for name in sorted(names, key=_in_our_order):
        colour, marker = LOOK.get(name, PLAIN)
        ax.plot([], [], color=colour, marker=marker, linestyle="", label=name)
    words = {"frameon": False, "labelcolor": INK, "fontsize": 11}
    fig.legend(loc="outside upper left", ncols=3, handletextpad=0.2, **words)


def _origins(fresh: list[Found]) -> str:
    """Return where, when and with which versions the times were taken."""
    origins: dict[str, dict[str, None]] = {}
    for found in fresh:
        words = origins.setdefault(f"{found.record.title}, {found.date[:10]}", {})
        words.update(dict.fromkeys(recorded_versions(found)))
    return " ".join(
        f"{where}: {', '.join(sorted(words))}." if words else f"{where}."
        for where, words in origins.items()
    )


def _in_our_order(library: str) -> tuple[int, str]:
    """Return what sorts libraries as in `LOOK`, and unknown ones behind."""
    known = list(LOOK)
    return (known.index(library) if library in LOOK else len(known)), library


def look(row: Timing | str) -> tuple[str, str]:
    """Return colour and marker of a row's library, or of the one a name starts with."""
    name = row if isinstance(row, str) else row.library or row.name
    return LOOK.get(library_of(name), PLAIN)


SECONDS = "median time of a call"  # the ticks bring the units


def _draw_curve(ax: plt.Axes, sizes: list[int], rows: list[Timing], nth: int) -> None:
    """Draw one variant, the `nth` of its library, with its quartiles as a band."""
    colour, marker = look(rows[0])
    ax.plot(
        sizes,
        [r.median for r in rows],
        color=colour,
        marker=marker,
        linestyle=LINES[nth % len(LINES)],
        markerfacecolor="none" if nth % 2 else colour,
    )
    low, high = zip(*(r.quartiles for r in rows), strict=True)
    ax.fill_between(sizes, low, high, color=colour, alpha=0.2, linewidth=0)


def _label_line_ends(ax: plt.Axes, ends: list[tuple[float, float, str]]) -> None:
    """Write every name beside the end of its line, no two on top of each other."""
    low, high = np.log(ax.get_ylim())
    gap = 0.05 * (high - low)
    ends = sorted(ends)
    at = np.log([y for y, _, _ in ends])
    for _ in range(100):  # push neighbours apart, both as far, until none overlap
        for i in range(len(at) - 1):
            lack = gap - (at[i + 1] - at[i])
            if lack > 0:
                at[i : i + 2] += (-lack / 2, lack / 2)
    for height, (_, x, name) in zip(np.exp(at), ends, strict=True):
        _write(ax, name, (x, height), (9, -4))


def _write(
    ax: plt.Axes,
    words: str,
    at: tuple[float, float],
    away: tuple[int, int],
    side: str = "left",
) -> None:
    """Write `words` beside a point of the data, `away` points from it.

    `side` is the end of the words that lies there.
    """
    ax.annotate(
        words,
        at,
        away,
        textcoords="offset points",
        color=INK,
        fontsize=10,
        ha=side,
        annotation_clip=False,
    )


def in_seconds(axis: Any) -> None:
    """Label a logarithmic axis of times as people say them: 10 ms, 100 µs."""
    axis.set_major_formatter(EngFormatter(unit="s"))
    low, high = axis.get_view_interval()
    if high < 30 * low:  # less than two whole decades to label
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_formatter(NullFormatter())


def _sweep_in_words(sweep: Sweep) -> str:
    parts = []
    for name in sweep.names:
        sizes, rows = sweep.curve(name)
        if rows:
            parts.append(
                f"{name} from {rows[0].time()} at {sizes[0]:,} "
                f"to {rows[-1].time()} at {sizes[-1]:,}"
            )
    leads = sweep.leaders()
    told = "; ".join(f"{lead!r}" for lead in leads)
    if len(leads) == 1 and leads[0].name:
        told = f"{leads[0].name} is the fastest at every size"
    crossings = "".join(f" {c!r}." for c in sweep.crossovers())
    return (
        f"Line chart of time against size, logarithmic axes: {'; '.join(parts)}. "
        f"Of those with a time: {told}.{crossings}"
    )


def _remarks(sweep: Sweep) -> str:
    """Return a sentence on the times that are marked, withheld or left out, or ""."""
    alike: dict[str, list[str]] = {}
    for name, words in sweep.remarks().items():
        parts = (
            f"{word} at {in_words(at) if len(at) < len(sweep.sizes) else 'every size'}"
            for word, at in words.items()
        )
        alike.setdefault(", ".join(parts), []).append(name)
    told = "; ".join(f"{', '.join(names)}: {what}" for what, names in alike.items())
    return f" Times not to be taken as they stand: {told}." if told else ""


def _for_a_page(svg: str, alt: str) -> str:
    """Return a drawing ready to stand in a page: own ids, the page's ink, its words."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r">\s+<", "><", re.sub(r"<[^>]+>", _lean, svg))
    own = "f" + hashlib.sha256(svg.encode()).hexdigest()[:8]
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{own}-\1"', svg)
    svg = svg.replace('href="#', f'href="#{own}-').replace("url(#", f"url(#{own}-")
    svg = re.sub(f"{INK}|#000000", "currentColor", svg)  # black is Matplotlib's own ink
    label = escape(" ".join(alt.split()), quote=True)
    return re.sub(
        r'<svg ([^>]*?)width="([\d.]+)pt" height="[\d.]+pt"',
        rf'<svg role="img" aria-label="{label}" fill="currentColor" '
        r'style="max-width:100%;height:auto;display:block" \1width="\2pt"',
        svg,
        count=1,
    )


def _lean(tag: re.Match[str]) -> str:
    """Return a tag of a drawing without what no eye can see, and in the page's font."""
    text = re.sub(r"font-family: [^;\"]*;? ?", "", tag[0])
    if "scale(" not in text and "matrix(" not in text:  # factors keep their digits
        text = re.sub(r"(\d+\.\d\d)\d+", r"\1", text)  # hundredths of a point
    text = re.sub(r'(?<= d=")[^"]+', lambda path: " ".join(path[0].split()), text)
    return re.sub(
        r'(?<= style=")[^"]+', lambda style: re.sub(r"([:;]) ", r"\1", style[0]), text
    )
