"""Directives whose HTML is made afresh at every build, once all pages are known."""

from collections.abc import Callable
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx


class Place(nodes.General, nodes.Element):
    """Where a directive stands, with what it was given, until its HTML is made."""


Make = Callable[[Sphinx, str, Place], str]


class Afresh(Directive):
    """No argument, no content; a directive that takes some says so in its class."""

    def run(self) -> list[nodes.Node]:
        """Return the place; its page is read at every build."""
        self.state.document.settings.env.note_reread()
        given = {"arguments": self.arguments, "options": self.options}
        return [Place(directive=self.name, line=self.lineno, **given)]


def register(
    app: Sphinx, name: str, make: Make, directive: type[Directive] = Afresh
) -> dict[str, Any]:
    """Have `make` called with the page's name and the place; return what `setup` does.

    What it returns is the HTML that stands there.
    """

    def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
        for place in list(doctree.findall(Place)):
            if place["directive"] == name:
                text = make(app, docname, place)
                place.replace_self(nodes.raw("", text, format="html"))

    app.setup_extension("afresh")
    app.add_directive(name, directive)
    app.connect("doctree-resolved", fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the node that all of them share."""
    app.add_node(Place)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
