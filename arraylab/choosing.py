"""Which library, when: rules as data, each with measurements for it and against it.

`QUESTIONS` and `RULES` are the one place of the decision guide: the chooser of the
notebook, that of the site, the drawn tree and the tables of evidence come from them.
The first rule whose conditions fit the answers is the advice.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from itertools import product
from typing import Any, NamedTuple

from arraylab import html, records, units
from arraylab.boards import asked, chosen, row_of, timed, usual, where
from arraylab.hardware import machine
from arraylab.records import Library
from arraylab.scoreboard import Run

MARGIN = 1.25  # an order counts from here on; up to here, two times are alike


class Question(NamedTuple):
    """A question and its answers, the usual one first."""

    name: str
    text: str
    answers: Mapping[str, str]  # what an answer is called, and its words


QUESTIONS = (
    Question(
        "arrays",
        "Whose arrays will it be given?",
        {"mine": "those that I choose", "any": "those of whichever library a user has"},
    ),
    Question(
        "data",
        "Do the data fit in memory?",
        {"fit": "yes, with room for temporaries", "large": "no"},
    ),
    Question(
        "derivatives",
        "Do you need derivatives?",
        {"no": "no", "yes": "yes"},
    ),
    Question(
        "gpu",
        "Is there a CUDA GPU to keep busy?",
        {"no": "no", "yes": "yes"},
    ),
    Question(
        "work",
        "What is the work like?",
        {
            "whole": "operations on whole arrays",
            "steps": "steps that wait for each other, or a choice at every element",
        },
    ),
    Question(
        "calls",
        "How often will it run?",
        {"often": "many times, or for long", "once": "once, or a few times"},
    ),
)

Answers = Mapping[str, str]


@dataclass(frozen=True)
class Evidence:
    """A comparison of ours that speaks for or against a rule.

    Attributes
    ----------
    says : str
        What the measurement shows if it is as expected: a sentence without its stop.
    case : str
        The case study.
    fast, slow : str
        Implementations; `fast` is expected to be ahead, or no slower if `alike`.
    size : str
        "largest" or "smallest" of the recorded sizes that have both.
    column : str
        "median", the steady state, or "first", the first call.
    gpu : str
        Which of the two has to have run on a GPU: "fast", "slow" or neither, "".
    alike : bool
        Whether it is enough that `fast` takes no longer, within `MARGIN`.
    """

    says: str
    case: str
    fast: str
    slow: str
    size: str = "largest"
    column: str = "median"
    gpu: str = ""
    alike: bool = False

    def find(self, library: Library) -> "Finding":
        """Return what the records say about it."""
        runs = [run for run in chosen(library, self.case) if all(self._rows(run))]
        ours = [run for run in runs if _is_here(run)]
        newest = max((run.record.date for run in runs), default="")
        rest = [run for run in runs if run.record.date == newest]
        among = ours or rest
        if not among:
            return Finding(self, "not measured", self._lacking())
        run = among[-1 if self.size == "largest" else 0]  # by rising size
        return self._judged(run)

    def _rows(self, run: Run) -> tuple[Any, Any]:
        """Return the rows of `fast` and `slow`, None for both if one has no time."""
        found = self._row(run, "fast"), self._row(run, "slow")
        if any(row is None or row.get(self.column) is None for row in found):
            return None, None
        return found

    def _row(self, run: Run, which: str) -> Any:
        name = getattr(self, which)
        if self.gpu != which:
            return row_of(run, name)
        rows = [found.measurement for found in timed(run)]
        there = [row for row in rows if row["device"] != "cpu"]
        return next((row for row in there if row["implementation"] == name), None)

    def _judged(self, run: Run) -> "Finding":
        fast, slow = self._rows(run)
        a, b = fast[self.column], slow[self.column]
        verdicts = {
            "as said" if self._right(*pair) else "not so"
            for pair in self._times(fast, slow)
        }
        verdict = verdicts.pop() if len(verdicts) == 1 else "too noisy"
        what = "first call" if self.column == "first" else "a call"
        pairs = (
            f"{row['implementation']}{_on(row)} {units.seconds(row[self.column], 2)}"
            for row in (fast, slow)
        )
        told = f"{self.case}, {asked(run)}, float64, {what}: {', '.join(pairs)}"
        noisy = "NOISY" in (fast["verdict"], slow["verdict"])
        return Finding(self, verdict, told, b / a, where(run), 1 if noisy else 2)

    def _right(self, a: float, b: float) -> bool:
        """Return whether `a` s of `fast` and `b` s of `slow` are as expected."""
        return a / b <= MARGIN if self.alike else b / a > MARGIN

    def _times(self, fast: Any, slow: Any) -> list[tuple[float, float]]:
        """Return the pairs of times that have to agree: where noisy, of quartiles."""
        pairs = [(fast[self.column], slow[self.column])]
        if self.column == "median" and "NOISY" in (fast["verdict"], slow["verdict"]):
            pairs += [(fast["low"], slow["high"]), (fast["high"], slow["low"])]
        return pairs

    def _lacking(self) -> str:
        of = "a GPU" if self.gpu else "today's code"
        return f"{self.case}: no record of {self.fast} and {self.slow} with {of} yet"


def _on(row: Mapping[str, Any]) -> str:
    return "" if row["device"] == "cpu" else f" on {row['device']}"


@dataclass(frozen=True)
class OutOfCore:
    """A run on an array larger than the memory it was allowed."""

    says: str
    case: str
    name: str
    finishes: bool = True

    def find(self, library: Library) -> "Finding":
        """Return what the records say about it."""
        found = [
            f
            for f in records.out_of_core(self.case, library)
            if f.fresh and f.measurement["name"] == self.name
        ]
        if not found:
            told = f"{self.case}: no record of the run '{self.name}' yet"
            return Finding(self, "not measured", told)
        last = max(found, key=lambda f: f.date)
        row = last.measurement
        done = row["result"] == "finished"
        ended = f"in {units.seconds(row['seconds'], 2)}" if done else "MemoryError"
        told = (
            f"{self.case}, {self.name}: {units.size(row['array'], 2)} within a limit "
            f"of {units.size(row['limit'], 2)}: {ended}, at its peak "
            f"{units.size(row['peak'], 2)}"
        )
        verdict = "as said" if done == self.finishes else "not so"
        place = f"{last.record.title}, {last.date[:10]}"
        return Finding(self, verdict, told, math.nan, place)


@dataclass(frozen=True)
class Finding:
    """What the records say about a piece of evidence.

    Attributes
    ----------
    evidence : Evidence or OutOfCore
    verdict : str
        "as said", "not so", "too noisy" or "not measured".
    told : str
        The measurement in words, with both times.
    ratio : float
        The time of `slow` over that of `fast`; nan where there is none.
    where : str
        Machine and day.
    digits : int
        How many of the ratio's are left by noise.
    """

    evidence: Any
    verdict: str
    told: str
    ratio: float = math.nan
    where: str = ""
    digits: int = 2

    @property
    def times(self) -> str:
        """The ratio in words, "" where there is none."""
        return "" if math.isnan(self.ratio) else units.ratio(self.ratio, self.digits)

    @property
    def words(self) -> str:
        """The measurement in one line, with its ratio, machine and day."""
        ratio = f" ({self.times})" if self.times else ""
        place = f" [{self.where}]" if self.where else ""
        return f"{self.told}{ratio}{place}"


@dataclass(frozen=True)
class Rule:
    """A piece of advice and what it rests on.

    Attributes
    ----------
    name : str
        Short, for addresses.
    advice : str
        The library or libraries.
    asks : str
        The conditions as one question.
    when : Mapping
        An answer for each question that counts.
    why : str
        One sentence.
    page : str
        The lecture that teaches it, as part/stem.
    rests, against : tuple
        Evidence for the rule, and examples against it.
    """

    name: str
    advice: str
    asks: str
    when: Answers
    why: str
    page: str
    rests: tuple[Any, ...]
    against: tuple[Any, ...]

    def fits(self, answers: Answers) -> bool:
        """Return whether every condition is met."""
        return all(answers[name] == value for name, value in self.when.items())

    def findings(self, library: Library) -> tuple[list[Finding], list[Finding]]:
        """Return what the records say for the rule and against it."""
        found = [e.find(library) for e in self.rests]
        return found, [e.find(library) for e in self.against]

    def backed(self, library: Library) -> bool | None:
        """Return whether all that it rests on is as said; None if not all is known."""
        verdicts = {finding.verdict for finding in self.findings(library)[0]}
        if "not so" in verdicts:
            return False
        return True if verdicts == {"as said"} else None


RULES = (
    Rule(
        "array-api",
        "the array API standard",
        "Arrays of any library?",
        {"arrays": "any"},
        "One function on `array_namespace` serves every library that follows the "
        "standard, at the speed of the library below.",
        "ecosystem/array_api",
        (
            Evidence(
                "Portable lines take no longer than the same lines in NumPy",
                *("grid_max", "array_api_broadcast", "numpy_broadcast"),
                alike=True,
            ),
        ),
        (
            Evidence(
                "What one library alone can say, a compiled loop with a cosine of its "
                "own, is ahead of the portable lines",
                *("grid_max", "numba_polynomial", "array_api_broadcast"),
            ),
        ),
    ),
    Rule(
        "dask",
        "Dask",
        "Larger than memory?",
        {"data": "large"},
        "It cuts the data into blocks and holds a few of them at a time.",
        "dask/larger_than_memory",
        (
            OutOfCore(
                "A mean over many times the allowed memory comes to its end",
                *("symmetric_mean", "rewritten"),
            ),
            OutOfCore(
                "NumPy alone cannot even begin",
                *("symmetric_mean", "NumPy, all at once"),
                finishes=False,
            ),
        ),
        (
            OutOfCore(
                "With chunks that are too large, Dask fails as well",
                *("symmetric_mean", "as written, chunks of 10,000"),
                finishes=False,
            ),
            Evidence(
                "Where the data fit, its blocks of NumPy lose to a compiled loop",
                *("column_stats", "numba_one_pass", "dask_blocks"),
            ),
        ),
    ),
    Rule(
        "jax",
        "JAX",
        "Derivatives?",
        {"derivatives": "yes"},
        "It differentiates the program, and compiles what comes of it.",
        "jax/grad",
        (
            Evidence(
                "The derivative that JAX makes takes no longer than the same gradient "
                "written by hand in JAX",
                *("regression", "jax_grad", "jax_hand"),
                alike=True,
            ),
            Evidence(
                "Reverse mode is ahead of a derivative for each weight",
                *("regression", "jax_grad", "jax_forward"),
            ),
        ),
        (
            Evidence(
                "A gradient worked out by hand, in one pass of Numba, is ahead",
                *("regression", "numba_fused", "jax_grad"),
            ),
        ),
    ),
    Rule(
        "cupy",
        "CuPy",
        "A busy GPU, and whole arrays?",
        {"gpu": "yes", "work": "whole"},
        "NumPy's lines run on the GPU; keep the data there.",
        "cupy/cupy_arrays",
        (
            Evidence(
                "NumPy's lines on the GPU are ahead of the best compiled loop on the "
                "CPU, for data that are already there",
                *("column_stats", "cupy_usual", "numba_one_pass"),
                gpu="fast",
            ),
        ),
        (
            Evidence(
                "On small data the launches cost more than the work: NumPy on the CPU "
                "is ahead of the same lines on the GPU",
                *("quadratic_ensemble", "numpy_out", "cupy_loop"),
                size="smallest",
                gpu="slow",
            ),
        ),
    ),
    Rule(
        "kernel",
        "a CUDA kernel, in CuPy or numba.cuda",
        "A busy GPU, and steps or choices?",
        {"gpu": "yes", "work": "steps"},
        "A thread for each of many chains; each leaves when it is done.",
        "cupy/kernels",
        (
            Evidence(
                "Where points take different times, a kernel of our own is ahead of "
                "the lanes of Numba on the CPU",
                *("escape_time", "cupy_raw", "numba_lanes"),
                gpu="fast",
            ),
        ),
        (
            Evidence(
                "A single chain is work for a single thread, and a loop on the CPU is "
                "ahead of the kernel",
                *("quadratic_map", "numba_buffer", "cupy_raw"),
                gpu="slow",
            ),
        ),
    ),
    Rule(
        "numba",
        "Numba",
        "Steps that wait, or choices?",
        {"work": "steps"},
        "A loop is the plainest way to say it, and Numba compiles the loop.",
        "numba/njit",
        (
            Evidence(
                "The plain loop, compiled, is ahead of the best that NumPy can say",
                *("stateful_filter", "numba_loop", "numpy_lanes"),
            ),
            Evidence(
                "One chain of steps: NumPy has no word for it",
                *("quadratic_map", "numba_serial", "numpy_loop"),
            ),
        ),
        (
            Evidence(
                "With many chains, NumPy over all of them at each step is ahead of "
                "the plain compiled loop over each",
                *("quadratic_ensemble", "numpy_out", "numba_serial"),
            ),
        ),
    ),
    Rule(
        "numpy",
        "NumPy",
        "Once, or a few times?",
        {"calls": "once"},
        "Nothing has to be compiled before it begins.",
        "start/measuring",
        (
            Evidence(
                "NumPy has finished before the compiled loop begins",
                *("regression", "numpy_hand", "numba_fused"),
                column="first",
            ),
        ),
        (
            Evidence(
                "Work of seconds pays for compiling at once",
                *("heat", "numba_parallel", "numpy_slicing"),
                column="first",
            ),
        ),
    ),
    Rule(
        "numpy-numba",
        "NumPy, with Numba for what takes long",
        "Everything else",
        {},
        "Write it in NumPy, measure, and compile the loop that the time is spent in.",
        "numba/parallel",
        (
            Evidence(
                "A compiled loop that goes through memory once is ahead of the lines",
                *("column_stats", "numba_one_pass", "numpy_usual"),
            ),
            Evidence(
                "A compiled stencil is ahead of NumPy written with care",
                *("heat", "numba_parallel", "numpy_blocked"),
            ),
        ),
        (
            Evidence(
                "Compiled in the wrong order, a loop loses to NumPy in place",
                *("column_stats", "numpy_in_place", "numba_columns"),
            ),
            Evidence(
                "A better algorithm in NumPy is ahead of the plain one, compiled",
                *("savings", "numpy_optimistic", "numba_parallel"),
            ),
        ),
    ),
)


def choose(answers: Answers) -> Rule:
    """Return the first rule that fits; an answer for every question is needed."""
    for question in QUESTIONS:
        if answers.get(question.name) not in question.answers:
            known = ", ".join(map(repr, question.answers))
            raise ValueError(
                f"{question.name!r} is {answers.get(question.name)!r}, expected one of "
                f"{known}: answer every question"
            )
    return next(rule for rule in RULES if rule.fits(answers))


def rule(name: str) -> Rule:
    """Return the rule of a name."""
    return next(rule for rule in RULES if rule.name == name)


def combinations() -> Iterator[dict[str, str]]:
    """Yield all ways to answer all questions."""
    names = [question.name for question in QUESTIONS]
    for values in product(*(question.answers for question in QUESTIONS)):
        yield dict(zip(names, values, strict=True))


def data() -> dict[str, Any]:
    """Return questions and rules as plain data, for the script of the site."""
    return {
        "questions": [question.name for question in QUESTIONS],
        "rules": [{"name": r.name, "when": dict(r.when)} for r in RULES],
    }


# The guide in words


@dataclass(frozen=True, repr=False)
class Guide:
    """All rules as a list, in the order in which they are asked."""

    library: Library = field(default_factory=records.load)

    def __repr__(self) -> str:
        lines = [f"{i}. {r.asks} -> {r.advice}" for i, r in enumerate(RULES, 1)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html.block(listing(self.library))


def listing(library: Library, link: Callable[[Rule], str] | None = None) -> str:
    """Return the rules as an ordered list of HTML; `link` gives a rule's address."""
    items = []
    for one in RULES:
        state = {True: "backed", False: "not backed", None: "not measured yet"}
        verdict = state[one.backed(library)]
        badge = html.badge(verdict, bad=verdict != "backed")
        advice = f"<strong>{escape(one.advice)}</strong>"
        if link:
            advice = f'<a href="{escape(link(one), quote=True)}">{advice}</a>'
        advice = f'<span class="bn-advice">{advice}</span>'
        rests, against = one.findings(library)
        lines = "".join(
            f"<li>{kind}: {escape(f'{found.evidence.says}. {found.words}.')}</li>"
            for kind, findings in (("For", rests), ("Against", against))
            for found in findings
        )
        items.append(
            f'<li class="bn-rule" id="rule-{one.name}"><p>{escape(one.asks)} '
            f"→ {advice} {badge}<br>{_code(one.why)}</p><ul>{lines}</ul></li>"
        )
    return f'<ol class="bn-guide">{"".join(items)}</ol>'


def _code(text: str) -> str:
    """Return a sentence as HTML, what stands in backticks as code."""
    parts = escape(text).split("`")
    return "".join(
        f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts)
    )


@dataclass(frozen=True, repr=False)
class Grounds:
    """The measurements for a rule and against it, as a table."""

    rule: Rule
    library: Library = field(default_factory=records.load)

    def _rows(self) -> list[tuple[str, ...]]:
        rests, against = self.rule.findings(self.library)
        return [
            (
                kind,
                f"{finding.evidence.says}.",
                finding.told,
                finding.times,
                finding.verdict,
                finding.where,
            )
            for kind, found in (("for", rests), ("against", against))
            for finding in found
        ]

    def __repr__(self) -> str:
        return "\n".join(" | ".join(filter(None, row)) for row in self._rows())

    def _repr_html_(self) -> str:
        head = ("speaks", "what it shows, and what was measured", "ratio", "verdict")
        rows = []
        for kind, says, told, ratio, verdict, place in self._rows():
            told = f"{told}, {place}" if place else told
            words = f"{escape(says)}<br><small>{escape(told)}</small>"
            badge = html.badge(verdict, bad=verdict != "as said")
            rows.append((escape(kind), words, escape(ratio), badge))
        caption = f"{self.rule.asks} → {self.rule.advice}: what it rests on."
        return html.block(html.table(caption, head, rows, words=1))


# One call


class OneOff(NamedTuple):
    """A single call, compiling included: the usual NumPy against all others."""

    run: Run
    numpy: float  # s
    name: str  # of the quickest other
    other: float  # s

    @property
    def first(self) -> bool:
        """Whether NumPy is done first."""
        return self.numpy < self.other


def one_off(library: Library) -> list[OneOff]:
    """Return for each case and size who is first when there is one call only.

    The first call of the usual NumPy against the shortest first call of any version of
    another library on the CPU; on this machine, else the one that was recorded last.
    Importing a library is not counted.
    """
    runs = chosen(library)
    here = [run for run in runs if _is_here(run)]
    newest = max((run.record.date for run in runs), default="")
    found = []
    for run in here or [run for run in runs if run.record.date == newest]:
        base = row_of(run, usual(run.case))
        rows = [
            row
            for row in (f.measurement for f in timed(run))
            if row["device"] == "cpu" and row.get("first")
            if row["library"] not in ("numpy", "python", "array_api")
            if row["library"] == "dask" or row.get("compiled")  # else another did it
        ]
        if base and base.get("first") and rows:
            best = min(rows, key=lambda row: row["first"])
            told = base["first"], best["implementation"], best["first"]
            found.append(OneOff(run, *told))
    return found


def one_off_table(found: Iterable[OneOff]) -> str:
    """Return a line a case, a column a size: who is done first, and both times."""
    lines: dict[str, list[OneOff]] = {}
    for one in found:
        lines.setdefault(one.run.case, []).append(one)
    most = max(map(len, lines.values()), default=0)
    rows = [
        (escape(case), *map(_first_in_words, ones), *[""] * (most - len(ones)))
        for case, ones in lines.items()
    ]
    places = {where(one.run) for ones in lines.values() for one in ones}
    caption = f"One call, compiling included: who is done first. {'; '.join(places)}."
    head = ("case", *("small", "larger", "largest")[:most], *["more"] * (most - 3))
    return html.block(html.table(caption, head, rows))


def _first_in_words(one: OneOff) -> str:
    """Return who is first, and below who is not, as HTML."""
    pairs = [("NumPy", one.numpy), (one.name, one.other)]
    first, second = pairs if one.first else reversed(pairs)
    told = [
        f"{escape(name)} {units.seconds(time, 2)}" for name, time in (first, second)
    ]
    return f"<strong>{told[0]}</strong><br>{told[1]}"


def _is_here(run: Run) -> bool:
    return records.identity(run.record.machine) == records.identity(machine().json())


# The drawn tree


def tree() -> Any:
    """Return the rules as a drawing: questions down the left, advice to the right."""
    from arraylab import figures

    height = 0.8 * len(RULES) + 0.4
    fig, ax = figures.axes(6.4, height)
    ax.set_axis_off()
    ax.set(xlim=(0, 10), ylim=(-len(RULES) + 0.4, 0.6))
    box = {"boxstyle": "round,pad=0.4", "fc": "none", "ec": figures.INK}
    arrow = {"arrowstyle": "->", "color": figures.INK}
    told = []
    for i, one in enumerate(RULES):
        last = not one.when
        words = {"va": "center", "fontsize": 10, "color": figures.INK}
        ax.text(0.1, -i, "\n".join(_wrapped(one.asks)), bbox=box, **words)
        ax.text(5.6, -i, "\n".join(_wrapped(one.advice)), weight="bold", **words)
        ax.annotate("", (5.5, -i), (4.5, -i), arrowprops=arrow)
        if not last:
            ax.text(4.75, -i + 0.18, "yes", fontsize=9, color=figures.INK)
            ax.annotate("", (0.6, -i - 0.66), (0.6, -i - 0.34), arrowprops=arrow)
            ax.text(0.7, -i - 0.5, "no", va="center", fontsize=9, color=figures.INK)
        told.append(f"{one.asks} {'Then' if last else 'If yes,'} {one.advice}.")
    alt = f"A list of questions, each with an arrow to its advice: {' '.join(told)}"
    caption = "The rules in order: the first question answered by yes decides."
    return figures.show(fig, alt=alt, caption=caption)


def _wrapped(text: str, most: int = 24) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


# The chooser of a notebook


def chooser(library: Library | None = None) -> Any:
    """Return a widget that asks the questions and shows the rule that fits.

    Without ipywidgets the guide in words is returned.
    """
    library = records.load() if library is None else library
    try:
        import ipywidgets as widgets
    except ImportError:
        return Guide(library)
    answer = widgets.HTML()
    controls = {}
    for question in QUESTIONS:
        options = [(words, key) for key, words in question.answers.items()]
        controls[question.name] = widgets.RadioButtons(
            options=options, layout=widgets.Layout(width="auto")
        )

    def show(_: Any = None) -> None:
        told = choose({name: control.value for name, control in controls.items()})
        answer.value = advice(told, library)

    for control in controls.values():
        control.observe(show, "value")
    show()
    parts = []
    for question in QUESTIONS:
        parts += [
            widgets.HTML(f"<strong>{escape(question.text)}</strong>"),
            controls[question.name],
        ]
    box = widgets.VBox([*parts, answer])
    box.controls, box.answer = controls, answer  # for those who drive it by code
    return box


def advice(told: Rule, library: Library) -> str:
    """Return a rule and its grounds as HTML."""
    head = f"<p>Use <strong>{escape(told.advice)}</strong>. {_code(told.why)}</p>"
    return head + Grounds(told, library)._repr_html_()
