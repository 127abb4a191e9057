"""What a site needs once it is published: a 404 page, a map for search engines.

A server shows 404.html for an address of any depth, so its links start at the root of
the site, which `tools/address.py` knows; without an address, that is the server's root.
"""

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sphinx.application import Sphinx

LOST = """<section id="no-such-page">
<h1>There is no such page</h1>
<p>It may have been moved, or the link that led here has a mistake in it.</p>
<ul>
<li><a href="{first}">Start with the first page</a></li>
<li><a href="search.html">Search the course</a></li>
</ul>
</section>"""


def extra_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the page that a server shows where there is none."""
    if app.builder.name == "html":
        first = escape(app.builder.get_target_uri(app.config.root_doc))
        body = LOST.format(first=first)
        yield "404", {"title": "There is no such page", "body": body}, "page.html"


def from_the_root(text: str, root: str) -> str:
    """Return a page whose links hold wherever it is shown."""
    text = re.sub(r'<div id="pst-skip-link".*?</div>', "", text)
    text = re.sub(r'href="#', 'href="404.html#', text)
    head = f'<meta charset="utf-8" />\n    <base href="{escape(root)}">'
    head += '\n    <meta name="robots" content="noindex">'
    text = re.sub(r'\s*<link rel="canonical"[^>]*>', "", text)
    return text.replace('<meta charset="utf-8" />', head, 1)


DESCRIPTIONS = {
    "404": "The address leads to no page of this course.",
    "search": "Search the pages of this course.",
    "genindex": "The words of this course in alphabetical order.",
}


def describe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Give a page that no source describes its description."""
    words = DESCRIPTIONS.get(page)
    if words:
        meta = f'<meta name="description" content="{words}">\n'
        context["metatags"] = context.get("metatags", "") + meta


def site_map(app: Sphinx) -> str:
    """Return the list of all pages for search engines."""
    root = app.config.html_baseurl
    uris = sorted(app.builder.get_target_uri(page) for page in app.env.found_docs)
    places = "".join(f"  <url><loc>{escape(root + uri)}</loc></url>\n" for uri in uris)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'{head}<urlset xmlns="{space}">\n{places}</urlset>\n'


def write_files(app: Sphinx, error: Exception | None) -> None:
    """Write what is no page of the book."""
    if error is not None or app.builder.name != "html":
        return
    out, root = Path(app.outdir), app.config.html_baseurl
    lost = out / "404.html"
    text = lost.read_text(encoding="utf-8")
    lost.write_text(from_the_root(text, urlsplit(root).path or "/"), encoding="utf-8")
    robots = "User-agent: *\nAllow: /\n"
    if root:
        (out / "sitemap.xml").write_text(site_map(app), encoding="utf-8")
        robots += f"Sitemap: {root}sitemap.xml\n"
    (out / "robots.txt").write_text(robots, encoding="utf-8")
    (out / ".nojekyll").touch()  # or GitHub Pages would leave _static out


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the files."""
    app.connect("html-collect-pages", extra_pages)
    app.connect("html-page-context", describe, priority=900)
    app.connect("build-finished", write_files, priority=970)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
