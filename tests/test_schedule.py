"""Timetables never exceed their time, keep prerequisites, and follow front matter."""

import io
import random
import re
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from tools import pages, schedule
from tools.pages import Unknown
from tools.references import block_of, lead, parser
from tools.schedule import Lecture, Timetable

ROOT = Path(__file__).resolve().parents[1]
INSTRUCTORS = ROOT / "lectures" / "back" / "instructors.md"
PAGE = """---
orphan: true
course:
  minutes: {minutes}
  device: cpu
  objectives: [say what `{name}` does]
  prerequisites: [{needs}]
---
# The page {name}
"""


def promises(plan: Timetable, course: dict[str, Lecture], meetings: int) -> None:
    """Assert what every timetable promises."""
    assert len(plan.meetings) == meetings
    for meeting in plan.meetings:
        assert schedule.total(meeting) <= plan.minutes
    held = [lecture.page for lecture in plan.lectures]
    assert len(held) == len(set(held))
    for number, name in enumerate(held):
        assert set(course[name].needs) <= set(held[:number]), name
    assert set(held) | {lecture.page for lecture in plan.left} == set(course)


def made_up(seed: int) -> dict[str, Lecture]:
    """Return a course of random minutes and prerequisites, some on later pages."""
    dice = random.Random(seed)
    order = [f"part/{k}" for k in range(12)]
    dice.shuffle(order)
    course = {}
    for number, name in enumerate(order):
        needs = dice.sample(order[:number], min(number, dice.randrange(3)))
        course[name] = Lecture(name, 5 * dice.randint(1, 12), "cpu", (), tuple(needs))
    return dict(sorted(course.items()))


def asked() -> list[tuple[str, dict[str, str]]]:
    """Return the timetables that the page for instructors asks for."""
    tokens = parser().parse(lead(INSTRUCTORS.read_text("utf-8")))
    blocks = [b for token in tokens if (b := block_of(token))]
    return [(b.argument, b.options) for b in blocks if b.name == "course-schedule"]


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize(("meetings", "minutes"), [(1, 110), (4, 60), (14, 45)])
def test_no_meeting_is_too_long_and_nothing_comes_before_what_it_needs(
    seed: int, meetings: int, minutes: int
) -> None:
    course = made_up(seed)
    wanted = random.Random(seed).sample(sorted(course), 5)
    for goals in (wanted, []):
        plan = schedule.timetable(course, goals, meetings, minutes)
        promises(plan, course, meetings)


@pytest.mark.parametrize(("title", "options"), asked(), ids=lambda x: str(x)[:20])
def test_the_timetables_of_the_site_keep_their_promises(
    title: str, options: dict[str, str]
) -> None:
    course = schedule.lectures(ROOT)
    goals = [g.strip() for g in str(options.get("goals") or "").split(",") if g.strip()]
    meetings = int(options["meetings"])
    plan = schedule.timetable(course, goals, meetings, int(options["minutes"]))
    promises(plan, course, meetings)
    assert plan.lectures


def test_the_site_has_the_four_lengths_that_are_asked_for() -> None:
    minutes = [int(o["meetings"]) * int(o["minutes"]) for _, o in asked()]
    assert len(minutes) == 4
    assert minutes == sorted(minutes)
    assert minutes[0] <= 120
    assert minutes[1] <= 240
    assert minutes[2] <= 2 * 480


def test_the_longest_one_holds_the_whole_course() -> None:
    """Where it no longer does, give it more meetings."""
    _, options = asked()[-1]
    course = schedule.lectures(ROOT)
    plan = schedule.timetable(
        course, [], int(options["meetings"]), int(options["minutes"])
    )
    assert "goals" not in options
    assert plan.left == ()


def test_every_lecture_can_be_taught_after_what_it_needs() -> None:
    course = schedule.lectures(ROOT)
    for name in course:
        assert schedule.with_needs(course, name)[-1] == name


def test_a_goal_brings_what_it_needs_or_nothing() -> None:
    course = {
        "a/x": Lecture("a/x", 30, "cpu"),
        "a/y": Lecture("a/y", 40, "cpu", (), ("a/x",)),
        "a/z": Lecture("a/z", 20, "cpu"),
    }
    plan = schedule.timetable(course, ["a/y", "a/z"], 1, 60)
    assert [lecture.page for lecture in plan.lectures] == ["a/z"]
    plan = schedule.timetable(course, ["a/y", "a/z"], 2, 60)
    assert [[one.page for one in m] for m in plan.meetings] == [["a/x", "a/z"], ["a/y"]]


def test_what_is_no_lecture_and_circles_are_errors() -> None:
    course = {
        "a/x": Lecture("a/x", 5, "cpu", (), ("a/y",)),
        "a/y": Lecture("a/y", 5, "cpu", (), ("a/x",)),
    }
    with pytest.raises(Unknown, match="a/x -> a/y -> a/x"):
        schedule.with_needs(course, "a/x")
    with pytest.raises(Unknown, match="no lecture is called b"):
        schedule.timetable(course, ["b"], 1, 60)


# -- the directive ------------------------------------------------------------------


def course(root: Path, minutes: int, goals: str = "") -> None:
    """Write a course of two lectures and a page with a timetable of an hour."""
    part = root / "lectures" / "part"
    part.mkdir(parents=True, exist_ok=True)
    one = PAGE.format(name="one", minutes=minutes, needs="patience & `x`")
    (part / "one.md").write_text(one, "utf-8")
    two = PAGE.format(name="two", minutes=20, needs="part/one")
    (part / "two.md").write_text(two, "utf-8")
    text = "---\norphan: true\n---\n# Plans\n\n```{course-schedule} An hour\n"
    text += f":meetings: 1\n:minutes: 60\n{goals}:each: Hour\n```\n"
    (root / "lectures" / "plans.md").write_text(text, "utf-8")
    chapters = "chapters:\n  - file: lectures/part/two\n  - file: lectures/part/one\n"
    toc = f"format: jb-book\nroot: lectures/plans\n{chapters}"
    (root / "_toc.yml").write_text(toc, "utf-8")


def site(root: Path) -> tuple[str, str]:
    """Build the pages of `root`; return the page with the timetable, and warnings."""
    out, said = root / "out", io.StringIO()
    settings = {
        "extensions": ["myst_parser", "course_schedule"],
        "root_doc": "lectures/plans",
        "suppress_warnings": ["myst", "toc"],
        "exclude_patterns": ["out"],
    }
    with docutils_namespace():
        app = Sphinx(
            *(str(root), None, str(out), str(out / "trees"), "html", settings),
            status=None,
            warning=said,
        )
        app.build()
    page = (out / "lectures" / "plans.html").read_text("utf-8")
    return page, said.getvalue()


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_page_follows_the_front_matter(tmp_path: Path) -> None:
    course(tmp_path, minutes=30)
    page, said = site(tmp_path)
    assert said == ""
    told = words(page)
    assert "An hour: 2 lectures, 50 of 60 minutes." in told
    assert "Hour: 50 of 60 minutes The page one 30 any computer" in told
    assert "patience &amp; x" in told
    assert "say what <code>two</code> does" in page
    assert 'href="part/one.html"' in page
    assert "Not in it" not in told

    course(tmp_path, minutes=45)  # now only one of them fits, and two needs one
    page, said = site(tmp_path)  # the page itself is the same as before
    told = words(page)
    assert "An hour: 1 lecture, 45 of 60 minutes" in told
    assert "Not in it: 1 lecture The page two (20 minutes)" in told


def test_an_unknown_goal_is_a_warning(tmp_path: Path) -> None:
    course(tmp_path, minutes=30, goals=":goals: part/three\n")
    _, said = site(tmp_path)
    assert "course-schedule: no lecture is called part/three" in said


def test_the_first_page_is_no_lecture() -> None:
    first = pages.label(pages.pages(ROOT)[0])
    assert first not in schedule.lectures(ROOT)
