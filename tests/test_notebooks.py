"""Promises of `arraylab.notebooks`: what ran is collected, and nothing else."""

import json

import pytest

from arraylab import notebooks
from arraylab.fingerprint import cell_hash

MONDAY, TUESDAY = "2026-03-02T10:00:00+00:00", "2026-03-03T10:00:00+00:00"
ROW = {"implementation": "numpy_sum", "verdict": "ok", "median": 0.5}


def code(source, *outputs, tags=(), count: int | None = 1):
    return {
        "cell_type": "code",
        "source": source,
        "outputs": list(outputs),
        "execution_count": count,
        "metadata": {"tags": list(tags)},
    }


def shown(data, kind="display_data"):
    return {"output_type": kind, "data": data, "metadata": {}}


def printed(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


ERROR = {
    "output_type": "error",
    "ename": "ValueError",
    "evalue": "no",
    "traceback": ["Traceback", "ValueError: no"],
}


def collect(*cells):
    return notebooks.collect({"cells": list(cells)}, "part/page")


def test_measurements_and_claims_are_found_in_the_outputs():
    comparison = {"date": MONDAY, "rows": [ROW]}
    sweep = {
        "comparisons": [
            {
                "date": TUESDAY,
                "rows": [ROW | {"implementation": "a"}, ROW | {"implementation": "b"}],
            }
        ]
    }
    claim = {"id": "A1", "verdict": "holds"}
    found = collect(
        {"cell_type": "markdown", "source": "%%gpu\nprose", "metadata": {}},
        code("compare()", shown({notebooks.COMPARISON: comparison, "text/plain": "x"})),
        code(
            "sweep()", shown({notebooks.SWEEP: sweep}), shown({notebooks.CLAIM: claim})
        ),
    )
    assert [(r["implementation"], r["date"]) for r in found.measurements] == [
        ("numpy_sum", MONDAY),
        ("a", TUESDAY),
        ("b", TUESDAY),
    ]
    assert found.claims == [claim]
    assert found.cells == {}


def test_a_gpu_cell_is_kept_by_its_text_with_what_a_reader_saw():
    data = {
        "text/html": ["<b>", "1</b>"],
        "application/json": {"a": [1]},
        notebooks.COMPARISON: {"rows": []},
    }
    cell = code(
        ["%%gpu cupy\n", "x = 1\n", "x\n", "\n"],
        printed(["a\n", "b"]),
        printed("c"),
        printed("careful", "stderr"),
        shown(data, "execute_result") | {"execution_count": 7},
    )
    found = collect(cell)
    assert found.cells == {
        cell_hash("x = 1\nx"): {
            "lecture": "part/page",
            "outputs": [
                printed("a\nbc"),
                printed("careful", "stderr"),
                shown({"text/html": "<b>1</b>", "application/json": {"a": [1]}}),
            ],
        }
    }


def test_what_was_shown_from_a_record_is_not_collected_again():
    replay = shown({notebooks.REPLAY: {"machine": "NVIDIA H200"}})
    comparison = shown({notebooks.COMPARISON: {"rows": [ROW]}})
    assert collect(code("%%gpu\nx", replay, comparison)) == ([], [], {})


def test_a_gpu_cell_that_failed_or_did_not_run_is_not_recorded():
    assert collect(code("%%gpu\nx", ERROR)).cells == {}
    assert collect(code("%%gpu\nx", count=None)).cells == {}
    (cell,) = collect(code("%%gpu\nx", ERROR, tags=["raises-exception"])).cells.values()
    assert cell["outputs"] == [ERROR]


def test_the_lecture_is_read_off_the_path(tmp_path):
    path = tmp_path / "ecosystem" / "five_ways.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps({"cells": [code("%%gpu\nx")]}), "utf-8")
    (cell,) = notebooks.collect(path).cells.values()
    assert cell["lecture"] == "ecosystem/five_ways"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"worksheets": []}'])
def test_a_damaged_notebook_is_named(tmp_path, text):
    (tmp_path / "page.ipynb").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"^page\.ipynb: "):
        notebooks.collect(tmp_path / "page.ipynb")


def test_the_hash_of_a_cell_ignores_trailing_space_and_the_options_only():
    body = notebooks.gpu_body
    hashes = {
        cell_hash(body(text))
        for text in (
            "%%gpu\nx = 1",
            "%%gpu cupy jax\nx = 1\n\n",
            "\n%%gpu\r\nx = 1\r\n",
        )
    }
    assert hashes == {cell_hash("x = 1")}
    assert cell_hash("x = 1") != cell_hash("x  = 1")
    assert body("%%gpus\nx") is None
    assert body("x\n%%gpu") is None
