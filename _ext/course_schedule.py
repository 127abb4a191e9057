"""The directive `{course-schedule}`: a timetable made from the lectures' front matter.

    ```{course-schedule} Half a day
    :meetings: 2
    :minutes: 90
    :each: Block
    :goals: start/limits, ecosystem/five_ways
    ```

Without `goals`, all lectures are goals, in reading order.  The page is read again at
every build, so that it follows the minutes and prerequisites that the lectures state.
"""

import sys
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from afresh import Afresh, Place, register
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from arraylab import html
from arraylab.words import counted
from tools import schedule
from tools.pages import Unknown
from tools.schedule import Lecture, Timetable

LOG = logging.getLogger(__name__)
DEVICES = {"cpu": "any computer", "gpu": "made for a GPU; readable without"}


class CourseSchedule(Afresh):
    """`{course-schedule}`: its argument is the caption of the table."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {  # noqa: RUF012  # docutils' way
        "meetings": directives.positive_int,
        "minutes": directives.positive_int,
        "each": directives.unchanged_required,
        "goals": directives.unchanged_required,
    }


def goals(text: str) -> list[str]:
    """Return the names in an option, separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def linked(app: Sphinx, docname: str, lecture: Lecture) -> str:
    """Return a lecture's title as a link."""
    page = f"lectures/{lecture.page}"
    title = app.env.titles[page].astext()
    target = app.builder.get_relative_uri(docname, page)
    return f'<a href="{escape(target)}">{escape(title)}</a>'


def rows(
    app: Sphinx, docname: str, plan: Timetable, each: str
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each lecture; the first of a meeting names the meeting."""
    for number, meeting in enumerate(plan.meetings, start=1):
        name = f"{each} {number}" if len(plan.meetings) > 1 else each
        used = schedule.total(meeting)
        told = escape(f"{name}: {used} of {plan.minutes} minutes")
        if not meeting:
            yield escape(f"{name}: free"), "", "", ""
        for lecture in meeting:
            link = linked(app, docname, lecture)
            yield told, link, str(lecture.minutes), DEVICES[lecture.device]
            told = ""


def listed(items: Iterable[str]) -> str:
    """Return a list of HTML items."""
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def folded(title: str, text: str) -> str:
    """Return `text` behind a line that opens it."""
    return f"<details><summary>{escape(title)}</summary>{text}</details>"


def words(text: str) -> str:
    """Return front matter's words as HTML: what stands between backticks is code."""
    parts = escape(text).split("`")
    parts[1::2] = [f"<code>{part}</code>" for part in parts[1::2]]
    return "".join(parts).replace("$", "")


def written(app: Sphinx, docname: str, caption: str, each: str, plan: Timetable) -> str:
    """Return the timetable with what it asks for and gives, as HTML."""
    held, minutes = plan.lectures, schedule.total(plan.lectures)
    whole = plan.minutes * len(plan.meetings)
    about = f"{caption}: {counted(len(held), 'lecture')}, {minutes} of {whole} minutes."
    head = ("when", "lecture", "minutes", "device")
    parts = [table(about, head, rows(app, docname, plan, each))]
    needs = dict.fromkeys(need for lecture in held for need in lecture.words)
    if needs:
        parts.append(folded("What participants need before", listed(map(words, needs))))
    aims = [
        f"{linked(app, docname, lecture)}{listed(map(words, lecture.objectives))}"
        for lecture in held
    ]
    parts.append(folded("What participants can do afterwards", listed(aims)))
    if plan.left:
        told = (
            f"{linked(app, docname, one)} ({one.minutes} minutes)" for one in plan.left
        )
        title = f"Not in it: {counted(len(plan.left), 'lecture')}"
        parts.append(folded(title, listed(told)))
    return html.block(*parts)


def table(caption: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return the table; a meeting is named once, and its name heads all its rows."""
    made, groups = list(rows), []
    for row in made:
        if row[0]:
            groups.append([])
        groups[-1].append(row)
    body = ""
    for group in groups:
        name = group[0][0]
        lines = "".join(
            f'<tr><th scope="row" class="bn-words">{row[1]}</th>'
            f'<td data-head="{head[2]}">{row[2]}</td>'
            f'<td class="bn-words">{row[3]}</td></tr>'
            for row in group
            if row[1]
        )
        body += (
            f'<tbody><tr><th scope="rowgroup" colspan="3" class="bn-words">'
            f"{name}</th></tr>{lines}</tbody>"
        )
    heads = (
        f'<th scope="col">{head[1]}</th><th scope="col">{head[2]}</th>'
        f'<th scope="col" class="bn-words">{head[3]}</th>'
    )
    return (
        f'<div class="bn-scroll" role="group" tabindex="0" '
        f'aria-label="{escape(caption)}"><table class="bn-rows">'
        f"<caption>{escape(caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead>{body}</table></div>"
    )


def make(app: Sphinx, docname: str, place: Place) -> str:
    """Return what stands in the place of the directive, "" after a warning."""
    given = place["options"]
    try:
        plan = schedule.timetable(
            schedule.lectures(Path(app.srcdir)),
            goals(given.get("goals", "")),
            given.get("meetings", 1),
            given["minutes"],
        )
    except (Unknown, KeyError) as error:
        LOG.warning("course-schedule: %s", error, location=(docname, place["line"]))
        return ""
    (caption,) = place["arguments"]
    return written(app, docname, caption, given.get("each", "Meeting"), plan)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    return register(app, "course-schedule", make, CourseSchedule)
