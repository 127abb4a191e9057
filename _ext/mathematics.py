"""Mathematics that asks no other server and needs, where possible, no script.

Where Node and KaTeX are there (see `tools/node.py`), formulas are set when the book is
built: a page carries them as HTML and MathML, and a mistake in a formula is a warning
with its place.  Elsewhere MathJax sets them in the browser, from its wheel.
Pages without a formula load neither.
"""

import json
import os
import re
import shutil
import subprocess
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

LOG = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[1]
SCRIPT = Path(__file__).with_name("katex.mjs")
KATEX = ROOT / "node_modules" / "katex"
SHEET = "katex/katex.min.css"
SET = 'class="katex'  # is in a page that holds a formula set by KaTeX


def can_set() -> bool:
    """Say whether formulas can be set here."""
    wanted = os.environ.get("BEYOND_NUMPY_MATHEMATICS", "katex") == "katex"
    there = (KATEX / "package.json").is_file() and shutil.which("node") is not None
    return wanted and there


class Setter:
    """KaTeX in a process of its own, started with the first formula."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.done: dict[tuple[str, bool], str] = {}

    def set(self, tex: str, display: bool) -> str:
        """Return a formula as HTML; ValueError where KaTeX does not understand it."""
        if (tex, display) not in self.done:
            answer = self.ask({"tex": tex, "display": display})
            if "error" in answer:
                raise ValueError(answer["error"])
            self.done[tex, display] = answer["html"]
        return self.done[tex, display]

    def ask(self, question: dict[str, Any]) -> dict[str, str]:
        """Return the answer of the process to one question."""
        if self.process is None:
            pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self.process = subprocess.Popen(
                ["node", str(SCRIPT)], text=True, encoding="utf-8", **pipe
            )
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the process that sets mathematics has died")
        return json.loads(line)

    def stop(self, *_: Any) -> None:
        """End the process."""
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(timeout=10)
            self.process.stdout.close()
            self.process = None


SETTER = Setter()


def in_words_of_katex(tex: str) -> str:
    """Return a displayed formula as KaTeX wants it; Sphinx does the numbers."""
    tex = re.sub(r"\\(begin|end)\{(align|gather|equation|alignat)\}", r"\\\1{\2*}", tex)
    if r"\\" in tex and r"\begin" not in tex:
        tex = rf"\begin{{aligned}}{tex}\end{{aligned}}"
    return tex


def formula(node: nodes.Node, tex: str, display: bool) -> str:
    """Return `tex` set, or as it stands with a warning."""
    try:
        # the sign of a root is drawn; its words are the MathML beside it
        return SETTER.set(tex, display).replace("<svg ", '<svg aria-hidden="true" ')
    except ValueError as error:
        LOG.warning("mathematics: %s", error, location=node)
        return escape(tex)


def visit_inline(translator: Any, node: nodes.math) -> None:
    """Write a formula in a line of text."""
    text = formula(node, node.astext(), False)
    translator.body.append(f'<span class="math notranslate">{text}</span>')
    raise nodes.SkipNode


def visit_display(translator: Any, node: nodes.math_block) -> None:
    """Write a formula on lines of its own, with its number."""
    body = translator.body
    head = {"CLASS": "math notranslate nohighlight"}
    # on a phone a long formula scrolls, and so has to be reached from the keyboard
    body.append(translator.starttag(node, "div", tabindex="0", **head))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        body.append("</span>")
    body.append(formula(node, in_words_of_katex(node.astext()), True))
    body.append("</div>\n")
    raise nodes.SkipNode


def choose(app: Sphinx, config: Config) -> None:
    """Choose what sets the mathematics."""
    config.html_math_renderer = "katex" if can_set() else "mathjax"


def check_title(app: Sphinx, doctree: nodes.document) -> None:
    """Warn of a formula in the title of a page.

    Browsers' tabs show it, and other pages in their contents, which may lack what a
    formula needs.
    """
    title = next(doctree.findall(nodes.title), None)
    if title is not None and title.next_node(nodes.math) is not None:
        LOG.warning("mathematics: a formula in the title of a page", location=title)


def dress(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Give a page what its mathematics needs, and no other page any of it."""
    body = context.get("body", "")
    if SET in body:
        app.add_css_file(SHEET)
    if 'class="math' not in body:
        context["script_files"] = [
            script
            for script in context["script_files"]
            if "mathjax" not in str(getattr(script, "filename", script)).lower()
            and "window.MathJax" not in str(getattr(script, "attributes", ""))
        ]


def copy_fonts(app: Sphinx, error: Exception | None) -> None:
    """Copy KaTeX's style sheet and fonts, only the kind that browsers take."""
    if error is not None or app.builder.format != "html":
        return
    if app.builder.math_renderer_name != "katex":
        return
    there = Path(app.outdir, "_static", "katex")
    (there / "fonts").mkdir(parents=True, exist_ok=True)
    for font in (KATEX / "dist" / "fonts").glob("*.woff2"):
        shutil.copy(font, there / "fonts")
    shutil.copy(KATEX / "LICENSE", there)
    sheet = (KATEX / "dist" / "katex.min.css").read_text(encoding="utf-8")
    older = r',url\([^)]+\.(?:woff|ttf)\) format\("[a-z]+"\)'
    text = re.sub(older, "", sheet).replace("font-display:block", "font-display:swap")
    Path(app.outdir, "_static", SHEET).write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both ways."""
    if not can_set():
        app.setup_extension("sphinx-mathjax-offline")
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_display, None))
    app.connect("config-inited", choose)
    app.connect("doctree-read", check_title)
    app.connect("html-page-context", dress, priority=900)
    app.connect("build-finished", copy_fonts, priority=400)
    app.connect("build-finished", SETTER.stop)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
