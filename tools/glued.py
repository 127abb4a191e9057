"""Code cells for learners: without `glue`, which needs the site's own tools.

A page takes the numbers of its prose from `glue(...)` in its cells.  An exported
notebook has them in the text already, so the calls go, and cells that only prepared
them go as well.
"""

import ast
import json
import re
import symtable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.pages import Unknown

SCRAP = "application/papermill.record/"


def values(path: Path) -> dict[str, dict[str, Any]]:
    """Return what the executed notebook at `path` has glued, by name."""
    if not path.is_file():
        return {}
    found = {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            if name:
                data = output["data"].items()
                found[name] = {k.removeprefix(SCRAP): joined(v) for k, v in data}
    return found


def joined(value: Any) -> Any:
    """Return a text that a file may hold as a list of lines."""
    return "".join(value) if isinstance(value, list) else value


# The cells that a magic runs as Python; the text of others (`%%bash`) is not.
MAGICS = {"capture", "gpu", "memit", "prun", "raises", "time", "timeit", "wrong"}


def python(code: str) -> str:
    """Return a cell as Python with as many lines: what is not Python becomes `None`."""
    lines = code.split("\n")
    cell = re.match(r"\s*%%(\w+)", lines[0])
    if cell:
        lines[0] = "None"
    if cell is None or cell[1] in MAGICS:
        magic = re.compile(r"^(\s*(?:[\w., ]+=\s*)?)[%!].*")
        for text in (lines, [magic.sub(r"\1None", line) for line in lines]):
            if parses("\n".join(text)):
                return "\n".join(text)
        if cell is None or cell[1] != "raises":  # which may show what no Python is
            return "\n".join(text)
    return "\n".join(["None"] * len(lines))


def parses(code: str) -> bool:
    """Say whether a text is Python."""
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def glues(node: ast.stmt) -> bool:
    """Return whether a statement is there for `glue` only."""
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] == "myst_nb"
    if isinstance(node, ast.Import):
        return all(alias.name.split(".")[0] == "myst_nb" for alias in node.names)
    call = node.value if isinstance(node, ast.Expr) else None
    name = getattr(call, "func", None)
    return isinstance(name, ast.Name) and name.id == "glue"


def blocks(node: ast.stmt) -> list[list[ast.stmt]]:
    """Return the blocks of a loop, a condition or the like, none for all others."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return []
    parts = [node, *getattr(node, "handlers", [])]
    names = ("body", "orelse", "finalbody")
    found = [getattr(part, name, []) for part in parts for name in names]
    return [block for block in found if isinstance(block, list) and block]


def for_glue(nodes: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that are there for `glue` only, loops around it too.

    Where it is alone in one branch of several, nothing of them goes.
    """
    for node in nodes:
        inner = [(block, list(for_glue(block))) for block in blocks(node)]
        left = [len(gone) < len(block) for block, gone in inner]
        if glues(node) or (inner and not any(left)):
            yield node
        elif all(left):
            for _, gone in inner:
                yield from gone


def without(code: str, nodes: list[ast.stmt]) -> str:
    """Return `code` without the lines of some of its statements."""
    lines = code.split("\n")
    gone = {n for node in nodes for n in range(node.lineno, node.end_lineno + 1)}
    kept = [line for n, line in enumerate(lines, start=1) if n not in gone]
    # never more empty lines than there were
    text = re.sub(r"\n{4,}", "\n\n\n", "\n".join(kept))
    return text.strip("\n")


def reads(code: str) -> set[str]:
    """Return the global names that a cell reads, in its functions too."""
    found = set()

    def walk(table: symtable.SymbolTable) -> None:
        module = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (module or symbol.is_global()):
                found.add(symbol.get_name())
        for child in table.get_children():
            walk(child)

    walk(symtable.symtable(python(code), "cell", "exec"))
    return found


def binds(node: ast.stmt) -> set[str] | None:
    """Return the names that an import or a plain assignment binds, else None."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(a.asname or a.name).split(".")[0] for a in node.names}
    if not isinstance(node, ast.Assign):
        return None
    names = [n for target in node.targets for n in ast.walk(target)]
    if any(isinstance(n, ast.Attribute | ast.Subscript) for n in names):
        return None
    return {n.id for n in names if isinstance(n, ast.Name)}


def clean(codes: list[str], hidden: list[bool]) -> list[str]:
    """Return the cells without glue, "" for those that nothing is left of.

    Of a cell that the page does not show (`hidden`), imports and assignments go too
    where no cell reads what they bind.

    Raises
    ------
    Unknown
        If `glue` is left somewhere.
    """
    made = [
        without(code, list(for_glue(ast.parse(python(code)).body)))
        if "glue" in code
        else code
        for code in codes
    ]
    for code in made:
        if "glue" in code and "glue" in reads(code):
            raise Unknown(
                f"glue has to be a statement of its own, or of a loop:\n{code}"
            )
    while True:
        before = list(made)
        for number, code in enumerate(made):
            if hidden[number] and code:
                made[number] = used(code, made[:number] + made[number + 1 :])
        if made == before:
            return made


def used(code: str, others: list[str]) -> str:
    """Return `code` without what it binds and neither it nor `others` read."""
    elsewhere = set().union(*map(reads, others), reads(code))
    idle = [
        node
        for node in ast.parse(python(code)).body
        if (names := binds(node)) is not None and not names & elsewhere
    ]
    return without(code, idle)


def imports(code: str) -> set[str]:
    """Return the top-level packages that a cell or a module has to have.

    What it imports inside a `try` or a function, it can do without.
    """
    found: set[str] = set()
    for node in ast.parse(python(code)).body:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found
