"""The scoreboard: runs of the records, what is compared within them, and its page."""

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scoreboard as extension
import test_site as site

from arraylab import html, records, scoreboard
from arraylab.fingerprint import code_hash

CPU = {
    "cpu": "Some CPU",
    "cores": 4,
    "python": "3.12.1",
    "versions": {"numpy": "2.4.0"},
}
GPU = {**CPU, "cpu": "Other CPU", "gpus": [{"name": "A GPU", "driver": "580.1"}]}
EARLY, LATE = "2026-03-01T10:00:00+00:00", "2026-03-02T10:00:00+00:00"


def row(name: str, n: int, seconds: float, **more: Any) -> dict[str, Any]:
    """Return a measurement of grid_max on an n by n grid."""
    share = {"kind": "flops", "fraction": 0.001 / seconds, "limit": "the flop rate"}
    return {
        "case": "grid_max",
        "implementation": name,
        "name": name,
        "library": name.split("_")[0],
        "device": "cpu",
        "dtype": "float64",
        "result_dtype": "float64",
        "shapes": [[n], [n]],
        "verdict": "ok",
        "message": "",
        "median": seconds,
        "low": 0.99 * seconds,
        "high": 1.01 * seconds,
        "first": None,
        "compiled": 0,
        "place": None,
        "finish": None,
        "cores": 1.0,
        "faults": 0.0,
        "memory": None,
        "rounds": 7,
        "share": share,
        "code": code_hash("grid_max", name),
        **more,
    }


def compiled(name: str, n: int, seconds: float, first: float) -> dict[str, Any]:
    return row(name, n, seconds, compiled=1, first=first)


def recorded(folder: Path) -> records.Library:
    """Return made-up records of a machine without and of one with a GPU."""
    old = [
        row("numpy_mesh", 300, 1e-3),
        compiled("numba_parallel", 300, 2e-3, 0.5),
        row("jax_vmap", 300, 1.005e-3, low=0.9e-3, high=1.2e-3, verdict="NOISY"),
        row("numpy_mesh", 1000, 20e-3),
        compiled("numba_parallel", 1000, 4e-3, 0.5),
        row("numba_serial", 1000, 5e-3, code="0" * 12),
        row("python_loop", 1000, 1.0, verdict="WRONG", message="2 came"),
        row("numpy_mesh", 300, 1e-3, dtype="float32"),
        row("numpy_mesh", 3000, 0.2),
        compiled("numba_parallel", 3000, 0.04, 0.5),
    ]
    records.save(folder / "cpu.json", CPU, old, commit="abc", date=EARLY)
    later = [row("numpy_blocked", 1000, 3e-3)]
    records.save(folder / "cpu.json", CPU, later, commit="def", date=LATE)
    on_gpu = [
        row("numpy_mesh", 1000, 10e-3),
        row("jax_vmap", 1000, 8.1e-3, place=1e-4),
        row("jax_vmap", 1000, 1e-4, device="A GPU", compiled=1, first=0.2),
        row("cupy_broadcast", 1000, 2e-4, device="A GPU", memory=8_000_000),
    ]
    records.save(folder / "gpu.json", GPU, on_gpu, date=LATE)
    return records.load(folder)


@pytest.fixture
def library(tmp_path: Path) -> records.Library:
    return recorded(tmp_path / "records")


def chosen(library: records.Library, n: int, **wanted: str) -> scoreboard.Run:
    """Return the one run with these properties."""
    wanted = {"machine": "Some CPU, 4 cores", "dtype": "float64", "date": "", **wanted}
    (run,) = (
        run
        for run in scoreboard.runs(library)
        if run.shapes == ((n,), (n,))
        and run.record.title == wanted["machine"]
        and run.dtype == wanted["dtype"]
        and run.date.startswith(wanted["date"])
    )
    return run


@pytest.fixture
def run(library: records.Library) -> scoreboard.Run:
    return chosen(library, 1000, date="2026-03-01")


GPU_TITLE = "A GPU with Other CPU, 4 cores"


class TestRun:
    """What was measured in one go, and only that, is compared."""

    def test_rows_of_another_day_are_another_run(
        self, library: records.Library
    ) -> None:
        assert "numpy_blocked" not in chosen(library, 1000, date="2026-03-01").names
        assert chosen(library, 1000, date="2026-03-02").names == ("numpy_blocked",)

    def test_rows_stand_in_teaching_order(self, run: scoreboard.Run) -> None:
        assert run.names == (
            *("python_loop", "numpy_mesh"),
            *("numba_serial", "numba_parallel"),
        )

    def test_the_case_names_the_yardstick(self, library: records.Library) -> None:
        assert chosen(library, 300).yardstick == "numba_parallel"
        assert chosen(library, 300, dtype="float32").yardstick == "numpy_mesh"

    def test_speed_is_a_ratio_of_medians(self, run: scoreboard.Run) -> None:
        assert run.speed("numba_parallel", "numpy_mesh") == pytest.approx(5)

    def test_what_is_stale_or_wrong_is_compared_with_nothing(
        self, run: scoreboard.Run
    ) -> None:
        for name in ("numba_serial", "python_loop"):
            assert run.seconds(name) is None
            assert run.speed(name, "numpy_mesh") is None
            assert run.faster(name, "numpy_mesh") is None
            assert name not in run.leaders()
            assert scoreboard.rate(run[name]) is None
        assert scoreboard.verdict(run["numba_serial"]) == "ok, stale"
        assert scoreboard.verdict(run["python_loop"]) == "WRONG: 2 came"

    def test_the_first_call_is_paid_back_as_a_comparison_says(
        self, run: scoreboard.Run, library: records.Library
    ) -> None:
        assert run.break_even("numpy_mesh", "numba_parallel") is None
        small = chosen(library, 300)
        assert small.break_even("numba_parallel", "numpy_mesh") == float("inf")
        gpu = chosen(library, 1000, machine=GPU_TITLE)
        slow = gpu["jax_vmap on cpu"].measurement
        assert slow["first"] is None
        assert gpu.break_even("jax_vmap on A GPU", "jax_vmap on cpu") == float("inf")

    def test_an_order_needs_quartiles_apart(self, library: records.Library) -> None:
        small = chosen(library, 300)
        assert small.faster("numpy_mesh", "numba_parallel") is True
        assert small.faster("numba_parallel", "numpy_mesh") is False
        assert small.faster("jax_vmap", "numpy_mesh") is None
        assert small.leaders() == ("numpy_mesh", "jax_vmap")

    def test_a_row_of_each_device_has_its_name(self, library: records.Library) -> None:
        gpu = chosen(library, 1000, machine=GPU_TITLE)
        assert "jax_vmap on cpu" in gpu.names
        assert "jax_vmap on A GPU" in gpu.names
        assert gpu.leaders() == ("jax_vmap on A GPU",)

    def test_the_rate_is_the_least_work_over_the_time(
        self, run: scoreboard.Run
    ) -> None:
        problem = importlib.import_module("case_studies.grid_max")
        work = problem.work(*problem.inputs(1000))
        assert scoreboard.rate(run["numpy_mesh"]) == (work[0] / 20e-3, "flop")

    def test_the_table_says_what_and_where_and_with_what(
        self, run: scoreboard.Run
    ) -> None:
        text = run._repr_html_()
        assert "<caption>grid_max, float64, inputs 1,000 and 1,000. Some CPU" in text
        assert "numpy 2.4.0" in text
        assert "commit def" in text
        assert "marked stale" in text
        assert '<td data-head="speed, numba_parallel = 1">0.20x</td>' in text


class TestWork:
    """The least work is that of the case, without making large inputs."""

    @pytest.mark.parametrize("case", sorted(records.cases()))
    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_as_the_case_counts_it(self, case: str, dtype: str) -> None:
        problem = importlib.import_module(f"case_studies.{case}")
        inputs = problem.inputs(min(problem.SIZES), dtype)
        shapes = scoreboard.shapes_of(inputs)
        assert scoreboard.work_of(case, dtype, shapes) == tuple(problem.work(*inputs))

    def test_of_large_inputs_without_making_them(self) -> None:
        shapes = ((10**7, 1000),)
        work = scoreboard.work_of("column_stats", "float64", shapes)
        assert work.operations == 6 * 10**10
        assert work.nbytes == 16 * 10**10 + 8 * 1000

    def test_of_what_is_gone_nothing_is_known(self) -> None:
        assert scoreboard.work_of("no_such_case", "float64", ((3,),)) is None
        assert scoreboard.work_of("grid_max", "float64", ((3,),)) is None
        assert scoreboard.work_of("symmetric_mean", "uint64", ((1000,),)) is None


class TestCrossings:
    """Where an order turns round, from what each run says of itself."""

    def test_between_two_sizes(self, library: records.Library) -> None:
        run = chosen(library, 300)
        sizes = [run, chosen(library, 1000, date="2026-03-01")]
        (turn,) = scoreboard.crossings(sizes, "numpy_mesh")
        assert turn[:2] == ("numba_parallel", "numpy_mesh")
        assert repr(turn) == (
            "numba_parallel overtakes numpy_mesh: slower at 300 and 300, "
            "faster at 1,000 and 1,000"
        )
        assert scoreboard.crossings(sizes, "numba_parallel") == [turn]

    def test_what_overlaps_decides_nothing(self, library: records.Library) -> None:
        sizes = [chosen(library, 300), chosen(library, 1000, machine=GPU_TITLE)]
        names = {turn.fast for turn in scoreboard.crossings(sizes, "numpy_mesh")}
        assert "jax_vmap" not in names

    def test_a_series_is_of_one_machine_and_dtype_its_newest_runs(
        self, library: records.Library
    ) -> None:
        every = scoreboard.runs(library)
        found = scoreboard.series(chosen(library, 300), every)
        assert [(r.shapes[0][0], r.date) for r in found] == [
            (300, EARLY),
            (1000, LATE),
            (3000, EARLY),
        ]


# -- the page -------------------------------------------------------------------------


def plain_rows(run: scoreboard.Run, reference: str = "") -> dict[str, dict[str, str]]:
    """Return a run's table by row and column."""
    columns = run.columns(reference)
    return {
        name: {head: cells[i] for head, cells in columns}
        for i, name in enumerate(run.names)
    }


def test_the_plain_page_holds_every_measurement(library: records.Library) -> None:
    text = extension.files(library)["all.html"]
    runs = scoreboard.runs(library)
    assert text.count("<table") == len(runs)
    assert text.count('<th scope="row">') == sum(len(run.rows) for run in runs)
    assert "numba_parallel overtakes numpy_mesh: slower at 300 and 300" in text
    assert text.count(html.STYLE) == 1


def test_a_script_holds_what_the_record_does(library: records.Library) -> None:
    made = extension.files(library)
    told = []
    for name in (
        "grid_max--some-cpu-4-cores",
        "grid_max--a-gpu-with-other-cpu-4-cores",
    ):
        text = made[f"{name}.js"]
        told += json.loads(re.fullmatch(rf'bnRuns\("{name}",(.*)\);\n', text)[1])
    assert len(told) == len(scoreboard.runs(library))
    held = (record.measurements for record in library.records)
    assert sum(len(run["rows"]) for run in told) == sum(map(len, held))


def test_without_records_there_is_nothing_to_choose() -> None:
    assert set(extension.files(records.Library())) == {"all.html"}


def with_another_case(folder: Path) -> records.Library:
    """Return the made-up records with one row of another case."""
    path = recorded(folder).records[0].path
    name, shapes = "numpy_slicing", [[10, 10], [100]]
    other = {"case": "heat", "shapes": shapes, "code": code_hash("heat", name)}
    more = {**row("numpy_mesh", 10, 1e-3), "implementation": name, **other}
    records.save(path, CPU, [more], date=LATE)
    return records.load(folder)


SHEETS = ("course.css", "scoreboard.css", "scoreboard.js")


def page(library: records.Library, folder: Path) -> Path:
    """Write a page with a board, as the site has it, and return its folder."""
    made = extension.files(library)
    place = folder / extension.FOLDER
    place.mkdir(parents=True)
    for name, text in made.items():
        (place / name).write_text(text, encoding="utf-8")
    for sheet in map((site.ROOT / "_static").joinpath, SHEETS):
        text = sheet.read_text(encoding="utf-8")
        text = extension.lean(text) if sheet.suffix == ".js" else text
        (place.parent / sheet.name).write_text(text, encoding="utf-8")
    board = extension.board(extension.timed(library), extension.FOLDER.as_posix(), "1")
    text = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>B</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,"></head><body><main><h1 id="a-heading">B</h1>'
        f'{html.STYLE}<div class="bn">{board}</div></main>'
        '<link rel="stylesheet" href="_static/course.css">'
        '<link rel="stylesheet" href="_static/scoreboard.css">'
        '<script src="_static/scoreboard.js"></script></body></html>'
    )
    (folder / "board.html").write_text(text, encoding="utf-8")
    return folder


def addresses(runs: list[scoreboard.Run], slug: Any) -> Iterator[tuple[str, Any, str]]:
    """Yield the address of each run with each of two references."""
    for run in runs:
        twins = [r for r in runs if (r.record, r.dtype) == (run.record, run.dtype)]
        twins = [r for r in twins if r.shapes == run.shapes]
        size = "_".join("x".join(map(str, shape)) for shape in run.shapes)
        size += f"@{run.date[:19]}" if len(twins) > 1 else ""
        for reference in dict.fromkeys((run.yardstick, run.names[0])):
            yield (
                f"#case=grid_max&machine={slug(run.record.title)}&dtype={run.dtype}"
                f"&size={size}&with={reference.replace(' ', '+')}&show=time",
                run,
                reference,
            )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what Chromium saw of a board of made-up records, and was to see."""
    folder = tmp_path_factory.mktemp("board")
    library = with_another_case(folder / "records")
    runs = [run for run in scoreboard.runs(library) if run.case == "grid_max"]
    wanted = list(addresses(runs, extension.slug))
    asked = json.dumps([address for address, *_ in wanted])
    place = page(library, folder)
    return site.drive("scoreboard.mjs", "board.html", asked, site=place), wanted


@site.browser
class TestBrowser:
    """In Chromium, from a folder, with a made-up record of a machine with a GPU."""

    def test_the_console_stays_empty(self, made: Any) -> None:
        assert made[0]["said"] == []

    def test_every_table_is_the_record_s(self, made: Any) -> None:
        told, wanted = made
        assert len(wanted) > 5
        for address, run, reference in wanted:
            seen = told["tables"][address]
            assert seen["form"]["with"] == reference, address
            assert seen["caption"] == run.caption
            shown = {
                cells[0]: dict(zip(seen["head"][1:], cells[1:], strict=True))
                for cells in seen["rows"]
            }
            for name, cells in plain_rows(run, reference).items():
                assert shown[name] == cells, (address, name)
            assert len(shown) == len(run.names)

    def test_choices_have_labels_and_what_is_shown_is_said(self, made: Any) -> None:
        first = made[0]["first"]
        assert len(first["labels"]) == 6
        assert all(first["labels"])
        assert first["role"] == "status"
        assert "of grid_max in float64" in first["status"]
        assert first["hash"] == ""

    def test_the_drawing_says_its_numbers(self, made: Any) -> None:
        first = made[0]["first"]
        assert first["drawing"].startswith("Dot chart, time of a call")
        for cells in first["rows"]:
            assert cells[0] in first["drawing"] + first["figure"]

    def test_a_machine_with_a_gpu_appears_by_itself(self, made: Any) -> None:
        (seen,) = (
            one
            for address, one in made[0]["tables"].items()
            if "a-gpu" in address and "with=numpy_mesh" in address
        )
        assert "Hollow markers ran on a GPU." in seen["figure"]
        assert "driver 580.1" in seen["notes"]

    def test_an_order_that_turns_is_named(self, made: Any) -> None:
        told, wanted = made
        for address, run, reference in wanted:
            sizes = scoreboard.series(run, [run for _, run, _ in wanted])
            turns = scoreboard.crossings(sizes, reference)
            assert told["tables"][address]["turns"] == [f"{turn!r}" for turn in turns]
        assert any(one["turns"] for one in told["tables"].values())

    def test_keys_choose_and_the_way_back_works(self, made: Any) -> None:
        keyboard = made[0]["keyboard"]
        start, case, last, back, first, again = keyboard["states"]
        assert keyboard["focus"] == "bn-case"
        assert keyboard["last"] == "bn-show"
        assert start["form"]["case"] == "grid_max"
        assert case["form"]["case"] == "heat"
        assert case["hash"].startswith("#case=heat&")
        assert case["caption"].startswith("heat, float64")
        assert last["form"]["show"] == "speed"
        assert back["form"] == case["form"]
        assert first["form"] == start["form"]
        assert again["form"] == case["form"]

    @pytest.mark.parametrize(
        ("address", "words"),
        [
            ("#case=nonsense&show=colour", "no case “nonsense” and no show “colour”"),
            ("#nowhere", "“nowhere”, which is nowhere on this page"),
            ("#%E0%A4%A", "“%E0%A4%A”"),
            ("#machine=of-nobody", "no machine “of-nobody”"),
        ],
    )
    def test_a_bad_address_gives_the_usual_with_a_sentence(
        self, made: Any, address: str, words: str
    ) -> None:
        seen = made[0]["links"][address]
        assert words in seen["status"]
        assert seen["form"] == made[0]["first"]["form"]

    def test_a_heading_of_the_page_is_no_bad_address(self, made: Any) -> None:
        assert "asks for" not in made[0]["links"]["#a-heading"]["status"]

    def test_a_phone_shows_it_whole(self, made: Any) -> None:
        for seen in made[0]["narrow"]:
            assert seen["wide"] <= 0
            (drawn,) = seen["drawn"]
            assert 200 < drawn <= 390

    def test_without_scripts_there_are_the_tables(self, made: Any) -> None:
        plain = made[0]["plain"]
        assert plain["form"], "the form stays hidden"
        assert plain["frame"].endswith("_static/scoreboard/all.html")
        assert plain["tables"] > 4


@site.built
class TestBuilt:
    """The page of the finished site."""

    @pytest.fixture
    def text(self) -> str:
        path = site.SITE / "lectures" / "ecosystem" / "scoreboard.html"
        if not path.is_file():
            pytest.skip("the site was built before there was a scoreboard")
        return path.read_text(encoding="utf-8")

    def test_alone_brings_the_script(self, text: str) -> None:
        assert "_static/scoreboard.js" in text
        for path in site.site_pages():
            told = path.read_text(encoding="utf-8")
            there = "_static/scoreboard." in told
            assert there == ('id="bn-board"' in told), path

    def test_has_a_script_for_every_case(self, text: str) -> None:
        settings = re.search(r'id="bn-board" data-settings="([^"]*)"', text)[1]
        cases = json.loads(settings.replace("&quot;", '"'))["cases"]
        folder = site.SITE / "_static" / "scoreboard"
        names = {
            f"{case}--{machine}.js" for case in cases for machine, _ in cases[case]
        }
        assert names | {"all.html"} == {path.name for path in folder.iterdir()}

    def test_shows_what_the_records_hold(self, text: str) -> None:
        if not (recorded := records.load(site.ROOT / "records")).records:
            pytest.skip("nothing is recorded")
        held = {run.case for run in scoreboard.runs(recorded)}
        assert held
        for case in held:
            assert f"&quot;{case}&quot;" in text
