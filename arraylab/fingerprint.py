"""Which code made a result: hashes that change when the code does, and only then."""

import ast
import hashlib
import importlib
import io
import itertools
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path


def code_hash(case: str, implementation: str) -> str:
    """Return the hash of a case's problem and one implementation, as they are now.

    Files of the case that the implementation imports from are part of it.

    Raises
    ------
    LookupError
        If the case or the implementation has no file.
    """
    sources = {name: _case_source(case, name) for name in ("problem", implementation)}
    imported = list(_imported(case, sources[implementation]))
    for name in imported:  # grows while it is read
        if name not in sources:
            sources[name] = _case_source(case, name)
            imported += _imported(case, sources[name])
    return source_hash(*sources.values())


def source_hash(*sources: str) -> str:
    """Return 12 hex digits that change when the code of `sources` does.

    Comments, docstrings and white space do not count, and Python 3.11, 3.12 and 3.13
    agree: an f-string, one token before 3.12 and many since, counts as its text.
    """
    digest = hashlib.sha256()
    for source in sources:
        for word in _words(source.replace("\r\n", "\n").removeprefix("\ufeff")):
            digest.update(word.encode("utf-8", "surrogatepass") + b"\0")
        digest.update(b"\1")
    return digest.hexdigest()[:12]


def cell_hash(body: str) -> str:
    """Return 12 hex digits of a ``%%gpu`` cell's text, trailing white space dropped."""
    text = "\n".join(body.splitlines()).rstrip()
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _imported(case: str, source: str) -> Iterator[str]:
    """Yield the files of a case that `source` imports from."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            package, _, name = node.module.rpartition(".")
            if package == f"case_studies.{case}":
                yield name


def _case_source(case: str, module: str) -> str:
    package = importlib.import_module("case_studies")
    for folder in package.__path__:
        path = Path(folder) / case / f"{module}.py"
        if path.is_file():
            return path.read_text("utf-8")
    raise LookupError(
        f"there is no case_studies/{case}/{module}.py: give the name of a case study "
        "and of one of its implementations"
    )


_LAYOUT = {tokenize.NEWLINE: "\n", tokenize.INDENT: "\t+", tokenize.DEDENT: "\t-"}
_DROPPED = {tokenize.COMMENT, tokenize.NL, tokenize.ENDMARKER}
_F_START = getattr(tokenize, "FSTRING_START", None)  # from Python 3.12 on
_F_END = getattr(tokenize, "FSTRING_END", None)


def _words(source: str) -> Iterator[str]:
    """Yield the tokens that mean something: not those of docstrings."""
    statement: list[tuple[int, str]] = []
    for kind, text in _tokens(source):
        if kind in (tokenize.INDENT, tokenize.DEDENT):
            yield text
            continue
        statement.append((kind, text))
        if kind == tokenize.NEWLINE:
            if not all(_is_plain_string(*token) for token in statement[:-1]):
                yield from (text for _, text in statement)
            statement.clear()
    yield from (text for _, text in statement)


def _is_plain_string(kind: int, text: str) -> bool:
    prefix = re.split("['\"]", text, maxsplit=1)[0]
    return kind == tokenize.STRING and "f" not in prefix.lower()


def _tokens(source: str) -> Iterator[tuple[int, str]]:
    """Yield (type, text) of the tokens of `source`, an f-string whole."""
    lines = [0, *itertools.accumulate(len(line) + 1 for line in source.split("\n"))]
    depth = start = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == _F_START:
            row, column = token.start
            start = start if depth else lines[row - 1] + column
            depth += 1
        elif token.type == _F_END:
            row, column = token.end
            depth -= 1
            if depth == 0:
                yield tokenize.STRING, source[start : lines[row - 1] + column]
        elif depth == 0 and token.type not in _DROPPED:
            yield token.type, _LAYOUT.get(token.type, token.string)
