"""The status page: made from executions and records, executed itself by nobody."""

import io
import re
from pathlib import Path

import course_status as status
import nbformat
import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from arraylab import html, records
from tools import execute

ROOT = Path(__file__).resolve().parents[1]
GPU = {
    "cpu": "AMD EPYC",
    "cores": 16,
    "gpus": [{"name": "NVIDIA H200"}],
    "python": "3.12.3",
    "versions": {"cupy-cuda13x": "14.2.0"},
}
PAGE = """---
file_format: mystnb
kernelspec: {name: python3, display_name: Python 3}
---
# A page

```{code-cell} ipython3
1
```
"""


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the status page of a course with two notebooks and a GPU's record."""
    part = tmp_path / "lectures" / "part"
    part.mkdir(parents=True)
    for name in ("one", "two"):
        (part / f"{name}.md").write_text(PAGE, encoding="utf-8")
    text = "---\norphan: true\n---\n# Status\n\n```{course-status}\n```\n"
    (tmp_path / "lectures" / "status.md").write_text(text, encoding="utf-8")
    pages = "chapters:\n  - file: lectures/part/one\n  - file: lectures/part/two\n"
    toc = f"format: jb-book\nroot: lectures/status\n{pages}"
    (tmp_path / "_toc.yml").write_text(toc, encoding="utf-8")
    books = execute.collect(tmp_path, [])[0]
    book = books["lectures/part/one"]
    execute.stamp(book, "key", 12.3)
    book.metadata[execute.STAMP] |= {"machine": "AMD EPYC, 2 cores", "device": "cpu"}
    execute.write(book, tmp_path / execute.EXECUTED / "lectures/part/one.ipynb")
    ran = {"date": "2026-03-02T10:00:00+00:00", "seconds": 7.5, "result": "passed"}
    ended = {
        "part/one": {**ran, "code": execute.key(book, "")},
        "part/two": {**ran, "code": "of an older page"},
    }
    folder = tmp_path / "records"
    records.save(folder / "h200.json", GPU, [], executions=ended)
    monkeypatch.setenv("BEYOND_NUMPY_RECORDS", str(folder))
    return site(tmp_path)


def site(root: Path) -> str:
    """Build the pages of `root` with the directive; return the status page."""
    out, said = root / "out", io.StringIO()
    settings = {
        "extensions": ["myst_parser", "course_status"],
        "root_doc": "lectures/status",
        "suppress_warnings": ["myst", "toc", "misc.highlighting_failure"],
        "exclude_patterns": ["out", "_build"],
    }
    with docutils_namespace():
        app = Sphinx(
            *(str(root), None, str(out), str(out / "trees"), "html", settings),
            status=None,
            warning=said,
        )
        app.build()
    return (out / "lectures" / "status.html").read_text(encoding="utf-8")


def table(page: str, caption: str) -> str:
    """Return the rows of one table as words."""
    found = re.search(f"<caption>{caption}</caption>(.*?)</table>", page, re.DOTALL)
    assert found, caption
    rows = found[1].replace("</tr>", "\n")
    words = re.sub(r"<[^>]+>", " ", rows)
    return "\n".join(" ".join(line.split()) for line in words.splitlines())


def test_every_notebook_has_its_last_execution_on_a_cpu(built: str) -> None:
    told = table(built, "Last execution on a CPU").splitlines()
    assert re.match(
        r"part/one passed \d{4}-\d\d-\d\d 12\.3 s AMD EPYC, 2 cores", told[1]
    )
    assert told[2] == "part/two never"


def test_every_notebook_has_its_last_execution_on_a_gpu(built: str) -> None:
    told = table(built, "Last execution on a GPU")
    assert "part/one passed 2026-03-02 7.50 s NVIDIA H200 with AMD EPYC" in told
    assert "part/two passed, stale: the page has changed since 2026-03-02" in told


def test_the_versions_and_what_the_records_lack_are_told(built: str) -> None:
    told = table(built, "Versions")
    assert "Python 3.12.3, cupy-cuda13x 14.2.0" in told
    assert "numpy" in told
    assert "NVIDIA H200" in table(built, "Records: measurements and GPU cells")
    assert re.search(r"<summary>\d+ missing measurements</summary>", built)


def test_tables_are_for_everyone(built: str) -> None:
    assert built.count("<table") == built.count("<caption>") == 4
    assert "<th>" not in built
    assert 'href="part/one.html"' in built
    for frame in re.findall(r'<div class="bn-scroll"[^>]*>', built):
        assert 'tabindex="0"' in frame, "what scrolls is reached from the keyboard"


def test_a_page_built_on_a_gpu_counts_as_that(tmp_path: Path) -> None:
    book = nbformat.v4.new_notebook()
    execute.stamp(book, "key", 1.0)
    book.metadata[execute.STAMP] |= {"device": "NVIDIA H200"}
    execute.write(book, tmp_path / execute.EXECUTED / "lectures/a/b.ipynb")
    assert status.here(tmp_path, "lectures/a/b").gpu
    assert status.here(tmp_path, "lectures/a/c") is None


def test_each_number_brings_the_head_of_its_column_for_narrow_screens() -> None:
    """A table of two columns fits a phone as it is."""
    rows = [("a", "1 ms", "ok")]
    wide = html.table("Times.", ("variant", "time <&>", ""), rows)
    assert '<table class="bn-rows">' in wide
    assert '<td data-head="time &lt;&amp;&gt;">1 ms</td><td>ok</td>' in wide
    narrow = html.table("Times.", ("variant", "time"), [("a", "1 ms")])
    assert "bn-rows" not in narrow
    assert "data-head" not in narrow
