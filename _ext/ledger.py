"""The ledger of claims: what is said, where it is judged, what each machine found.

The directive `{ledger}` lists the claims that others make, `{ledger} own` those of this
course.  On a lecture, the id of a claim leads to its line in the ledger, and that line
leads to the claim, or to the cell that would judge it where there is no result of it.
"""

import re
import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from afresh import Afresh, Place, register
from docutils import nodes
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from arraylab import html, records
from tools import claims

SHOWN = re.compile(r"<p>Claim <strong>([A-Za-z0-9-]+)</strong>")
OWN = "own"
STYLE = """<style>
.bn .bn-ledger{width:100%}
.bn .bn-ledger :is(th,td){white-space:normal;text-align:left;vertical-align:top}
.bn .bn-ledger tbody th{white-space:nowrap}
.bn .bn-ledger .bn-part th{padding-left:1.4em;font-weight:400}
.bn .bn-ledger small{display:block;font-size:.9em}
.bn .bn-ledger tr{scroll-margin-top:1em}
.bn .bn-ledger tr:target{outline:.15em solid}
@media (min-width:601px){.bn .bn-ledger td{min-width:9em}
.bn .bn-ledger td:nth-child(2){min-width:15em}}
</style>"""


class LedgerDirective(Afresh):
    """`{ledger}`: what others claim; `{ledger} own`: what this course does."""

    optional_arguments = 1


def book(app: Sphinx) -> claims.Ledger:
    """Return the ledger, read once a build."""
    if not hasattr(app, "course_ledger"):
        app.course_ledger = claims.ledger(Path(app.srcdir), records.load())
    return app.course_ledger


def page_of_ledger(app: Sphinx) -> str:
    """Return the page that has the ledger, "" where there is none."""
    page = claims.LIST.with_suffix("").as_posix()
    return page if page in app.env.found_docs else ""


# -- the tables -----------------------------------------------------------------------


def badge(verdict: claims.Verdict) -> str:
    """Return a verdict as HTML: the word, and what belongs to it."""
    word = verdict.word + (", stale" if verdict.stale else "")
    if verdict.word == claims.UNMEASURED:
        return f"<span>{word}</span>"
    made = html.badge(word, bad=verdict.word == "fails")
    if not verdict.note:
        return made
    between = " " if verdict.word == claims.ONLY_IF else ": "
    return f"{made}{between}{marked(verdict.note)}"


def marked(text: str) -> str:
    """Return a sentence as HTML; `code` stands between backquotes."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def link(app: Sphinx, docname: str, part: claims.Part) -> str:
    """Return the link to the place that judges a claim."""
    target = app.builder.get_relative_uri(docname, part.page)
    title = app.env.titles.get(part.page)
    words = title.astext() if title else part.page
    return f'<a href="{target}#{claims.anchor(part.id)}">{escape(words)}</a>'


def row(
    id: str, said: str, where: str, found: Iterable[tuple[str, str]], kind: str = ""
) -> str:
    """Return a row; `said`, `where` and what was found are HTML."""
    named = f' id="{claims.anchor(id)}"' if kind != "again" else ""
    cells = "".join(f'<td data-head="{escape(m)}">{v}</td>' for m, v in found)
    part = ' class="bn-part"' if kind else ""
    mark = '<span aria-hidden="true">↳ </span>' if kind else ""
    return (
        f'<tr{named}{part}><th scope="row">{mark}{escape(id)}</th>'
        f'<td>{said}</td><td data-head="tested in">{where}</td>{cells}</tr>'
    )


def rows_of(app: Sphinx, docname: str, entry: claims.Entry) -> Iterable[str]:
    """Yield the row of a claim, and one for each part where there are several."""
    told = book(app)
    parts = told.parts_of(entry.id)
    overall = [(m, badge(told.overall(entry, m))) for m in told.found]
    said = f"{marked(entry.says)} <small>Said by {escape(entry.by)}.</small>"
    if not parts:
        yield row(entry.id, said, f"not yet tested: {marked(entry.waits)}", overall)
        return
    alone = [part.id for part in parts] == [entry.id]
    where = link(app, docname, parts[0]) if alone else "in the parts below"
    yield row(entry.id, said, where, overall)
    for part in () if alone else parts:
        found = [(m, badge(told.verdict(part.id, m))) for m in told.found]
        kind = "again" if part.id == entry.id else "part"
        words = marked(told.statement(part))
        yield row(part.id, words, link(app, docname, part), found, kind)


def table(caption: str, machines: Iterable[str], rows: Iterable[str]) -> str:
    """Return a table of the ledger."""
    head = "".join(
        f'<th scope="col">{escape(one)}</th>'
        for one in ("id", "claim", "tested in", *machines)
    )
    name = escape(caption)
    return (
        f'<div class="bn-scroll" role="group" tabindex="0" aria-label="{name}">'
        f'<table class="bn-rows bn-ledger"><caption>{name}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def counts(told: claims.Ledger) -> str:
    """Return how many of the verdicts on others' claims are which, by machine."""
    entries = [entry for _, group in told.groups.values() for entry in group]
    lines = []
    for machine, found in told.found.items():
        words = [told.overall(entry, machine).word for entry in entries]
        days = sorted({one.date[:10] for one in found.values() if one.date})
        when = " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "no day"
        numbers = ", ".join(f"{word} {n}" for word, n in claims.tally(words).items())
        lines.append(html.note(f"{machine}, judged {when}: {numbers}."))
    return "".join(lines) or html.note("No notebook has been executed yet.")


def tables(app: Sphinx, docname: str, own: bool) -> str:
    """Return the claims of this course, or those of others by group."""
    told = book(app)
    if own:
        found = [
            row(
                part.id,
                marked(told.statement(part)),
                link(app, docname, part),
                [(m, badge(told.verdict(part.id, m))) for m in told.found],
            )
            for part in told.own()
        ]
        return table(
            "Claims of this course, in the order of its pages", told.found, found
        )
    parts = [counts(told)]
    for name, (title, entries) in told.groups.items():
        found = [one for entry in entries for one in rows_of(app, docname, entry)]
        parts.append(table(f"{name}. {title}", told.found, found))
    return "".join(parts)


def make(app: Sphinx, docname: str, place: Place) -> str:
    """Return what stands in the place of the directive."""
    made = tables(app, docname, place["arguments"] == [OWN])
    return f'{html.STYLE}{STYLE}<div class="bn bn-wide">{made}</div>'


# -- the lectures ---------------------------------------------------------------------


def name_cells(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give each claim that shows no result the name of its cell's place."""
    if not page_of_ledger(app):
        return
    here = {part.id for part in book(app).parts if part.page == docname}
    shown: set[str] = set()
    for raw in doctree.findall(nodes.raw):
        shown |= set(SHOWN.findall(raw.astext()))
    for cell in doctree.findall(nodes.container):
        if "cell" not in cell.get("classes", []):
            continue
        for code in cell.findall(nodes.literal_block):
            for id, _ in claims.judged(code.astext()):
                if id in here - shown:
                    cell["ids"].append(claims.anchor(id))
                    here.discard(id)


def link_claims(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Lead from each claim of a lecture to its line in the ledger."""
    target = page_of_ledger(app) if doctree is not None else ""
    if not target or "body" not in context:
        return
    known = {part.id for part in book(app).parts}
    address = app.builder.get_relative_uri(page, target)
    named: set[str] = set()

    def linked(found: re.Match[str]) -> str:
        id = found[1]
        if id not in known:
            return found[0]
        name = "" if id in named else f' id="{claims.anchor(id)}"'
        named.add(id)
        words = f'<a href="{address}#{claims.anchor(id)}">{id}</a>'
        return f"<p{name}>Claim <strong>{words}</strong>"

    context["body"] = SHOWN.sub(linked, context["body"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and the links."""
    about = register(app, "ledger", make, LedgerDirective)
    app.connect("doctree-resolved", name_cells)
    app.connect("html-page-context", link_claims, priority=600)
    return about | {"parallel_write_safe": False}
