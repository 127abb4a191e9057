"""Exported notebooks are plain Markdown and plain Python, whole and the same each time.

`tools/learner.py` runs them; here is what they hold.
"""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tools import address, export, glued, pages, style, wheel
from tools.markdown import Markdown, fenced, folded
from tools.pages import Unknown
from tools.references import References, block_of

ROOT = Path(__file__).resolve().parents[1]
PAGES = [page for page in pages.pages(ROOT) if (ROOT / f"{page}.md").is_file()]
SITE = "https://owner.github.io/course/"
HEAD = """---
file_format: mystnb
kernelspec:
  name: python3
  display_name: Python 3
course:
  minutes: 25
  device: {device}
  objectives:
    - predict that `work` takes $8n$ bytes
  prerequisites:
    - part/two
    - patience
myst:
  substitutions:
    size: "**72 MB**"
---

"""
ONE = """(one)=
# The first page

{body}
"""
TWO = """(two)=
# The `second` page

(further)=
## Further *down*

$$
a = b
$$ (eq-two)

```{exercise} A title
:label: ex-two
Do.
```

```{code-cell} ipython3
1 + 1
```
"""
BIB = """
@article{doe, author = {Doe, Jane and others}, title = {A {Title}}, journal = {J},
  year = {2020}, doi = {10.1/x}}
@misc{ray, author = {van der Ray, Al and Bo, Cy}, title = {Other}, year = {2021}}
"""
PIXEL = "iVBORw0KGgo="


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that writes a book of two pages and converts some MyST."""
    monkeypatch.setenv(address.REPOSITORY, "owner/course")
    monkeypatch.delenv(address.SITE, raising=False)
    folder = tmp_path / "lectures" / "part"
    folder.mkdir(parents=True)
    toc = "root: lectures/part/one\nchapters:\n  - file: lectures/part/two\n"
    (tmp_path / "_toc.yml").write_text("format: jb-book\n" + toc, "utf-8")
    (tmp_path / "_config.yml").write_text("bibtex_bibfiles: [a.bib]\n", "utf-8")
    (tmp_path / "a.bib").write_text(BIB, "utf-8")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "beyond-numpy"\nversion = "1.2"\n', "utf-8"
    )
    (tmp_path / "code.py").write_text("A = 1\n\n\ndef f():\n    return 2\n", "utf-8")
    (folder / "dot.png").write_bytes(b"\x89PNG")
    (folder / "two.md").write_text(HEAD.format(device="gpu") + TWO, "utf-8")

    def write(body: str) -> References:
        text = HEAD.format(device="cpu") + ONE.format(body=body)
        (folder / "one.md").write_text(text, "utf-8")
        return References(tmp_path)

    def convert(body: str, **values: Any) -> str:
        references = write(body)
        return Markdown("lectures/part/one", body, references, **values).convert(body)

    write("")
    convert.root, convert.write = tmp_path, write
    return convert


def link(words: str, page: str, anchor: str = "") -> str:
    return f"[{words}]({SITE}lectures/part/{page}.html{anchor and '#' + anchor})"


class TestRoles:
    """What stands in a sentence becomes words and links."""

    @pytest.mark.parametrize(
        ("myst", "markdown"),
        [
            ("{doc}`two`", link("The `second` page", "two")),
            ("{doc}`/lectures/part/two`", link("The `second` page", "two")),
            ("{doc}`words <two>`", link("words", "two")),
            ("{ref}`further`", link("Further *down*", "two", "further")),
            ("{ref}`there <further>`", link("there", "two", "further")),
            ("[there](#further)", link("there", "two", "further")),
            ("[](#further)", link("Further *down*", "two", "further")),
            ("[page](two.md)", link("page", "two")),
            ("[place](two.md#further)", link("place", "two", "further")),
            ("{numref}`ex-two`", link("Exercise 1", "two", "ex-two")),
            ("{ref}`ex-two`", link("Exercise 1 (A title)", "two", "ex-two")),
            ("{eq}`eq-two`", link("(1)", "two", "equation-eq-two")),
            ("{cite}`doe`", r"\[[Doe *et al.*, 2020](https://doi.org/10.1/x)\]"),
            ("{cite:t}`ray`", "van der Ray and Bo [2021]"),
            (
                "{cite:p}`doe,ray`",
                r"\[[Doe *et al.*, 2020](https://doi.org/10.1/x); "
                r"van der Ray and Bo, 2021\]",
            ),
            ("{math}`x^2`", "$x^2$"),
            ("H{sub}`2`O", "H<sub>2</sub>O"),
            ("{kbd}`Ctrl`", "`Ctrl`"),
            ("{term}`stride`, {term}`views <view>`", "stride, views"),
            ("{download}`code <../../code.py>`", "[code](https://github.com/owner/"),
            ("{{ size }} and {{ size }}", "**72 MB** and **72 MB**"),
            ("[words]{.big}", "words"),
            ("a note[^1]", "a note<sup>[1]</sup>"),
            ("![a dot](dot.png)", "![a dot](data:image/png;base64,iVBORw==)"),
            ("`{doc}` and `` {ref}`x` ``", "`{doc}` and `` {ref}`x` ``"),
            (r"cost \$5 or $x_{a}`$", r"cost \$5 or $x_{a}`$"),
            ("<https://a.example>", "<https://a.example>"),
        ],
    )
    def test_a_role_is_written_out(self, book: Any, myst: str, markdown: str) -> None:
        made = book(myst, substitutions={"size": "**72 MB**"})
        assert made == markdown or (markdown[-1] == "/" and made.startswith(markdown))

    @pytest.mark.parametrize(
        ("role", "value"),
        [
            ("{glue:text}`gain:.1f`", "3.1"),
            ("{glue:text}`name`", "AMD"),
            ("{glue}`name`", "AMD"),
            ("{glue:md}`words`", "*much*"),
            ("{glue:text}`absent:.1f`", "(run the cells to see)"),
        ],
    )
    def test_a_glued_value_is_that_of_the_execution(
        self, book: Any, role: str, value: str
    ) -> None:
        values = {
            "gain": {"text/plain": "3.14159"},
            "name": {"text/plain": "'AMD'"},
            "words": {"text/markdown": "*much*"},
        }
        assert book(f"It is {role}.", glued=values) == f"It is {value}."

    @pytest.mark.parametrize(
        "myst",
        [
            *("{doc}`nowhere`", "{ref}`nowhere`", "{cite}`nobody`", "{odd}`x`"),
            *("{{ nothing }}", "[x](gone.md)", "![x](gone.png)", "{eq}`gone`"),
        ],
    )
    def test_what_leads_nowhere_is_an_error(self, book: Any, myst: str) -> None:
        with pytest.raises(Unknown):
            book(myst)

    def test_without_a_site_there_are_words_and_no_dead_links(
        self, book: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(address.REPOSITORY, "")
        made = book("{doc}`two`, {ref}`further`, [code](../../code.py)")
        assert made == "*The `second` page*, *Further *down**, *code*"


class TestBlocks:
    """Directives become what Markdown has for them."""

    def test_a_note_is_a_quotation(self, book: Any) -> None:
        made = book(":::{note}\nSee {doc}`two`.\n\n```python\nx = 1\n```\n:::")
        assert made.split("\n") == [
            f"> **Note.** See {link('The `second` page', 'two')}.",
            ">",
            "> ```python",
            "> x = 1",
            "> ```",
        ]

    def test_a_margin_has_its_title(self, book: Any) -> None:
        assert book("```{margin} Why?\nSo.\n```") == "> **Why?.** So.".replace(
            "?.", "?"
        )
        assert book(":::{admonition} Rule `x`\nSo.\n:::") == "> **Rule `x`.** So."

    @pytest.mark.parametrize("name", ["dropdown", "toggle"])
    def test_a_dropdown_opens(self, book: Any, name: str) -> None:
        made = book(f":::{{{name}}} Is `x` *it*?\nNo: {{math}}`x`.\n:::")
        assert made == (
            "<details>\n<summary>Is <code>x</code> <em>it</em>?</summary>\n\n"
            "No: $x$.\n\n</details>"
        )

    def test_the_answers_of_a_quick_check_open(self, book: Any) -> None:
        made = book(
            "::::{admonition} Quick check\n:class: quick-check\n\nIs `x` a view?\n\n"
            ":::{dropdown} Yes\nRight: it is.\n:::\n\n"
            ":::{dropdown} `x` is not\nNot quite: it is.\n:::\n::::"
        )
        answers = (("Yes", "Right"), ("<code>x</code> is not", "Not quite"))
        assert made == "> **Quick check.** Is `x` a view?\n" + "\n".join(
            f">\n> <details>\n> <summary>{answer}</summary>\n>\n"
            f"> {verdict}: it is.\n>\n> </details>"
            for answer, verdict in answers
        )

    def test_a_note_of_class_dropdown_opens(self, book: Any) -> None:
        made = book("```{tip}\n:class: dropdown\nSo.\n```")
        assert "<summary>Tip</summary>" in made

    def test_tabs_have_a_heading_each(self, book: Any) -> None:
        tabs = [f":::{{tab-item}} {t}\n:sync: x\nIn {t}.\n:::" for t in ("A", "`B`")]
        made = book(
            "## Here\n\n::::{tab-set}\n\n" + "\n".join(tabs) + "\n::::\n\nAfter."
        )
        tabs_made = "## Here\n\n### A\n\nIn A.\n\n### `B`\n\nIn `B`."
        assert made == f"{tabs_made}\n\n---\n\nAfter."
        tabs = "::::{tab-set}\n\n:::{tab-item} A\nIn A.\n:::\n::::"
        assert book(f"{tabs}\n\n## Next") == "## A\n\nIn A.\n\n## Next"

    def test_a_grid_of_cards_is_a_list_of_links(self, book: Any) -> None:
        card = ":::{grid-item-card} Go\n:link: two\n:link-type: doc\nThere.\n:::"
        made = book("::::{grid} 1 2\n:gutter: 2\n\n" + card + "\n::::")
        assert made == f"- **{link('Go', 'two')}**: There."

    def test_an_included_file_is_its_code(self, book: Any) -> None:
        made = book("```{literalinclude} ../../code.py\n:pyobject: f\n```")
        assert made == "```python\ndef f():\n    return 2\n```"
        whole = "```{literalinclude} ../../code.py\n```"
        assert book(whole) == "```python\nA = 1\n\n\ndef f():\n    return 2\n```"
        start = "```{literalinclude} ../../code.py\n:language: python\n:lines: 1\n```"
        assert book(start) == "```python\nA = 1\n```"

    def test_code_keeps_its_fences_apart(self, book: Any) -> None:
        assert book("```{code-block} python\n:linenos:\nx = 1\n```") == (
            "```python\nx = 1\n```"
        )
        inner = "```\nx\n```"
        assert fenced(inner, "md") == f"````md\n{inner}\n````"
        untouched = "````md\n```{note}\n{ref}`x`\n```\n````"
        assert book(untouched) == untouched

    def test_equations_are_numbered_as_on_the_site(self, book: Any) -> None:
        text = (
            "$$\nx\n$$ (a)\n\n```{math}\n:label: b\ny\n```\n\nBy {eq}`b` and {eq}`a`."
        )
        assert book(text) == (
            "$$\nx \\tag{1}\n$$\n\n$$\ny \\tag{2}\n$$\n\nBy (2) and (1)."
        )
        assert book("$$ x $$") == "$$\nx\n$$"
        amsmath = "\\begin{align}\nx &= y_{a}\n\\end{align}"
        assert book(amsmath) == amsmath

    def test_exercises_have_numbers_and_folded_solutions(self, book: Any) -> None:
        made = book(
            "## Exercises\n\n````{exercise} Try\n:label: t\nDo.\n\n```python\nx\n```\n"
            "````\n\n```{solution} t\n:class: dropdown\nDone.\n```"
        )
        assert made == (
            "## Exercises\n\n### Exercise 1. Try\n\nDo.\n\n```python\nx\n```\n\n"
            "<details>\n<summary>Solution of exercise 1</summary>\n\n"
            "Done.\n\n</details>"
        )

    def test_an_exercise_without_a_label_is_counted_as_on_the_site(
        self, book: Any
    ) -> None:
        text = "## Again\n\n```{exercise} Two\nDo.\n```\n\n```{exercise}\nIt.\n```\n"
        made = book(f"{text}\n```{{exercise}} Free\n:nonumber:\nAny.\n```")
        assert re.findall(r"^### (.*)", made, re.MULTILINE) == [
            "Exercise 1. Two",
            "Exercise 2",
            "Exercise (Free)",
        ]

    def test_a_solution_with_cells_has_a_heading(self, book: Any) -> None:
        text = "```{exercise-start} T\n:label: t\n```\nDo.\n```{exercise-end}\n```\n"
        made = book(
            text + "\n```{solution-start} t\n```\nSo.\n\n```{solution-end}\n```"
        )
        lines = [line for line in made.split("\n") if line]
        assert lines == ["## Exercise 1. T", "Do.", "**Solution of exercise 1**", "So."]

    def test_a_figure_has_its_picture_words_and_caption(self, book: Any) -> None:
        made = book("```{figure} dot.png\n:alt: A dot.\n:name: d\nSee {math}`x`.\n```")
        assert made.startswith("![A dot.](data:image/png;base64,")
        assert made.endswith("\n\n*Fig. 1: See $x$.*")

    def test_a_theorem_is_a_quotation(self, book: Any) -> None:
        text = "```{prf:theorem} Of all\n:label: th\nTrue.\n```\n\nBy {prf:ref}`th`."
        made = book(text)
        assert made.startswith("> **Theorem 1. Of all.** True.")
        assert "[Theorem 1 (Of all)](" in made

    def test_tables_and_definitions_are_kept(self, book: Any) -> None:
        table = "```{list-table} All\n* - a\n  - b\n* - {math}`x`\n  - `y`\n```"
        assert book(table) == "*All*\n\n| a | b |\n| --- | --- |\n| $x$ | `y` |"
        assert book("Term\n: what it {math}`is`") == "- **Term**: what it $is$"

    def test_sources_are_listed(self, book: Any) -> None:
        made = book("{cite}`doe` \n\n```{bibliography}\n:filter: x\n```")
        assert "- Jane Doe and others. A Title. *J*, 2020. [doi:10.1/x](" in made
        assert "Other" not in made

    def test_a_block_in_a_list_stays_in_it(self, book: Any) -> None:
        made = book("1. One\n\n   ```{note}\n   Two\n\n   three.\n   ```\n2. Four")
        assert made == "1. One\n\n   > **Note.** Two\n   >\n   > three.\n2. Four"

    def test_targets_comments_and_attributes_go(self, book: Any) -> None:
        text = "(t)=\n## Head {#x .y}\n\n% comment\n{.z}\nText.\n\n+++\n\nMore."
        assert book(text) == "## Head\n\nText.\n\nMore."

    def test_what_is_for_the_site_alone_is_left_out(self, book: Any) -> None:
        assert book("A.\n\n:::{only} html\nChoose a tab.\n:::\n\nB.") == "A.\n\nB."

    def test_options_that_cannot_be_read_are_an_error(self, book: Any) -> None:
        with pytest.raises(Unknown, match="tab-set"):
            book("::::{tab-set}\n:::{tab-item} A\nIn A.\n:::\n::::")

    def test_an_unknown_directive_is_an_error(self, book: Any) -> None:
        with pytest.raises(Unknown, match="'odd-one'"):
            book("```{odd-one}\nx\n```")

    def test_a_summary_is_html(self) -> None:
        assert "<summary>a &lt; <code>b</code></summary>" in folded("a < `b`", "x")


class TestCells:
    """Code needs no package of the site's own."""

    @pytest.mark.parametrize(
        ("codes", "hidden", "expected"),
        [
            (["from myst_nb import glue\nx = 1\nglue('x', x)"], [False], ["x = 1"]),
            (
                ["import numpy as np\nfrom myst_nb import glue"],
                [0],
                ["import numpy as np"],
            ),
            (["x = 1\nglue(\n    'x',\n    x,\n)\ny = x"], [0], ["x = 1\ny = x"]),
            (["%load_ext a\nglue('x', 1)"], [0], ["%load_ext a"]),
            (["glue('x', 1)"], [True], [""]),
            (["a = f()\nb = a + 1\nglue('b', b)"], [True], [""]),
            (["a = 1\nglue('a', a)", "print(a)"], [True, False], ["a = 1", "print(a)"]),
            (["a = 1\nglue('a', a)"], [False], ["a = 1"]),
            # a function's own variable of that name is another one
            (
                ["w = 1\nglue('w', w)", "def f():\n    w = 2\n    return w"],
                [True, False],
                ["", "def f():\n    w = 2\n    return w"],
            ),
            (["print('glue')"], [False], ["print('glue')"]),
            (["x = 1\nfor n in 1, 2:\n    glue(n, x)"], [False], ["x = 1"]),
            (
                ["for n in 1, 2:\n    glue(n, n)\n    f(n)"],
                [0],
                ["for n in 1, 2:\n    f(n)"],
            ),
            (["if f():\n    glue(1, 2)\nelse:\n    glue(1, 3)"], [False], [""]),
            (
                ["with f() as x:\n    for n in x:\n        glue(n, n)\n    g(x)"],
                [False],
                ["with f() as x:\n    g(x)"],
            ),
            (["%%gpu cupy\nx = 1\nglue('x', x)"], [False], ["%%gpu cupy\nx = 1"]),
        ],
    )
    def test_glue_goes_with_what_only_it_needs(
        self, codes: list[str], hidden: list[bool], expected: list[str]
    ) -> None:
        assert glued.clean(codes, hidden) == expected

    @pytest.mark.parametrize(
        "code",
        [
            "if f():\n    glue('x', 1)\nelse:\n    g()",
            "[glue(n, n) for n in (1, 2)]",
            "def f():\n    glue('x', 1)",
        ],
    )
    def test_glue_that_cannot_be_taken_out_is_an_error(self, code: str) -> None:
        with pytest.raises(Unknown, match="a statement of its own"):
            glued.clean([code], [False])

    def test_what_a_cell_can_do_without_is_not_asked_for(self) -> None:
        code = "import a.b\nfrom c import d\ntry:\n    import e\nexcept E:\n    pass"
        assert glued.imports(code) == {"a", "c"}

    def test_a_hidden_cell_is_folded_and_a_mistake_stays_one(self) -> None:
        cell = export.code_cell("1 / 0", ["hide-input", "raises-exception", "x"])
        assert cell["metadata"] == {
            "cellView": "form",
            "jupyter": {"source_hidden": True},
            "tags": ["raises-exception"],
        }
        assert "".join(cell["source"]).startswith("# @title ")
        assert (
            "cellView" not in export.code_cell("%%gpu\nx", ["hide-input"])["metadata"]
        )

    def test_ids_stay_while_the_text_does(self) -> None:
        cells = [export.prose_cell(text) for text in ("a", "b", "a")]
        export.identify(cells)
        later = [export.prose_cell(text) for text in ("new", "a", "b", "a")]
        export.identify(later)
        assert len({cell["id"] for cell in cells}) == 3
        assert [c["id"] for c in cells] == [c["id"] for c in later[1:]]


class TestNotebook:
    """A page becomes one notebook that says what it is."""

    def made(self, book: Any, page: str, body: str = "") -> dict[str, Any]:
        cell = "```{code-cell} ipython3\nimport jax\n```"
        references = book.write(f"Text.\n\n{body}\n\n{cell}")
        return export.export(f"lectures/part/{page}", references)

    def test_the_head_is_words(self, book: Any) -> None:
        text = "".join(self.made(book, "one")["cells"][0]["source"])
        assert text.startswith(
            "# The first page\n\n> *25 minutes. Runs on any computer.*"
        )
        assert "> - predict that `work` takes $8n$ bytes\n" in text
        assert f"**You need** {link('The `second` page', 'two')}, patience." in text
        assert "were measured" not in text

    def test_a_gpu_is_asked_for_where_one_is_meant(self, book: Any) -> None:
        assert self.made(book, "two")["metadata"]["accelerator"] == "GPU"
        assert "accelerator" not in self.made(book, "one")["metadata"]

    def test_the_first_code_cell_installs_what_is_missing(self, book: Any) -> None:
        cells = self.made(book, "one")["cells"]
        first = next(c for c in cells if c["cell_type"] == "code")
        text = "".join(first["source"])
        assert f'"{SITE}wheel/beyond_numpy-1.2-py3-none-any.whl"' in text
        assert '"https://github.com/owner/course/archive/main.zip"' in text
        assert '"jax": "jax"' in text
        assert "==" not in text

    def install(self, book: Any, lacking: set[str], there: str) -> list[list[str]]:
        """Run that cell where only addresses with `there` in them can be had."""
        cells = self.made(book, "one")["cells"]
        text = next("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        text = text.replace("%pip install -q {", "pip(").replace(
            "(missing)}", "(missing))"
        )
        text = text.replace("from importlib.util import find_spec", "")
        calls: list[list[str]] = []

        def pip(words: str) -> None:
            calls.append(words.split())
            if all(there in word for word in calls[-1] if "://" in word):
                lacking.clear()  # pip installs all or nothing

        exec(text, {"pip": pip, "find_spec": lambda name: name not in lacking})
        return calls

    WHEEL = f"{SITE}wheel/beyond_numpy-1.2-py3-none-any.whl"
    SOURCES = "https://github.com/owner/course/archive/main.zip"

    @pytest.mark.parametrize(
        ("lacking", "there", "asked"),
        [
            (set(), "", []),
            ({"arraylab"}, "", [[WHEEL]]),
            ({"arraylab", "jax"}, "", [["jax", WHEEL]]),
            ({"jax"}, "", [["jax"]]),
            ({"arraylab", "jax"}, "github.com", [["jax", WHEEL], ["jax", SOURCES]]),
        ],
        ids=["all is there", "the course", "both", "a library", "no site"],
    )
    def test_it_installs_from_the_site_or_else_from_the_sources(
        self, book: Any, lacking: set[str], there: str, asked: list[list[str]]
    ) -> None:
        assert self.install(book, lacking, there) == asked
        assert not lacking

    def test_where_neither_is_there_it_says_so(self, book: Any) -> None:
        with pytest.raises(ImportError, match="the lines above say why"):
            self.install(book, {"arraylab"}, "nowhere")

    def test_without_an_address_it_says_what_to_install(
        self, book: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(address.REPOSITORY, "")
        cells = self.made(book, "one")["cells"]
        text = next("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        assert "http" not in text
        with pytest.raises(ImportError, match="pip install"):
            exec(text.replace('"arraylab"', '"no_such_package_here"'), {})

    def test_a_fork_leads_to_the_fork(
        self, book: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(address.REPOSITORY, "Fork/other")
        text = json.dumps(self.made(book, "one", "{doc}`two` [c](../../code.py)"))
        assert "https://fork.github.io/other/lectures/part/two.html" in text
        assert "https://github.com/Fork/other/blob/HEAD/code.py" in text
        assert "owner" not in text

    def test_numbers_say_where_they_were_measured(self, book: Any) -> None:
        path = book.root / "_build" / "executed" / "lectures" / "part" / "one.ipynb"
        path.parent.mkdir(parents=True)
        data = {"application/papermill.record/text/plain": "2.5"}
        name = {"scrapbook": {"name": "gain", "mime_prefix": "x"}}
        output = {"output_type": "display_data", "data": data, "metadata": name}
        stamp = {"beyond_numpy": {"machine": "ACME, 2 cores", "date": "2026-01-02T03"}}
        executed = {"cells": [{"outputs": [output]}], "metadata": stamp}
        path.write_text(json.dumps(executed), "utf-8")
        text = json.dumps(self.made(book, "one", "It is {glue:text}`gain:.2f`."))
        assert "It is 2.50." in text
        assert "one machine (ACME, 2 cores, 2026-01-02)" in text

    def test_a_section_begins_a_cell(self, book: Any) -> None:
        cells = self.made(book, "one", "## A\n\nx\n\n```\n# no heading\n```\n\n## B")
        starts = [
            "".join(c["source"]).split("\n")[0]
            for c in cells["cells"]
            if c["cell_type"] == "markdown"
        ]
        assert starts == ["# The first page", "Text.", "## A", "## B"]

    def test_writing_twice_gives_the_same_bytes_and_drops_what_is_gone(
        self, book: Any, tmp_path: Path
    ) -> None:
        self.made(book, "one")
        target = tmp_path / "out"
        (target / "old").mkdir(parents=True)
        (target / "old" / "page.ipynb").write_text("{}", "utf-8")
        assert export.export_all(tmp_path, target, []) == {}
        first = {p.name: p.read_bytes() for p in target.rglob("*.ipynb")}
        assert sorted(first) == ["one.ipynb", "two.ipynb"]
        assert export.export_all(tmp_path, target, []) == {}
        assert {p.name: p.read_bytes() for p in target.rglob("*.ipynb")} == first
        assert b"\r" not in b"".join(first.values())

    RAISES = "%%raises TypeError\n1 + 'a'"
    BROKEN = "%%raises SyntaxError\n1 +"
    SHELL = "%%bash\nfor i in 1 2; do echo $i; done"

    def test_cells_of_magics_stay_as_they_are(self, book: Any) -> None:
        body = "\n\n".join(
            f"```{{code-cell}} ipython3\n{code}\n```"
            for code in (self.RAISES, self.BROKEN, self.SHELL)
        )
        hidden = "```{code-cell} ipython3\n:tags: [remove-cell]\nidle = 1\n```"
        cells = self.made(book, "one", f"{body}\n\n{hidden}")["cells"]
        codes = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
        assert {self.RAISES, self.BROKEN, self.SHELL} <= {*codes}
        assert not any("idle" in code for code in codes)

    def test_an_unknown_page_is_named_and_nothing_is_lost(
        self, book: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.made(book, "one")
        with pytest.raises(Unknown, match="no page is called part/three; there are"):
            export.export_all(book.root, book.root / "out", ["part/three"])
        assert export.main(["part/three", "--root", str(book.root)]) == 2
        assert "part/one, part/two" in capsys.readouterr().err

    def test_a_page_that_cannot_be_exported_is_named(self, book: Any) -> None:
        book.write("{ref}`nowhere`\n\n```{code-cell} ipython3\n1\n```")
        wrong = export.export_all(book.root, book.root / "out", [])
        assert list(wrong) == ["lectures/part/one"]
        assert "nowhere" in wrong["lectures/part/one"]


@pytest.fixture(scope="module")
def exported() -> dict[str, dict[str, Any]]:
    """The course's own pages as notebooks, for a repository of any name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(address.REPOSITORY, "owner/course")
        patch.delenv(address.SITE, raising=False)
        references = References(ROOT)
        books = {page: export.export(page, references) for page in PAGES}
    return {page: book for page, book in books.items() if book}


def texts(book: dict[str, Any], kind: str) -> list[str]:
    return ["".join(c["source"]) for c in book["cells"] if c["cell_type"] == kind]


@pytest.mark.parametrize("page", PAGES)
class TestCourse:
    """Every page of this course, as a learner gets it."""

    def test_is_a_valid_notebook_without_outputs(
        self, page: str, exported: dict[str, Any]
    ) -> None:
        if page not in exported:
            pytest.skip("a page without cells")
        nbformat.validate(nbformat.from_dict(exported[page]))
        codes = [c for c in exported[page]["cells"] if c["cell_type"] == "code"]
        assert not any(cell["outputs"] for cell in codes)

    def test_shows_no_syntax_of_the_site(
        self, page: str, exported: dict[str, Any]
    ) -> None:
        if page not in exported:
            pytest.skip("a page without cells")
        references = References(ROOT)
        for text in texts(exported[page], "markdown"):
            tokens = references.parser.parse(text)
            inner = [c for t in tokens for c in t.children or []]
            kinds = {token.type for token in [*tokens, *inner]}
            assert not {kind for kind in kinds if kind.startswith(("myst_", "subst"))}
            assert not any(map(block_of, tokens)), text
            prose = re.sub(r"(`+)[^`].*?\1", "", text, flags=re.DOTALL)
            for sign in (":::", "{{", "]{"):
                assert sign not in prose, text
            assert not re.search(r"\{[a-z:]+\}`|^\([\w-]+\)=$|\$\$ \(", text, re.M)

    def test_links_in_full(self, page: str, exported: dict[str, Any]) -> None:
        if page not in exported:
            pytest.skip("a page without cells")
        parser = References(ROOT).parser
        for text in texts(exported[page], "markdown"):
            inner = [c for t in parser.parse(text) for c in t.children or []]
            for piece in inner:
                to = piece.attrs.get("href") or piece.attrs.get("src")
                assert to is None or to.startswith(("https://", "data:image/")), to

    def test_asks_for_cupy_only_where_there_is_a_gpu(
        self, page: str, exported: dict[str, Any]
    ) -> None:
        codes = texts(exported[page], "code") if page in exported else []
        plain = [code for code in codes if not code.startswith("%%gpu")]
        assert not [code for code in plain if "cupy" in glued.imports(code)]

    def test_has_code_that_is_formatted_and_whole(
        self, page: str, exported: dict[str, Any]
    ) -> None:
        if page not in exported:
            pytest.skip("a page without cells")
        codes = texts(exported[page], "code")
        assert not any("myst_nb" in code or "glue(" in code for code in codes)
        magics = ("%%gpu", "%%raises")  # with Python below
        codes = ["# " * code.startswith(magics) + code for code in codes]
        assert style.said(codes, *style.FORMAT) == ""
        assert style.said(codes, *style.CHECK) == ""


def test_the_wheel_holds_the_course_and_asks_for_numpy_alone() -> None:
    import zipfile

    made = wheel.build(ROOT)
    assert made.name == export.wheel(ROOT)
    with zipfile.ZipFile(made) as held:
        names = set(held.namelist())
        (about,) = (name for name in names if name.endswith("/METADATA"))
        told = held.read(about).decode()
    sources = [*ROOT.glob("arraylab/*.py"), *ROOT.glob("case_studies/**/*.py")]
    assert {path.relative_to(ROOT).as_posix() for path in sources} <= names
    needs = re.findall(r"^Requires-Dist: (.+)$", told, re.MULTILINE)
    assert [need for need in needs if "extra ==" not in need] == ["numpy>=2.0"]


def test_the_oldest_versions_are_those_that_the_project_allows() -> None:
    import tomllib

    from packaging.requirements import Requirement
    from packaging.version import Version

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (ROOT / "requirements-colab.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    versions = {pin.name: str(pin.specifier).removeprefix("==") for pin in pins}
    for need in map(Requirement, project["optional-dependencies"]["cpu"]):
        (bound,) = need.specifier
        assert bound.operator == ">="
        assert Version(bound.version) == Version(versions[need.name]), need.name
    assert versions["numpy"].startswith("2.0.")
    assert versions["ipython"] == "7.34.0"
