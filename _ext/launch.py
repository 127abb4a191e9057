"""The buttons above a page: run it on Colab, download it, edit it, say what is wrong.

All addresses come from `tools/address.py`; without one, no button leads anywhere.
"""

import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from sphinx.application import Sphinx
from sphinx.config import Config

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import address
from tools.pages import label


def note_address(app: Sphinx, config: Config) -> None:
    """Take the addresses; pages are written again when they change."""
    config.course_repository = address.repository()
    config.html_baseurl = address.site()


def exported(app: Sphinx, page: str) -> bool:
    """Say whether the notebook of a page lies in the site (`course` puts it there)."""
    return Path(app.outdir, "_sources", f"{page}.ipynb").is_file()


def link(text: str, url: str, icon: str, tooltip: str) -> dict[str, str]:
    """Return a button as the theme's templates take it."""
    kind = {"type": "link", "text": text, "url": url, "icon": icon}
    return {**kind, "tooltip": tooltip}


def colab(repository: str, page: str) -> dict[str, str]:
    """Return the button that opens the exported notebook on Colab."""
    place = f"{repository}/blob/{address.notebook_branch()}/{label(page)}.ipynb"
    url = f"https://colab.research.google.com/github/{quote(place)}"
    icon = "_static/images/logo_colab.png"
    return {**link("Colab", url, icon, "Run on Colab"), "label": "colab-button"}


def sources(repository: str, source: str, title: str) -> dict[str, Any]:
    """Return the buttons that lead to the text of a page and to its discussion."""
    home = f"https://github.com/{repository}"
    place = f"{address.source_branch()}/{quote(source)}"
    about = {"title": f"{source}: ", "body": f"About {home}/blob/{place}\n\n"}
    words = urlencode(about, safe="/", quote_via=quote)
    issue = f"{home}/issues/new?{words}"
    buttons = [
        link("Repository", home, "fab fa-github", "The source of the course"),
        link("Edit", f"{home}/edit/{place}", "fas fa-pencil", "Suggest an edit"),
        link("Issue", issue, "fas fa-lightbulb", f"Open an issue about {title}"),
    ]
    group = {"type": "group", "tooltip": "Source and issues", "icon": "fab fa-github"}
    return {**group, "label": "source-buttons", "buttons": buttons}


def downloads(app: Sphinx, page: str, context: dict[str, Any]) -> dict[str, Any]:
    """Return the buttons that give the page to take away."""
    buttons: list[dict[str, str]] = []
    if exported(app, page):
        url = context["pathto"](f"_sources/{page}.ipynb", 1)
        buttons.append(link(".ipynb", url, "fas fa-code", "The notebook, to run it"))
    if context.get("sourcename"):
        url = context["pathto"](f"_sources/{context['sourcename']}", 1)
        buttons.append(link(".md", url, "fas fa-file", "The source of this page"))
    paper = {"type": "javascript", "javascript": "window.print()", "text": ".pdf"}
    buttons.append({**paper, "icon": "fas fa-file-pdf", "tooltip": "Print this page"})
    group = {
        "type": "group",
        "tooltip": "Download this page",
        "label": "download-buttons",
    }
    return {**group, "icon": "fas fa-download", "buttons": buttons}


def replace_buttons(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Put our buttons in the place of the theme's."""
    if doctree is None:
        return
    theirs = [b for b in context["header_buttons"] if b["type"] != "group"]
    repository = app.config.course_repository
    ours: list[dict[str, Any]] = []
    if repository and exported(app, page):
        ours.append(colab(repository, page))
    if repository:
        source = Path(app.env.doc2path(page)).relative_to(app.srcdir).as_posix()
        ours.append(sources(repository, source, page))
    context["header_buttons"] = [*ours, downloads(app, page, context), *theirs]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the buttons."""
    app.add_config_value("course_repository", "", "html")
    app.connect("config-inited", note_address, priority=600)
    app.connect("html-page-context", replace_buttons, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
