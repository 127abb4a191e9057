"""Pages that a notebook made are kept for readers, and ask no other server."""

import json
import re
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import reports
import test_site as site

from tools import dashboard, execute, pages

LECTURE = "lectures/dask/schedulers"


def executed(root: Path, data: dict[str, Any]) -> None:
    path = root / execute.EXECUTED / "part" / "page.ipynb"
    path.parent.mkdir(parents=True)
    cell = {"cell_type": "code", "outputs": [{"data": data}]}
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown"}, cell]}), "utf-8")


def test_a_page_in_an_executed_notebook_is_written(tmp_path: Path) -> None:
    executed(tmp_path, {reports.PAGE: {"name": "a.html", "text": "<p>made</p>"}})
    app = SimpleNamespace(
        builder=SimpleNamespace(name="html"), srcdir=tmp_path, outdir=tmp_path / "site"
    )
    reports.write(app, None)
    assert (tmp_path / "site" / reports.FOLDER / "a.html").read_text() == "<p>made</p>"


def test_an_icon_elsewhere_is_left_out() -> None:
    icon = '<link rel="icon" href="https://docs.dask.org/favicon.ico" />'
    link = '<a href="https://docs.dask.org">read</a>'
    assert reports.alone("a.html", f"<head>{icon}</head>{link}") == (
        f"<head></head>{link}"
    )


def test_a_script_elsewhere_is_refused() -> None:
    text = '<script src="https://cdn.bokeh.org/bokeh.js"></script>'
    with pytest.raises(reports.Asks, match=r"a\.html asks another server.*bokeh"):
        reports.alone("a.html", text)


@pytest.mark.parametrize("name", ["../a.html", "a.js", ""])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(reports.Asks, match="not a name"):
        reports.alone(name, "")


def test_the_lecture_links_to_what_is_written() -> None:
    text = (site.ROOT / f"{LECTURE}.md").read_text(encoding="utf-8")
    (link,) = re.findall(r'href="(\.\./\.\./_static/reports/[^"]*)"', text)
    folder = (site.ROOT / LECTURE).parent
    assert (folder / link).resolve().parent == site.ROOT / reports.FOLDER
    assert f'"name": "{Path(link).name}"' in text


def test_the_picture_of_the_dashboard_is_one_that_the_tool_takes() -> None:
    head = dashboard.PICTURE.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    assert struct.unpack(">II", head[16:]) == dashboard.SIZE
    assert f"{{figure}} {dashboard.PICTURE.name}" in (
        site.ROOT / f"{LECTURE}.md"
    ).read_text(encoding="utf-8")


def test_without_a_browser_the_tool_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dashboard, "BROWSERS", ("no-such-browser",))
    assert dashboard.main() == 2
    assert "Chromium" in capsys.readouterr().err


@site.built
@site.browser
def test_the_report_opens_without_another_server(tmp_path: Path) -> None:
    path = site.SITE / reports.FOLDER / "schedulers.html"
    if LECTURE not in pages.pages(site.ROOT) or not path.is_file():
        pytest.skip("the site was built before the lecture was executed")
    text = path.read_text(encoding="utf-8")
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    (tmp_path / "404.html").write_text('<base href="/">', encoding="utf-8")
    loaded = site.drive("load.mjs", site=tmp_path)
    assert loaded
    assert not site.wrong(loaded, "outside")
    assert "Task Stream" in text
