"""What a learner meets: `check` and `hint`, in a terminal and in Jupyter."""

import html
import re

import pytest

from arraylab import exercises
from arraylab.exercises import (
    NeedsGpu,
    Report,
    check,
    expect,
    hint,
    judge,
    question,
    registry,
    same_value,
)


@pytest.fixture(autouse=True)
def _empty():
    registry.clear()
    yield
    registry.clear()


def asked(tests=(), **options):
    """Name a question with these test functions."""
    question("q1", "A title", **{"answers": ["answer"], **options})
    for test in tests:
        exercises.test(points=2)(test)


def is_three(answer):
    """the answer is three"""
    return same_value(answer, 3, "`answer`", secret=True, tip="Count.")


def is_odd(answer):
    expect(answer % 2, "It is even.", tip="Add one.")
    return "it is odd"


def words(page):
    """Return what a screen reader reads of HTML."""
    text = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


class TestStates:
    """Passed, not yet, not started, needs a GPU; and what waits for a gate."""

    def test_passed(self):
        asked([is_three, is_odd], next="Try four.")
        globals()["answer"] = 3
        report = check("q1")
        assert report.passed
        assert report.points == 4
        assert repr(report).splitlines() == [
            "q1 (A title): passed; 2 of 2 checks passed, 4 of 4 points",
            "  ✓ passed: the answer is three · right",
            "  ✓ passed: is odd · it is odd",
            "What to try next: Try four.",
        ]

    def test_not_yet_says_what_expected_got_and_tip(self):
        asked([is_three], hints=["One.", "Two."])
        globals()["answer"] = 4
        assert repr(check("q1")).splitlines() == [
            "q1 (A title): not yet; 0 of 1 check passed, 0 of 2 points",
            "  ✗ not yet: the answer is three",
            "      `answer` is not right yet.",
            "      expected: another value",
            "      got:      4",
            "      tip:      Count.",
            'Stuck? Run hint("q1"): 2 hints left.',
        ]

    def test_a_wrong_answer_hears_nothing_of_what_waits(self):
        asked([is_three, is_odd])
        globals()["answer"] = 4
        report = check("q1")
        assert [row.state for row in report.rows] == ["not yet", "waits"]
        assert repr(report).splitlines()[-1] == "  … waits: is odd"

    def test_only_gates_stop(self):
        asked([is_odd, is_three])
        registry.questions["q1"].tests["is_odd"].gate = False
        globals()["answer"] = 4
        assert [r.state for r in check("q1").rows] == ["not yet", "not yet"]

    @pytest.mark.parametrize("value", [..., None])
    def test_a_stub_is_not_started(self, value):
        asked([is_three, is_odd])
        globals()["answer"] = value
        report = check("q1")
        assert report.state == "not started"
        assert "Replace the `...`" in repr(report)
        assert "not yet" not in repr(report)

    def test_a_name_that_is_not_there_is_not_started(self):
        asked([is_three])
        rows = judge("q1", {})
        assert rows[0].state == "not started"
        assert rows[0].what == "`answer` is not defined yet."
        assert "from the top" in rows[0].tip

    def test_needs_a_gpu(self, monkeypatch):
        question("q1", answers=["answer"])
        exercises.test(gpu="cupy")(is_three)
        lacking = "CuPy needs a CUDA GPU, and finds none here"
        monkeypatch.setattr(exercises.arrays, "missing", lambda name: lacking)
        report = Report("q1", "", tuple(judge("q1", {"answer": 3})))
        assert report.state == "needs a GPU"
        assert f"Nothing was judged: {lacking}." in repr(report)
        assert "Colab" in repr(report)

    def test_a_check_that_comes_to_grief_blames_nobody(self):
        def odd(answer):
            answer.nothing  # noqa: B018

        asked([odd])
        row = judge("q1", {"answer": 3})[0]
        assert row.state == "not yet"
        assert row.what == "The check stopped with an error."
        assert row.got.startswith("AttributeError")
        assert row.tip

    def test_a_plain_assertion_is_enough(self):
        def plain(answer):
            if answer != 3:
                raise AssertionError("It is not three.")

        asked([plain])
        assert judge("q1", {"answer": 4})[0].what == "It is not three."
        assert judge("q1", {"answer": 3})[0].state == "passed"

    def test_no_such_question(self):
        assert "run the first cells" in repr(check("q1"))
        asked([is_three])
        assert "no question 'q7' here; there are q1" in repr(check("q7"))
        assert "no question 'q7'" in repr(hint("q7"))

    def test_a_question_for_a_person(self):
        asked()
        assert repr(check("q1")).startswith("A person judges q1")

    def test_a_test_needs_a_question(self):
        with pytest.raises(RuntimeError, match="a question before it"):
            exercises.test()(is_three)


class TestHints:
    """One more at each call."""

    def test_come_one_by_one(self):
        asked(hints=["First\none.", "Second."])
        assert repr(hint("q1")).splitlines() == [
            "Hint 1 of 2: First one.",
            '1 more hint: run hint("q1") again.',
        ]
        both = "Hint 1 of 2: First one.\nHint 2 of 2: Second."
        assert repr(hint("q1")) == both
        assert repr(hint("q1")) == both

    def test_are_counted_on_when_the_cell_of_checks_runs_again(self):
        asked(hints=["First.", "Second."])
        hint("q1")
        asked(hints=["First.", "Second."])
        assert "Second." in repr(hint("q1"))

    def test_may_be_none(self):
        asked()
        assert repr(hint("q1")) == "There is no hint for q1."


class TestSeeds:
    """Graders draw other numbers; the same seed draws the same."""

    def drawn(self, seed):
        registry.clear()
        registry.seed = seed
        found = []
        question("q1")
        exercises.test()(lambda rng: found.append(rng.random()))
        judge("q1", {})
        return found

    def test_decide_the_numbers(self):
        assert self.drawn(0) == self.drawn(0) != self.drawn(1)

    def test_baselines_come_from_the_grader(self):
        def both(answer, baseline):
            assert (answer, baseline) == (3, 4)

        asked([both])
        row = judge("q1", {"answer": 3, "baseline": 5}, {"answer": 6, "baseline": 4})
        assert row[0].state == "passed"


class TestHtml:
    """In Jupyter: the same words, with nothing said by colour or sign alone."""

    def test_says_what_the_terminal_says(self):
        asked([is_three, is_odd], hints=["One."])
        globals()["answer"] = 4
        report = check("q1")
        read = words(report._repr_html_())
        for line in (
            "q1 (A title): not yet; 0 of 2 checks passed",
            "not yet the answer is three",
            "answer is not right yet.",
            "expected: another value",
            "got: 4",
            "tip: Count.",
            "waits is odd",
        ):
            assert line in read

    def test_names_its_role_and_marks_code(self):
        asked([is_three])
        globals()["answer"] = "<b>4</b>"
        page = check("q1")._repr_html_()
        assert 'role="status"' in page
        assert "<code>answer</code>" in page
        assert "<b>4</b>" not in page

    def test_hints_are_html_too(self):
        asked(hints=["Use `np.sum` & co."])
        assert "<code>np.sum</code> &amp; co." in hint("q1")._repr_html_()

    def test_a_lone_backtick_is_a_backtick(self):
        assert exercises.code("a ` b") == "a ` b"


def test_states_are_those_that_are_promised():
    assert set(exercises.MARKS) == set(exercises.STATES)
    assert NeedsGpu.state in exercises.STATES
    assert Report("q1", "", ()).state == "not started"


class TestWrongAnswers:
    """``%%wrong``: a wrong answer on a page, and the check that has to see it."""

    @pytest.fixture
    def run(self, tmp_path, monkeypatch):
        pytest.importorskip("IPython", reason="IPython is not installed")
        from IPython.core.interactiveshell import InteractiveShell
        from IPython.utils.capture import capture_output
        from traitlets.config import Config

        import arraylab

        monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
        InteractiveShell.clear_instance()
        off = Config(HistoryManager={"enabled": False})
        shell = InteractiveShell.instance(config=off)
        arraylab.load_ipython_extension(shell)

        def cell(source):
            with capture_output() as seen:
                result = shell.run_cell(source)
            shown = "\n".join(out.data["text/plain"] for out in seen.outputs)
            return result.error_in_exec, shown

        cell.shell = shell
        yield cell
        InteractiveShell.clear_instance()

    def test_shows_what_the_learner_would_read(self, run):
        asked([is_three, is_odd], hints=["One."], next="More.")
        run("answer = 3")
        error, shown = run("%%wrong is_three\nanswer = 4")
        assert error is None
        assert "`answer` is not right yet." in shown
        assert "Stuck" not in shown
        assert run.shell.user_ns["answer"] == 3

    def test_fails_where_the_check_does_not_see_it(self, run):
        asked([is_three, is_odd])
        error, _ = run("%%wrong is_three\nanswer = 3")
        assert isinstance(error, AssertionError)
        assert "is_three first; it failed none" in str(error)

    def test_the_first_that_fails_is_the_first_that_is_named(self, run):
        asked([is_three, is_odd])
        registry.questions["q1"].tests["is_three"].gate = False
        error, _ = run("%%wrong is_odd\nanswer = 4")
        assert "it failed is_three, is_odd" in str(error)
        assert run("%%wrong is_three, is_odd\nanswer = 4")[0] is None

    @pytest.mark.parametrize("line", ["", "nothing"])
    def test_names_tests_that_there_are(self, run, line):
        asked([is_three])
        error, _ = run(f"%%wrong {line}\nanswer = 4")
        assert "expected names of tests of q1 (is_three)" in str(error)

    def test_needs_a_question(self, run):
        assert "no question yet" in str(run("%%wrong is_three\nanswer = 4")[0])
