"""Sentences that a page checks by running them: claims, each with a verdict."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from arraylab import html
from arraylab.hardware import machine
from arraylab.notebooks import CLAIM
from arraylab.results import Refused

VERDICTS = ("holds", "fails", "not decided")

_ID = re.compile(r"[A-E][0-9]+[a-z]?|[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_ID = 40


@dataclass(frozen=True, repr=False)
class Claim:
    """A statement and what this machine found.

    Attributes
    ----------
    id : str
        Of the list of claims ("A12"), or a short word of ours ("fused-is-faster").
    statement, evidence, source : str
        What is claimed, what the run showed, who says so.
    verdict : str
        One of `VERDICTS`.
    machine, date : str
        Where (one line) and when (ISO 8601) it was judged.
    """

    id: str
    statement: str
    verdict: str
    evidence: str = ""
    source: str = ""
    machine: str = ""
    date: str = ""

    def json(self) -> dict[str, Any]:
        """Return the claim as plain data."""
        return {
            "schema": 1,
            "id": self.id,
            "statement": self.statement,
            "verdict": self.verdict,
            "evidence": self.evidence,
            "source": self.source,
            "machine": self.machine,
            "date": self.date,
        }

    def __repr__(self) -> str:
        evidence = f" ({self.evidence})" if self.evidence else ""
        return f"{self.id} {self.verdict}: {self.statement}{evidence}"

    def _repr_html_(self) -> str:
        verdict = html.badge(self.verdict, bad=self.verdict != "holds")
        parts = [
            f"<p>Claim <strong>{escape(self.id)}</strong> {verdict} "
            f"{escape(self.statement)}</p>"
        ]
        if self.evidence:
            parts.append(f"<p>{escape(self.evidence)}</p>")
        source = f"Said by: {self.source}." if self.source else ""
        where = f"Judged on {self.machine}, {self.date[:10]}."
        parts.append(html.note(f"{source} {where}".strip()))
        return html.block(*parts)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict:
        return {
            "text/plain": repr(self),
            "text/html": self._repr_html_(),
            CLAIM: self.json(),
        }


def claim(
    id: str,
    statement: str,
    holds: bool | Callable[[], bool],
    evidence: str = "",
    source: str = "",
) -> Claim:
    """Judge a statement on this machine.

    Parameters
    ----------
    id : str
        Such as "A12", "E3b", or a short word of ours in lower case with hyphens.
    statement : str
        One sentence.
    holds : bool or callable
        The verdict, or a function of no arguments that gives it.  If the function
        refuses to report a time (`arraylab.Refused`), the verdict is
        "not decided" and the evidence says why; any other exception is raised.
    evidence : str
        What the run showed, with units.
    source : str
        Who says so: "a survey article".

    Raises
    ------
    TypeError, ValueError
        If an argument is not of this form.
    """
    _check(id, statement, evidence, source)
    verdict, reason = _judge(id, holds)
    return Claim(
        id=id,
        statement=statement.strip(),
        verdict=verdict,
        evidence=" ".join(part for part in (reason, evidence.strip()) if part),
        source=source.strip(),
        machine=machine().title,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def faster(fast: Any, slow: Any, margin: float = 1.25) -> bool:
    """Return whether `slow` took more than `margin` times as long as `fast`.

    Orders are claimed with a margin, and where a row is noisy, its quartiles have to
    agree: noise decides nothing.

    Parameters
    ----------
    fast, slow : Timing
        Rows of a comparison; anything with a `median` in seconds.
    margin : float
        At least 1.

    Raises
    ------
    arraylab.Refused
        If one of the two has no time that can be reported, or noise hides the order.
    """
    if not margin >= 1:
        raise ValueError(
            f"margin is {margin}, expected at least 1: say how many times as long the "
            "slow one must take"
        )
    verdict = _median(slow) / _median(fast) > margin
    if "NOISY" in (getattr(fast, "verdict", ""), getattr(slow, "verdict", "")):
        low = slow.quartiles[0] / fast.quartiles[1] > margin
        high = slow.quartiles[1] / fast.quartiles[0] > margin
        if low != high:
            raise Refused(f"too noisy to say whether {fast.name} beats {slow.name}")
    return verdict


def _median(row: Any) -> float:
    median = row.median
    if median is None or not median > 0:
        name = getattr(row, "name", "") or "the row"
        why = getattr(row, "message", "") or getattr(row, "verdict", "") or "not timed"
        raise Refused(f"{name} has no time that can be reported: {why}")
    return float(median)


def _judge(id: str, holds: Any) -> tuple[str, str]:
    """Return the verdict, and the reason if there is none."""
    try:
        answer = holds() if callable(holds) else holds
    except Refused as refusal:
        return "not decided", f"Not decided here: {str(refusal).rstrip('.')}."
    if not _is_bool(answer):
        raise TypeError(
            f"claim {id!r}: holds gave {answer!r} ({type(answer).__name__}), expected "
            "True or False, or a function that gives one of them. Compare first "
            "(a < b), and reduce an array with .all() or .any()"
        )
    return ("holds" if answer else "fails"), ""


def _is_bool(answer: Any) -> bool:
    """Return whether `answer` is one truth value, of Python or of an array library."""
    if isinstance(answer, bool):
        return True
    kind = str(getattr(answer, "dtype", ""))
    return kind == "bool" and getattr(answer, "shape", None) == ()


def _check(id: Any, statement: Any, evidence: Any, source: Any) -> None:
    words = {"id": id, "statement": statement, "evidence": evidence, "source": source}
    for name, value in words.items():
        if not isinstance(value, str):
            raise TypeError(
                f"claim {id!r}: {name} is {type(value).__name__}, expected text (str). "
                f"Write it as a string, such as an f-string with the numbers in it"
            )
    if not _ID.fullmatch(id) or len(id) > _LONGEST_ID:
        raise ValueError(
            f"claim id {id!r} is not of the form 'A12' or 'E3b', nor a short word such "
            "as 'fused-is-faster' (lower case, digits, hyphens, at most "
            f"{_LONGEST_ID} characters). Take the id from the list of claims, or name "
            "the claim so"
        )
    if not statement.strip():
        raise ValueError(
            f"claim {id!r} has no statement, expected one sentence. Say what is claimed"
        )
