"""Timetables of the lectures, made from what their front matter says.

A timetable holds whole lectures, each after all that it needs, and never more minutes
in a meeting than the meeting has.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools import pages
from tools.pages import Unknown


@dataclass(frozen=True)
class Lecture:
    """What a page says of itself; `needs` are pages, `words` all else that it needs."""

    page: str
    minutes: int
    device: str
    objectives: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timetable:
    """Meetings of at most `minutes` each, and the lectures that found no place."""

    meetings: tuple[tuple[Lecture, ...], ...]
    minutes: int
    left: tuple[Lecture, ...] = ()

    @property
    def lectures(self) -> tuple[Lecture, ...]:
        """All lectures that are held, in order."""
        return tuple(lecture for meeting in self.meetings for lecture in meeting)


def total(lectures: Iterable[Lecture]) -> int:
    """Return the minutes of some lectures."""
    return sum(lecture.minutes for lecture in lectures)


def lectures(root: Path) -> dict[str, Lecture]:
    """Return the lectures of the course by their short name, in reading order.

    A page without `course:` in its head is none, and neither are the first page and
    the pages outside `lectures`.
    """
    found: dict[str, Lecture] = {}
    names = {pages.label(page) for page in pages.pages(root)}
    for page in pages.pages(root)[1:]:
        if not page.startswith("lectures/"):
            continue
        path = root / f"{page}.md"
        head = pages.front_matter(path.read_text("utf-8")) if path.is_file() else {}
        if course := head.get("course"):
            asked = course.get("prerequisites", ())
            found[pages.label(page)] = Lecture(
                pages.label(page),
                course["minutes"],
                course["device"],
                tuple(course.get("objectives", ())),
                tuple(need for need in asked if need in names),
                tuple(need for need in asked if need not in names),
            )
    return found


def with_needs(course: Mapping[str, Lecture], name: str) -> list[str]:
    """Return lecture `name` with all that it needs, each after its own needs.

    Raises
    ------
    Unknown
        If there is no such lecture, or lectures need each other in a circle.
    """
    order: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise Unknown(f"lectures need each other: {' -> '.join((*above, name))}")
        if name not in course:
            raise Unknown(f"no lecture is called {name}")
        for need in course[name].needs:
            visit(need, (*above, name))
        if name not in order:
            order.append(name)

    visit(name, ())
    return order


def timetable(
    course: Mapping[str, Lecture], goals: Iterable[str], meetings: int, minutes: int
) -> Timetable:
    """Return a timetable that takes up the `goals` in order, each with its needs.

    A goal is taken up if it and all that it needs still find a place: the first
    meeting with enough minutes that is not before what they need.  Without goals, all
    lectures are goals, in reading order.

    Raises
    ------
    Unknown
        If a goal is no lecture.
    """
    held: list[list[str]] = [[] for _ in range(meetings)]
    for goal in tuple(goals) or tuple(course):
        trial = [list(meeting) for meeting in held]
        for name in with_needs(course, goal):
            if not _placed(course, trial, name, minutes):
                break
        else:
            held = trial
    taken = {name for meeting in held for name in meeting}
    return Timetable(
        tuple(tuple(course[name] for name in meeting) for meeting in held),
        minutes,
        tuple(lecture for name, lecture in course.items() if name not in taken),
    )


def _placed(
    course: Mapping[str, Lecture], held: list[list[str]], name: str, minutes: int
) -> bool:
    """Put a lecture into the first meeting that may hold it; say whether one did."""
    where = {one: number for number, meeting in enumerate(held) for one in meeting}
    if name in where:
        return True
    first = max((where[need] for need in course[name].needs), default=0)
    for meeting in held[first:]:
        used = total(course[one] for one in meeting)
        if used + course[name].minutes <= minutes:
            meeting.append(name)
            return True
    return False
