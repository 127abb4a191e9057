"""Exercises as a learner meets them: `check("q1")` judges, `hint("q1")` helps.

A set names its questions with `question`, and what decides them with `test`:

    question("q1", answers=["row_sums"], hints=["Which axis disappears?"])

    @test(points=2)
    def right_answer(row_sums, rng):
        '''the sums of all rows'''
        x = rng.random((3, 4))
        return matches(row_sums, lambda x: x.sum(axis=1), [(x,)])

A test gets what its parameters name: the learner's answers, other names of the
notebook, and `rng`, a generator of random numbers.  It passes unless it raises; the
first test of a question is a gate, behind which the others wait.
"""

import inspect
import sys
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from arraylab import arrays, html, pristine
from arraylab.judging import (
    GPU_TIP,
    NeedsGpu,
    NotStarted,
    NotYet,
    Passed,
    chunks_within,
    compilations_at_most,
    compiles_once,
    expect,
    matches,
    no_python_loops,
    peak_memory,
    raised,
    result_of,
    same_value,
    speedup,
    started,
    tasks_at_most,
)
from arraylab.races import race_free
from arraylab.words import counted, listed

__all__ = [
    "NeedsGpu",
    "NotStarted",
    "NotYet",
    "add_to",
    "check",
    "chunks_within",
    "compilations_at_most",
    "compiles_once",
    "expect",
    "hint",
    "matches",
    "no_python_loops",
    "peak_memory",
    "question",
    "race_free",
    "result_of",
    "same_value",
    "speedup",
    "started",
    "tasks_at_most",
    "test",
]

STATES = ("passed", "not yet", "not started", "needs a GPU", "waits")
MARKS = {
    "passed": "✓",
    "not yet": "✗",
    "not started": "○",
    "needs a GPU": "○",
    "waits": "…",
}
OURS = frozenset({"rng"})  # parameters of a test that are no names of the notebook


@dataclass
class Test:
    """One thing that is asked of an answer."""

    __test__ = False  # pytest looks for classes of this name

    name: str
    fn: Callable[..., Any]
    points: float
    hidden: bool
    gate: bool
    gpu: str

    @property
    def label(self) -> str:
        """What it asks, in words: the first line of its docstring, or its name."""
        said = inspect.getdoc(self.fn) or self.name.replace("_", " ")
        return said.strip().splitlines()[0]

    @property
    def parameters(self) -> list[str]:
        """The names that it asks for."""
        return list(inspect.signature(self.fn).parameters)


@dataclass
class Question:
    """A question of the set: what its answer is called, what helps, what judges it."""

    name: str
    title: str = ""
    answers: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    next: str = ""
    tests: dict[str, Test] = field(default_factory=dict)
    shown: int = 0

    @property
    def points(self) -> float:
        """The points of all tests."""
        return sum(test.points for test in self.tests.values())


class Registry:
    """The questions of a notebook, in order; the last one named takes the tests."""

    def __init__(self) -> None:
        self.questions: dict[str, Question] = {}
        self.current: Question | None = None
        self.seed = 0
        self.replaced: list[str] = []  # functions that a grader has put back

    def clear(self) -> None:
        """Forget all questions."""
        self.__init__()


registry = Registry()


# -- for those who write a set --------------------------------------------------------


def question(
    name: str,
    title: str = "",
    *,
    answers: Sequence[str] = (),
    hints: Sequence[str] = (),
    next: str = "",
) -> None:
    """Name a question; the tests that follow are its own.

    Parameters
    ----------
    name : str
        As `check` takes it: "q1".
    title : str
        Its heading.
    answers : sequence of str
        The names that the learner binds.
    hints : sequence of str
        From a nudge to nearly all; `hint` shows one more at each call.
    next : str
        What to try once all tests pass.
    """
    before = registry.questions.get(name)
    texts = [" ".join(text.split()) for text in (*hints, next)]
    made = Question(name, title, tuple(answers), tuple(texts[:-1]), texts[-1])
    made.shown = before.shown if before else 0
    registry.questions[name] = registry.current = made


def add_to(name: str) -> None:
    """Give the tests that follow to a question that was named before.

    Raises
    ------
    KeyError
        If there is no such question.
    """
    registry.current = registry.questions[name]


def test(
    points: float = 1, *, hidden: bool = False, gate: bool | None = None, gpu: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function a test of the question named last.

    Parameters
    ----------
    points : float
        What it is worth.
    hidden : bool
        Only graders have it.
    gate : bool
        What comes after it waits until it passes; the first test of a question is one.
    gpu : str
        The library that needs a GPU for it: "cupy", "numba_cuda", "jax".
    """

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        current = registry.current
        if current is None:
            raise RuntimeError("a test needs a question before it: question('q1')")
        first = not current.tests
        gating = first if gate is None else gate
        made = Test(fn.__name__, fn, points, hidden, gating, gpu)
        current.tests[fn.__name__] = made
        return fn

    return register


test.__test__ = False  # type: ignore[attr-defined]  # pytest: no test of ours


# -- judging --------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """How one test ended."""

    name: str
    label: str
    state: str
    points: float
    hidden: bool = False
    what: str = ""
    expected: str = ""
    got: str = ""
    tip: str = ""
    seconds: float = 0.0
    headroom: float | None = None

    def details(self) -> list[tuple[str, str]]:
        """Return what there is to say beyond `what`."""
        rows = [("expected", self.expected), ("got", self.got), ("tip", self.tip)]
        return [(name, text) for name, text in rows if text]


def judge(
    name: str,
    answers: Mapping[str, Any],
    given: Mapping[str, Any] | None = None,
    begin: Callable[[str], None] = lambda test: None,
    end: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Run the tests of a question.

    Parameters
    ----------
    answers : mapping
        The learner's names.
    given : mapping, optional
        Where names come from that are not the learner's to bind: baselines and
        references; the learner's if left out.
    begin, end : callable
        Told of each test before and after it runs.
    """
    asked = registry.questions[name]
    rows: list[Row] = []
    stopped = False
    for test in asked.tests.values():
        if stopped:
            row = Row(test.name, test.label, "waits", test.points, test.hidden)
        else:
            begin(test.name)
            row = run_test(asked, test, answers, answers if given is None else given)
            stopped = row.state == "not started"
            stopped |= row.state != "passed" and test.gate
        end(row)
        rows.append(row)
    return rows


def run_test(
    asked: Question, test: Test, answers: Mapping[str, Any], given: Mapping[str, Any]
) -> Row:
    """Run one test; whatever it raises becomes a row."""
    start = time.perf_counter()
    headroom = None
    try:
        if test.gpu and (lacking := arrays.missing(test.gpu)):
            raise NeedsGpu(f"Nothing was judged: {lacking}.", tip=GPU_TIP)
        result = test.fn(**arguments(asked, test, answers, given))
        trusted()
        state, told = "passed", NotYet(result if isinstance(result, str) else "")
        headroom = result.headroom if isinstance(result, Passed) else None
    except NotYet as error:
        state, told = error.state, error
    except AssertionError as error:
        state, told = "not yet", NotYet(str(error) or "This does not hold yet.")
    except Exception as error:
        state = "not yet"
        told = NotYet(
            "The check stopped with an error.",
            expected="an answer that it can use",
            got=raised(error),
            tip="Run all cells from the top. If it is still there, call your answer in "
            "a cell of its own, and look at what it returns.",
        )
    return Row(
        test.name,
        test.label,
        state,
        test.points,
        test.hidden,
        told.what,
        told.expected,
        told.got,
        told.tip,
        time.perf_counter() - start,
        headroom,
    )


def trusted() -> None:
    """Refuse to call right what was judged by functions that a notebook replaced."""
    names = [f"`{name}`" for name in registry.replaced or pristine.replaced()]
    if names:
        more = [f"{len(names) - 3} more"] if len(names) > 3 else []
        raise NotYet(
            "This notebook has replaced functions that the checks rely on.",
            expected="the functions of Python and NumPy as they were installed",
            got=f"others in place of {listed([*names[:3], *more])}",
            tip="Take those lines out, restart the kernel, and run all cells.",
        )


def arguments(
    asked: Question, test: Test, answers: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a test asks for."""
    found: dict[str, Any] = {}
    for name in test.parameters:
        if name == "rng":
            mark = zlib.crc32(f"{asked.name}.{test.name}".encode())
            found[name] = np.random.default_rng([registry.seed, mark])
            continue
        place = answers if name in asked.answers else given
        if name not in place:
            raise NotStarted(
                f"`{name}` is not defined yet.",
                tip="Run the cells above, from the top of the notebook.",
            )
        found[name] = place[name]
        if name in asked.answers:
            started(found[name], name)
    return found


# -- the learner's words --------------------------------------------------------------


def check(name: str) -> "Report | Note":
    """Say how the answer to a question stands.

    Parameters
    ----------
    name : str
        The question: "q1".
    """
    asked = registry.questions.get(name)
    if asked is None:
        return unknown(name)
    if not asked.tests:
        return Note(f"A person judges {name}: no check can say whether it is right.")
    rows = judge(name, sys._getframe(1).f_globals)
    return Report(asked.name, asked.title, tuple(rows), left(asked), asked.next)


def hint(name: str) -> "Note":
    """Show one more hint for a question, and those shown before."""
    asked = registry.questions.get(name)
    if asked is None:
        return unknown(name)
    if not asked.hints:
        return Note(f"There is no hint for {name}.")
    asked.shown = min(asked.shown + 1, len(asked.hints))
    many = len(asked.hints)
    lines = [f"Hint {i} of {many}: {t}" for i, t in enumerate(asked.hints, 1)]
    rest = left(asked)
    more = f'{counted(rest, "more hint")}: run hint("{name}") again.' if rest else ""
    return Note("\n".join(filter(None, [*lines[: asked.shown], more])))


def left(asked: Question) -> int:
    """Return how many hints were not shown yet."""
    return len(asked.hints) - asked.shown


def unknown(name: Any) -> "Note":
    """Say that there is no such question."""
    known = ", ".join(registry.questions)
    if known:
        return Note(f"There is no question {name!r} here; there are {known}.")
    return Note(
        "The checks are not loaded yet: run the first cells of this notebook, then "
        "this one again."
    )


@dataclass(frozen=True, repr=False)
class Note:
    """A few lines of words."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return html.block(*(f"<p>{code(line)}</p>" for line in self.text.splitlines()))


@dataclass(frozen=True, repr=False)
class Report:
    """How the answer to a question stands."""

    name: str
    title: str
    rows: tuple[Row, ...]
    hints: int = 0
    next: str = ""

    @property
    def state(self) -> str:
        """The state of the question as a whole, one of `STATES`."""
        states = [row.state for row in self.rows]
        for state in ("not started", "not yet", "needs a GPU"):
            if state in states:
                return state
        return "passed" if states else "not started"

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return self.state == "passed"

    @property
    def points(self) -> float:
        """The points of the tests that passed."""
        return sum(row.points for row in self.rows if row.state == "passed")

    def headline(self) -> str:
        """Return the one line that says it."""
        number = sum(row.state == "passed" for row in self.rows)
        title = f" ({self.title})" if self.title else ""
        most = sum(row.points for row in self.rows)
        told = f"{number} of {counted(len(self.rows), 'check')} passed"
        return (
            f"{self.name}{title}: {self.state}; {told}, "
            f"{self.points:g} of {counted_points(most)}"
        )

    def footer(self) -> str:
        """Return what to do next."""
        if self.passed:
            return f"What to try next: {self.next}" if self.next else ""
        if self.hints:
            return (
                f'Stuck? Run hint("{self.name}"): {counted(self.hints, "hint")} left.'
            )
        return ""

    def __repr__(self) -> str:
        lines = [self.headline()]
        for row in self.rows:
            head = f"  {MARKS[row.state]} {row.state}: {row.label}"
            told = f" · {row.what}" if row.state == "passed" and row.what else ""
            lines.append(f"{head}{told}")
            if row.state not in ("passed", "waits"):
                lines.append(f"      {row.what}")
                lines += [f"      {n + ':':10}{t}" for n, t in row.details()]
        return "\n".join(filter(None, [*lines, self.footer()]))

    def _repr_html_(self) -> str:
        items = []
        for row in self.rows:
            bad = row.state == "not yet"
            told = f" {code(row.what)}" if row.state == "passed" and row.what else ""
            head = f"{html.badge(row.state, bad)} <b>{code(row.label)}</b>{told}"
            more = ""
            if row.state not in ("passed", "waits"):
                more = f"<p>{code(row.what)}</p>" if row.what else ""
                pairs = (
                    f"<li>{name}: {code(text)}</li>" for name, text in row.details()
                )
                more += f"<ul>{''.join(pairs)}</ul>" if row.details() else ""
            items.append(f"<li>{head}{more}</li>")
        foot = f"<p>{code(self.footer())}</p>" if self.footer() else ""
        return html.block(
            f'<div role="status"><p><b>{code(self.headline())}</b></p>'
            f"<ul>{''.join(items)}</ul>{foot}</div>"
        )


def counted_points(points: float) -> str:
    """Return points with their noun."""
    return f"{points:g} point" + ("" if points == 1 else "s")


def code(text: str) -> str:
    """Return a text as HTML, with what stands in backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner
        return escape(text)
    return "".join(
        f"<code>{escape(part)}</code>" if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )
