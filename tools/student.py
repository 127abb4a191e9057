"""Build the site for learners who are to be graded: without any solution.

    python -m tools.student

The course is copied below ``_build``, but for the masters of the exercises; pages of
solutions leave the contents, solutions leave the lectures, and links to them become
words.  That copy is built as the whole book is, with the same executed notebooks.
"""

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from tools import address, book, masters
from tools.execute import EXECUTED

SOURCE = Path("_build", "student", "course")
SITE = Path("_build", "student", "html")
TAKEN = (
    *("_config.yml", "_ext", "_static", "arraylab", "case_studies", "exercises"),
    *("lectures", "records", "tools", "references.bib", "pyproject.toml"),
    *("requirements.txt", "README.md", "CONTRIBUTING.md", "LICENSE", "LICENSE-text"),
    *("CITATION.cff", "package.json", "package-lock.json", ".npmrc"),
)
GIVEN_AWAY = {"solution", "solution-start", "solution-end"}
TO_SOLUTION = re.compile(
    r"\{(?:doc|ref)\}`(?:(?P<text>[^`<]*?)\s*<(?:/?(?:\.\./)*solutions/|solutions?-)[^`>]*>"
    r"|(?:/?(?:\.\./)*solutions/|solutions?-)[^`]*)`"
)
# as tools/masters.py puts it below each question
LINK = re.compile(r":{5}\{only\} html\n\{ref\}`Solution of question [^`]*`\n:{5}\n+")


def contents(toc: dict[str, Any]) -> dict[str, Any]:
    """Return the contents of the book without the pages of solutions."""

    def kept(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        made = []
        for entry in entries:
            if str(entry.get("file", "")).startswith(f"{masters.FOLDER}/"):
                continue
            inner = {
                name: kept(entry[name])
                for name in ("parts", "chapters", "sections")
                if name in entry
            }
            if inner and not any(inner.values()) and "file" not in entry:
                continue  # a part of solutions only
            made.append({**entry, **{k: v for k, v in inner.items() if v}})
        return made

    return {**toc, "parts": kept(toc["parts"])} if "parts" in toc else toc


def without_solutions(text: str) -> str:
    """Return a page without its solutions and without links to others."""
    front = re.match(r"---\n.*?\n---\n", text, re.DOTALL)
    start = front.end() if front else 0
    text = LINK.sub("", text)
    out, lines, number = [], text[start:].split("\n"), 0
    while number < len(lines):
        fence = masters.FENCE.match(lines[number])
        if not fence:
            out.append(lines[number])
            number += 1
            continue
        mark, name, _ = fence.groups()
        closing = re.compile(rf"^{re.escape(mark[0])}{{{len(mark)},}}\s*$")
        end = number + 1
        while end < len(lines) and not closing.match(lines[end]):
            end += 1
        if name not in GIVEN_AWAY:
            out += lines[number : end + 1]
        number = end + 1
        if name == "solution-start":  # up to its end, another directive
            while number < len(lines) and "{solution-end}" not in lines[number]:
                number += 1
    return text[:start] + TO_SOLUTION.sub(words, "\n".join(out))


def words(link: re.Match[str]) -> str:
    """Return what is left of a link to a solution."""
    return link["text"] or "the solutions"


def copy(root: Path, target: Path) -> None:
    """Copy the course to `target` without its solutions."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.part")
    for name in TAKEN:
        if (root / name).is_dir():
            shutil.copytree(root / name, target / name, ignore=ignored)
        elif (root / name).is_file():
            shutil.copy(root / name, target / name)
    for path in target.glob("exercises/*.ipynb"):
        path.unlink()  # the site offers its own
    for path in [*target.glob("lectures/**/*.md"), *target.glob("exercises/*.md")]:
        text = path.read_text(encoding="utf-8")
        path.write_text(without_solutions(text), encoding="utf-8", newline="\n")
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    made = yaml.safe_dump(contents(toc), sort_keys=False, allow_unicode=True)
    (target / "_toc.yml").write_text(made, encoding="utf-8")
    if (root / EXECUTED).is_dir():
        gone = shutil.ignore_patterns(masters.FOLDER)
        shutil.copytree(root / EXECUTED, target / EXECUTED, ignore=gone)
    if (root / "node_modules").is_dir():
        (target / "node_modules").symlink_to(root / "node_modules")


def build(root: Path) -> int:
    """Build the site without solutions; return an exit status."""
    source = root / SOURCE
    copy(root, source)
    if status := book.build(source, force=False):
        return status
    shutil.rmtree(root / SITE, ignore_errors=True)
    shutil.move(source / "_build" / "html", root / SITE)
    shutil.rmtree(source, ignore_errors=True)
    print(f"student site: {root / SITE / 'index.html'}")
    return 0


def main() -> int:
    """Run the command; return its exit status."""
    try:
        return build(Path().resolve())
    except address.WrongAddress as error:
        print(f"student site: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
