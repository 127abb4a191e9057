"""Write the pages of the book as clean notebooks, for Jupyter and Google Colab.

    python -m tools.export [part/page ...]

They lie under ``_build/notebooks`` as ``part/page.ipynb``, without outputs, in plain
Markdown, and need nothing but the course's wheel, which their first code cell installs
where it is missing.  The numbers in their prose are those of the notebooks that
`tools/execute.py` has run, where it has.  The same sources give the same bytes.
"""

import argparse
import hashlib
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools import address, glued, masters, pages
from tools.execute import EXECUTED, STAMP
from tools.markdown import Markdown, quoted
from tools.masters import Malformed
from tools.pages import Unknown, label
from tools.references import References, lead
from tools.state import named

NOTEBOOKS = Path("_build", "notebooks")
# What a notebook may import, and what to install for it; a GPU's libraries come with
# the machine.
DISTRIBUTIONS = {
    "array_api_compat": "array-api-compat",
    "array_api_extra": "array-api-extra",
    "array_api_strict": "array-api-strict",
    "bokeh": "bokeh",
    "dask": "dask",
    "distributed": "distributed",
    "ipywidgets": "ipywidgets",
    "jax": "jax",
    "matplotlib": "matplotlib",
    "numba": "numba",
    "numpy": "numpy",
    "quantecon": "quantecon",
    "scipy": "scipy",
    "threadpoolctl": "threadpoolctl",
    "zarr": "zarr",
}
OURS = ("matplotlib", "threadpoolctl")  # used by arraylab itself
KEPT_TAGS = {"raises-exception", "skip-execution"}
HIDDEN = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
ALONE = """\
from importlib.util import find_spec

if not find_spec("arraylab"):
    raise ImportError(
        "this notebook needs the package of its course, Beyond NumPy: run "
        "pip install '.[cpu]' in a copy of the course's repository"
    )"""
DEVICES = {
    "cpu": "Runs on any computer.",
    "gpu": "Made for a GPU (in Google Colab: Runtime → Change runtime type → GPU); "
    "without one, recorded results are shown.",
}


def wheel(root: Path) -> str:
    """Return the file name of the course's wheel."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    name = project["project"]["name"].replace("-", "_")
    return f"{name}-{project['project']['version']}-py3-none-any.whl"


def path_of(page: str) -> Path:
    """Return where the notebook of a page lies under ``_build/notebooks``."""
    return Path(f"{label(page)}.ipynb")


# -- what stands before the first cell of a page --------------------------------------


def head(markdown: Markdown, course: dict[str, Any], measured: str) -> str:
    """Return what the front matter says of a page, for its reader."""
    parts = []
    if course:
        device = DEVICES[course["device"]]
        parts.append(f"*{course['minutes']} minutes. {device}*")
        goals = [f"- {markdown.inline(goal)}" for goal in course.get("objectives", [])]
        parts.append("\n".join(["**After this page you can**", "", *goals]))
        needs = [need(markdown, one) for one in course.get("prerequisites", [])]
        parts.append(f"**You need** {', '.join(needs)}." if needs else "")
    url = markdown.references.url(markdown.page)
    if url:
        parts.append(f"The same page with all results: [on the site]({url}).")
    if measured:
        parts.append(
            f"The numbers in the text were measured on one machine ({measured}); "
            "the cells show yours."
        )
    return quoted("\n\n".join(filter(None, parts)))


def need(markdown: Markdown, text: str) -> str:
    """Return a link where `text` names a page (part/stem), else the text."""
    page, titles = f"lectures/{text}", markdown.references.titles
    if page in titles:
        return markdown.references.link(titles[page], page)
    return markdown.inline(text)


def measured_on(path: Path) -> str:
    """Return machine and date of an execution, "" where there is none."""
    if not path.is_file():
        return ""
    book = json.loads(path.read_text(encoding="utf-8"))
    stamp = book["metadata"].get(STAMP)
    return f"{stamp['machine']}, {stamp['date'][:10]}" if stamp else ""


def installation(references: References, needs: list[str]) -> str:
    """Return the first code cell: it installs what is missing, if anything is."""
    if not references.site:
        return ALONE
    places = [f"{references.site}wheel/{wheel(references.root)}"]
    places += filter(None, [address.archive(references.root)])
    lines = [f'    "{name}": "{DISTRIBUTIONS[name]}",' for name in needs]
    return "\n".join(
        [
            "# Installs what is missing, as on Google Colab; else it does nothing.",
            "from importlib.util import find_spec",
            "",
            "places = [  # the course; its sources where its site is not published",
            *(f'    "{place}",' for place in places),
            "]",
            "needs = {",
            *lines,
            "}",
            "for place in places:",
            '    needs["arraylab"] = place',
            "    missing = [needs[name] for name in needs if not find_spec(name)]",
            "    if missing:",
            '        %pip install -q {" ".join(missing)}',
            'if not find_spec("arraylab"):',
            "    raise ImportError(",
            '        "the package of this course could not be installed: the lines "',
            '        "above say why; its site may not be published yet"',
            "    )",
        ]
    )


def needed(root: Path, codes: list[str]) -> list[str]:
    """Return what the cells import, and the case studies that they name."""
    found = set(OURS)
    for code in codes:
        found |= glued.imports(code)
    for case in named(root, "\n".join(codes)):
        for module in (root / "case_studies" / case).glob("*.py"):
            found |= glued.imports(module.read_text(encoding="utf-8"))
    return sorted(found & DISTRIBUTIONS.keys() - {"numpy"})  # the wheel asks for NumPy


# -- cells ----------------------------------------------------------------------------


def sections(text: str, markdown: Markdown) -> Iterator[str]:
    """Yield a text in pieces that begin with a heading."""
    lines = text.split("\n")
    starts = [
        token.map[0]
        for token in markdown.references.parser.parse(text)
        if token.type == "heading_open" and token.level == 0
    ]
    for start, end in zip([0, *starts], [*starts, len(lines)], strict=True):
        piece = "\n".join(lines[start:end]).strip("\n")
        if piece:
            yield piece


def prose_cell(text: str) -> dict[str, Any]:
    """Return a cell of Markdown."""
    return {"cell_type": "markdown", "metadata": {}, "source": lined(text)}


def code_cell(
    text: str, tags: list[str], device_cell: bool = False, title: str = ""
) -> dict[str, Any]:
    """Return a cell of code; one that the page hides is folded, and stays to be read.

    Colab folds a cell that has a title in its first line, Jupyter goes by metadata.
    """
    metadata: dict[str, Any] = {}
    kept = [tag for tag in tags if tag in KEPT_TAGS]
    if kept:
        metadata["tags"] = kept
    if HIDDEN & {*tags}:
        metadata["jupyter"] = {"source_hidden": True}
        if not text.startswith("%%"):
            metadata["cellView"] = "form"
            text = f"# @title {title or 'The code behind the result'}\n{text}"
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": metadata,
        "outputs": [],
        "source": lined(text),
    }


def lined(text: str) -> list[str]:
    """Return a text as the lines that a notebook's file holds."""
    return text.splitlines(keepends=True)


def identify(cells: list[dict[str, Any]]) -> None:
    """Give each cell an id that stays while its text does."""
    seen: Counter[str] = Counter()
    for cell in cells:
        text = "".join(cell["source"])
        mark = hashlib.sha256(f"{cell['cell_type']} {text}".encode()).hexdigest()[:8]
        seen[mark] += 1
        cell["id"] = mark if seen[mark] == 1 else f"{mark}-{seen[mark]}"


# -- notebooks ------------------------------------------------------------------------


def converter(page: str, text: str, references: References) -> Markdown:
    """Return what turns a page's MyST into Markdown."""
    executed = references.root / EXECUTED / f"{page}.ipynb"
    front = pages.front_matter(text).get("myst") or {}
    settings = pages.settings(references.root).get("sphinx") or {}
    shared = (settings.get("config") or {}).get("myst_substitutions") or {}
    substitutions = {**shared, **(front.get("substitutions") or {})}
    return Markdown(page, text, references, glued.values(executed), substitutions)


def body(page: str, book: Any, markdown: Markdown) -> list[dict[str, Any]]:
    """Return the cells of a page."""
    codes = [cell for cell in book.cells if cell.cell_type == "code"]
    tags = [cell.metadata.get("tags", []) for cell in codes]
    sources = glued.clean(
        [cell.source for cell in codes], ["remove-cell" in t for t in tags]
    )
    cleaned = iter(zip(codes, sources, tags, strict=True))
    made = []
    for cell in book.cells:
        if cell.cell_type == "markdown":
            text = markdown.convert(cell.source)
            made += [prose_cell(piece) for piece in sections(text, markdown)]
        elif cell.cell_type == "code":
            old, source, tag = next(cleaned)
            source = source.strip("\n")
            if source:
                title = Path(old.metadata.get("load", "")).name
                title = masters.CHECKS if "checks" in tag else title
                if title and "cupy" in glued.imports(source):
                    # shown on the page; a learner's machine need not have CuPy
                    source = f"%%gpu cupy\n{source}"
                made.append(code_cell(source, tag, title=title))
    return made


def export(page: str, references: References) -> dict[str, Any] | None:
    """Return a page as a clean notebook, None if it is not one.

    Raises
    ------
    Unknown
        If the page has something that would not be plain Markdown.
    """
    path = references.root / f"{page}.md"
    book = pages.notebook(path)
    if book is None:
        return None
    text = pages.read(path)
    front = pages.front_matter(text)
    markdown = converter(page, text, references)
    cells = body(page, book, markdown)
    codes = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    executed = references.root / EXECUTED / f"{page}.ipynb"
    measured = measured_on(executed) if "{glue" in lead(text) else ""
    course = front.get("course") or {}
    setup = installation(references, needed(references.root, codes))
    opening = [
        prose_cell(head(markdown, course, measured)),
        code_cell(setup, ["hide-input"], title="Set up"),
    ]
    cells = placed(cells, opening)
    identify(cells)
    return {
        "cells": cells,
        "metadata": {
            **metadata(front.get("kernelspec"), course),
            **({"exercises": front["exercises"]} if "exercises" in front else {}),
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def placed(
    cells: list[dict[str, Any]], opening: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the cells with `opening` below the title."""
    first = "".join(cells[0]["source"]) if cells else ""
    if not first.startswith("# "):
        return [*opening, *cells]
    title, _, rest = first.partition("\n")
    prose, setup = opening
    top = prose_cell(f"{title}\n\n{''.join(prose['source'])}")
    after = [prose_cell(rest.strip("\n"))] if rest.strip() else []
    return [top, setup, *after, *cells[1:]]


def metadata(kernel: Any, course: dict[str, Any]) -> dict[str, Any]:
    """Return what a notebook says of itself to Jupyter and Colab."""
    colab: dict[str, Any] = {"provenance": [], "toc_visible": True}
    found: dict[str, Any] = {
        "colab": colab,
        "kernelspec": kernel
        or {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    if course.get("device") == "gpu":
        found["accelerator"] = "GPU"
        colab["gpuType"] = "T4"
    return found


def text_of(book: dict[str, Any]) -> str:
    """Return a notebook as the text of its file."""
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def export_all(root: Path, target: Path, wanted: list[str]) -> dict[str, str]:
    """Write the notebooks below `target`; return what is wrong, by page."""
    references = References(root)
    wrong, written = {}, set()
    for page in pages.chosen(root, wanted):
        try:
            book = export(page, references)
        except (Unknown, Malformed, FileNotFoundError, SyntaxError) as error:
            wrong[page] = str(error)
            continue
        if book is not None:
            path = target / path_of(page)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text_of(book), encoding="utf-8", newline="\n")
            written.add(path)
    if not wanted:  # a page that is gone takes its notebook with it
        for path in {*target.rglob("*.ipynb")} - written:
            path.unlink()
    return wrong


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.export")
    parser.add_argument("pages", nargs="*", help="only these, as part/page")
    parser.add_argument("--root", type=Path, default=Path(), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    try:
        wrong = export_all(root, root / NOTEBOOKS, options.pages)
    except (Unknown, address.WrongAddress) as error:
        print(error, file=sys.stderr)
        return 2
    for page, problem in wrong.items():
        print(f"{page}.md: {problem}", file=sys.stderr)
    number = len(list((root / NOTEBOOKS).rglob("*.ipynb")))
    print(f"notebooks: {number} in {NOTEBOOKS.as_posix()}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
