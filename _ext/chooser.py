"""The directive `{chooser}`: the decision guide of `arraylab.choosing`, to be asked.

What stands on the page is the whole guide, as a list with its measurements; a script
adds the questions and marks the rule that fits, so that nothing is lost without it.
"""

import json
import sys
from html import escape
from pathlib import Path
from typing import Any

from afresh import Place, register
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from arraylab import choosing, html, records
from tools.state import digest


def fields() -> str:
    """Return the questions as groups of radio buttons."""
    groups = []
    for question in choosing.QUESTIONS:
        usual = next(iter(question.answers))
        buttons = "".join(
            f'<label><input type="radio" name="{question.name}" value="{value}"'
            f"{' checked' if value == usual else ''}> {escape(words)}</label>"
            for value, words in question.answers.items()
        )
        legend = f"<legend>{escape(question.text)}</legend>"
        groups.append(f"<fieldset>{legend}{buttons}</fieldset>")
    return "".join(groups)


def guide(library: records.Library, up: str, version: str) -> str:
    """Return form, answer and list; `up` leads from the page to the site's root."""

    def link(rule: choosing.Rule) -> str:
        return f"{up}lectures/{rule.page}.html"

    told = escape(json.dumps(choosing.data()), quote=True)
    return (
        f'<link rel="stylesheet" href="{up}_static/chooser.css?v={version}">'
        f'<div class="bn-chooser" data-guide="{told}">'
        f'<form aria-label="What is your problem like?" hidden>{fields()}</form>'
        '<p class="bn-said" role="status"></p>'
        f"{choosing.listing(library, link)}</div>"
        f'<script src="{up}_static/chooser.js?v={version}"></script>'
    )


def make(app: Sphinx, docname: str, place: Place) -> str:
    """Return what stands in the place of the directive."""
    files = sorted(Path(app.srcdir, "_static").glob("chooser.*"))
    version = digest(path.read_bytes() for path in files)
    return html.block(guide(records.load(), "../" * docname.count("/"), version))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    return register(app, "chooser", make)
