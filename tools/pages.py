"""The pages of the book: which there are, what they hold, and the book's settings."""

import re
from pathlib import Path
from typing import Any

import yaml

from tools import masters

LOAD = re.compile(r"^\s*:?load:\s*(\S+)\s*$", re.MULTILINE)


class Unknown(Exception):
    """A page, or something in one, is not known; the text says what."""


def pages(root: Path) -> list[str]:
    """Return the pages that _toc.yml names, in reading order, without suffix."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    found = [toc["root"]]

    def walk(entry: dict[str, Any]) -> None:
        if "file" in entry:
            found.append(entry["file"])
        for group in ("parts", "chapters", "sections"):
            for child in entry.get(group) or ():
                walk(child)

    walk(toc)
    return found


def label(page: str) -> str:
    """Return the short name of a page: ``part/stem``."""
    return page.removeprefix("lectures/")


def chosen(root: Path, names: list[str]) -> list[str]:
    """Return the pages that `names` (part/stem) call for, in order; all for none.

    Raises
    ------
    Unknown
        If a name is no page's.
    """
    there = pages(root)
    unknown = {*names} - {*there} - {*map(label, there)}
    if unknown:
        said = ", ".join(sorted(unknown))
        raise Unknown(
            f"no page is called {said}; there are {', '.join(map(label, there))}"
        )
    return [page for page in there if not names or {page, label(page)} & {*names}]


def settings(root: Path) -> dict[str, Any]:
    """Return what _config.yml says, nothing where there is none."""
    path = root / "_config.yml"
    if not path.is_file():
        return {}
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def front_matter(text: str) -> dict[str, Any]:
    """Return the YAML head of a page, empty where it has none."""
    head = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    return (yaml.safe_load(head.group(1)) or {}) if head else {}


def read(path: Path) -> str:
    """Return the text of a page as the site reads it.

    Raises
    ------
    tools.masters.Malformed
        If a master of exercises does not keep to its format.
    """
    return masters.published(path, path.read_text(encoding="utf-8"))


def notebook(path: Path) -> Any | None:
    """Return the page at `path` as a notebook with its loaded cells filled in.

    None where the page is not a notebook or has no code cell.
    """
    from myst_nb.core.read import (
        is_myst_markdown_notebook,
        read_myst_markdown_notebook,
    )

    text = read(path)
    if not is_myst_markdown_notebook(text):
        return None
    book = read_myst_markdown_notebook(text, path=str(path))
    return book if any(c.cell_type == "code" for c in book.cells) else None


def loaded(text: str) -> list[str]:
    """Return the files that cells of a page load, relative to the page."""
    return LOAD.findall(text)
