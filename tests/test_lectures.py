"""What every page of the book promises, read from its source."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from tests.apart import ran
from tools import pages, style

ROOT = Path(__file__).resolve().parents[1]
PAGES = [page for page in pages.pages(ROOT) if (ROOT / f"{page}.md").exists()]
BACK = "lectures/back/"  # status and the like
EXERCISES = ("exercises/", "solutions/")
LECTURES = [
    p for p in PAGES if not (p.endswith("/index") or p.startswith((BACK, *EXERCISES)))
]
HEAD = {"minutes": int, "objectives": list, "prerequisites": list, "device": str}
BANNED = ("simply", "obviously", "trivially", "of course", "as you can see", "blazing")
# A number of ours comes from `glue`; typed, it could contradict what was measured.
TYPED = re.compile(
    r"\d(\.\d+)?\s?(x|×|-fold|times)\s+(as fast|faster|slower|quicker)", re.IGNORECASE
)
FENCE = re.compile(r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[a-z:-]+)\}", re.MULTILINE)
CODE = ("{code-cell}", "{code-block}", "{code}", "{math}", "{raw}")


def source(page: str) -> str:
    return pages.read(ROOT / f"{page}.md")


def body(page: str) -> str:
    """Return a page without its front matter."""
    return re.sub(r"\A---\n.*?\n---\n", "", source(page), flags=re.DOTALL)


def without_code(text: str) -> str:
    """Return `text` without blocks of code; what stands in other directives stays."""
    kept, code, directives = [], "", []
    for line in text.splitlines():
        fence, info = re.match(r"\s*(`{3,})?(.*)", line).groups()
        info = info.strip()
        if code:
            code = "" if fence and len(fence) >= len(code) and not info else code
        elif not fence:
            kept.append(line)
        elif directives and not info and len(fence) >= directives[-1]:
            directives.pop()
        elif info.startswith("{") and not info.startswith(CODE):
            directives.append(len(fence))
            kept.append(line)
        else:
            code = fence
    return "\n".join(kept)


def prose(text: str) -> str:
    """Return what a reader reads as sentences: no code, directives, targets."""
    text = without_code(text)
    text = re.sub(
        r"^\s*(`{3,}|:{3,}).*$|^\s*:[a-z-]+:.*$|^\(.*\)=$", "", text, flags=re.M
    )
    text = re.sub(r"^\$\$.*?\$\$.*?$", "", text, flags=re.DOTALL | re.M)
    text = re.sub(r"(\{[a-z:]+\})?`[^`\n]*`|\$[^$\n]+\$|\]\([^)]*\)", " ", text)
    return re.sub(r"(?<=\s)\W+(?=\s)", " ", f" {text} ")


def cells(page: str) -> list[Any]:
    """Return the code cells of a page, loaded ones too."""
    book = pages.notebook(ROOT / f"{page}.md")
    return [c for c in book.cells if c.cell_type == "code"] if book else []


def typed(page: str) -> list[str]:
    """Return the code that stands on the page itself."""
    return [cell.source for cell in cells(page) if "load" not in cell.metadata]


def marks(cell: Any) -> set[str]:
    """Return the tags of a cell, and "load" if it is loaded."""
    return {*cell.metadata.get("tags", []), *({"load"} & {*cell.metadata})}


def visible(cell: Any) -> bool:
    """Return whether the code of a cell stands open on the page."""
    hidden = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
    return not hidden & set(cell.metadata.get("tags", []))


OURS = ("%%gpu", "%%raises", "%%wrong")  # cell magics whose body is Python


def magic(code: str) -> bool:
    return code.lstrip().startswith("%%gpu")


def plain(code: str) -> str:
    """Return a cell as Python: without the line of a cell magic, others as comments."""
    lines = code.splitlines()
    if lines and lines[0].startswith("%%"):
        lines = lines[1:]
    return "\n".join(re.sub(r"^(\s*)[%!]", r"\1# ", line) for line in lines)


def bound(tree: ast.AST) -> set[str]:
    """Return the names that a cell binds at its top level."""
    names = set()
    for node in getattr(tree, "body", []):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(a.asname or a.name).split(".")[0] for a in node.names}
            continue
        names |= {
            n.id
            for n in ast.walk(node)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
    return names


def read(tree: ast.AST) -> set[str]:
    return {
        n.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
    }


def leaked(codes: list[str]) -> set[str]:
    """Return the names bound only by `%%gpu` cells that a plain cell reads."""
    gpu: set[str] = set()
    ours: set[str] = set()
    wrong: set[str] = set()
    for code in codes:
        tree = ast.parse(plain(code))
        if magic(code):
            gpu |= bound(tree)
        else:
            wrong |= read(tree) & (gpu - ours - bound(tree))
            ours |= bound(tree)
    return wrong


def claimed(codes: list[str]) -> list[str]:
    """Return the ids of the claims that cells judge."""
    calls = [node for code in codes for node in ast.walk(ast.parse(plain(code)))]
    return [
        call.args[0].value
        for call in calls
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "claim"
        and isinstance(call.args[0], ast.Constant)
    ]


def ruff(codes: list[str], *asked: str) -> str:
    """Return what ruff says about the cells as one notebook, "" for nothing."""
    codes = [plain(code) if code.startswith(OURS) else code for code in codes]
    return style.said(codes, *asked)


@pytest.mark.parametrize("page", pages.pages(ROOT))
def test_a_page_of_the_contents_exists(page: str) -> None:
    assert (ROOT / f"{page}.md").is_file()


@pytest.mark.parametrize("page", PAGES)
class TestPage:
    """Promises of every page, the first one too."""

    def test_has_one_title(self, page: str) -> None:
        text = without_code(body(page))
        assert len(re.findall(r"^# \S", text, re.MULTILINE)) == 1

    def test_describes_itself_to_search_engines(self, page: str) -> None:
        head = pages.front_matter(source(page))
        said = head["myst"]["html_meta"]["description"]
        assert 50 <= len(said) <= 160

    def test_runs_the_kernel_of_the_environment(self, page: str) -> None:
        if cells(page):
            head = pages.front_matter(source(page))
            assert head["kernelspec"]["name"] == "python3"

    def test_avoids_words_that_belittle(self, page: str) -> None:
        text = " ".join(prose(body(page)).lower().split())
        found = [w for w in BANNED if re.search(rf"\b{w}\b", text)]
        assert not found

    def test_types_no_measured_number(self, page: str) -> None:
        text = prose(body(page))
        if page.startswith(EXERCISES):  # a bar that an answer has to reach
            text = re.sub(r"at least \d+ times as fast", "", text)
        assert TYPED.findall(text) == []

    def test_gives_every_picture_words(self, page: str) -> None:
        text = without_code(body(page))
        for match in re.finditer(r"!\[(.*?)\]\(", text):
            assert match.group(1).strip(), "a picture without alternative text"
        for match in FENCE.finditer(text):
            if match["name"] in {"image", "figure"}:
                block = text[match.start() :].split(f"\n{match['fence']}\n")[0]
                assert re.search(r"^:alt:\s*\S|^alt:\s*\S", block, re.MULTILINE)

    def test_runs_to_its_end_where_tags_mean_nothing(self, page: str) -> None:
        tags = {tag for cell in cells(page) for tag in cell.metadata.get("tags", [])}
        assert "raises-exception" not in tags, "Colab stops there: say %%raises NAME"

    def test_has_cells_that_fit_a_screen(self, page: str) -> None:
        # what judges an exercise is folded, and nobody need read it
        folded = {"load", "checks", "tests"}
        read = [c.source for c in cells(page) if not folded & marks(c)]
        assert max((len(code.splitlines()) for code in read), default=0) <= 30

    def test_reads_no_name_that_only_a_gpu_cell_binds(self, page: str) -> None:
        assert leaked([cell.source for cell in cells(page)]) == set()

    def test_formats_its_code(self, page: str) -> None:
        assert ruff(typed(page), *style.FORMAT) == ""

    def test_lints_its_code(self, page: str) -> None:
        assert ruff([cell.source for cell in cells(page)], *style.CHECK) == ""


@pytest.mark.parametrize("page", LECTURES)
class TestLecture:
    """Promises of every lecture."""

    def test_says_what_it_asks_and_gives(self, page: str) -> None:
        course = pages.front_matter(source(page))["course"]
        assert {name: type(value) for name, value in course.items()} == HEAD
        assert 5 <= course["minutes"] <= 90
        assert course["device"] in {"cpu", "gpu"}
        assert 2 <= len(course["objectives"]) <= 6

    def test_names_prerequisites_that_exist(self, page: str) -> None:
        for need in pages.front_matter(source(page))["course"]["prerequisites"]:
            if re.fullmatch(r"[a-z_]+/[a-z_]+", need):
                assert f"lectures/{need}" in PAGES

    def test_shows_no_more_code_than_can_be_followed(self, page: str) -> None:
        # loaded files are the subject of a page, not steps of its argument
        steps = [c for c in cells(page) if "load" not in c.metadata and visible(c)]
        assert len(steps) <= 32

    def test_has_the_length_of_a_lecture(self, page: str) -> None:
        assert 700 <= len(prose(body(page)).split()) <= 2200


def test_a_claim_is_judged_in_one_place() -> None:
    ids = [i for p in PAGES for i in claimed([cell.source for cell in cells(p)])]
    assert {i for i in ids if ids.count(i) > 1} == set()


def test_no_notebook_lies_beside_the_lectures() -> None:
    listed = ran(["git", "ls-files", "lectures"], cwd=ROOT)
    if listed.returncode:
        pytest.skip("not a git checkout, so nothing is tracked")
    assert [f for f in listed.stdout.split() if f.endswith(".ipynb")] == []


class TestTheRulesThemselves:
    """A rule that nothing breaks would prove nothing."""

    def test_a_leaked_name_is_found(self) -> None:
        assert leaked(["%%gpu\nimport cupy\ny = 1", "print(y)"]) == {"y"}

    def test_a_name_bound_by_both_is_no_leak(self) -> None:
        assert leaked(["y = 2", "%%gpu\ny = 1", "print(y)"]) == set()

    def test_a_claim_is_found(self) -> None:
        assert claimed(["%%gpu\nif x:\n    claim('A1', 'x', x > 2)"]) == ["A1"]

    def test_a_typed_number_is_found(self) -> None:
        assert TYPED.search("it is 12.5 times faster, or 3x slower")
        assert not TYPED.search("it is {glue:text}`gain` times faster")

    def test_prose_is_what_is_left_without_code(self) -> None:
        cell = "```{code-cell} ipython3\n:tags: [x]\n\nfour = 5\n```\n"
        note = "```{note} Title\n:class: x\nSix.\n```\n"
        text = f"One `two` three.\n\n{note}\n{cell}\n```\nplain\n```\n$$\nx\n$$ (a)\n7"
        assert prose(text).split() == ["One", "three.", "Six.", "7"]

    def test_unformatted_code_is_found(self) -> None:
        assert ruff(["x=1"], *style.FORMAT)
        assert ruff(["x = 1"], *style.FORMAT) == ""

    def test_an_unknown_name_is_found(self) -> None:
        assert "F821" in ruff(["x = nothing"], *style.CHECK)
