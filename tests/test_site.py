"""What the finished site promises its readers, tried in a browser without a network.

The pages are those that `make book` has built.  Where Chromium, Node or the packages of
package-lock.json are missing, a test says so and is skipped.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import course
import lean
import pytest

from tests.apart import ran
from tools import node, pages

pytestmark = pytest.mark.timeout(700)  # one of them reads every page four times
ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
SCRIPTS = ROOT / "tests" / "browser"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    "",
)
TYPICAL = "lectures/start/limits.html"

built = pytest.mark.skipif(
    not (SITE / "index.html").is_file(), reason="make book has not built the site"
)


def missing() -> str:
    """Return why no browser can be driven here, "" if one can."""
    if not CHROMIUM:
        return "Chromium is not installed"
    if shutil.which("node") is None:
        return "Node is not installed"
    if not node.present(ROOT, everything=True):
        return "python -m tools.node --all has not installed the npm packages"
    return ""


browser = pytest.mark.skipif(bool(missing()), reason=missing() or "none is missing")


def drive(script: str, *arguments: str, site: Path = SITE) -> Any:
    """Run a script of the browser on a site and return what it found."""
    command = ["node", str(SCRIPTS / script), str(site), *arguments]
    env = {**os.environ, "CHROMIUM": CHROMIUM}
    done = ran(command, env=env, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def site_pages() -> list[Path]:
    return sorted(p for p in SITE.rglob("*.html") if "_static" not in p.parts)


def wrong(rows: list[dict[str, Any]], *keys: str) -> list[Any]:
    """Return the entries under `keys` that are not empty, with their pages."""
    return [(r["page"], key, r[key]) for r in rows for key in keys if r[key]]


@pytest.fixture(scope="module")
def loaded() -> list[dict[str, Any]]:
    return drive("load.mjs")


@built
@browser
class TestPages:
    """Every page, from a server and from a folder, with no other server in reach."""

    def test_all_were_loaded(self, loaded: list[dict[str, Any]]) -> None:
        names = {p.relative_to(SITE).as_posix() for p in site_pages()}
        assert {r["page"] for r in loaded if r["from"] == "server"} == names
        assert {r["page"] for r in loaded if r["from"] == "file"} == names - {
            "404.html"
        }
        lectures = {f"{page}.html" for page in pages.pages(ROOT)}
        assert lectures <= names

    def test_ask_no_other_server(self, loaded: list[dict[str, Any]]) -> None:
        assert not wrong(loaded, "outside")

    def test_find_everything_they_ask_for(self, loaded: list[dict[str, Any]]) -> None:
        assert not wrong(loaded, "failed")

    def test_leave_the_console_empty(self, loaded: list[dict[str, Any]]) -> None:
        assert not wrong(loaded, "said")

    def test_fit_the_window(self, loaded: list[dict[str, Any]]) -> None:
        assert not [r["page"] for r in loaded if r["wide"] > 0]

    def test_are_light(self, loaded: list[dict[str, Any]]) -> None:
        """Bytes that a server sends which packs texts, as GitHub Pages does.

        Figures apart; nothing in the browser's cache.
        """
        heavy = [
            (row["page"], row["bytes"])
            for row in loaded
            if row["from"] == "server"
            and row["bytes"] > (350_000 if row["mathematics"] else 200_000)
        ]
        assert not heavy

    def test_are_light_unpacked_too(self, loaded: list[dict[str, Any]]) -> None:
        """Bytes as they lie in the folder, which packing would hide the growth of.

        What comes with a page (styles, scripts, fonts), and the page itself without
        its figures: the longest lecture has 200 kB, most of it code in colours.
        """
        for row in loaded:
            if row["from"] == "server" or row["page"] == "index.html":
                continue  # the entrance leads on to another page at once
            most = 400_000 if row["mathematics"] else 350_000
            if row["page"] == "search.html":
                most = 700_000  # it brings the words of the whole course
            assert row["bytes"] - row["own"] < most, row["page"]
            assert row["own"] < 300_000, row["page"]

    def test_set_all_mathematics(self, loaded: list[dict[str, Any]]) -> None:
        assert any(row["mathematics"] for row in loaded)
        for row in loaded:
            assert row["set"] == row["mathematics"], row["page"]

    def test_load_mathematics_only_where_there_is_some(
        self, loaded: list[dict[str, Any]]
    ) -> None:
        for row in loaded:
            asked = [u for u in row["asked"] if re.search("katex|mathjax", u, re.I)]
            assert bool(asked) == bool(row["mathematics"]), (row["page"], asked)

    def test_have_one_title_and_headings_in_order(
        self, loaded: list[dict[str, Any]]
    ) -> None:
        for row in loaded:
            assert row["h1"] == 1, row["page"]
            steps = zip(row["headings"], row["headings"][1:], strict=False)
            assert all(below <= above + 1 for above, below in steps), row["page"]

    def test_say_what_they_are_about(self, loaded: list[dict[str, Any]]) -> None:
        for row in loaded:
            assert row["title"], row["page"]
            assert 20 < len(row["description"]) <= 160, row["page"]
            assert row["icon"].endswith("favicon.svg"), row["page"]


@pytest.fixture(scope="module")
def looked() -> dict[str, Any]:
    return drive("look.mjs", TYPICAL, "roofline")


@built
@browser
class TestLooks:
    """What a reader sees, in either theme, on paper, or at a wrong address."""

    def test_drawings_stand_out_in_both_themes(self, looked: dict[str, Any]) -> None:
        assert {one["theme"] for one in looked["drawings"]} == {"light", "dark"}
        pale = [one for one in looked["drawings"] if one["contrast"] < 3]
        assert not pale
        ink = {
            o["theme"]: o["colour"] for o in looked["drawings"] if o["tag"] == "text"
        }
        assert ink["light"] != ink["dark"]

    def test_every_icon_is_drawn(self, looked: dict[str, Any]) -> None:
        assert not looked["icons"]

    @pytest.mark.parametrize("how", ["server", "file"])
    def test_search_finds_a_page(self, looked: dict[str, Any], how: str) -> None:
        assert any(TYPICAL in found for found in looked["search"][how])

    def test_paper_shows_what_is_folded_and_nothing_to_click(
        self, looked: dict[str, Any]
    ) -> None:
        assert sum(row["folded"] for row in looked["paper"])
        assert not wrong(looked["paper"], "hidden", "navigation")
        assert all(row["title"] == 1 for row in looked["paper"])

    def test_a_phone_shows_drawings_and_tables_whole_and_large_enough(
        self, looked: dict[str, Any]
    ) -> None:
        assert not wrong(looked["phone"], "faults")

    def test_a_wrong_address_leads_back_at_any_depth(
        self, looked: dict[str, Any]
    ) -> None:
        lost = looked["lost"]
        assert lost["status"] == 404
        assert lost["title"] == "There is no such page"
        assert lost["links"] > 2
        assert lost["styled"] > 2
        assert not lost["failed"]
        assert not lost["dead"]


@built
@browser
class TestAccess:
    """Everybody can use the pages."""

    def test_axe_finds_nothing(self) -> None:
        judged = drive("axe.mjs")
        assert {(j["theme"], j["width"]) for j in judged} == {
            (theme, width) for theme in ("light", "dark") for width in (1280, 390)
        }
        assert not wrong(judged, "violations")

    @pytest.mark.parametrize("page", [TYPICAL, "lectures/start/index.html"])
    def test_lighthouse_finds_nothing(self, page: str) -> None:
        kinds = ("accessibility", "best-practices", "seo")
        (run,) = drive("lighthouse.mjs", page, "1", *kinds)
        assert run["scores"] == dict.fromkeys(kinds, 100), run["wrong"]

    def test_a_lecture_is_quick_on_a_phone(self) -> None:
        runs = drive("lighthouse.mjs", TYPICAL, "3", "performance")
        score = statistics.median(run["scores"]["performance"] for run in runs)
        assert score >= 90, (
            f"{[run['scores'] for run in runs]}; a busy machine lowers the score: its "
            f"benchmark was {[run['benchmark'] for run in runs]}, where 1000 is usual"
        )


@built
class TestFolder:
    """What lies in the folder that is published."""

    def test_is_small(self) -> None:
        parts = [p for p in (SITE / "_static").rglob("*") if p.is_file()]
        assert sum(p.stat().st_size for p in parts) < 4_000_000

    def test_every_page_has_its_description(self) -> None:
        for path in site_pages():
            text = path.read_text(encoding="utf-8")
            assert re.search(r'<meta [^>]*name="description"', text), path

    def test_every_picture_has_its_words(self) -> None:
        for path in site_pages():
            body = re.search(r"(?s)<main.*?</main>", path.read_text(encoding="utf-8"))
            assert not body or not list(course.wordless(body.group())), path

    def test_has_what_servers_and_search_engines_ask_for(self) -> None:
        assert "User-agent" in (SITE / "robots.txt").read_text(encoding="utf-8")
        assert (SITE / ".nojekyll").exists()
        assert 'name="robots" content="noindex"' in (SITE / "404.html").read_text(
            encoding="utf-8"
        )


class TestSheets:
    """Style rules that no page can use go, all others stay as they are."""

    KEPT = (
        "a{color:red}",
        '.here::after{content:"} /* no */ ;"}',
        "@media print{.here{color:red}}",
        ":is(.gone,.here){color:red}",
        "a:not(.gone){color:red}",
        '[class="gone"]{color:red}',
        "@font-face{font-family:x;src:url(a;b)}",
        ":root{--a:url(\"data:image/svg+xml,%3csvg viewBox='0 0 1 1'%3e\")}",
        ".md\\:here{color:red}",
        '@charset "utf-8";',
    )

    @pytest.mark.parametrize("rule", KEPT)
    def test_keep(self, rule: str) -> None:
        assert lean.purged(rule, {"here", "md:here"}) == rule

    @pytest.mark.parametrize(
        "rule", [".gone{a:b}", "#gone .here{a:b}", "@media print{.gone{a:b}}", "a{}"]
    )
    def test_drop(self, rule: str) -> None:
        assert lean.purged(rule, {"here"}) == ""

    def test_drop_the_selector_that_is_not_used(self) -> None:
        rule = ".gone , .here > b { color : red ; }"
        assert lean.purged(rule, {"here"}) == ".here > b{color : red}"


PAGE = """---
file_format: mystnb
kernelspec:
  name: python3
  display_name: Python 3
myst:
  html_meta:
    description: A page of a small book.
---

# A page

It has $x^2$ and $\\sqrt{x}$, and

$$
\\sum_{i=1}^{n} a_i \\le \\mathbb{R}
$$ (sum)

\\begin{align}
a &= b \\\\
c &= d
\\end{align}

```{code-cell} ipython3
1 + 1
```
"""
PLAIN = "# Words\n\nNo cell and no formula.\n"
OTHERS = {
    "BEYOND_NUMPY_REPOSITORY": "first/course",
    "BEYOND_NUMPY_SITE": "https://first.example/learn/",
}


class Book:
    """A small book with the course's own settings."""

    def __init__(self, root: Path, mathematics: bool) -> None:
        self.root = root
        rooms = ("_ext", "_static", "tools", "arraylab", "case_studies", "records")
        for name in rooms:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        files = ("_config.yml", "references.bib", "pyproject.toml", "LICENSE")
        for name in (*files, "README.md"):
            shutil.copy(ROOT / name, root / name)
        if mathematics:
            for name in node.LISTS:
                shutil.copy(ROOT / name, root / name)
            (root / "node_modules").symlink_to(ROOT / "node_modules")
        part = root / "lectures" / "part"
        part.mkdir(parents=True)
        (part / "one.md").write_text(PAGE, encoding="utf-8")
        (part / "two.md").write_text(PLAIN, encoding="utf-8")
        chapters = "chapters:\n  - file: lectures/part/two\n"
        toc = f"format: jb-book\nroot: lectures/part/one\n{chapters}"
        (root / "_toc.yml").write_text(toc, encoding="utf-8")
        (root / "requirements.txt").write_text("numpy==2\n", encoding="utf-8")

    def build(self, **settings: str) -> subprocess.CompletedProcess[str]:
        none = dict.fromkeys(OTHERS, "")
        command = [sys.executable, "-m", "tools.book"]
        env = {**os.environ, **none, **settings}
        return ran(command, cwd=self.root, env=env, encoding="utf-8")

    def page(self, name: str) -> str:
        path = self.root / "_build" / "html" / f"{name}.html"
        return path.read_text(encoding="utf-8")

    def links(self, name: str) -> list[str]:
        return re.findall(r'<a href="(https?://[^"]*)"', self.page(name))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return Book(tmp_path_factory.mktemp("small"), mathematics=False)


class TestButtons:
    """The buttons lead to the repository that built the site, or nowhere at all."""

    def test_without_an_address_there_are_none(self, book: Book) -> None:
        done = book.build()
        assert done.returncode == 0, done.stdout + done.stderr
        for name in ("lectures/part/one", "lectures/part/two", "404"):
            assert "colab" not in book.page(name).lower()
            assert "github" not in book.page(name).lower()
            assert 'rel="canonical"' not in book.page(name)
        assert not (book.root / "_build" / "html" / "sitemap.xml").exists()

    @pytest.mark.parametrize("owner", ["first", "a-fork"])
    def test_with_one_they_lead_to_its_notebook_source_and_issues(
        self, book: Book, owner: str
    ) -> None:
        settings = {**OTHERS, "BEYOND_NUMPY_REPOSITORY": f"{owner}/course"}
        settings["BEYOND_NUMPY_SITE"] = f"https://{owner}.example/learn"
        done = book.build(**settings)
        assert done.returncode == 0, done.stdout + done.stderr
        colab = f"https://colab.research.google.com/github/{owner}/course/blob/"
        source = f"{owner}/course/edit/main/lectures/part/one.md"
        links = book.links("lectures/part/one")
        assert f"{colab}notebooks/part/one.ipynb" in links
        assert f"https://github.com/{source}" in links
        assert any(
            link.startswith(f"https://github.com/{owner}/course/issues/new?")
            and "lectures/part/one.md" in link
            for link in links
        )
        assert all(owner in link for link in links if "git" in link)
        root = f"https://{owner}.example/learn/"
        assert f'<link rel="canonical" href="{root}lectures/part/one.html"' in (
            book.page("lectures/part/one")
        )
        assert '<base href="/learn/">' in book.page("404")
        site_map = book.root / "_build" / "html" / "sitemap.xml"
        assert f"<loc>{root}lectures/part/two.html</loc>" in site_map.read_text("utf-8")

    def test_a_page_that_does_not_run_is_not_launched(self, book: Book) -> None:
        assert book.build(**OTHERS).returncode == 0
        assert not [u for u in book.links("lectures/part/two") if "colab" in u]
        assert any("edit/main" in link for link in book.links("lectures/part/two"))

    def test_the_download_is_the_exported_notebook(self, book: Book) -> None:
        done = book.build()
        assert done.returncode == 0, done.stdout + done.stderr
        assert self.downloads(book) == ["../../_sources/lectures/part/one.ipynb"]
        place = book.root / "_build" / "html" / "_sources" / "lectures" / "part"
        notebook = json.loads((place / "one.ipynb").read_text(encoding="utf-8"))
        assert all(not cell.get("outputs") for cell in notebook["cells"])

    def downloads(self, book: Book) -> list[str]:
        text = book.page("lectures/part/one")
        return re.findall(r'<a href="([^"]*\.ipynb)" download', text)


@pytest.fixture(scope="module")
def mathjax(tmp_path_factory: pytest.TempPathFactory) -> Book:
    book = Book(tmp_path_factory.mktemp("mathjax"), mathematics=False)
    done = book.build()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mathematics by MathJax" in done.stdout
    return book


class TestMathematics:
    """Set when the book is built where that can be, in the browser elsewhere."""

    def test_by_mathjax_where_katex_is_missing(self, mathjax: Book) -> None:
        assert "_static/mathjax/tex-chtml.js" in mathjax.page("lectures/part/one")
        other = mathjax.page("lectures/part/two")
        assert "mathjax" not in other.replace("mathjax_", "")
        there = mathjax.root / "_build" / "html" / "_static" / "mathjax"
        assert (there / "tex-chtml.js").is_file()
        size = sum(p.stat().st_size for p in there.rglob("*") if p.is_file())
        assert size < 4_000_000

    @browser
    def test_mathjax_sets_all_of_it_and_asks_no_other_server(
        self, mathjax: Book
    ) -> None:
        rows = drive("load.mjs", site=mathjax.root / "_build" / "html")
        assert not wrong(rows, "outside", "failed", "said")
        formulas = {(r["from"], r["page"]): (r["mathematics"], r["set"]) for r in rows}
        for how in ("server", "file"):
            assert formulas[how, "lectures/part/one.html"] == (4, 4)
            assert formulas[how, "lectures/part/two.html"] == (0, 0)
        packed = {r["page"]: r["bytes"] for r in rows if r["from"] == "server"}
        # three quarters are MathJax itself; what is published has KaTeX
        assert packed["lectures/part/one.html"] < 500_000, packed
        assert packed["lectures/part/two.html"] < 200_000, packed

    @pytest.mark.skipif(
        shutil.which("node") is None or not node.present(ROOT),
        reason="Node or KaTeX is not installed",
    )
    def test_by_katex_and_a_wrong_formula_stops_the_build(
        self, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        book = Book(tmp_path_factory.mktemp("katex"), mathematics=True)
        done = book.build()
        assert done.returncode == 0, done.stdout + done.stderr
        assert '<span class="katex">' in book.page("lectures/part/one")
        assert "<math " in book.page("lectures/part/one"), "for screen readers"
        assert "katex" not in book.page("lectures/part/two")
        assert not (book.root / "_build" / "html" / "_static" / "mathjax").exists()
        page = book.root / "lectures" / "part" / "two.md"
        wrong = (
            PLAIN.replace("Words", "Words on $n$") + "\n$\\frac{1}$ in $n$\n\n## $n$\n"
        )
        page.write_text(wrong, encoding="utf-8")
        broken = book.build()
        assert broken.returncode == 1
        found = re.findall(r"two\.md:(\d+): WARNING: mathematics: (\w+)", broken.stderr)
        assert found == [("1", "a"), ("5", "KaTeX")], broken.stderr


class TestPackages:
    """The npm packages are pinned, and the lists name no registry."""

    def test_versions_are_exact_and_agree_with_the_lock(self) -> None:
        wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
        lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
        for kind in ("dependencies", "devDependencies"):
            for name, version in wanted[kind].items():
                assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
                entry = lock["packages"][f"node_modules/{name}"]
                assert entry["version"] == version
                assert entry["integrity"].startswith("sha512-")
        assert list(wanted["dependencies"]) == ["katex"]

    def test_the_lock_names_no_registry(self) -> None:
        lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
        assert not [name for name, one in lock["packages"].items() if "resolved" in one]

    def test_nothing_of_npm_is_committed(self) -> None:
        ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
        assert "node_modules/" in ignored
