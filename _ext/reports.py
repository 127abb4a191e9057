"""Pages that a notebook made while it ran, such as Dask's performance report.

A cell displays such a page, name and text, under a MIME type of ours; it is written to
``_static/reports``, where the lecture links to it.  It must need no other server.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import execute

PAGE = "application/vnd.beyond-numpy.page+json"
FOLDER = Path("_static", "reports")
NAME = re.compile(r"[a-z0-9_-]+\.html")
# Dask's report names an icon on its own site; the links in its text may stay.
ELSEWHERE = re.compile(r'\s*<link\b[^>]*\bhref="https?:[^>]*>')
ASKS = re.compile(r'<(?:script|img|iframe)\b[^>]*\bsrc="https?:[^>]*>')


class Asks(Exception):
    """A page that is kept for readers would ask another server."""


def made(root: Path) -> Iterator[tuple[str, str]]:
    """Yield name and text of each page that the executed notebooks hold."""
    for path in sorted((root / execute.EXECUTED).rglob("*.ipynb")):
        book = json.loads(path.read_text(encoding="utf-8"))
        for cell in book["cells"]:
            for output in cell.get("outputs", []):
                if found := output.get("data", {}).get(PAGE):
                    yield found["name"], found["text"]


def alone(name: str, text: str) -> str:
    """Return a page without what it would ask of another server.

    Raises
    ------
    Asks
        If it needs that, or `name` is not the plain name of a page.
    """
    if not NAME.fullmatch(name):
        raise Asks(f"{name!r} is not a name like report.html")
    text = ELSEWHERE.sub("", text)
    if wrong := ASKS.search(text):
        raise Asks(f"{name} asks another server: {wrong.group()[:120]}")
    return text


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the pages, once the site is there."""
    if error is not None or app.builder.name != "html":
        return
    for name, text in made(Path(app.srcdir)):
        path = Path(app.outdir) / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(alone(name, text), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the work after the build, behind the extension `lean`."""
    app.connect("build-finished", write, priority=960)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
