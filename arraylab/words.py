"""Words that several modules say: counts, file names, what an error tells."""

import re
from collections.abc import Iterable, Sequence


def counted(count: int, noun: str) -> str:
    """Return `count` with its noun: "1 core", "2 cores"."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def listed(words: Sequence[str]) -> str:
    """Return words as a sentence has them: "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def slug(text: str) -> str:
    """Return `text` as part of a file's name: "amd-epyc-2-cores"."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def said(error: BaseException, lines: int) -> str:
    """Return the first `lines` that say something in an error's message, as one."""
    try:
        text = str(error)
    except Exception:  # an error whose words cannot be had
        text = ""
    told = [line.strip(" \t:.") for line in text.splitlines()]
    return "; ".join(list(filter(None, told))[:lines])[:300] or type(error).__name__


def sheet(rows: Iterable[tuple[str, str]], notes: Iterable[str]) -> str:
    """Return pairs of words in two columns, and the notes below them."""
    rows = list(rows)
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"{name:<{width}}{words}" for name, words in rows]
    return "\n".join([*lines, *(f"note: {text}" for text in notes)])
