"""MyST as plain Markdown: what Jupyter and Colab show without any extension.

The blocks of a page are found by the parser of the site; what they do not change stays
as it was written.  A directive or role that is not known here is an error, so that no
notebook shows raw syntax.
"""

import base64
import html
import mimetypes
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2

from tools.pages import Unknown
from tools.references import Block, References, block_of, cited

UNKNOWN_VALUE = "(run the cells to see)"
NOTES = {
    "note": "Note",
    "tip": "Tip",
    "hint": "Hint",
    "important": "Important",
    "warning": "Warning",
    "caution": "Caution",
    "attention": "Attention",
    "danger": "Danger",
    "error": "Error",
    "seealso": "See also",
    "admonition": "",
    "topic": "",
    "sidebar": "",
    "margin": "In the margin",
    "aside": "Aside",
    "epigraph": "",
    "todo": "To do",
}
GROUPS = {"grid", "card-carousel", "div", "container", "rst-class"}
NOTHING = {
    *("contents", "tableofcontents", "toctree", "index", "meta", "highlight"),
    *("exercise-end", "solution-end", "currentmodule", "raw"),
}
WORDS = {"sub": "sub", "sup": "sup", "subscript": "sub", "superscript": "sup"}
CODES = {
    *("code", "literal", "kbd", "file", "samp", "command", "option", "envvar"),
    *("program", "py:func", "py:class", "py:mod", "py:meth", "py:attr", "func"),
    *("class", "mod", "meth", "attr", "data", "py:data", "guilabel", "makevar"),
}
ATTRIBUTES = re.compile(r"\s*\{(?!\{)[#.%\w][^{}`]*\}\s*")
INLINE = re.compile(
    r"(?P<escape>\\.)"
    r"|\{(?P<role>[a-z][a-z0-9:+_-]*)\}(?P<r>`+)(?!`)(?P<content>.+?)(?<!`)(?P=r)(?!`)"
    r"|(?P<code>(?P<c>`+)(?!`).+?(?<!`)(?P=c)(?!`))"
    r"|(?P<math>\$\$.+?\$\$|\$(?![\s$])(?:\\.|[^$\\])+?(?<!\s)\$)"
    r"|\{\{(?P<name>.+?)\}\}"
    r"|\[\^(?P<note>[^\]\s]+)\](?P<defined>:)?"
    r"|(?P<image>!?)\[(?P<text>(?:[^\[\]`]|`[^`]*`)*)\]"
    r"(?:\((?P<to>[^()\s]*)(?P<title>\s+\"[^\"]*\")?\)(?:\{[^{}]*\})?"
    r"|(?P<span>\{[#.][^{}]*\}))",
    re.DOTALL,
)


class Markdown:
    """Turns the MyST of one page into Markdown.

    Parameters
    ----------
    page : str
        The page, without suffix.
    text : str
        Its whole source: what it cites stands in its list of sources.
    references : References
        The places of the book.
    glued : dict
        The values of the page's glue roles, as `glued.values` gives them.
    substitutions : dict
        What ``{{ name }}`` stands for.
    """

    def __init__(
        self,
        page: str,
        text: str,
        references: References,
        glued: dict[str, dict[str, Any]] | None = None,
        substitutions: dict[str, Any] | None = None,
    ) -> None:
        """Start with the first heading of the page."""
        self.page, self.references = page, references
        self.glued, self.substitutions = glued or {}, substitutions or {}
        self.sources = list(cited(text))
        self.level, self.depth = 1, 0
        self.here = references.root / page

    # -- blocks -----------------------------------------------------------------------

    def convert(self, text: str) -> str:
        """Return `text` as plain Markdown."""
        lines = text.split("\n")
        pieces = [""]
        at, inner = 0, False
        for token in self.references.parser.parse(text):
            start, end = token.map or (0, 0)
            if token.type == "amsmath":  # its parser counts one line too few
                end = start + token.content.strip("\n").count("\n") + 1
            if start < at or end == start:
                continue
            block = self._block(token, lines)
            if block is None:
                continue
            self._add(pieces, self._prose(lines[at:start]), inner)
            inner = token.level > 0  # stands in a list or a quotation
            self._add(pieces, self._placed(block, lines[start], inner), inner)
            at = end
        self._add(pieces, self._prose(lines[at:]), inner)
        made = "\n\n".join(p for piece in pieces if (p := piece.strip("\n")))
        # the rule that ends a set of tabs is not needed where a heading does
        return re.sub(r"\n\n---(?=\n\n#{1,6} |\Z)", "", made)

    @staticmethod
    def _add(pieces: list[str], text: str | None, inner: bool) -> None:
        """Add a piece; one inside a list goes on with what is there."""
        if text is None:
            return
        if inner:
            pieces[-1] += f"\n{text}"
        else:
            pieces.append(text)

    def _block(self, token: Any, lines: list[str]) -> Callable[[], str] | None:
        """Return what writes a block that is not prose, None for prose."""
        if directive := block_of(token):
            return lambda: self._directive(directive)
        if token.type in {"fence", "colon_fence"}:
            return lambda: fenced(token.content, token.info)
        if token.type in {"code_block", "html_block", "amsmath", "math_block"}:
            return lambda: self._verbatim(token)
        if token.type == "math_block_label":
            return lambda: self._equation(token.content, token.info)
        if token.type == "substitution_block":
            return lambda: self.convert(self._substituted(token.content))
        if token.type in {"myst_target", "myst_line_comment", "myst_block_break"}:
            return str
        if token.type == "dl_open":
            return lambda: self._definitions(lines[slice(*token.map)])
        if token.type == "heading_open":
            self.level = int(token.tag[1])
        return None

    def _placed(self, write: Callable[[], str], first: str, inner: bool) -> str:
        """Return a block behind the marks of the list that it stands in."""
        lead = re.match(r"(?:[ >]|[-*+] |\d+[.)] )*", first)[0] if inner else ""
        rest = re.sub(r"[^ >]", " ", lead)
        self.depth += bool(lead)
        lines = write().split("\n")
        self.depth -= bool(lead)
        marks = [lead, *[rest] * (len(lines) - 1)]
        placed = zip(marks, lines, strict=True)
        return "\n".join(f"{mark}{line}".rstrip() for mark, line in placed)

    def _prose(self, lines: list[str]) -> str | None:
        """Return lines of prose with their roles written out, None for no lines."""
        kept = [line for line in lines if not ATTRIBUTES.fullmatch(line)]
        if not kept:
            return None
        text = "\n".join(kept)
        parts = re.split(r"(\n\s*\n|\n(?=#{1,6} ))", text)  # a role ends with its block
        parts[::2] = [self.inline(headed(part)) for part in parts[::2]]
        return re.sub(r"\n{3,}", "\n\n", "".join(parts))

    def _verbatim(self, token: Any) -> str:
        text = token.content
        if token.type == "math_block":
            return f"$$\n{text.strip()}\n$$"
        if token.type == "code_block":
            return fenced(text, "")
        return text.strip("\n")

    def _equation(self, text: str, label: str) -> str:
        number = self.references.target(label).number
        return f"$$\n{text.strip()} \\tag{{{number.strip('()')}}}\n$$"

    def _definitions(self, lines: list[str]) -> str:
        """Return a list of definitions as a list of points."""
        made = []
        for line in lines:
            if line.startswith(":"):
                made[-1] += f": {self.inline(line[1:].strip())}"
            elif line[:1].strip():
                made.append(f"- **{self.inline(line.strip())}**")
            elif line.strip():
                made[-1] += f" {self.inline(line.strip())}"
        return "\n".join(made)

    def _substituted(self, expression: str) -> str:
        """Return the text that ``{{ expression }}`` stands for."""
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
        try:
            made = environment.from_string("{{" + expression + "}}")
            return made.render(self.substitutions)
        except jinja2.TemplateError as error:
            raise Unknown(f"{{{{{expression}}}}}: {error}") from None

    # -- directives -------------------------------------------------------------------

    def _directive(self, block: Block) -> str:
        """Return a directive as Markdown."""
        name = block.name
        if name in NOTHING:
            return ""
        if name in NOTES:
            return self._note(block)
        if name in GROUPS:
            return self.convert(block.body)
        if name.startswith("prf:"):
            return self._theorem(block)
        writer = getattr(self, "_d_" + name.replace("-", "_").replace(":", "_"), None)
        if writer is None:
            raise Unknown(f"the directive {name!r} is not known to tools/markdown.py")
        return writer(block)

    def _d_only(self, block: Block) -> str:
        """Return what is not for the site alone: `{only} html` is left out."""
        return "" if "html" in block.argument else self.convert(block.body)

    def _inside(self, text: str) -> str:
        """Return the Markdown of a block's body, in which no heading may stand."""
        self.depth += 1
        made = self.convert(text)
        self.depth -= 1
        return made

    def _note(self, block: Block) -> str:
        head, body = NOTES[block.name], block.body
        # `{note} A sentence.` has its first sentence there, `{margin}` its title
        titled = block.name in {"admonition", "topic", "sidebar", "margin"}
        if block.argument and titled:
            head = self.inline(block.argument)
        elif block.argument:
            body = f"{block.argument}\n{body}"
        if "dropdown" in str(block.options.get("class", "")):
            return folded(head, self._inside(body))
        text = self._inside(body)
        end = "" if head.endswith((".", "?", "!")) else "."
        return quoted(f"**{head}{end}** {text}" if head else text)

    def _theorem(self, block: Block) -> str:
        head = self._heading_of(block)
        return quoted(f"**{head}.** {self._inside(block.body)}")

    def _d_dropdown(self, block: Block) -> str:
        return folded(self.inline(block.argument), self._inside(block.body))

    _d_toggle = _d_dropdown

    def _d_tab_item(self, block: Block) -> str:
        return f"{self._headed(self.inline(block.argument))}\n\n" + self.convert(
            block.body
        )

    def _d_tab_set(self, block: Block) -> str:
        return f"{self.convert(block.body)}\n\n---"

    def _headed(self, text: str) -> str:
        """Return a heading below the one that it stands under."""
        return f"**{text}**" if self.depth else f"{'#' * min(6, self.level + 1)} {text}"

    def _d_grid_item(self, block: Block) -> str:
        return "- " + indented(self._inside(block.body))

    def _d_grid_item_card(self, block: Block) -> str:
        title = self.inline(block.argument)
        link = block.options.get("link")
        if link:
            kind = block.options.get("link-type", "url")
            title = self._to(kind, title, link)
        body = self._inside(block.body)
        head = f"**{title}**: " if title else ""
        return "- " + indented(head + body) + "\n"

    _d_card = _d_grid_item_card

    def _to(self, kind: str, text: str, link: str) -> str:
        if kind == "doc":
            page = self.references.find(self.page, link)
            return self.references.link(text, page)
        if kind == "ref":
            return self._linked(text, link)
        return f"[{text}]({self._address(link)})"

    def _heading_of(self, block: Block) -> str:
        """Return "Exercise 3 (Title)" for something that is counted."""
        title = self.inline(block.argument)
        number = self.references.number_of(self.page, block)
        if "nonumber" in block.options or not number:
            kind = block.name.removeprefix("prf:").split("-")[0].capitalize()
            return f"{kind} ({title})" if title else kind
        return f"{number}. {title}" if title else number

    def _d_exercise(self, block: Block) -> str:
        head = self._headed(self._heading_of(block))
        return f"{head}\n\n{self.convert(block.body)}"

    _d_exercise_start = _d_exercise

    def _d_solution(self, block: Block) -> str:
        number = self.references.target(block.argument).number
        return folded(f"Solution of {lowered(number)}", self._inside(block.body))

    def _d_solution_start(self, block: Block) -> str:
        number = self.references.target(block.argument).number
        head = f"**Solution of {lowered(number)}**"
        return f"{head}\n\n{self.convert(block.body)}"

    def _d_code_block(self, block: Block) -> str:
        made = fenced(block.body, block.argument)
        caption = block.options.get("caption")
        return f"*{self.inline(caption)}*\n\n{made}" if caption else made

    _d_code = _d_sourcecode = _d_code_block

    def _d_literalinclude(self, block: Block) -> str:
        from sphinx.directives.code import LiteralIncludeReader

        options = dict(block.options)
        if "lines" in options:
            options["lines"] = str(options["lines"])
        path = (self.here.parent / block.argument).resolve()
        if not path.is_file():
            raise Unknown(f"literalinclude: there is no file {block.argument}")
        reader = LiteralIncludeReader(
            str(path), options, SimpleNamespace(source_encoding="utf-8-sig")
        )
        text, _ = reader.read()
        made = fenced(text, options.get("language", path.suffix.lstrip(".")))
        caption = options.get("caption")
        return f"*{self.inline(caption)}*\n\n{made}" if caption else made

    def _d_math(self, block: Block) -> str:
        label = block.options.get("label") or block.options.get("name")
        text = "\n".join(filter(None, [block.argument, block.body]))
        if label:
            return self._equation(text, label)
        return f"$$\n{text.strip()}\n$$"

    def _d_image(self, block: Block) -> str:
        alt = " ".join(str(block.options.get("alt", "")).split())
        return f"![{alt}]({self._picture(block.argument)})"

    def _d_figure(self, block: Block) -> str:
        caption = self._inside(block.body)
        label = block.options.get("name") or block.options.get("label")
        number = f"{self.references.target(label).number}: " if label else ""
        image = self._d_image(block)
        return f"{image}\n\n*{number}{caption}*" if caption else image

    def _d_glue_figure(self, block: Block) -> str:
        return "*(The figure is drawn by a cell of this notebook.)*"

    _d_glue = _d_glue_any = _d_glue_figure

    def _d_table(self, block: Block) -> str:
        return f"*{self.inline(block.argument)}*\n\n{self.convert(block.body)}"

    def _d_list_table(self, block: Block) -> str:
        rows = [
            [
                " ".join(cell.split())
                for cell in re.split(r"^\s+[-*] ?", row, flags=re.M)
            ]
            for row in re.split(r"^[-*] +(?=[-*])", block.body, flags=re.M)[1:]
        ]
        rows = [[re.sub(r"^[-*] ?", "", row[0]), *row[1:]] for row in rows]
        cells = [[self.inline(cell) for cell in row] for row in rows]
        cells.insert(1, ["---"] * len(cells[0]))
        made = "\n".join(f"| {' | '.join(row)} |" for row in cells)
        return f"*{self.inline(block.argument)}*\n\n{made}" if block.argument else made

    def _d_bibliography(self, block: Block) -> str:
        return self.references.listing(self.sources)

    def _d_code_cell(self, block: Block) -> str:
        raise Unknown("a code cell inside another directive is no cell of a notebook")

    # -- inline -----------------------------------------------------------------------

    def inline(self, text: str) -> str:
        """Return prose with its roles, links and substitutions written out."""
        return INLINE.sub(self._piece, text)

    def _piece(self, found: re.Match[str]) -> str:
        if found["role"]:
            return self._role(found["role"], found["content"].strip())
        if found["name"]:
            return self.inline(self._substituted(found["name"]))
        if found["note"]:
            return f"<sup>[{found['note']}]</sup>" + (" " if found["defined"] else "")
        if found["span"]:
            return self.inline(found["text"])
        if found["to"] is not None:
            return self._link(found)
        return found[0]

    def _link(self, found: re.Match[str]) -> str:
        text, to, title = self.inline(found["text"]), found["to"], found["title"] or ""
        if found["image"]:
            return f"![{text}]({self._picture(to)}{title})"
        if to.startswith("#"):
            return self._linked(text, to[1:])
        url = self._address(to)
        return f"[{text}]({url}{title})" if url else f"*{text}*"

    def _address(self, to: str) -> str:
        """Return where a link of a page leads, in full; "" where nobody knows."""
        if re.match(r"(https?|mailto|data):", to):
            return to
        path, _, anchor = to.partition("#")
        try:
            return self.references.url(self.references.find(self.page, path), anchor)
        except (Unknown, ValueError):
            return self._in_repository(path)

    def _in_repository(self, name: str) -> str:
        root = self.references.root.resolve()
        path = (self.here.parent / name).resolve()
        if not path.exists() or not path.is_relative_to(root):
            raise Unknown(f"the link to {name!r} leads nowhere")
        place = path.relative_to(root).as_posix()
        home = self.references.repository
        return f"https://github.com/{home}/blob/HEAD/{place}" if home else ""

    def _picture(self, name: str) -> str:
        """Return the address of a picture, by which the notebook carries it."""
        if re.match(r"(https?|data):", name):
            return name
        root = self.references.root
        path = root / name[1:] if name[:1] == "/" else self.here.parent / name
        if not path.is_file():
            raise Unknown(f"there is no picture {name}")
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"

    def _linked(self, text: str, label: str) -> str:
        """Return a link to the place with this label."""
        target = self.references.target(label)
        return self.references.link(text or target.text, target.page, target.anchor)

    def _role(self, name: str, content: str) -> str:
        """Return a role as Markdown."""
        if name in CODES:
            return f"`{content}`"
        if name in WORDS:
            return f"<{WORDS[name]}>{html.escape(content)}</{WORDS[name]}>"
        if name.split(":")[0] == "cite":
            keys = [key.strip() for key in content.split(",")]
            textual = name.endswith((":t", ":ts", ":ct"))
            return self.references.cite(keys, textual, self.page)
        if name.split(":")[0] == "glue":
            return self._value(content)
        writer = getattr(self, "_r_" + name.replace(":", "_").replace("-", "_"), None)
        if writer is None:
            raise Unknown(f"the role {name!r} is not known to tools/markdown.py")
        return writer(*titled(content))

    def _value(self, content: str) -> str:
        """Return a number that the executed notebook has glued."""
        from myst_nb.core.variables import format_plain_text

        key, _, form = content.partition(":")
        data = self.glued.get(key)
        if data is None:
            return UNKNOWN_VALUE
        if "text/markdown" in data:
            return data["text/markdown"]
        try:
            return format_plain_text(data.get("text/plain", UNKNOWN_VALUE), form)
        except (TypeError, ValueError) as error:
            raise Unknown(f"glue {content!r}: {error}") from None

    def _r_doc(self, text: str, target: str) -> str:
        page = self.references.find(self.page, target)
        return self.references.link(text or self.references.titles[page], page)

    def _r_ref(self, text: str, target: str) -> str:
        return self._linked(text, target)

    _r_prf_ref = _r_any = _r_ref

    def _r_numref(self, text: str, target: str) -> str:
        number = self.references.target(target).number
        words = text.replace("{number}", number.split()[-1]) if text else number
        words = words.replace("%s", number.split()[-1])
        return self._linked(words, target)

    def _r_eq(self, text: str, target: str) -> str:
        place = self.references.target(target)
        if place.page == self.page:
            return place.number
        return self._linked(place.number, target)

    _r_math_numref = _r_eq

    def _r_math(self, text: str, target: str) -> str:
        return f"${target}$"

    def _r_download(self, text: str, target: str) -> str:
        url, words = self._address(target), text or Path(target).name
        return f"[{words}]({url})" if url else f"*{words}*"

    def _r_abbr(self, text: str, target: str) -> str:
        return f"{text} ({target})" if text else target

    def _r_term(self, text: str, target: str) -> str:
        return text or target

    _r_dfn = _r_menuselection = _r_term

    def _r_octicon(self, text: str, target: str) -> str:
        return ""


def titled(content: str) -> tuple[str, str]:
    """Return text and target of a role, "text <target>" or the target alone."""
    found = re.fullmatch(r"(.+?)\s*<([^<>]+)>", content, re.DOTALL)
    return (found[1], found[2]) if found else ("", content)


def headed(text: str) -> str:
    """Return prose whose heading, if it begins with one, has no attributes."""
    return re.sub(r"\A(\s*#{1,6} .*?)\s*\{[#.][^{}]*\}[ \t]*(?=\n|\Z)", r"\1", text)


def lowered(text: str) -> str:
    """Return "exercise 3" for "Exercise 3"."""
    return text[:1].lower() + text[1:]


def fenced(code: str, language: str) -> str:
    """Return `code` between fences that it does not hold itself."""
    longest = max((len(run) for run in re.findall(r"`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    language = "python" if language in {"ipython3", "ipython", "py"} else language
    return f"{fence}{language}\n{code.strip(chr(10))}\n{fence}"


def quoted(text: str) -> str:
    """Return `text` as a block quote."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def indented(text: str) -> str:
    """Return `text` as the rest of a point of a list."""
    return text.replace("\n", "\n  ")


def folded(title: str, text: str) -> str:
    """Return `text` behind a line that opens it."""
    from markdown_it import MarkdownIt

    words = MarkdownIt("commonmark").renderInline(title)
    summary = f"<summary>{words}</summary>"
    return f"<details>\n{summary}\n\n{text}\n\n</details>"
