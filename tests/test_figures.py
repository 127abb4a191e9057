"""What every figure of the course promises its reader."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from arraylab import figures
from arraylab.arrays import library_of
from arraylab.boards import chosen
from arraylab.records import Library, Record, code_hash
from arraylab.results import Comparison, Sweep, Timing

ALT = "A line that goes up from left to right."
CAPTION = "Time against size, float64, on this machine."


def drawing(alt=ALT, caption=CAPTION):
    fig, ax = figures.axes(xlabel="n")
    ax.plot([1, 2], [1, 2], color=figures.INK)
    return figures.show(fig, alt=alt, caption=caption)


def timing(name, seconds, library="numpy"):
    return Timing(name, library, seconds=(seconds,) * 3, rounds=(0, 1, 2))


def comparison(*rows):
    return Comparison(rows, rows[0].name, "a machine", "2026-01-01T00:00:00", {})


@pytest.fixture
def sweep():
    sizes = (10, 100, 1000)
    return Sweep(
        sizes,
        tuple(
            comparison(timing("numpy_plain", n * 1e-6), timing("jax_jit", 1e-4, "jax"))
            for n in sizes
        ),
    )


@pytest.mark.parametrize("missing", ["alt", "caption"])
def test_a_figure_without_words_is_refused(missing):
    with pytest.raises(ValueError, match=f"a figure needs {missing}="):
        drawing(**{missing: "a plot"})


def test_the_alternative_text_stands_on_the_drawing_and_in_plain_text():
    figure = drawing(alt='It says "more" & goes up to the right.')
    assert 'role="img"' in figure.svg
    assert "&quot;more&quot; &amp; goes up" in figure.svg
    assert 'It says "more"' in repr(figure)


def test_ink_takes_the_colour_of_the_page():
    figure = drawing()
    assert figures.INK not in figure.svg
    assert "currentColor" in figure.svg
    assert "fill: #ffffff" not in figure.svg  # no plate that a dark page would show


def test_text_stays_text():
    assert re.search(r"<text[^>]*>n</text>", drawing().svg)


def test_two_figures_on_a_page_share_no_id():
    one, two = drawing(), drawing(alt="The same line, for other words still.")
    ids = [re.findall(r'\bid="([^"]+)"', f.svg) for f in (one, two)]
    assert len(ids[0]) == len(set(ids[0]))
    assert (
        not set(ids[0]) & set(ids[1]) or one.svg.split(">", 1)[1] in two.svg
    )  # same drawing, same ids: then it is one and the same
    for figure in (one, two):
        used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', figure.svg)
        defined = set(re.findall(r'\bid="([^"]+)"', figure.svg))
        assert {a or b for a, b in used} <= defined


def test_the_same_drawing_is_the_same_file():
    assert drawing().svg == drawing().svg


def test_times_by_size_says_in_words_what_it_draws(sweep):
    figure = figures.times_by_size(sweep, caption=CAPTION)
    assert "numpy_plain from 10.0 µs at 10 to 1.00 ms at 1,000" in figure.alt
    assert "jax_jit overtakes numpy_plain at about 100" in figure.alt


def test_times_by_size_draws_the_machines_limit(sweep):
    figure = figures.times_by_size(sweep, caption=CAPTION, roof=lambda n: n * 1e-8)
    assert "the machine's limit" in figure.svg


def test_refused_rows_are_not_drawn():
    wrong = Timing("jax_wrong", "jax", verdict="WRONG", message="off by one")
    figure = figures.times(comparison(timing("numpy", 1e-3), wrong), caption=CAPTION)
    assert "jax_wrong" not in figure.svg + figure.alt
    assert figure.caption == f"{CAPTION} Without a time: jax_wrong (WRONG)."


def test_noisy_times_are_marked():
    noisy = replace(timing("jax", 1e-3, "jax"), verdict="NOISY")
    figure = figures.times(comparison(timing("numpy", 1e-3), noisy), caption=CAPTION)
    assert "jax 1.00 ms NOISY" in figure.alt
    assert ">1.00 ms NOISY<" in figure.svg


def test_a_sweep_says_what_became_of_the_times_that_are_not_drawn_plainly():
    wrong = Timing("jax", "jax", verdict="WRONG", message="off by one")
    noisy = replace(timing("numpy", 1e-3), verdict="NOISY")
    absent = Timing("cupy", "cupy", verdict="ABSENT", message="no GPU")
    made = comparison(noisy, wrong, absent), comparison(timing("numpy", 2e-3), absent)
    caption = figures.times_by_size(Sweep((10, 100), made), caption=CAPTION).caption
    assert "numpy: NOISY at 10; jax: WRONG at 10, left out at 100; " in caption
    assert caption.endswith("cupy: ABSENT at every size.")


def test_the_alternative_text_does_not_claim_one_leader_where_a_leader_dropped_out():
    gone = Timing("jax", "jax", verdict="RAISED", message="no memory")
    both = comparison(timing("numpy", 1e-3), timing("jax", 1e-4, "jax"))
    made = both, comparison(timing("numpy", 2e-3), gone)
    alt = figures.times_by_size(Sweep((10, 100), made), caption=CAPTION).alt
    assert "jax fastest at 10; numpy fastest at 100." in alt
    assert "every size" not in alt


def test_the_alternative_text_names_the_one_leader():
    made = tuple(comparison(timing("numpy", s)) for s in (1e-3, 2e-3))
    alt = figures.times_by_size(Sweep((10, 100), made), caption=CAPTION).alt
    assert "numpy is the fastest at every size" in alt


def test_every_library_has_a_look_of_its_own():
    looks = [v for k, v in figures.LOOK.items() if k != "numba_cuda"]
    assert len({colour for colour, _ in looks}) == len(looks)
    assert len({marker for _, marker in figures.LOOK.values()}) == len(figures.LOOK)


def record(*rows, cpu="C", gpus=(), dtype="float64"):
    """Return a machine's record of rows (case, implementation, seconds[, device])."""
    made = []
    for case, implementation, seconds, *device in rows:
        row = {
            "case": case,
            "implementation": implementation,
            "library": library_of(implementation),
            "device": device[0] if device else "cpu",
            "dtype": dtype,
            "shapes": [[3], [3]],
            "median": seconds,
            "low": seconds,
            "high": seconds,
            "verdict": "ok",
            "code": code_hash(case, implementation),
        }
        made.append(row)
    versions = {"numpy": "2.4.0", "jax": "0.11.2"}
    names = [{"name": name} for name in gpus]
    stamp = {"cpu": cpu, "cores": 2, "gpus": names, "versions": versions}
    return Record(Path(f"{cpu}.json"), stamp, "2026-01-01", measurements=tuple(made))


USUAL = ("grid_max", "numpy_mesh", 0.25)


class TestGains:
    """The chart of the first page: every library against the usual NumPy."""

    def test_it_draws_the_best_version_of_each_library_against_the_usual_numpy(self):
        rows = [("numpy_blocked", 0.1), ("jax_vmap", 0.5), ("jax_broadcast", 1.0)]
        library = Library((record(USUAL, *(("grid_max", *row) for row in rows)),))
        figure = figures.gains(library, caption=CAPTION)
        assert "grid_max (3 and 3): numpy 2.5x, jax 0.50x." in figure.alt
        assert ">0.50x<" not in figure.svg  # the number at the end is the best's
        assert ">2.5x<" in figure.svg

    def test_it_says_where_and_when_and_with_what(self):
        figure = figures.gains(Library((record(USUAL),)), caption=CAPTION)
        assert "C, 2 cores, 2026-01-01: numpy 2.4.0." in figure.caption
        assert "No record of a GPU yet." in figure.caption

    def test_a_machine_with_a_gpu_gets_a_panel_with_its_name(self):
        gpu = record(
            USUAL, ("grid_max", "cupy_broadcast", 0.01, "G"), cpu="D", gpus=("G",)
        )
        figure = figures.gains(Library((record(USUAL), gpu)), caption=CAPTION)
        assert "cupy on G 25x" in figure.alt
        assert "No record of a GPU" not in figure.caption
        assert ">D, 2 cores, G<" in figure.svg or "D, 2 cores" in figure.svg

    def test_a_run_without_the_usual_numpy_has_no_line(self):
        alone = record(("grid_max", "jax_vmap", 0.1), ("regression", "numpy_hand", 1.0))
        figure = figures.gains(Library((alone,)), caption=CAPTION)
        assert "grid_max" not in figure.alt
        assert "regression" in figure.alt

    @pytest.mark.parametrize("library", [Library(), Library((record(),))])
    def test_without_a_record_it_says_so(self, library):
        figure = figures.gains(library, caption=CAPTION)
        assert "No measurement of today&#x27;s code" in figure._repr_html_()


def test_versions_of_a_case_stand_in_a_line_a_library():
    rows = [("numpy_blocked", 0.1), ("jax_vmap", 0.5), ("jax_broadcast", 1.0)]
    library = Library((record(USUAL, *(("grid_max", *row) for row in rows)),))
    (run,) = chosen(library)
    figure = figures.versions(run, caption=CAPTION)
    assert "jax: jax_vmap 500 ms, jax_broadcast 1.0 s." in figure.alt
    assert ">numpy_blocked 100 ms<" in figure.svg
    assert "Dotted: numpy_mesh, the usual NumPy." in figure.caption


class TestOnAPhone:
    """A narrow screen gets a drawing of its own, whose words are no smaller."""

    def test_the_words_are_as_large_and_the_drawing_narrower(self):
        figure = drawing()
        sizes = [
            re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text).groups()
            for text in (figure.svg, figure.narrow)
        ]
        assert [float(width) for width, _ in sizes] == [6.4 * 72, 4.6 * 72]
        assert len({height for _, height in sizes}) == 1
        fonts = [
            {*re.findall(r"font-size:([\d.]+)", text)}
            for text in (figure.svg, figure.narrow)
        ]
        assert fonts[0] == fonts[1] != set()

    def test_it_has_the_same_words_and_ids_of_its_own(self):
        figure = drawing()
        label = f'aria-label="{ALT}"'
        assert label in figure.svg
        assert label in figure.narrow
        one, two = (
            {*re.findall(r'\bid="([^"]+)"', text)}
            for text in (figure.svg, figure.narrow)
        )
        assert not one & two

    def test_where_no_style_sheet_of_ours_is_it_stays_hidden(self):
        page = drawing()._repr_html_()
        assert page.count("<svg") == 2
        assert '<div class="bn-narrow" style="display:none"><svg' in page

    def test_long_labels_are_broken_there_and_formulas_are_not(self):
        words = "the squared distance of a point from the origin"
        fig, ax = figures.axes(xlabel=words, ylabel=f"${words}$")
        ax.plot([1, 2])
        figure = figures.show(fig, alt=ALT, caption=CAPTION)
        assert f">{words}<" in figure.svg
        assert f">{words}<" not in figure.narrow
        assert ">the squared distance of a point from<" in figure.narrow
        assert ">the origin<" in figure.narrow

    def test_a_drawing_that_fits_has_no_second_one(self):
        fig, ax = figures.axes(4.0, 3.0)
        ax.plot([1, 2])
        figure = figures.show(fig, alt=ALT, caption=CAPTION)
        assert figure.narrow == ""
        assert figure._repr_html_().count("<svg") == 1


def test_a_drawing_carries_nothing_that_no_eye_can_see():
    svg = drawing().svg
    assert "font-family" not in svg  # it is the page's
    assert not re.search(r"\d\.\d{3}", svg.partition(">")[2])
    assert "<!--" not in svg
    assert not re.search(r">\s+<", svg)


def test_factors_keep_their_digits():
    tag = '<g transform="scale(0.015625)">'
    assert re.sub(r"<[^>]+>", figures._lean, tag) == tag
    text = '<text x="1.23456">1.23456</text>'
    assert re.sub(r"<[^>]+>", figures._lean, text) == '<text x="1.23">1.23456</text>'
