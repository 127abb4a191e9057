"""What the pages of the book refer to: titles, labels, numbers and sources.

The numbers are those of the site: exercises, figures and theorems are counted through
the book in reading order, equations on each page.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from docutils.nodes import make_id

from tools import address, pages
from tools.pages import Unknown

COUNTED = {"exercise": "Exercise", "exercise-start": "Exercise", "figure": "Fig."}
DIRECTIVE = re.compile(r"\{([a-z][a-z0-9:_-]*)\}\s*(.*)", re.DOTALL)
CITE = re.compile(r"\{cite(?::[a-z]+)?\}`([^`]+)`")


@dataclass(frozen=True)
class Target:
    """A place that a page can refer to."""

    page: str
    anchor: str
    text: str  # of a link that has none of its own
    number: str = ""


@dataclass
class Block:
    """A directive: its name, the text on its first line, its options and its body."""

    name: str
    argument: str
    options: dict[str, Any]
    body: str


class _Any:  # a directive that takes whatever comes
    required_arguments, optional_arguments = 0, 1
    final_argument_whitespace = has_content = True
    option_spec = {"options": True}  # noqa: RUF012  # docutils' way


def parser() -> Any:
    """Return the parser of the site, for the syntax that _config.yml switches on."""
    from markdown_it.renderer import RendererHTML
    from myst_parser.config.main import MdParserConfig
    from myst_parser.parsers.mdit import create_md_parser

    told = pages.settings(Path(__file__).resolve().parent.parent)
    extensions = set(told["parse"]["myst_enable_extensions"])
    return create_md_parser(MdParserConfig(enable_extensions=extensions), RendererHTML)


def block_of(token: Any) -> Block | None:
    """Return the directive that a token is, None for all other tokens."""
    from myst_parser.parsers.directives import parse_directive_text

    if token.type not in {"fence", "colon_fence"}:
        return None
    named = DIRECTIVE.fullmatch(token.info.strip())
    if named is None:
        # a colon fence without a name only groups
        return Block("div", "", {}, token.content) if token.markup[0] == ":" else None
    name, argument = named.groups()
    read = parse_directive_text(_Any, argument, token.content, validate_options=False)
    if read.warnings:  # the site would warn as well
        raise Unknown(f"the directive {name!r}: {read.warnings[0]}")
    return Block(
        name, " ".join(read.arguments), dict(read.options or {}), "\n".join(read.body)
    )


def lead(text: str) -> str:
    """Return `text` without its front matter."""
    return re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)


def plain(text: str) -> str:
    """Return one line of MyST without roles and attributes."""
    text = re.sub(r"\{[a-z:+_-]+\}`([^`<]*?)(\s*<[^`>]*>)?`", r"\1", text)
    return re.sub(r"\s*\{[#.][^}]*\}\s*$", "", text).strip()


@dataclass
class References:
    """All places and sources of the book under `root`."""

    root: Path
    titles: dict[str, str] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    numbers: dict[tuple[str, ...], str] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Read the pages in order."""
        self.site = address.site(self.root)
        self.repository = address.repository(self.root)
        self.parser = parser()
        for page in pages.pages(self.root):
            path = self.root / f"{page}.md"
            if path.is_file():
                self._read(page, pages.read(path))

    def url(self, page: str, anchor: str = "") -> str:
        """Return the address of a page on the site, "" where there is no site."""
        return f"{self.site}{page}.html{anchor and '#' + anchor}" if self.site else ""

    def link(self, text: str, page: str, anchor: str = "") -> str:
        """Return a link to a page as Markdown; its words where there is no site."""
        url = self.url(page, anchor)
        return f"[{text}]({url})" if url else f"*{text}*"

    def find(self, page: str, name: str) -> str:
        """Return the page that `name`, as written on `page`, leads to."""
        path = self.root / name[1:] if name[:1] == "/" else (self.root / page).parent
        path = path if name[:1] == "/" else path / name
        found = Path(re.sub(r"\.(md|ipynb)$", "", str(path))).resolve()
        root = self.root.resolve()
        key = found.relative_to(root).as_posix() if found.is_relative_to(root) else ""
        if key not in self.titles:
            raise Unknown(f"{name!r} is no page of the book")
        return key

    def target(self, label: str) -> Target:
        """Return the place with this label."""
        for key in (label, label.lower(), make_id(label)):
            if key in self.targets:
                return self.targets[key]
        raise Unknown(f"nothing is labelled {label!r}")

    def number_of(self, page: str, block: Block) -> str:
        """Return "Exercise 3" for a directive that is counted, labelled or not."""
        return self.numbers.get((page, block.name, block.argument, block.body), "")

    def _read(self, page: str, text: str) -> None:
        tokens = self.parser.parse(lead(text))
        heading = next(
            (b.content for a, b in pairwise(tokens) if a.type == "heading_open"),
            page,
        )
        self.titles[page] = plain(heading)
        self._equations = 0
        self._walk(page, tokens)

    def _walk(self, page: str, tokens: list[Any]) -> None:
        """Note what has a label, in the order of the page."""
        waiting: list[str] = []
        for number, token in enumerate(tokens):
            if token.type == "myst_target":
                waiting.append(token.content)
            elif token.type == "math_block_label":
                self._equation(page, token.info)
            elif token.type == "heading_open":
                text = plain(tokens[number + 1].content)
                self._note(page, waiting, text)
            elif block := block_of(token):
                self._directive(page, block, waiting)
            elif token.type == "paragraph_open" and token.level == 0:
                self._note(page, waiting, self.titles[page])

    def _note(self, page: str, labels: list[str], text: str, number: str = "") -> None:
        for label in labels:
            self.targets[label] = Target(page, make_id(label), text, number)
        labels.clear()

    def _equation(self, page: str, label: str) -> None:
        self._equations += 1
        number = f"({self._equations})"
        self.targets[label] = Target(page, f"equation-{label}", number, number)

    def _directive(self, page: str, block: Block, waiting: list[str]) -> None:
        label = block.options.get("label") or block.options.get("name")
        labels = [*waiting, *([label] if label else [])]
        waiting.clear()
        if block.name == "math":
            if label:
                self._equation(page, label)
            return
        number, text = self._number(block), plain(block.argument)
        key = (page, block.name, block.argument, block.body)
        self.numbers.setdefault(key, number)
        if block.name == "figure":
            text = plain(block.body.strip().split("\n")[0])
        self._note(page, labels, f"{number} ({text})" if text else number, number)
        if block.name not in {"code-cell", "code-block", "code", "eval-rst"}:
            self._walk(page, self.parser.parse(block.body))

    def _number(self, block: Block) -> str:
        """Return "Exercise 3" and the like, "" for what is not counted."""
        kind = COUNTED.get(block.name)
        if block.name.startswith("prf:"):
            kind = block.name.removeprefix("prf:").capitalize()
        if kind is None or "nonumber" in block.options:
            return kind or ""
        self._counts[kind] += 1
        return f"{kind} {self._counts[kind]}"

    # -- sources ----------------------------------------------------------------------

    @cached_property
    def sources(self) -> Any:
        """The entries of the BibTeX files that _config.yml names."""
        from pybtex.database import BibliographyData, parse_file

        found = BibliographyData()
        for name in pages.settings(self.root).get("bibtex_bibfiles", []):
            found.add_entries(parse_file(str(self.root / name)).entries.items())
        return found

    def entry(self, key: str) -> Any:
        """Return one source."""
        if key not in self.sources.entries:
            raise Unknown(f"no source {key!r} in the BibTeX files")
        return self.sources.entries[key]

    def authors(self, key: str) -> str:
        """Return "Lam *et al.*", as the site names the authors of a source."""
        entry = self.entry(key)
        people = entry.persons.get("author") or entry.persons.get("editor") or []
        names = [surname(person) for person in people]
        if not names:
            return text_of(entry.fields.get("organization") or entry.fields["title"])
        if len(names) > 2 or names[-1] == "others":
            return f"{names[0]} *et al.*"
        return " and ".join(names)

    def cite(self, keys: list[str], textual: bool, page: str) -> str:
        """Return a citation with links, in brackets or as a part of the sentence."""
        made = []
        for key in keys:
            year = self.entry(key).fields.get("year", "n.d.")
            who, url = self.authors(key), self.address_of(key)
            text = f"{who} [{year}]" if textual else f"{who}, {year}"
            text = text.replace("[", "\\[").replace("]", "\\]") if url else text
            made.append(f"[{text}]({url})" if url else text)
        return " and ".join(made) if textual else f"\\[{'; '.join(made)}\\]"

    def address_of(self, key: str) -> str:
        """Return where a source can be read, "" where its entry does not say."""
        fields = self.entry(key).fields
        doi = fields.get("doi", "")
        return f"https://doi.org/{doi}" if doi else fields.get("url", "")

    def listing(self, keys: list[str]) -> str:
        """Return the list of the sources `keys` as Markdown."""
        from pybtex.plugin import find_plugin

        if not keys:
            return ""
        for key in keys:
            self.entry(key)
        style = find_plugin("pybtex.style.formatting", "unsrt")()
        backend = find_plugin("pybtex.backends", "markdown")()
        made = style.format_bibliography(self.sources, keys)
        texts = (e.text.render(backend) for e in sorted(made, key=lambda e: e.label))
        return "\n".join(f"- {unescaped(text)}" for text in texts)


def unescaped(text: str) -> str:
    """Return Markdown without the escapes that nothing needs."""
    return re.sub(r"\\([.()+!#-])", r"\1", " ".join(text.split()))


def text_of(latex: str) -> str:
    """Return a field of BibTeX as plain text."""
    from pybtex.richtext import Text

    return str(Text.from_latex(latex))


def surname(person: Any) -> str:
    """Return the family name of a person, with its "van der"."""
    return text_of(" ".join([*person.prelast_names, *person.last_names]))


def cited(text: str) -> Iterator[str]:
    """Yield the sources that a page cites, each once, in order."""
    keys = (k.strip() for found in CITE.findall(text) for k in found.split(","))
    yield from dict.fromkeys(keys)
