"""The sets of exercises: each is proven, and what learners get follows from it."""

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

from tools import exercises, export, grading, masters, pages, student
from tools.masters import Malformed

ROOT = Path(__file__).resolve().parents[1]
SETS = exercises.sets(ROOT)
MODEL = (ROOT / "solutions" / "numpy.md").read_text(encoding="utf-8")


def stem(path):
    return path.stem


@pytest.mark.parametrize("path", SETS, ids=stem)
class TestSet:
    """Promises of every set."""

    def test_is_proven(self, path):
        proof = exercises.verify(ROOT, path)
        assert proof.wrong == []
        assert proof.seconds < 100

    def test_has_questions_from_easy_to_hard_and_an_open_one(self, path):
        levels = [q.level for q in masters.parse(path).questions]
        assert levels[0] == "warm-up"
        assert "challenge" in levels
        assert "open" in levels
        assert len(levels) >= 4

    def test_installs_what_its_checks_use(self, path):
        codes = grading.key_of(ROOT, path.stem).official()
        text = "\n".join(codes)
        listed = re.findall(r"libraries\s*=\s*[\[(]([^\])]*)", text)
        used = {name for names in listed for name in re.findall(r'"(\w+)"', names)}
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                used |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                used.add(node.module.partition(".")[0])
        used &= {*export.DISTRIBUTIONS} - {"numpy"}
        assert used <= {*export.needed(ROOT, codes)}

    def test_has_both_of_its_pages_in_the_contents(self, path):
        named = pages.pages(ROOT)
        assert f"exercises/{path.stem}" in named
        assert f"solutions/{path.stem}" in named

    def test_is_named_by_a_lecture(self, path):
        lectures = "".join(p.read_text("utf-8") for p in ROOT.glob("lectures/*/*.md"))
        assert f"/exercises/{path.stem}`" in lectures


def test_what_is_generated_follows_from_the_masters():
    assert exercises.stale(ROOT) == [], "run: make exercises"


def test_a_second_build_changes_no_byte(tmp_path):
    files = sorted((ROOT / "exercises").glob("*.*"))
    before = [path.read_bytes() for path in files]
    text = masters.student_page(masters.parse_text(MODEL, "numpy"))
    assert text == masters.student_page(masters.parse_text(MODEL, "numpy"))
    assert [path.read_bytes() for path in files] == before


def test_solutions_do_not_reach_learners():
    for path in SETS:
        book = json.loads(
            (ROOT / "exercises" / f"{path.stem}.ipynb").read_text("utf-8")
        )
        text = "".join("".join(cell["source"]) for cell in book["cells"])
        for mark in ("BEGIN SOLUTION", "%%wrong", "hidden=True", "INSTEAD"):
            assert mark not in text
        assert book["metadata"]["exercises"] == path.stem


def test_a_set_done_as_a_learner_does():
    """From the exported notebook, in an empty folder, a wrong answer first."""
    import nbformat

    from tools.execute import run

    path = ROOT / "exercises" / "numpy.ipynb"
    book = nbformat.read(path, as_version=4)
    question = masters.parse_text(MODEL, "numpy").questions[0]
    wrong = next(p.body.split("\n", 1)[1] for p in question.after if p.wrong)
    right = masters.solved(question.answer[0].body)
    at = [cell.source for cell in book.cells].index('check("q1")') + 1
    tried = [wrong, 'check("q1")', 'hint("q1")', right, 'check("q1")']
    book.cells[at:at] = [nbformat.v4.new_code_cell(code) for code in tried]
    run(book, limit=100)
    told = [
        output.data["text/plain"]
        for cell in book.cells
        if cell.cell_type == "code" and cell.source.endswith('("q1")')
        for output in cell.outputs
    ]
    untouched, rejected, helped, passed = told
    assert untouched.startswith("q1 (Centre the rows): not started")
    assert "wrong in 12 of 16 elements" in rejected
    assert helped.startswith("Hint 1 of 2")
    assert passed.startswith("q1 (Centre the rows): passed; 2 of 2 checks passed")


class TestStudentSite:
    """A course without its solutions."""

    def test_pages_of_solutions_leave_the_contents(self):
        toc = student.contents(yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8")))
        text = yaml.safe_dump(toc)
        assert "solutions/" not in text
        assert "caption: Solutions" not in text
        assert "exercises/numpy" in text

    def test_solutions_leave_the_lectures(self):
        for path in ROOT.glob("lectures/**/*.md"):
            text = path.read_text("utf-8")
            made = student.without_solutions(text)
            assert "{solution}" not in made
            assert made.count("{exercise}") == text.count("{exercise}")
            assert made.count("{code-cell}") == text.count("{code-cell}")

    def test_links_to_solutions_become_words(self):
        text = "{doc}`/solutions/x`, {doc}`a b <../solutions/x>`, {doc}`/exercises/x`"
        made = student.without_solutions(text)
        assert made == "the solutions, a b, {doc}`/exercises/x`"
        page = masters.student_page(masters.parse_text(MODEL, "numpy"))
        assert "Solution" in page
        assert "Solution" not in student.without_solutions(page)

    def test_the_copy_holds_no_master(self, tmp_path):
        student.copy(ROOT, tmp_path / "copy")
        names = [p.relative_to(tmp_path / "copy") for p in tmp_path.rglob("*")]
        assert not [n for n in names if masters.FOLDER in n.parts]
        assert (tmp_path / "copy" / "exercises" / "numpy.md").is_file()


class TestStub:
    """What learners get in place of an answer."""

    def test_is_an_ellipsis(self):
        code = "def f(x):\n    # BEGIN SOLUTION\n    return x\n    # END SOLUTION\n"
        assert masters.stub(code) == "def f(x):\n    ...\n"
        assert masters.solved(code) == "def f(x):\n    return x\n"

    def test_or_what_stands_instead(self):
        code = (
            "# BEGIN SOLUTION\nstep = jit(one)\n# INSTEAD\n# if True:\n"
            "#     step = one\n# END SOLUTION\nz = 1"
        )
        assert masters.stub(code) == "if True:\n    step = one\nz = 1"
        assert masters.solved(code) == "step = jit(one)\nz = 1"

    def test_indented_too(self):
        code = (
            "def f(x):\n    # BEGIN SOLUTION\n    return 1\n    # INSTEAD\n"
            "    # if x:\n    #     return 2\n    # END SOLUTION"
        )
        assert masters.stub(code) == "def f(x):\n    if x:\n        return 2"


def changed(old, new, count=1):
    assert old in MODEL
    return MODEL.replace(old, new, count)


BROKEN = {
    "no front matter": ("---\njupytext", "jupytext", "begins with front matter"),
    "no title": ("# Exercises: NumPy\n", "", "has one title"),
    "another title": ("# Exercises: NumPy", "# NumPy", "begins with the word"),
    "no device": ("  device: cpu\n", "", "lacks course: device"),
    "short description": ("Five exercises on NumPy with instant checks, from centred "
        "rows to nearest points within a budget of memory.", "Five.", "50 to 145"),
    "wrong order": ("{question} q2", "{question} q3", "expected q2"),
    "unknown level": (":level: challenge", ":level: hard", "level: is one of"),
    "unknown option": (":minutes: 20", ":minutes: 20\n:hard: 3", "knows no hard"),
    "no minutes": (":minutes: 20\n", "", "minutes: is missing"),
    "points typed": (":minutes: 20", ":minutes: 20\n:points: 3", "tests bring"),
    "no next": ("```{next}\nTake", "```{note}\nTake", "there is no {next}"),
    "no solution": ("# BEGIN SOLUTION\n    windows", "windows", "has no # BEGIN"),
    "no Python": ("    windows = np.lib", "    windows == = np.lib", "no Python once"),
    "open fence": ("```{rubric}", "````{rubric}", "never closed"),
    "no rubric": ("```{rubric}", "```{note}", "has a {rubric}"),
    "open without points": (":points: 4\n", "", "says its :points:"),
    "unknown test": ("%%wrong few_rounds", "%%wrong few", "names the test 'few'"),
    "other code in tests": ("@test(points=1)\ndef keeps", "z = 1\n\n\n@test(points=1)\n"
        "def keeps", "functions under @test"),
    "undecorated": ("@test(points=1)\ndef keeps", "def keeps", "functions under @test"),
    "two of a name": ("def keeps_dtype", "def right_answer", "two tests are called"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_master_that_breaks_the_format_is_told(name):
    old, new, told = BROKEN[name]
    with pytest.raises(Malformed, match=re.escape(told)) as caught:
        masters.parse_text(changed(old, new), "numpy")
    assert re.search(r"line \d+", str(caught.value)) or name == "no title"


WRONG = {
    "a solution that is wrong": (
        "table.mean(axis=1, keepdims=True)\n    # END",
        "table.mean()\n    # END",
        "q1, test right_answer: the solution does not pass",
    ),
    "a wrong answer that passes": (
        "def centred(table):\n    return table - table.mean(axis=1)\n",
        "def centred(table):\n    return table - table.mean(axis=1, keepdims=True)\n",
        "this answer to q1 has to fail these tests, right_answer first; it failed none",
    ),
    "a bar that is too high": (
        "windows_by_loop, (x, 8), at_least=5)",
        "windows_by_loop, (x, 8), at_least=60)",
        "lower `at_least`",
    ),
    "a leak": (
        "shapes = [(4, 4),",
        "return table - table.mean(axis=1, keepdims=True)\n    shapes = [(4, 4),",
        "a line of the solution leaks",
    ),
    "untidy code": ("shapes = [(4, 4),", "shapes=[(4, 4),", "ruff format says"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_set_that_proves_nothing_is_told(name, tmp_path):
    old, new, told = WRONG[name]
    path = tmp_path / "solutions" / "numpy.md"
    path.parent.mkdir()
    text = changed(old, new).replace("q5", "q3")
    start, end = text.index("## Add up by group"), text.index("## Half the bytes")
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    proof = exercises.verify(tmp_path, path)
    assert any(told in line for line in proof.wrong), proof.wrong


def test_an_unknown_set_is_told(capsys):
    assert exercises.main(["verify", "nothing"]) == 2
    assert "no set is called nothing; there are" in capsys.readouterr().err
