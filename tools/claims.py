"""The claims of the course: who says what, where it is judged, what the runs found.

The list of what others say is ``lectures/ecosystem/claims.yml``.  Which lecture judges
a claim is read from its code, and a verdict only from what an execution left behind: in
an executed notebook, or in the record of a machine.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from arraylab.notebooks import collect
from arraylab.records import Library
from tools import execute
from tools.pages import label

LIST = Path("lectures", "ecosystem", "claims.yml")
THEIRS = re.compile(r"([A-E])([0-9]+)([a-z]?)")
ONLY_IF = "holds only if"
UNDECIDED = "not decided"
UNMEASURED = "not measured"
DECIDED = ("holds", "fails")
WHY_NOT = "Not decided here: "
FORM = ("says", "by", "only_if", "instead", "parts", "waits")


@dataclass(frozen=True)
class Entry:
    """A claim that others make.

    `only_if` holds the parts that have to hold and to fail, and the condition that they
    make; `instead` is what the lecture says where the claim failed; `together` says
    that the claim has several halves, which all have to hold.
    """

    id: str
    says: str
    by: str
    only_if: Mapping[str, Any]
    instead: str = ""
    waits: str = ""
    together: bool = False


@dataclass(frozen=True)
class Part:
    """One place where a lecture judges something: its id, page and statement."""

    id: str
    page: str  # lectures/part/stem
    statement: str = ""  # "" where it is put together as the cell runs

    @property
    def main(self) -> str:
        """The id of the claim that this is a part of: "A12" of "A12b"."""
        theirs = THEIRS.fullmatch(self.id)
        return f"{theirs[1]}{theirs[2]}" if theirs else self.id


@dataclass(frozen=True)
class Verdict:
    """What one machine found: a word, the reason for it, and how old it is."""

    word: str
    note: str = ""
    statement: str = ""
    date: str = ""
    stale: bool = False  # the page's code has changed since


@dataclass(frozen=True)
class Ledger:
    """Everything that the page of claims shows.

    Attributes
    ----------
    groups : mapping
        Title and entries of each group of claims that others make.
    parts : tuple of Part
        In the order of the book.
    found : mapping
        By machine, what it said of each id.
    """

    groups: Mapping[str, tuple[str, tuple[Entry, ...]]]
    parts: tuple[Part, ...]
    found: Mapping[str, Mapping[str, Verdict]]

    def parts_of(self, id: str) -> list[Part]:
        """Return the places that judge a claim or a part of it, by id."""
        return sorted(
            (p for p in self.parts if p.main == id), key=lambda p: order(p.id)
        )

    def own(self) -> list[Part]:
        """Return the places that judge what this course says itself."""
        return [part for part in self.parts if not THEIRS.fullmatch(part.id)]

    def verdict(self, id: str, machine: str) -> Verdict:
        """Return what a machine said of one part."""
        return self.found.get(machine, {}).get(id, Verdict(UNMEASURED))

    def statement(self, part: Part) -> str:
        """Return what was judged, as it was put last."""
        told = [found[part.id] for found in self.found.values() if part.id in found]
        fresh = max(told, key=lambda one: one.date, default=None)
        return part.statement or (fresh.statement if fresh else "")

    def overall(self, entry: Entry, machine: str) -> Verdict:
        """Return a machine's verdict on a claim, from those on its parts.

        The part that has the claim's own id speaks for it; where there is none, and
        where the list says so, all of them have to hold.  A condition is named only
        where exactly the parts that it asks for have held and failed here.
        """
        parts = self.parts_of(entry.id)
        told = {part.id: self.verdict(part.id, machine) for part in parts}
        judged = {k: v for k, v in told.items() if v.word != UNMEASURED}
        if not judged:
            return Verdict(UNMEASURED)
        stale = any(one.stale for one in judged.values())
        if entry.only_if and all(
            told.get(id, Verdict("")).word == word
            for word in DECIDED
            for id in entry.only_if.get(word, ())
        ):
            return Verdict(ONLY_IF, entry.only_if["then"], stale=stale)
        own = None if entry.together else told.get(entry.id)
        words = [own.word] if own else [one.word for one in told.values()]
        for word in ("fails", UNDECIDED, UNMEASURED):
            if word in words:
                break
        else:
            word = "holds"
        note = entry.instead if word == "fails" else ""
        if word == UNDECIDED:
            note = next((one.note for one in told.values() if one.word == word), "")
        return Verdict(word, note, stale=stale)


def order(id: str) -> tuple[str, int, str]:
    """Return what sorts ids as people do: A2, A12, A12a."""
    theirs = THEIRS.fullmatch(id)
    return (theirs[1], int(theirs[2]), theirs[3]) if theirs else ("~", 0, id)


def anchor(id: str) -> str:
    """Return the name of the place of a claim, on its page and in the ledger."""
    return f"claim-{id.lower()}"


def listed(root: Path) -> dict[str, tuple[str, tuple[Entry, ...]]]:
    """Return title and claims of each group of the list.

    Raises
    ------
    ValueError
        If an entry has something that an entry does not have, or no sentence.
    """
    path = root / LIST
    if not path.is_file():
        return {}
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {
        name: (
            group["title"],
            tuple(
                entry(id, said, group["by"], name)
                for id, said in group["claims"].items()
            ),
        )
        for name, group in told.items()
    }


def entry(id: str, said: Mapping[str, Any], by: str, group: str) -> Entry:
    """Return an entry of the list, checked."""
    where = f"{LIST.as_posix()}: {id}"
    if said.keys() - {*FORM} or not said.get("says") or not id.startswith(group):
        raise ValueError(f"{where} is not of the form; it may have {', '.join(FORM)}")
    condition = said.get("only_if", {})
    if condition and (condition.keys() - {*DECIDED, "then"} or len(condition) < 2):
        raise ValueError(f"{where} has no condition under only_if")
    if said.get("parts", "all") != "all":
        raise ValueError(f"{where}: of parts, only 'all' can be said")
    return Entry(
        id,
        said["says"],
        said.get("by", by),
        condition,
        said.get("instead", ""),
        said.get("waits", ""),
        "parts" in said,
    )


# -- where claims are judged ----------------------------------------------------------


def plain(source: str) -> str:
    """Return a cell as Python: without the line of a cell magic, others as comments."""
    lines = source.lstrip().splitlines()
    if lines and lines[0].startswith("%%"):
        lines = lines[1:]
    return "\n".join(re.sub(r"^(\s*)[%!]", r"\1# ", line) for line in lines)


def judged(source: str) -> Iterator[tuple[str, str]]:
    """Yield id and statement of the claims that a cell judges.

    Where the id is put in by a loop, all ids of the list that the cell holds are meant,
    and the statement is left to the run.
    """
    try:
        tree = ast.parse(plain(source))
    except SyntaxError:  # another language's cell magic
        return
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) == "claim"
        and node.args
    ]
    for call in sorted(calls, key=lambda call: call.lineno):
        id = _text(call.args[0])
        if id:
            statement = _text(call.args[1]) if len(call.args) > 1 else ""
            yield id, statement
            continue
        for node in ast.walk(tree):
            if THEIRS.fullmatch(_text(node)):
                yield _text(node), ""


def _text(node: ast.AST) -> str:
    """Return a constant text, "" for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ""


def places(books: Mapping[str, Any]) -> list[Part]:
    """Return where the notebooks judge claims, each id once."""
    found: dict[str, Part] = {}
    for page, book in books.items():
        for cell in execute.codes(book):
            for id, statement in judged(cell.source):
                found.setdefault(id, Part(id, page, statement))
    return list(found.values())


# -- what the runs said ---------------------------------------------------------------


def verdict(claim: Mapping[str, Any], stale: bool = False) -> Verdict:
    """Return the verdict of a claim, as an execution left it."""
    evidence = claim.get("evidence", "")
    why = evidence.partition(WHY_NOT)[2].partition(". ")[0].rstrip(".")
    return Verdict(
        claim["verdict"],
        why if claim["verdict"] == UNDECIDED else "",
        claim.get("statement", ""),
        claim.get("date", ""),
        stale,
    )


def executed(root: Path, parts: Iterable[Part]) -> dict[str, dict[str, Verdict]]:
    """Return by machine what the executed notebooks of this build say."""
    found: dict[str, dict[str, Verdict]] = {}
    wanted: dict[str, set[str]] = {}
    for part in parts:
        wanted.setdefault(part.page, set()).add(part.id)
    for page, ids in wanted.items():
        path = root / execute.EXECUTED / f"{page}.ipynb"
        if not path.is_file():
            continue
        for claim in collect(json.loads(path.read_text("utf-8")), label(page)).claims:
            if claim["id"] in ids:
                machine = claim.get("machine") or "a machine"
                found.setdefault(machine, {})[claim["id"]] = verdict(claim)
    return found


def recorded(
    library: Library, parts: Iterable[Part], books: Mapping[str, Any]
) -> dict[str, dict[str, Verdict]]:
    """Return by machine what the records say, and whether pages have changed since."""
    parts = {part.id: part for part in parts}
    keys = {page: execute.key(book, "") for page, book in books.items()}
    found: dict[str, dict[str, Verdict]] = {}
    for record in library.records:
        if not (record.claims or record.gpus):
            continue
        said = found.setdefault(record.title, {})
        for claim in record.claims:
            part = parts.get(claim["id"])
            if part is None:  # no lecture asks it any more
                continue
            ran = record.executions.get(label(part.page), {})
            stale = ran.get("code") != keys.get(part.page)
            said[claim["id"]] = verdict(claim, stale)
    return found


def ledger(root: Path, library: Library) -> Ledger:
    """Return the claims of the course at `root`, with what was found of each."""
    books = execute.collect(root, [])[0]
    parts = places(books)
    found = executed(root, parts)
    for machine, said in recorded(library, parts, books).items():
        mine = found.setdefault(machine, {})
        for id, one in said.items():
            if id not in mine or one.date > mine[id].date:
                mine[id] = one
    return Ledger(listed(root), tuple(parts), found)


def tally(words: Sequence[str]) -> dict[str, int]:
    """Return how often each verdict occurs, in a fixed order."""
    known = ("holds", ONLY_IF, "fails", UNDECIDED, UNMEASURED)
    return {word: words.count(word) for word in known if word in words}
