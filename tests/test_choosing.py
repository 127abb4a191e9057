"""What the decision guide promises: one set of rules, and a measurement for each."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import chooser
import pytest
import test_site as site

from arraylab import choosing, html, records
from arraylab.arrays import library_of
from arraylab.choosing import QUESTIONS, RULES, Evidence, OutOfCore
from arraylab.fingerprint import code_hash
from arraylab.records import Library, Record
from tests.apart import ran

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "_static" / "chooser.js"
DAY = "2026-01-01T10:00:00+00:00"
BY_NAME = [rule.name for rule in RULES]


def row(implementation, seconds, case="regression", **changes):
    return {
        "case": case,
        "implementation": implementation,
        "library": library_of(implementation),
        "device": "cpu",
        "dtype": "float64",
        "shapes": [[1000, 20], [1000], [20]],
        "median": seconds,
        "low": seconds,
        "high": seconds,
        "first": seconds,
        "compiled": 1,
        "verdict": "ok",
        "code": code_hash(case, implementation),
        "date": DAY,
    } | changes


def library(*rows, gpus=()):
    names = [{"name": name} for name in gpus]
    stamp = {"cpu": "C", "cores": 2, "gpus": names, "versions": {}}
    return Library((Record(Path("m.json"), stamp, DAY, measurements=rows),))


class TestTheRules:
    """Data, and in one place."""

    def test_every_combination_of_answers_has_one_advice(self):
        advised = [choosing.choose(answers).name for answers in choosing.combinations()]
        assert len(advised) == 2 ** len(QUESTIONS)
        assert set(advised) == set(BY_NAME)

    def test_the_last_rule_takes_whatever_is_left(self):
        assert [rule.name for rule in RULES if not rule.when] == [BY_NAME[-1]]

    def test_a_question_left_open_is_refused(self):
        with pytest.raises(ValueError, match="'data' is None, expected one of 'fit'"):
            choosing.choose({"arrays": "mine"})

    @pytest.mark.parametrize("rule", RULES, ids=BY_NAME)
    def test_a_condition_is_an_answer_to_a_question(self, rule):
        known = {question.name: question.answers for question in QUESTIONS}
        assert all(value in known[name] for name, value in rule.when.items())

    @pytest.mark.parametrize("rule", RULES, ids=BY_NAME)
    def test_a_rule_cites_measurements_for_it_and_against_it(self, rule):
        assert rule.rests
        assert rule.against

    @pytest.mark.parametrize("rule", RULES, ids=BY_NAME)
    def test_a_rule_leads_to_a_lecture(self, rule):
        assert (ROOT / "lectures" / f"{rule.page}.md").is_file()

    def test_evidence_names_what_there_is(self):
        for rule in RULES:
            for evidence in (*rule.rests, *rule.against):
                case = ROOT / "case_studies" / evidence.case
                names = ("fast", "slow") if isinstance(evidence, Evidence) else ()
                for name in names:
                    assert (case / f"{getattr(evidence, name)}.py").is_file()

    def test_evidence_of_runs_out_of_core_is_recorded_under_its_name(self):
        recorded = {row["name"] for r in records.load().records for row in r.outofcore}
        if not recorded:
            pytest.skip("no run out of core is recorded, so no name can be compared")
        cited = [e for r in RULES for e in (*r.rests, *r.against)]
        assert {e.name for e in cited if isinstance(e, OutOfCore)} <= recorded


class TestTheEvidence:
    """A number of a record, or the words that there is none."""

    HAND = Evidence("JAX keeps up", "regression", "jax_grad", "numpy_hand")

    @pytest.mark.parametrize(
        ("seconds", "verdict"), [(0.5, "as said"), (0.9, "not so"), (2.0, "not so")]
    )
    def test_an_order_counts_from_a_quarter_on(self, seconds, verdict):
        rows = library(row("numpy_hand", 1.0), row("jax_grad", seconds))
        assert self.HAND.find(rows).verdict == verdict

    @pytest.mark.parametrize(("seconds", "verdict"), [(1.2, "as said"), (2, "not so")])
    def test_alike_is_within_a_quarter(self, seconds, verdict):
        alike = Evidence("alike", *("regression", "jax_grad", "numpy_hand"), alike=True)
        rows = library(row("numpy_hand", 1.0), row("jax_grad", seconds))
        assert alike.find(rows).verdict == verdict

    def test_noise_that_hides_an_order_decides_nothing(self):
        noisy = row("jax_grad", 0.5, low=0.1, high=1.5, verdict="NOISY")
        finding = self.HAND.find(library(row("numpy_hand", 1.0), noisy))
        assert finding.verdict == "too noisy"

    def test_it_says_what_was_measured_where_and_when(self):
        finding = self.HAND.find(library(row("numpy_hand", 1.0), row("jax_grad", 0.5)))
        assert finding.words == (
            "regression, n = 1,000, float64, a call: jax_grad 500 ms, numpy_hand 1.0 s "
            "(2.0x) [C, 2 cores, 2026-01-01]"
        )

    @pytest.mark.parametrize(
        "rows",
        [
            [],
            [row("numpy_hand", 1.0)],
            [row("numpy_hand", 1.0), row("jax_grad", 0.5, code="other")],
            [row("numpy_hand", 1.0), row("jax_grad", 0.5, date="2026-01-02T10:00:00")],
        ],
        ids=["nothing", "half", "stale", "another day"],
    )
    def test_what_was_not_measured_side_by_side_says_so(self, rows):
        finding = self.HAND.find(library(*rows))
        assert finding.verdict == "not measured"
        assert "no record of jax_grad and numpy_hand" in finding.words

    @pytest.mark.parametrize(
        ("gpu", "verdict"), [("fast", "as said"), ("slow", "not so")]
    )
    def test_evidence_of_a_gpu_needs_a_gpu(self, gpu, verdict):
        names = ["cupy_hand", "numpy_hand"]
        fast, slow = names if gpu == "fast" else names[::-1]
        there = Evidence("x", "regression", fast, slow, gpu=gpu)
        rows = [row("numpy_hand", 1.0), row("cupy_hand", 0.1)]
        assert there.find(library(*rows)).verdict == "not measured"
        rows[1]["device"] = "G"
        finding = there.find(library(*rows, gpus=("G",)))
        assert finding.verdict == verdict
        assert "cupy_hand on G 100 ms" in finding.told

    def test_every_evidence_of_cuda_asks_for_a_gpu(self):
        for rule in RULES:
            for one in (*rule.rests, *rule.against):
                for which in ("fast", "slow") if isinstance(one, Evidence) else ():
                    there = getattr(one, which).startswith(("cupy", "numba_cuda"))
                    assert there == (one.gpu == which)

    def test_a_rule_is_backed_only_by_all_that_it_rests_on(self):
        rule = choosing.rule("jax")
        rows = [row("jax_grad", 1.0), row("jax_hand", 1.0)]
        assert rule.backed(library(*rows)) is None
        assert rule.backed(library(*rows, row("jax_forward", 9.0))) is True
        assert rule.backed(library(*rows, row("jax_forward", 1.0))) is False

    def test_the_grounds_show_both_sides(self):
        rows = [row("jax_grad", 1.0), row("jax_hand", 1.0), row("numba_fused", 0.1)]
        text = choosing.Grounds(choosing.rule("jax"), library(*rows))._repr_html_()
        assert '<th scope="row">against</th>' in text
        assert ">not measured</span>" in text
        assert "C, 2 cores, 2026-01-01" in text


class TestOneCall:
    """NumPy against whoever is done first, compiling included."""

    def test_the_quickest_first_call_of_the_others_counts(self):
        rows = [row("numpy_hand", 1.0), row("jax_grad", 3.0), row("numba_fused", 2.0)]
        (one,) = choosing.one_off(library(*rows))
        assert (one.first, one.name) == (True, "numba_fused")
        told = "<strong>NumPy 1.0 s</strong><br>numba_fused 2.0 s"
        assert told in choosing.one_off_table([one])

    def test_what_another_version_has_compiled_is_no_first_call(self):
        rows = [row("numpy_hand", 1.0), row("jax_grad", 3.0)]
        rows.append(row("numba_fused", 0.1, compiled=0))
        (one,) = choosing.one_off(library(*rows))
        assert one.name == "jax_grad"

    def test_without_a_record_there_is_an_empty_table(self):
        assert "<tbody></tbody>" in choosing.one_off_table(choosing.one_off(Library()))


class Form(HTMLParser):
    """The radio buttons of a page."""

    def __init__(self, text):
        super().__init__()
        self.answers, self.usual = {}, {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if tag == "input":
            assert told["type"] == "radio"
            self.answers.setdefault(told["name"], []).append(told["value"])
            if "checked" in told:
                self.usual[told["name"]] = told["value"]


class TestThreeChoosers:
    """Python, the notebook's widget and the site's script give one answer."""

    def test_the_widget_answers_as_the_rules_do(self):
        box = choosing.chooser(Library())
        for answers in choosing.combinations():
            for name, value in answers.items():
                box.controls[name].value = value
            advice = choosing.choose(answers).advice
            assert f"Use <strong>{advice}</strong>" in box.answer.value

    def test_the_script_answers_as_the_rules_do(self):
        if shutil.which("node") is None:
            pytest.skip("Node is not on the path, so the script cannot be run")
        asked = list(choosing.combinations())
        program = (
            f"const {{choose}} = require({json.dumps(str(SCRIPT))});"
            f"const rules = {json.dumps(choosing.data()['rules'])};"
            f"const asked = {json.dumps(asked)};"
            "console.log(JSON.stringify(asked.map((a) => choose(rules, a).name)));"
        )
        told = ran(["node", "-e", program], check=True)
        assert json.loads(told.stdout) == [choosing.choose(a).name for a in asked]

    def test_the_form_offers_every_answer_and_begins_with_the_usual_one(self):
        form = Form(chooser.fields())
        assert form.answers == {q.name: list(q.answers) for q in QUESTIONS}
        assert form.usual == {q.name: next(iter(q.answers)) for q in QUESTIONS}

    def test_without_a_script_the_whole_guide_is_there(self):
        text = chooser.guide(records.load(), "../../", "0")
        assert re.findall(r'<li class="bn-rule" id="rule-([\w-]+)"', text) == BY_NAME
        assert "<form" in text
        assert re.search(r"<form[^>]* hidden>", text)  # until the script shows it
        for rule in RULES:
            rests, against = rule.findings(records.load())
            for finding in (*rests, *against):
                assert choosing.escape(finding.words) in text

    def test_nothing_of_it_asks_another_server(self):
        text = chooser.guide(Library(), "../../", "0")
        sheets = (ROOT / "_static").glob("chooser.*")
        assert "http" not in text + "".join(p.read_text("utf-8") for p in sheets)

    def test_the_guide_is_read_without_a_browser_too(self):
        assert repr(choosing.Guide(Library())).count("->") == len(RULES)

    def test_the_drawing_says_in_words_what_it_shows(self):
        figure = choosing.tree()
        assert all(rule.advice in figure.alt for rule in RULES)
        lines = [line for rule in RULES for line in choosing._wrapped(rule.asks)]
        assert all(f">{line}<" in figure.svg for line in lines)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Return what Chromium saw of a page with the chooser, opened from a folder."""
    folder = tmp_path_factory.mktemp("chooser")
    (folder / "_static").mkdir()
    for path in (ROOT / "_static").glob("chooser.*"):
        shutil.copy(path, folder / "_static")
    guide = chooser.guide(records.load(), "", "1")
    text = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>C</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,"></head>'
        f"<body><main><h1>C</h1>{html.block(guide)}</main></body></html>"
    )
    (folder / "chooser.html").write_text(text, encoding="utf-8")
    asked = json.dumps(list(choosing.combinations()))
    return site.drive("chooser.mjs", "chooser.html", asked, site=folder)


@site.browser
class TestInABrowser:
    """What a reader meets on the site."""

    def test_every_combination_of_answers_marks_the_rule_that_fits(self, seen):
        for answers, view in zip(choosing.combinations(), seen["every"], strict=True):
            rule = choosing.choose(answers)
            assert view["chosen"] == view["marked"] == [f"rule-{rule.name}"]
            number = f"{BY_NAME.index(rule.name) + 1} of {len(RULES)}"
            assert view["said"] == (
                f"Use {rule.advice}: rule {number} is the first that fits."
            )

    def test_it_begins_with_an_answer_that_a_screen_reader_is_told(self, seen):
        assert seen["first"]["form"]
        assert seen["first"]["role"] == "status"
        assert seen["first"]["legends"] == len(QUESTIONS)
        assert seen["first"]["chosen"] == [f"rule-{BY_NAME[-1]}"]

    def test_the_keyboard_is_enough(self, seen):
        assert seen["keyboard"][0]["chosen"] == ["rule-array-api"]
        assert seen["focus"] == "data"
        assert seen["keyboard"][1]["chosen"] == ["rule-dask"]

    def test_it_fits_a_phone(self, seen):
        assert seen["narrow"]["wide"] == 0

    def test_on_paper_the_rules_stay_and_the_form_does_not(self, seen):
        assert not seen["paper"]["form"]
        assert seen["paper"]["rules"] == len(RULES)

    def test_without_scripts_the_form_is_hidden_and_the_rules_are_there(self, seen):
        assert re.search(r"<form[^>]* hidden", seen["plain"])
        assert seen["plain"].count('class="bn-rule"') == len(RULES)

    def test_it_asks_no_server_and_complains_of_nothing(self, seen):
        assert (seen["asked"], seen["said"]) == ([], [])
