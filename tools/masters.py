"""The masters of the exercises: one file a set, from which everything else follows.

`parse` reads ``solutions/<set>.md``; `solution_page` is that file as the site shows and
runs it, `student_page` the exercise page.  CONTRIBUTING.md describes the format.
"""

import ast
import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FOLDER = "solutions"
STUDENTS = "exercises"
LEVELS = ("warm-up", "exercise", "challenge", "open")
TAGS = {"answer", "tests"}
OWN = {"question", "hint", "next", "rubric"}
FENCE = re.compile(r"^(`{3,}|:{3,})(?:\{([\w:-]+)\})?[ \t]*(.*)$")
SOLUTION = re.compile(
    r"^(?P<indent>[ \t]*)# BEGIN SOLUTION\n(?P<solution>.*?)"
    r"(?:^[ \t]*# INSTEAD\n(?P<instead>.*?))?^[ \t]*# END SOLUTION[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
PLACE = "**Your answer**, in this cell:"  # of an open question
ACTS = ("show", "hide")  # what a folded cell offers
CHECKS = "Checks of all questions: run this cell; you need not read it"


class Malformed(Exception):
    """A master does not keep to the format; each line says where and what."""


@dataclass
class Part:
    """A piece of a page: prose, or a directive with its text."""

    line: int
    text: str
    name: str = ""  # of the directive; "" for prose
    argument: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    body: str = ""

    @property
    def tags(self) -> set[str]:
        """The tags of a code cell."""
        return {str(tag) for tag in self.options.get("tags") or []}

    @property
    def wrong(self) -> bool:
        """Whether this is a wrong answer on record."""
        return self.name == "code-cell" and self.body.startswith("%%wrong")


@dataclass
class Question:
    """A question of a set."""

    name: str
    title: str
    line: int
    level: str = ""
    minutes: int = 0
    by_hand: float = 0  # points that a person gives
    prompt: list[Part] = field(default_factory=list)
    answer: list[Part] = field(default_factory=list)
    tests: list[Part] = field(default_factory=list)
    after: list[Part] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    next: str = ""
    rubric: str = ""

    @property
    def open(self) -> bool:
        """Whether a person judges it."""
        return self.level == "open"

    @property
    def names(self) -> list[str]:
        """The names that an answer binds."""
        found: list[str] = []
        for part in self.answer:
            found += bound(solved(part.body))
        return list(dict.fromkeys(found))

    @property
    def checks(self) -> list["Check"]:
        """The tests, in order."""
        return [check for part in self.tests for check in checks_in(part.body)]

    @property
    def points(self) -> float:
        """What it is worth; hidden tests count."""
        return self.by_hand + sum(check.points for check in self.checks)


@dataclass
class Check:
    """A test function in the text of a master."""

    name: str
    points: float
    hidden: bool
    source: str


@dataclass
class Master:
    """A set of exercises."""

    stem: str
    front: dict[str, Any]
    title: str
    intro: list[Part]
    questions: list[Question]
    closing: list[Part]

    @property
    def minutes(self) -> int:
        """What all questions take."""
        return sum(q.minutes for q in self.questions)

    @property
    def points(self) -> float:
        """What all questions are worth."""
        return sum(q.points for q in self.questions)


# -- code of cells --------------------------------------------------------------------


def plain(code: str) -> str:
    """Return a cell as Python: magics as comments."""
    lines = code.splitlines()
    if lines and lines[0].startswith("%%"):
        lines[0] = "# " + lines[0]
    return "\n".join(re.sub(r"^(\s*)[%!]", r"\1# ", line) for line in lines)


def bound(code: str) -> list[str]:
    """Return the names that a cell binds at its top level, but for imports."""
    found: list[str] = []
    for node in ast.parse(plain(code)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.append(node.name)
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            found += [
                name.id
                for name in ast.walk(node)
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
            ]
    return [name for name in found if not name.startswith("_")]


def solved(code: str) -> str:
    """Return an answer without the marks, solution inside."""
    return SOLUTION.sub(lambda m: m["solution"].removesuffix("\n"), code)


def stub(code: str) -> str:
    """Return an answer as the learner gets it."""

    def left(match: re.Match[str]) -> str:
        indent = match["indent"]
        if match["instead"] is None:
            return f"{indent}..."
        lines = match["instead"].rstrip("\n").split("\n")
        return "\n".join(re.sub(r"^([ \t]*)# ?", r"\1", line) for line in lines)

    return SOLUTION.sub(left, code)


def checks_in(code: str) -> list[Check]:
    """Return the test functions of a cell.

    Raises
    ------
    ValueError, SyntaxError
        If it has something else.
    """
    found, lines = [], code.splitlines()
    for node in ast.parse(plain(code)).body:
        if not isinstance(node, ast.FunctionDef) or not node.decorator_list:
            raise ValueError(
                f"`{lines[node.lineno - 1].strip()}`: a tests cell holds functions "
                "under @test(...) only; other code goes into a cell without tags"
            )
        mark = node.decorator_list[0]
        call = mark if isinstance(mark, ast.Call) else ast.Call(mark, [], [])
        if ast.unparse(call.func) != "test":
            raise ValueError(f"`{node.name}` needs @test(...) as its first decorator")
        given = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
        points = ast.literal_eval(call.args[0]) if call.args else given.get("points", 1)
        source = "\n".join(lines[mark.lineno - 1 : node.end_lineno])
        found.append(Check(node.name, points, bool(given.get("hidden")), source))
    return found


# -- reading --------------------------------------------------------------------------


def parts(text: str, first: int = 1) -> list[Part]:
    """Return the pieces of a text of MyST, headings apart; `first` is its line."""
    lines, found, prose = text.split("\n"), [], []
    number, began = 0, 0

    def flush(end: int) -> None:
        piece = "\n".join(prose).strip("\n")
        if piece.strip():
            blank = next(i for i, line in enumerate(prose) if line.strip())
            found.append(Part(first + began + blank, piece))
        prose.clear()

    while number < len(lines):
        line = lines[number]
        fence = FENCE.match(line)
        if fence:
            mark, name, argument = fence.groups()
            end = number + 1
            closing = re.compile(rf"^{re.escape(mark[0])}{{{len(mark)},}}\s*$")
            while end < len(lines) and not closing.match(lines[end]):
                end += 1
            if end == len(lines):
                raise Malformed(f"line {first + number}: this fence is never closed")
            block = lines[number : end + 1]
            if name:
                flush(number)
                options, body = head_and_body(block[1:-1])
                whole = "\n".join(block)
                made = Part(first + number, whole, name, argument, options, body)
                found.append(made)
                began = end + 1
            else:
                prose += block
            number = end + 1
            continue
        if re.match(r"^#{1,2} ", line):
            flush(number)
            found.append(Part(first + number, line, "heading", line.lstrip("# ")))
            began = number + 1
        else:
            if not prose:
                began = number
            prose.append(line)
        number += 1
    flush(number)
    return found


def head_and_body(lines: list[str]) -> tuple[dict[str, Any], str]:
    """Return the options of a directive and its text."""
    options: dict[str, Any] = {}
    if lines and lines[0].strip() == "---":
        end = next(i for i in range(1, len(lines)) if lines[i].strip() == "---")
        options = yaml.safe_load("\n".join(lines[1:end])) or {}
        lines = lines[end + 1 :]
    else:
        while lines and (option := re.match(r"^:([\w-]+):\s*(.*)$", lines[0])):
            options[option[1]] = yaml.safe_load(option[2]) if option[2] else True
            lines = lines[1:]
    return options, "\n".join(lines).strip("\n")


def parse(path: Path) -> Master:
    """Return the master at `path`.

    Raises
    ------
    Malformed
        If it does not keep to the format; all that is wrong is said at once.
    """
    return parse_text(path.read_text(encoding="utf-8"), path.stem)


def parse_text(text: str, stem: str) -> Master:
    """Return a master from its text; see `parse`."""
    head = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    if not head:
        raise Malformed("line 1: a master begins with front matter between --- lines")
    front = yaml.safe_load(head[1]) or {}
    found = parts(text[head.end() :], 1 + head[0].count("\n"))
    wrong: list[str] = []
    titles = [p for p in found if p.name == "heading" and p.text.startswith("# ")]
    if len(titles) != 1 or found[0] is not titles[0]:
        raise Malformed("a master has one title, `# Exercises: …`, and begins with it")
    title = titles[0].argument
    if not title.startswith("Exercises"):
        wrong.append(
            f"line {titles[0].line}: the title begins with the word Exercises, which "
            "becomes Solutions on the page of the solutions"
        )
    master = Master(stem, front, title, [], [], [])
    for section in sections(found[1:]):
        names = [p for p in section if p.name == "question"]
        if not names:
            place = master.closing if master.questions else master.intro
            place += section
        else:
            master.questions.append(question_of(section, wrong))
    wrong += problems(master)
    if wrong:
        raise Malformed("\n".join(wrong))
    return master


def sections(found: list[Part]) -> list[list[Part]]:
    """Return the parts in lists that begin with a heading, but for the first."""
    made: list[list[Part]] = [[]]
    for part in found:
        if part.name == "heading":
            made.append([])
        made[-1].append(part)
    return [section for section in made if section]


def question_of(section: list[Part], wrong: list[str]) -> Question:
    """Return a section as a question; what is wrong is added to `wrong`."""
    head = next(p for p in section if p.name == "question")
    heading = section[0]
    if heading.name != "heading":
        wrong.append(f"line {head.line}: a question needs a heading `## …` above it")
    made = Question(head.argument.strip(), heading.argument, head.line)
    made.level = str(head.options.get("level", ""))
    minutes, points = head.options.get("minutes", 0), head.options.get("points", 0)
    made.minutes = minutes if isinstance(minutes, int) else 0
    made.by_hand = points if isinstance(points, int | float) else 0
    unknown = head.options.keys() - {"level", "minutes", "points"}
    if unknown:
        wrong.append(f"line {head.line}: {{question}} knows no {', '.join(unknown)}")
    answered = False
    for part in section:
        if part is head or part.name == "heading":
            continue
        if part.name == "hint":
            made.hints.append(" ".join(part.body.split()))
            if "```" in part.body:
                wrong.append(f"line {part.line}: a hint is flowing text, with `code`")
        elif part.name == "next":
            made.next = " ".join(part.body.split())
        elif part.name == "rubric":
            made.rubric, answered = part.body, True
        elif "answer" in part.tags:
            made.answer.append(part)
            answered = True
        elif "tests" in part.tags:
            made.tests.append(part)
        else:
            (made.after if answered else made.prompt).append(part)
    return made


def problems(master: Master) -> list[str]:
    """Return what is wrong with a master that could be read."""
    found = []
    course = master.front.get("course") or {}
    for name in ("device", "objectives", "prerequisites"):
        if name not in course:
            found.append(f"line 1: the front matter lacks course: {name}")
    meta = (master.front.get("myst") or {}).get("html_meta") or {}
    if not 50 <= len(meta.get("description", "")) <= 145:
        found.append("line 1: myst: html_meta: description has 50 to 145 characters")
    if not master.questions:
        found.append("line 1: there is no question: a `## heading`, then {question} q1")
    for number, question in enumerate(master.questions, 1):
        if question.name != f"q{number}":
            found.append(
                f"line {question.line}: question number {number} is called "
                f"{question.name or 'nothing'}, expected q{number}"
            )
        for problem in question_problems(question):
            found.append(f"line {question.line}, {question.name}: {problem}")
    return found


def question_problems(question: Question) -> list[str]:
    """Return what is wrong with a question."""
    found = []
    if question.level not in LEVELS:
        found.append(f":level: is one of {', '.join(LEVELS)}, got {question.level!r}")
    if not 1 <= question.minutes <= 120:
        found.append(":minutes: is missing, from 1 to 120")
    if not question.prompt:
        found.append("it asks nothing: there is no text before the answer")
    if not question.hints:
        found.append("there is no {hint}")
    if not question.after:
        found.append("nothing explains the solution after the answer")
    if question.open:
        if not question.rubric:
            found.append("an open question has a {rubric}")
        if not question.by_hand > 0:
            found.append("an open question says its :points:")
        return found
    if not question.next:
        found.append("there is no {next}: what to try once all tests pass")
    if question.by_hand:
        found.append(":points: is for open questions; tests bring their own")
    if not question.answer:
        found.append("there is no code cell with the tag answer")
    if not question.tests:
        found.append("there is no code cell with the tag tests")
    found += code_problems(question)
    if not any(part.wrong for part in question.after):
        found.append("there is no wrong answer on record: a cell with %%wrong TEST")
    return found


def code_problems(question: Question) -> list[str]:
    """Return what is wrong with the code of a question."""
    found = []
    for part in question.answer:
        if not SOLUTION.search(part.body):
            found.append(
                f"the answer cell in line {part.line} has no # BEGIN SOLUTION … "
                "# END SOLUTION"
            )
        for version in (solved(part.body), stub(part.body)):
            try:
                ast.parse(plain(version))
            except SyntaxError as error:
                found.append(
                    f"the answer cell in line {part.line} is no Python once "
                    f"{'solved' if version == solved(part.body) else 'a stub'}: {error}"
                )
    names: list[str] = []
    for part in question.tests:
        try:
            names += [check.name for check in checks_in(part.body)]
        except (SyntaxError, ValueError) as error:
            found.append(f"the tests cell in line {part.line}: {error}")
    twice = {name for name in names if names.count(name) > 1}
    found += [f"two tests are called {name}" for name in sorted(twice)]
    for part in question.after:
        if part.wrong:
            asked = part.body.split("\n", 1)[0].removeprefix("%%wrong")
            for name in filter(None, re.split(r"[,\s]+", asked)):
                if names and name not in names:
                    found.append(
                        f"the wrong answer in line {part.line} names the test "
                        f"{name!r}; there are {', '.join(names)}"
                    )
    return found


# -- writing --------------------------------------------------------------------------


def quoted(text: str) -> str:
    """Return a text as Python, wrapped so that no line is long."""
    if not re.search(r'["\\\n]', text) and len(text) < 60:
        return f'"{text}"'
    safe = text.replace("\\", "\\\\").replace('"""', '\\"""')
    lines = textwrap.wrap(safe, 72, break_long_words=False, break_on_hyphens=False)
    end = " " if lines[-1].endswith('"') else ""
    return '"""' + "\n".join(lines) + f'{end}"""'


def announced(question: Question) -> str:
    """Return the code that names a question to `arraylab.exercises`."""
    lines = ["question(", f'    "{question.name}",', f"    {quoted(question.title)},"]
    names = ", ".join(f'"{name}"' for name in question.names)
    lines.append(f"    answers=[{names}],")
    if question.hints:
        lines.append("    hints=[")
        lines += [f"        {quoted(hint)}," for hint in question.hints]
        lines.append("    ],")
    if question.next:
        lines.append(f"    next={quoted(question.next)},")
    return "\n".join([*lines, ")"])


def imported(code: str, always: tuple[str, ...]) -> str:
    """Return the import of what `code` uses of the checks."""
    from arraylab.exercises import __all__ as known

    used = sorted({*always, *(set(known) & set(re.findall(r"\w+", code)))})
    words = re.findall(r"\w+", code)
    lines = "\n".join(
        f"    {name}," + ("" if name in words or name == "check" else "  # noqa: F401")
        for name in used
    )
    return f"from arraylab.exercises import (\n{lines}\n)"


def cell(code: str, *tags: str, called: str = "") -> str:
    """Return a code cell of MyST; a folded one is `called` something on the page."""
    told = f":tags: [{', '.join(tags)}]\n\n" if tags else ""
    if called:
        said = [f"  code_prompt_{act}: {act.capitalize()} {called}" for act in ACTS]
        lines = ["---", "mystnb:", *said, f"tags: [{', '.join(tags)}]", "---", ""]
        told = "\n".join(lines)
    return f"```{{code-cell}} ipython3\n{told}{code.strip()}\n```"


def summary(question: Question) -> str:
    """Return the line below the heading of a question."""
    kind = {"exercise": "Exercise", "open": "Open question"}.get(question.level)
    kind = kind or question.level.capitalize()
    points = f"{question.points:g} point" + ("" if question.points == 1 else "s")
    minutes = f"{question.minutes} minute" + ("" if question.minutes == 1 else "s")
    return f"*{kind} · {minutes} · {points}*"


def headed(master: Master, title: str, description: str, **more: Any) -> str:
    """Return the front matter of a page."""
    front = {**master.front, **more}
    front["course"] = {"minutes": master.minutes, **(front.get("course") or {})}
    meta = dict((front.get("myst") or {}).get("html_meta") or {})
    front["myst"] = {**(front.get("myst") or {}), "html_meta": meta}
    meta["description"] = description
    text = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=10_000)
    return f"---\n{text}---\n\n{title}"


def folded(title: str, text: str) -> str:
    """Return a text as a folded box."""
    return f"````{{admonition}} {title}\n:class: dropdown\n\n{text}\n````"


def solution_page(master: Master) -> str:
    """Return the page of the solutions, with the checks and the wrong answers run."""
    title = re.sub(r"^Exercises", "Solutions", master.title)
    said = master.front["myst"]["html_meta"]["description"]
    out = [headed(master, f"(solutions-{master.stem})=\n# {title}", f"Solved: {said}")]
    out.append(
        f"These are the solutions of {{doc}}`/{STUDENTS}/{master.stem}`: try that page "
        "first, it tells you how you stand.\n"
        "Each answer is judged here by the same checks, and so are wrong answers, to "
        "show what the checks see."
    )
    everything = "\n".join(
        part.body for q in master.questions for part in [*q.tests, *q.after]
    )
    setup = imported(everything, ("check", "question", "test"))
    out.append(cell(f"{setup}\n\n%load_ext arraylab", "checks", "remove-cell"))
    out += [part.text for part in master.intro]
    for number, question in enumerate(master.questions, 1):
        out += solved_question(master, number, question)
    return joined([*out, *(part.text for part in master.closing)])


def solved_question(master: Master, number: int, question: Question) -> list[str]:
    """Return a question with its solution."""
    out = [f"(solution-{master.stem}-{question.name})=\n"]
    out[0] += f"## Question {number}: {question.title}"
    out.append(summary(question))
    out += [part.text for part in question.prompt]
    out += [folded(f"Hint {i}", hint) for i, hint in enumerate(question.hints, 1)]
    if question.open:
        out.append(f"**How it is marked**\n\n{question.rubric}")
        return out + [part.text for part in question.after]
    answers = [solved(part.body) for part in question.answer]
    out += [cell(code, "hide-input", called="the solution") for code in answers]
    out.append(cell(announced(question), "checks", "remove-cell"))
    tests = [part.body for part in question.tests]
    out += [cell(t, "tests", "hide-input", called="the checks") for t in tests]
    out.append(cell(f'check("{question.name}")', "check", "remove-input"))
    return out + [part.text for part in question.after]


def student_page(master: Master) -> str:
    """Return the exercise page."""
    said = master.front["myst"]["html_meta"]["description"]
    top = f"(exercises-{master.stem})=\n# {master.title}"
    out = [headed(master, top, said, exercises=master.stem)]
    out.append(
        "% Made from the master in solutions/ by `make exercises`; not to be edited."
    )
    hidden = sum(c.points for q in master.questions for c in q.checks if c.hidden)
    by_hand = sum(q.by_hand for q in master.questions)
    told = [f"{master.points - hidden - by_hand:g} by the checks below"]
    told += [f"{hidden:g} by checks that only graders have"] if hidden else []
    told += [f"{by_hand:g} by a reader"] if by_hand else []
    out.append(
        f"{len(master.questions)} questions, {master.points:g} points: "
        f"{', '.join(told)}.\n"
        "Write each answer in place of the `...`, run its cell, and then "
        '`check("q1")`: it says what holds, what does not yet, and why.\n'
        'Where you are stuck, `hint("q1")` says a little more each time.'
    )
    out += [part.text for part in master.intro]
    checks = all_checks(master)
    out.append(cell(checks, "checks", "hide-input", called="the checks"))
    for number, question in enumerate(master.questions, 1):
        out += asked_question(master, number, question)
    return joined([*out, *(part.text for part in master.closing)])


def all_checks(master: Master, hidden: bool = False) -> str:
    """Return the one cell that holds the checks of all questions."""
    blocks = []
    for question in master.questions:
        if question.open and not question.hints:
            continue
        shown = [c.source for c in question.checks if hidden or not c.hidden]
        blocks.append("\n\n\n".join([announced(question), *shown]))
    code = "\n\n\n".join(blocks)
    always = ("check", "hint", "question", "test")
    return f"{imported(code, always)}\n\n{code}"


def asked_question(master: Master, number: int, question: Question) -> list[str]:
    """Return a question as a learner gets it."""
    out = [f"(exercise-{master.stem}-{question.name})=\n"]
    out[0] += f"## Question {number}: {question.title}"
    out.append(summary(question))
    out += [part.text for part in question.prompt]
    hints = [folded(f"Hint {i}", hint) for i, hint in enumerate(question.hints, 1)]
    link = (
        f"{{ref}}`Solution of question {number} <solution-{master.stem}-"
        f"{question.name}>`"
    )
    site = "\n\n".join(hints)
    out.append(f":::::{{only}} html\n{site}\n:::::")
    if question.open:
        out.append(f"+++\n\n{PLACE}\n\n*Write it here.*\n\n+++")
    else:
        out += [cell(stub(part.body), "answer") for part in question.answer]
        out.append(cell(f'check("{question.name}")', "check"))
    return [*out, f":::::{{only}} html\n{link}\n:::::"]


def joined(pieces: list[str]) -> str:
    """Return the pieces of a page with a line between."""
    return "\n\n".join(piece.strip("\n") for piece in pieces) + "\n"


def published(path: Path, text: str) -> str:
    """Return the text of a page as the site reads it; masters become solutions."""
    if path.parent.name != FOLDER:
        return text
    return solution_page(parse_text(text, path.stem))
