"""What a claim promises: judged by running, said in words, never decided by noise."""

import types

import numpy as np
import pytest

from arraylab import claims, notebooks
from arraylab.claims import claim, faster
from arraylab.results import Refused, Timing


@pytest.fixture(autouse=True)
def named_machine(monkeypatch):
    here = types.SimpleNamespace(title="AMD EPYC, 2 cores")
    monkeypatch.setattr(claims, "machine", lambda: here)


@pytest.mark.parametrize(
    ("holds", "verdict"),
    [
        (True, "holds"),
        (False, "fails"),
        (lambda: True, "holds"),
        (lambda: False, "fails"),
        (np.True_, "holds"),
        (np.asarray(False), "fails"),
        (lambda: np.float64(1) > 2, "fails"),
    ],
)
def test_the_verdict_is_what_the_run_gave(holds, verdict):
    assert claim("A1", "It is so.", holds).verdict == verdict


def test_a_refused_time_leaves_the_claim_undecided_and_says_why():
    def judge():
        raise Refused("no time for numba_rows: WRONG, off by 3.")

    judged = claim("A1", "It is faster.", judge, evidence="2 runs")
    assert judged.verdict == "not decided"
    assert judged.evidence == (
        "Not decided here: no time for numba_rows: WRONG, off by 3. 2 runs"
    )


def test_any_other_failure_is_raised():
    with pytest.raises(ZeroDivisionError):
        claim("A1", "It is so.", lambda: 1 / 0)


@pytest.mark.parametrize("id", ["A1", "E10", "D6b", "fused-is-faster", "n1"])
def test_ids_of_the_list_and_short_words_are_taken(id):
    assert claim(id, "It is so.", True).id == id


@pytest.mark.parametrize(
    "id",
    [
        "",
        "F1",
        "A",
        "a_b",
        "A1bc",
        "Fused",
        "-a",
        "a-",
        "a--b",
        "a b",
        "A1\n",
        "x" * 41,
    ],
)
def test_other_ids_are_refused_with_an_example(id):
    with pytest.raises(ValueError, match="'A12' or 'E3b'"):
        claim(id, "It is so.", True)


@pytest.mark.parametrize("statement", ["", "  \n"])
def test_a_claim_needs_a_statement(statement):
    with pytest.raises(ValueError, match="'A1' has no statement"):
        claim("A1", statement, True)


@pytest.mark.parametrize(
    "words", [{"evidence": 3.2}, {"source": None}, {"statement": 1}, {"id": 1}]
)
def test_words_that_are_no_text_are_named(words):
    (name,) = words
    with pytest.raises(TypeError, match=rf"{name} is \w+, expected text"):
        claim(**({"id": "A1", "statement": "It is so.", "holds": True} | words))


@pytest.mark.parametrize(
    "holds", [1, "yes", None, lambda: 2.5, np.array([True, True]), np.float64(1)]
)
def test_a_verdict_that_is_neither_true_nor_false_is_refused(holds):
    with pytest.raises(TypeError, match=r"claim 'A1': holds gave .* expected True or"):
        claim("A1", "It is so.", holds)


def test_a_claim_of_jax_is_judged():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    assert claim("A1", "It is so.", jax.numpy.float32(2) > 1).verdict == "holds"


def test_a_claim_says_where_and_when_it_was_judged():
    judged = claim("A1", "It is so.", True)
    assert judged.machine == "AMD EPYC, 2 cores"
    assert judged.date.endswith("+00:00")


def test_a_claim_cannot_be_changed_afterwards():
    judged = claim("A1", "It is so.", False)
    with pytest.raises(AttributeError):
        judged.verdict = "holds"


def test_the_page_says_the_verdict_as_a_word_and_quotes_what_is_markup():
    judged = claim("A1", "a < b & c", False, "<script>", "<i>a survey</i>")
    page = judged._repr_html_()
    assert ">fails</span>" in page
    assert "a &lt; b &amp; c" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "<i>" not in page
    words = page[page.index("Claim") :]
    assert words.index("A1") < words.index("fails") < words.index("a &lt; b")


def test_a_claim_leaves_its_data_in_the_notebook():
    judged = claim("A1", "It is so.", True, "7 of 7", "a survey article")
    bundle = judged._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", notebooks.CLAIM}
    assert bundle["text/plain"] == repr(judged) == "A1 holds: It is so. (7 of 7)"
    cell = {
        "cell_type": "code",
        "source": "claim()",
        "outputs": [{"output_type": "execute_result", "data": bundle}],
    }
    (collected,) = notebooks.collect({"cells": [cell]}).claims
    assert collected == judged.json()
    assert collected["verdict"] == "holds"


def timing(seconds, **changes):
    return Timing("a variant", seconds=(seconds,) * 3, **changes)


@pytest.mark.parametrize(
    ("slow", "margin", "answer"),
    [(1.3, 1.25, True), (1.2, 1.25, False), (1.25, 1.25, False), (1.2, 1.1, True)],
)
def test_an_order_holds_with_its_margin_only(slow, margin, answer):
    assert faster(timing(1.0), timing(slow), margin=margin) is answer


def test_the_usual_margin_is_a_quarter():
    assert faster(timing(1.0), timing(1.26))
    assert not faster(timing(1.0), timing(1.24))


@pytest.mark.parametrize("which", [0, 1])
def test_a_withheld_time_decides_no_order(which):
    rows = [timing(1.0), timing(2.0)]
    rows[which] = timing(1.0, verdict="WRONG", message="off by 3")
    with pytest.raises(Refused, match="off by 3"):
        faster(*rows)
    assert claim("A1", "It is so.", lambda: faster(*rows)).verdict == "not decided"


def spread(name, low, high):
    """A noisy row whose quartiles are about `low` and `high`."""
    seconds = (low, low, (low + high) / 2, high, high)
    return Timing(name, verdict="NOISY", seconds=seconds, rounds=tuple(range(5)))


def test_noise_that_hides_the_order_leaves_it_undecided():
    with pytest.raises(Refused, match="too noisy to say whether a beats b"):
        faster(spread("a", 1.0, 3.0), spread("b", 2.0, 6.0))


@pytest.mark.parametrize(("low", "high", "answer"), [(9, 12, True), (0.1, 0.2, False)])
def test_noise_smaller_than_the_gap_does_not_matter(low, high, answer):
    assert faster(spread("a", 1.0, 2.0), spread("b", low, high)) is answer


def test_a_row_without_a_median_decides_no_order():
    empty = types.SimpleNamespace(name="numba_rows", median=None, message="absent")
    with pytest.raises(Refused, match=r"numba_rows has no time .*: absent"):
        faster(timing(1.0), empty)


@pytest.mark.parametrize("margin", [0.9, float("nan")])
def test_a_margin_below_one_is_refused(margin):
    with pytest.raises(ValueError, match="expected at least 1"):
        faster(timing(1.0), timing(2.0), margin=margin)
