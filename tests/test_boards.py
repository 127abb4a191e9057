"""What the boards promise: rows that were timed side by side, by today's code."""

from dataclasses import replace
from pathlib import Path

import pytest

from arraylab import boards, records
from arraylab.arrays import library_of
from arraylab.fingerprint import code_hash
from arraylab.records import Library, Record

CASE = "regression"
DAY, LATER = "2026-01-01T10:00:00+00:00", "2026-01-02T10:00:00+00:00"


def row(implementation, seconds, n=1000, **changes):
    made = {
        "case": CASE,
        "implementation": implementation,
        "library": library_of(implementation),
        "device": "cpu",
        "dtype": "float64",
        "shapes": [[n, 20], [n], [20]],
        "median": seconds,
        "low": seconds,
        "high": seconds,
        "first": 1.5,
        "cores": 1.0,
        "share": {"kind": "bandwidth", "fraction": 0.5, "limit": "memory bandwidth"},
        "verdict": "ok",
        "code": code_hash(CASE, implementation),
        "date": DAY,
    }
    return made | changes


def library(*rows, name="m.json"):
    stamp = {"cpu": "C", "cores": 2, "gpus": [], "versions": {"numpy": "2.4.0"}}
    return Library((Record(Path(name), stamp, DAY, measurements=rows),))


def names(run):
    return [found.measurement["implementation"] for found in boards.timed(run)]


def test_a_run_is_held_against_the_usual_numpy_of_itself():
    rows = library(row("jax_grad", 2.0), row("numpy_hand", 1.0))
    (run,) = boards.chosen(rows)
    assert names(run) == ["numpy_hand", "jax_grad"]
    assert boards.gain(run, boards.row_of(run, "jax_grad")) == 0.5
    assert boards.where(run) == "C, 2 cores, 2026-01-01"
    assert boards.asked(run) == "n = 1,000"


def test_runs_come_by_rising_size():
    rows = [row("numpy_hand", 1.0, n) for n in (100_000, 1_000, 1_000_000)]
    found = boards.chosen(library(*rows))
    assert [run.shapes[1][0] for run in found] == [1_000, 100_000, 1_000_000]


@pytest.mark.parametrize(("verdict", "told"), [("ok", "2.7x"), ("NOISY", "3x")])
def test_a_speed_has_no_more_digits_than_the_noise_leaves(verdict, told):
    rows = library(row("numpy_hand", 1.0, verdict=verdict), row("jax_grad", 0.37))
    (run,) = boards.chosen(rows)
    assert boards.gain_in_words(run, boards.row_of(run, "jax_grad")) == told


def test_every_recorded_size_has_its_name():
    for run in boards.chosen():
        assert boards.asked(run).startswith("n = "), run


def test_rows_of_another_day_are_not_compared():
    rows = [row("numpy_hand", 1.0), row("jax_grad", 2.0)]
    (run,) = boards.chosen(library(*rows, row("numba_fused", 0.1, date=LATER)))
    assert boards.row_of(run, "numba_fused") is None
    assert run.date == DAY


def test_of_two_runs_as_large_the_newer_counts():
    rows = [row("numpy_hand", 1.0), row("numba_fused", 0.1, date=LATER)]
    (run,) = boards.chosen(library(*rows))
    assert run.date == LATER


@pytest.mark.parametrize("code", ["other", None])
def test_a_result_of_other_code_takes_no_part(code):
    rows = [row("numpy_hand", 1.0), row("jax_grad", 2.0, code=code)]
    (run,) = boards.chosen(library(*rows))
    assert boards.row_of(run, "jax_grad") is None


def test_a_refused_row_has_no_time():
    wrong = row("jax_grad", None, verdict="WRONG", low=None, high=None)
    (run,) = boards.chosen(library(row("numpy_hand", 1.0), wrong))
    assert names(run) == ["numpy_hand"]
    assert boards.row_of(run, "jax_grad") is None


def test_the_best_is_taken_by_library_and_device():
    rows = [row("numpy_hand", 1.0), row("numpy_blocked", 0.5), row("jax_grad", 0.7)]
    rows.append(row("jax_grad", 0.01, device="G"))
    (run,) = boards.chosen(library(*rows))
    told = {key: row["implementation"] for key, row in boards.best(run).items()}
    assert told == {
        ("numpy", "cpu"): "numpy_blocked",
        ("jax", "cpu"): "jax_grad",
        ("jax", "G"): "jax_grad",
    }


def test_the_largest_run_with_the_usual_numpy_is_chosen():
    rows = [row("numpy_hand", 1.0, 1_000), row("jax_grad", 1.0, 100_000)]
    found = boards.largest(boards.chosen(library(*rows)))
    assert [r.shapes[1][0] for r in found] == [1_000]


def test_every_case_has_a_usual_numpy():
    for case in records.cases():
        assert boards.usual(case) in boards.implementations(case)
        assert boards.usual(case).startswith("numpy_")


def test_every_file_says_in_a_line_what_it_does():
    for case, names in records.cases().items():
        for name in names:
            assert len(boards.summary(case, name).split()) >= 3, (case, name)


def test_a_board_shows_the_speed_at_every_size():
    rows = [row("numpy_hand", 1.0, 1_000), row("jax_grad", 4.0, 1_000)]
    rows += [row("numpy_hand", 1.0, 100_000), row("jax_grad", 0.1, 100_000)]
    (board,) = boards.boards(library(*rows), CASE)
    text = board._repr_html_()
    told = (
        *("speed, n = 1,000", "speed, n = 100,000", ">0.25x<", ">10x<"),
        "the loss, differentiated by the compiler",
        "Recorded on C, 2 cores, 2026-01-01: numpy 2.4.0.",
    )
    assert [words for words in told if words not in text] == []


def test_a_board_marks_what_has_no_time_or_a_noisy_one():
    rows = [row("numpy_hand", 1.0), row("numpy_blocked", 1.0, verdict="NOISY")]
    rows.append(row("jax_grad", None, verdict="WRONG", low=None, high=None))
    (board,) = boards.boards(library(*rows), CASE)
    text = board._repr_html_()
    assert '<span class="bn-badge bn-bad">WRONG</span>' in text
    assert '1.0 s <span class="bn-badge">NOISY</span>' in text


def test_a_board_without_a_run_says_how_to_get_one():
    (board,) = boards.boards(Library(), CASE)
    assert "make bench" in board._repr_html_()
    assert "0 runs" in repr(board)


def test_another_machine_has_a_board_of_its_own():
    one = library(row("numpy_hand", 1.0)).records[0]
    other = replace(one, path=Path("n.json"), machine={**one.machine, "cpu": "D"})
    both = boards.boards(Library((one, other)), CASE)
    assert [b.runs[0].record.title for b in both] == ["C, 2 cores", "D, 2 cores"]


def test_the_courses_own_records_make_runs_of_one_moment():
    for run in boards.chosen():
        assert len({found.date for found in run.rows}) == 1
