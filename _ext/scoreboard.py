"""The directive `{scoreboard}`: recorded measurements to choose from and to compare.

The runs of a case on a machine lie in a script of their own, which the page asks for
when they are chosen, so that it stays light and works from a folder.  The same numbers
lie in a page of plain tables, for readers without JavaScript and for whoever wants all.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from afresh import Place, register
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from arraylab import figures, html, records, scoreboard
from arraylab.words import counted, slug
from tools.state import digest

FOLDER = Path("_static", "scoreboard")
ALL = "all.html"
NOTHING = "No measurement is recorded yet: `make bench` writes a record."
NUMBERS = ("median", "low", "high", "first", "place", "finish", "cores", "memory")
SHOWN = (  # what the drawing can show: key of the script, words
    ("time", "time of a call"),
    ("speed", "speed, the compared = 1"),
    ("share", "share of the limit"),
    ("rate", "rate of work"),
    ("first", "first call"),
    ("calls", "calls until paid back"),
    ("memory", "peak memory"),
)
CHOICES = (  # key in the address, words
    ("case", "Case"),
    ("machine", "Machine"),
    ("dtype", "Data type"),
    ("size", "Inputs"),
    ("with", "Compared with"),
    ("show", "Drawing shows"),
)


# -- data -----------------------------------------------------------------------------


def short(value: Any) -> Any:
    """Return a number to nine digits, which no rounding for the eye tells apart."""
    return float(f"{value:.9g}") if isinstance(value, float) else value


def row_of(run: scoreboard.Run, name: str) -> list[Any]:
    """Return a row as the script reads it."""
    found = run[name]
    row, done = found.measurement, scoreboard.rate(found)
    share = row.get("share") or {}
    timed = row["verdict"] in scoreboard.TIMED
    return [
        name,
        row["library"],
        row["device"],
        scoreboard.verdict(found),
        int(found.fresh),
        int(bool(row.get("compiled"))),
        scoreboard.digits(row) if timed else 0,
        share.get("kind", ""),
        short(share.get("fraction")),
        short(done[0]) if done else None,
        done[1] if done else "",
        *(short(row.get(key)) for key in NUMBERS),
    ]


def data_of(runs: Iterable[scoreboard.Run]) -> list[dict[str, Any]]:
    """Return the runs of a case as the script reads them."""
    return [
        {
            "title": run.record.title,
            "dtype": run.dtype,
            "size": "_".join("x".join(map(str, shape)) for shape in run.shapes),
            "inputs": run.size,
            "volume": scoreboard.volume(run.shapes),
            "date": run.date[:19],
            "yardstick": run.yardstick,
            "limits": list(run.limits),
            "notes": run.notes(),
            "rows": [row_of(run, name) for name in run.names],
        }
        for run in runs
    ]


def by_case(
    runs: Iterable[scoreboard.Run],
) -> dict[str, list[scoreboard.Run]]:
    """Return the runs of each case."""
    cases: dict[str, list[scoreboard.Run]] = {}
    for run in runs:
        cases.setdefault(run.case, []).append(run)
    return cases


def scripts(case: str, runs: list[scoreboard.Run]) -> dict[str, str]:
    """Return name and text of the scripts that bring a case, one a machine."""
    made = {}
    for machine in machines(runs):
        name = f"{case}--{machine}"
        own = [run for run in runs if slug(run.record.title) == machine]
        told = json.dumps(data_of(own), separators=(",", ":"), ensure_ascii=False)
        made[f"{name}.js"] = f"bnRuns({json.dumps(name)},{told});\n"
    return made


def machines(runs: Iterable[scoreboard.Run]) -> dict[str, str]:
    """Return short name and title of the machines that made runs."""
    return {slug(run.record.title): run.record.title for run in runs}


# -- the page of plain tables ---------------------------------------------------------

PLAIN = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>All recorded measurements: Beyond NumPy</title>
<style>
body{{font:16px/1.5 system-ui,sans-serif;margin:1.5rem auto;padding:0 1rem;
 max-width:72rem;color:#1f2328;background:#fff}}
a{{color:#0a58a8}}
@media (prefers-color-scheme:dark){{
body{{color:#e6e8eb;background:#14181e}}
a{{color:#8ab8ff}}
}}
</style>
</head>
<body>
<main>
<h1>All recorded measurements</h1>
<p>{about}</p>
<nav aria-label="Cases"><p>{links}</p></nav>
{tables}
</main>
</body>
</html>
"""


def plain(cases: Mapping[str, list[scoreboard.Run]], problems: Iterable[str]) -> str:
    """Return the page of all tables, which needs no script and no style of the site."""
    parts = []
    for case, runs in cases.items():
        parts.append(f'<section><h2 id="{escape(case)}">{escape(case)}</h2>')
        for run in runs:
            parts.append(run._repr_html_().removeprefix(html.STYLE))
        for turn in turns(runs):
            parts.append(f"<p>{escape(turn)}</p>")
        parts.append("</section>")
    rows = sum(len(run.rows) for runs in cases.values() for run in runs)
    about = (
        f"{counted(rows, 'measurement')} of {counted(len(cases), 'case')}, as the "
        "machines named above each table wrote them. Ratios are taken within a table "
        "only: what it holds was measured in one run."
    )
    return PLAIN.format(
        about=escape(" ".join([about, *problems])),
        links=" · ".join(f'<a href="#{escape(c)}">{escape(c)}</a>' for c in cases),
        tables=html.STYLE + "\n".join(parts),
    )


def turns(runs: list[scoreboard.Run]) -> list[str]:
    """Return where orders turn round in a case, in sentences."""
    told = []
    for run in runs:
        sizes = scoreboard.series(run, runs)
        if run is sizes[0]:  # once for each machine and dtype
            where = f"{run.record.title}, {run.dtype}"
            for turn in scoreboard.crossings(sizes, run.yardstick):
                told.append(f"{where}: {turn!r}.")
    return told


# -- the board ------------------------------------------------------------------------


def board(cases: Mapping[str, Mapping[str, str]], folder: str, version: str) -> str:
    """Return the board as HTML, empty until its script fills it.

    `cases` says by case which machines have timed it.
    """
    look = {name: list(one) for name, one in figures.LOOK.items()}
    settings = {
        "folder": folder,
        "version": version,
        "cases": {case: list(made.items()) for case, made in cases.items()},
        "look": look,
        "plain": list(figures.PLAIN),
        "ink": figures.INK,
    }
    fields = "".join(
        f'<p><label for="bn-{key}">{words}</label>'
        f'<select id="bn-{key}" name="{key}">{options(key)}</select></p>'
        for key, words in CHOICES
    )
    told = escape(json.dumps(settings), quote=True)
    everything = f'<a href="{folder}/{ALL}">All recorded measurements in tables</a>'
    return (
        f'<div class="bn-board" id="bn-board" data-settings="{told}">'
        f"<noscript><p>Choosing needs JavaScript. {everything}:</p>"
        f'<iframe src="{folder}/{ALL}" title="All recorded measurements"></iframe>'
        "</noscript>"
        f'<form class="bn-choose" aria-label="Choose a run" hidden>{fields}</form>'
        '<p class="bn-said" role="status"></p>'
        '<figure class="bn-figure" hidden></figure>'
        '<div class="bn-told"></div>'
        f"<p>{everything}.</p></div>"
    )


def options(key: str) -> str:
    """Return the choices that do not depend on others."""
    shown = SHOWN if key == "show" else ()
    return "".join(
        f'<option value="{value}">{words}</option>' for value, words in shown
    )


def files(library: records.Library) -> dict[str, str]:
    """Return name and text of every file of the board."""
    cases = by_case(scoreboard.runs(library))
    made = {ALL: plain(cases, library.problems)}
    for case, runs in cases.items():
        made |= scripts(case, runs)
    return made


def timed(library: records.Library) -> dict[str, dict[str, str]]:
    """Return by case the machines that have timed it."""
    cases = by_case(scoreboard.runs(library))
    return {case: machines(runs) for case, runs in cases.items()}


def make(app: Sphinx, docname: str, place: Place) -> str:
    """Return the board, and keep the files that it asks for."""
    library = records.load()
    made, cases = files(library), timed(library)
    app.scoreboard = made
    sheets = Path(app.srcdir, "_static").glob("scoreboard.*")
    version = digest([*made.values(), *(p.read_bytes() for p in sorted(sheets))])
    folder = "../" * docname.count("/") + FOLDER.as_posix()
    told = board(cases, folder, version) if cases else html.note(NOTHING)
    return f'{html.STYLE}<div class="bn bn-wide">{told}</div>'


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the files of the board, once the site is there."""
    made = getattr(app, "scoreboard", None)
    if error is not None or app.builder.name != "html" or not made:
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    source = folder.with_suffix(".js")
    source.write_text(lean(source.read_text(encoding="utf-8")), encoding="utf-8")


def lean(text: str) -> str:
    """Return a script of ours without its remarks and what its lines begin with."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive, and the work after the build, before `lean`."""
    about = register(app, "scoreboard", make)
    app.connect("build-finished", write, priority=940)
    return about | {"parallel_write_safe": False}
