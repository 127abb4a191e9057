"""What the book needs of Sphinx beyond its extensions.

* `%%gpu`, `%%raises` and `%%wrong` cells are highlighted as Python;
* the `course:` head of a page is shown below its title;
* a picture without alternative text is a warning, so it stops `make book`;
* a master of exercises is shown as the page of its solutions;
* a page that loads a file is read again when that file changes;
* the notebook that a page offers for download is the exported one;
* outputs made by other code, records or libraries are never taken from the cache;
* a few repairs of the theme's pages for readers who use a keyboard or a screen reader.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from ipython_pygments_lexers import IPython3Lexer
from pygments.lexer import bygroups, using
from pygments.lexers import Python3Lexer
from pygments.token import Keyword, Operator, Text
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from arraylab.notebooks import REPLAY, gpu_body
from tools import execute, export, masters, pages
from tools.pages import Unknown
from tools.references import References
from tools.state import state

LOG = logging.getLogger(__name__)


# -- cells of the course's magic ------------------------------------------------------


class CourseLexer(IPython3Lexer):
    """IPython, where the body of a cell of our magics is Python."""

    tokens = {  # noqa: RUF012  # Pygments' way
        **IPython3Lexer.tokens,
        "root": [
            (
                r"(?s)(\s*)(%%)(gpu|raises|wrong)\b([^\n]*\n)(.*)",
                bygroups(Text, Operator, Keyword, Text, using(Python3Lexer)),
            ),
            *IPython3Lexer.tokens["root"],
        ],
    }


# -- executions of other code ---------------------------------------------------------


def note_state(app: Sphinx, config: Config) -> None:
    """Make Sphinx read all pages again when what they run in has changed."""
    config.course_state = state(Path(app.srcdir))


def empty_stale_cache(app: Sphinx) -> None:
    """Drop executions that were made in another state of the course."""
    execute.cache(Path(app.srcdir), app.config.course_state)


def show_solutions(app: Sphinx, docname: str, source: list[str]) -> None:
    """Turn a master of exercises into the page of its solutions."""
    path = Path(app.env.doc2path(docname))
    try:
        source[0] = masters.published(path, source[0])
    except masters.Malformed as error:
        LOG.warning("this master can't be read: %s", error, location=docname)


def note_loaded(app: Sphinx, docname: str, source: list[str]) -> None:
    """Tie a page to the files whose text it takes into its cells."""
    page = Path(app.env.doc2path(docname))
    for name in pages.loaded(source[0]):
        app.env.note_dependency(str((page.parent / name).resolve()))


# -- the notebook of a page -----------------------------------------------------------


def offer_notebook(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Write the notebook of a page where the theme's download button finds it."""
    if doctree is None or app.builder.name != "html":
        return
    if not hasattr(app, "course_references"):
        app.course_references = References(Path(app.srcdir))
    try:
        book = export.export(page, app.course_references)
    except (Unknown, SyntaxError) as error:
        LOG.warning("not exported as a notebook: %s", error, location=page)
        return
    if book is not None:
        context["ipynb_source"] = f"{page}.ipynb"
        path = Path(app.outdir, "_sources", f"{page}.ipynb")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(export.text_of(book), encoding="utf-8", newline="\n")


# -- the head of a page ---------------------------------------------------------------

DEVICES = {
    "cpu": "runs on any computer",
    "gpu": "made for a GPU, readable without",
}


def gpu_cells(path: Path) -> str:
    """Return how many `%%gpu` cells of an executed notebook ran, where; "" for none."""
    if not path.exists():
        return ""
    states: Counter[str] = Counter()
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code" or gpu_body(source) is None:
            continue
        bundles = [output.get("data", {}) for output in cell["outputs"]]
        shown = [data[REPLAY] for data in bundles if REPLAY in data]
        if not shown:
            states["run where this page was built"] += 1
        elif (place := shown[0]["machine"]) is None:
            states["not recorded yet"] += 1
        else:
            states[f"recorded on {place}, {shown[0]['date']}"] += 1
    told = ", ".join(f"{count} {state}" for state, count in states.items())
    return f"Cells for a GPU: {told}." if told else ""


def inline(text: str) -> Iterator[nodes.Node]:
    """Yield the nodes of one line that may hold `code` and $mathematics$."""
    for part in re.split(r"(`[^`]+`|\$[^$]+\$)", text):
        if part.startswith("`"):
            yield nodes.literal("", part[1:-1])
        elif part.startswith("$"):
            yield nodes.math("", part[1:-1])
        elif part:
            yield nodes.Text(part)


def prerequisite(app: Sphinx, docname: str, text: str) -> list[nodes.Node]:
    """Return a link where `text` names a page (part/stem), else the text."""
    target = f"lectures/{text}"
    if target not in app.env.found_docs:
        return list(inline(text))
    link = addnodes.pending_xref(
        "",
        nodes.inline("", ""),
        refdomain="std",
        reftype="doc",
        reftarget=f"/{target}",
        refdoc=docname,
        refexplicit=False,
        refwarn=True,
    )
    return [link]


def listing(title: str, items: list[list[nodes.Node]]) -> list[nodes.Node]:
    """Return a titled list of the box."""
    entries = [nodes.list_item("", nodes.paragraph("", "", *item)) for item in items]
    head = nodes.paragraph("", "", nodes.strong("", title))
    return [head, nodes.bullet_list("", *entries)]


def box(app: Sphinx, docname: str, course: dict[str, Any]) -> nodes.Node:
    """Return the box that shows what the front matter says about a page."""
    text = f"{course['minutes']} minutes, {DEVICES[course['device']]}."
    told = gpu_cells(Path(app.srcdir) / execute.EXECUTED / f"{docname}.ipynb")
    text = f"{text} {told}".strip()
    parts: list[nodes.Node] = [nodes.paragraph("", text)]
    goals = [list(inline(goal)) for goal in course.get("objectives", [])]
    needs = [prerequisite(app, docname, n) for n in course.get("prerequisites", [])]
    if goals:
        parts += listing("After this page you can", goals)
    if needs:
        parts += listing("You need", needs)
    return nodes.container("", *parts, classes=["bn-head"])


def show_head(app: Sphinx, doctree: nodes.document) -> None:
    """Put the box of the front matter below the title."""
    docname = app.env.docname
    course = app.env.metadata[docname].get("course")
    title = next(doctree.findall(nodes.title), None)
    if course is None or title is None:
        return
    course = json.loads(course) if isinstance(course, str) else course
    try:
        node = box(app, docname, course)
    except (KeyError, TypeError) as error:
        LOG.warning("front matter 'course': %r is wrong", error, location=docname)
        return
    at = title.parent.index(title) + 1
    welcome = title.parent[at] if at < len(title.parent) else None
    if isinstance(welcome, nodes.Element) and "bn-hero" in welcome.get("classes", []):
        at += 1
    title.parent.insert(at, node)
    # the page may have no other mathematics, and then would not load what sets it
    app.env.get_domain("math").process_doc(app.env, docname, doctree)


# -- pictures have words --------------------------------------------------------------

DESCRIBED = re.compile(r"aria-label|aria-hidden|role=.(presentation|none)")


def wordless(body: str) -> Iterator[str]:
    """Yield the pictures of an HTML text that have no alternative text."""
    for tag in re.findall(r"<img\b[^>]*>", body):
        alt = re.search(r'\balt="([^"]*)"', tag)
        source = re.search(r'\bsrc="([^"]*)"', tag)
        name = source.group(1)[:80] if source else "?"
        # Sphinx writes the file's path where nobody wrote a text
        path = alt is not None and re.fullmatch(
            r"\S+\.(svg|png|jpe?g|gif|webp)", alt[1]
        )
        if (alt is None or not alt[1].strip() or path) and not DESCRIBED.search(tag):
            yield name
    for tag, rest in re.findall(r"(<svg\b[^>]*>)\s*(<title)?", body):
        if not rest and not DESCRIBED.search(tag):
            yield tag[:80]


def check_pictures(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Warn of every picture of a page that has no alternative text."""
    if doctree is None:
        return
    for name in wordless(context.get("body", "")):
        LOG.warning("picture without alternative text: %s", name, location=page)


# -- repairs of the theme -------------------------------------------------------------


OUR_STYLE = "<style>\n.bn{"  # as arraylab.html writes it


def repair_body(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Mend what extensions write into the text of a page."""
    body = context.get("body", "")
    # a name that hides the words that are seen
    body = body.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    # roles that ARIA no longer allows there
    body = body.replace(
        '<div role="list" class="citation-list">', '<div class="citation-list">'
    )
    body = body.replace(' role="doc-biblioentry"', "")
    # a wide table of ours scrolls, so the keyboard has to reach it
    body = body.replace('<div class="bn">', '<div class="bn" tabindex="0">')
    # a corner that heads nothing is no header
    body = body.replace('<th scope="col"></th>', "<td></td>")
    # every result brings its style; the first one on a page serves them all
    first, style, rest = body.partition(OUR_STYLE)
    if style:
        end = rest.index("</style>")
        own = style + rest[:end] + "</style>"
        body = first + own + rest[end + len("</style>") :].replace(own, "")
    context["body"] = body


REPAIRS: tuple[tuple[str, str], ...] = (
    # a second title and table of contents for paper; a page has one h1
    (r'(?s)<div id="jb-print-docs-body".*?(?=<div id="searchbox">)', ""),
    # what a button opens beside this page cannot reach back, and a notebook is saved
    (r'(<a href="[^"]+") target="_blank"', r'\1 target="_blank" rel="noopener"'),
    (
        r'(<a href="[^"]+\.ipynb") target="_blank" rel="noopener"(?=[^>]*notebook)',
        r"\1 download",
    ),
    # the words that are seen on the search button are its name
    (r'(<button class="btn search-button-field[^>]*?) aria-label="[^"]*"', r"\1"),
    (r'(<span class="search-button__kbd-shortcut")>', r'\1 aria-hidden="true">'),
    # the button has its name; the icons in it would add theirs
    (r'(<i class="theme-switch [^>]*?)\s+title="[^"]*"', r'\1 aria-hidden="true"'),
    # landmarks of one kind need names
    (
        r'<div id="pst-primary-sidebar" class',
        r'<div id="pst-primary-sidebar" role="complementary" aria-label="Site" class',
    ),
)


ENTRANCE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="The first page of {title}.">
<meta http-equiv="refresh" content="0; url={page}">
<link rel="icon" href="{icon}">
<title>{title}</title>
</head>
<body><p><a href="{page}">{title}</a></p></body>
</html>
"""


def write_entrance(app: Sphinx) -> None:
    """Write the index.html that leads to the first page."""
    page = app.builder.get_target_uri(app.config.root_doc)
    text = ENTRANCE.format(
        language=app.config.language,
        page=page,
        title=escape(app.config.html_title),
        icon=f"_static/{Path(app.config.html_favicon).name}",
    )
    Path(app.outdir, "index.html").write_text(text, encoding="utf-8")


def repair_pages(app: Sphinx, error: Exception | None) -> None:
    """Mend what no option or template of the theme reaches."""
    if error is not None or app.builder.name != "html":
        return
    if app.config.root_doc != "index":
        write_entrance(app)
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        better = text
        for pattern, replacement in REPAIRS:
            better = re.sub(pattern, replacement, better)
        if better != text:
            path.write_text(better, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything above."""
    app.add_lexer("ipython3", CourseLexer)
    app.add_lexer("ipython", CourseLexer)
    app.add_config_value("course_state", "", "env")
    listeners: tuple[tuple[str, Callable[..., Any], int], ...] = (
        ("config-inited", note_state, 500),
        ("builder-inited", empty_stale_cache, 500),
        ("source-read", show_solutions, 400),
        ("source-read", note_loaded, 500),
        ("doctree-read", show_head, 600),  # after the front matter was collected
        ("html-page-context", offer_notebook, 400),  # before the theme's buttons
        ("html-page-context", check_pictures, 800),
        ("html-page-context", repair_body, 900),
        ("build-finished", repair_pages, 900),
    )
    for event, function, priority in listeners:
        app.connect(event, function, priority=priority)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
