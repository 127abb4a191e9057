"""Recording on a GPU: from a bundle on a bare machine to the pages of a CPU build.

No GPU is needed and none is tested: `tests/fake_gpu` has an nvidia-smi that names one
and a CuPy that computes with NumPy.
"""

import json
import os
import re
import shutil
import sys
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from arraylab import notebooks, records
from arraylab.results import Comparison, Timing
from tests.apart import ran
from tools import bench, bundle, execute, gpu
from tools import records as listing

ROOT = Path(__file__).resolve().parents[1]
FAKE = ROOT / "tests" / "fake_gpu"
HEAD = "---\nfile_format: mystnb\nkernelspec: {name: python3, display_name: P}\n---\n"
PAGE = """# A page

```{code-cell} ipython3
from myst_nb import glue

from arraylab import compare
from case_studies import toy as case

%load_ext arraylab
glue("answer", 42, display=False)
```

```{code-cell} ipython3
:load: ../../case_studies/toy/numpy_double.py
```

```{code-cell} ipython3
%%gpu cupy
import cupy

print("on", cupy.cuda.runtime.getDeviceProperties(0)["name"].decode())
```

```{code-cell} ipython3
compare(case, *case.inputs(1000), reference="numpy_double", rounds=3, max_seconds=0.1)
```
"""
CASE = {
    "__init__": "from case_studies.toy.problem import check, inputs, work\n"
    'IMPLEMENTATIONS = ("numpy_double", "cupy_double")\n'
    'YARDSTICK, SIZES, GPU_SIZES = "numpy_double", (100,), (5000,)\n',
    "problem": "import numpy as np\n"
    "def inputs(n, dtype='float64'):\n    return (np.arange(n, dtype=dtype),)\n"
    "def check(result, x):\n    assert np.array_equal(result, 2 * x)\n"
    "def work(x):\n    return x.size, 2 * x.nbytes\n",
    "numpy_double": "def toy(x):\n    return x + x\n",
    "cupy_double": "import cupy\ndef toy(x):\n    return cupy.add(x, x)\n",
}


def course(root: Path, page: str = PAGE, **changes: str) -> Path:
    """Write a course of one page and one case study; return its folder."""
    for name in ("arraylab", "tools"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    case = root / "case_studies" / "toy"
    case.mkdir(parents=True)
    for name, source in {**CASE, **changes}.items():
        (case / f"{name}.py").write_text(source, encoding="utf-8")
    (root / "case_studies" / "__init__.py").touch()
    (root / "lectures" / "part").mkdir(parents=True)
    (root / "lectures" / "part" / "one.md").write_text(HEAD + page, encoding="utf-8")
    (root / "_toc.yml").write_text("format: jb-book\nroot: lectures/part/one\n")
    for name in ("requirements.txt", "requirements-gpu.txt"):
        (root / name).write_text("numpy==2\n", encoding="utf-8")
    return root


def say(module: str, *arguments: str, cwd: Path, gpu: bool = False, **more: str):
    """Run a command of the course; with `gpu`, on a machine that seems to have one."""
    paths = {"PYTHONPATH": str(cwd)}
    if gpu:
        paths["PYTHONPATH"] = os.pathsep.join([str(cwd), str(FAKE)])
        paths["PATH"] = os.pathsep.join([str(FAKE), os.environ["PATH"]])
    env = {**os.environ, "BEYOND_NUMPY_CACHE": str(cwd / "cache"), **paths, **more}
    command = [sys.executable, "-m", module, *arguments]
    return ran(command, cwd=cwd, env=env, encoding="utf-8")


def shown(path: Path) -> str:
    book = json.loads(path.read_text(encoding="utf-8"))
    return json.dumps([cell.get("outputs") for cell in book["cells"]])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Return a course, its bundle and what `tools.gpu` said and recorded in that."""
    if os.name == "nt":
        pytest.skip("the fake nvidia-smi is a shell script")
    home = course(tmp_path_factory.mktemp("course"))
    target = tmp_path_factory.mktemp("carried") / "course.zip"
    made = say("tools.bundle", str(target), cwd=home)
    assert made.returncode == 0, made.stderr
    there = target.parent / "there"
    with zipfile.ZipFile(target) as archive:
        archive.extractall(there)
    done = say("tools.gpu", cwd=there, gpu=True)
    return SimpleNamespace(home=home, there=there, done=done)


class TestOnTheMachine:
    """A bundle runs where there is no Sphinx, and records what it found."""

    def test_all_is_executed_and_nothing_is_wrong(
        self, recorded: SimpleNamespace
    ) -> None:
        assert recorded.done.returncode == 0, (
            recorded.done.stdout + recorded.done.stderr
        )
        assert "check toy.cupy_double float32: right" in recorded.done.stdout
        assert "[1/1] part/one" in recorded.done.stdout

    def record(self, recorded: SimpleNamespace) -> records.Record:
        (path,) = (recorded.there / "records").glob("*.json")
        return records.read(path)

    def test_the_record_says_on_what_and_when(self, recorded: SimpleNamespace) -> None:
        record = self.record(recorded)
        assert record.gpus == ("NVIDIA Fake",)
        assert record.machine["gpus"][0]["driver"] == "580.1"
        assert record.machine["versions"]["numpy"]
        assert record.path.name.startswith("nvidia-fake-")
        ran = record.executions["part/one"]
        assert (ran["result"], ran["device"]) == ("passed", "NVIDIA Fake")
        assert ran["seconds"] > 0
        assert ran["date"]
        assert ran["commit"] == record.commit

    def test_measurements_of_pages_and_benchmarks_are_recorded(
        self, recorded: SimpleNamespace
    ) -> None:
        rows = [r for r in self.record(recorded).measurements if r["library"] == "cupy"]
        assert {r["device"] for r in rows} == {"NVIDIA Fake"}
        assert {tuple(r["shapes"][0]) for r in rows} == {(100,), (1000,), (5000,)}
        assert {r["dtype"] for r in rows} == {"float32", "float64"}

    def test_the_outputs_of_gpu_cells_are_recorded(
        self, recorded: SimpleNamespace
    ) -> None:
        (cell,) = self.record(recorded).cells.values()
        assert cell["lecture"] == "part/one"
        assert cell["outputs"][0]["text"] == "on NVIDIA Fake\n"

    def test_what_is_done_is_not_done_again(self, recorded: SimpleNamespace) -> None:
        (path,) = (recorded.there / "records").glob("*.json")
        before = path.read_bytes()
        again = say("tools.gpu", cwd=recorded.there, gpu=True)
        assert again.returncode == 0
        assert again.stdout.count("unchanged") == 6  # checks, a page, four benchmarks
        assert path.read_bytes() == before

    def test_a_command_without_time_begins_nothing(
        self, recorded: SimpleNamespace
    ) -> None:
        late = say(
            *("tools.gpu", "--force", "--only", "part/one", "--within", "1"),
            cwd=recorded.there,
            gpu=True,
        )
        assert late.returncode == 3
        assert "the same command goes on" in late.stdout

    def test_a_page_that_does_not_exist_is_no_success(
        self, recorded: SimpleNamespace
    ) -> None:
        done = say("tools.gpu", "--only", "part/two", cwd=recorded.there, gpu=True)
        assert done.returncode == 1
        assert "no notebook is called part/two; there are part/one" in done.stderr

    def test_without_a_gpu_it_says_what_is_lacking(
        self, recorded: SimpleNamespace
    ) -> None:
        done = say("tools.gpu", cwd=recorded.there, CUDA_VISIBLE_DEVICES="")
        assert done.returncode == 2
        assert "CuPy, JAX or Numba can use, and there is none here" in done.stderr


@pytest.fixture(scope="module")
def page(recorded: SimpleNamespace) -> str:
    folder = recorded.there / "records"
    done = say(
        *("tools.execute", "--root", str(recorded.home)),
        cwd=recorded.home,
        BEYOND_NUMPY_RECORDS=str(folder),
    )
    assert done.returncode == 0, done.stdout
    return shown(recorded.home / execute.EXECUTED / "lectures/part/one.ipynb")


class TestOnThePages:
    """A build without a GPU shows what was recorded, and says where it was."""

    def test_a_gpu_cell_shows_its_recorded_outputs_with_a_badge(
        self, page: str
    ) -> None:
        assert "Recorded on NVIDIA Fake" in page
        assert "on NVIDIA Fake\\n" in page
        assert notebooks.REPLAY in page

    def test_a_comparison_has_the_recorded_column(self, page: str) -> None:
        assert "recorded on NVIDIA Fake" in page
        assert "ABSENT" in page

    def test_a_record_is_never_collected_as_this_machines_own(
        self, recorded: SimpleNamespace, page: str
    ) -> None:
        path = recorded.home / execute.EXECUTED / "lectures/part/one.ipynb"
        found = notebooks.collect(path)
        assert not found.cells
        assert {row["device"] for row in found.measurements} == {"cpu"}


@pytest.mark.skipif(os.name == "nt", reason="the fake nvidia-smi is a shell script")
class TestFailures:
    """Nothing ends green after a failure, and what else was found is recorded."""

    def test_a_wrong_result_and_a_failing_cell_are_said_and_the_rest_is_recorded(
        self, tmp_path: Path
    ) -> None:
        wrong = "import cupy\ndef toy(x):\n    return cupy.add(x, 1)\n"
        failing = PAGE + "\n```{code-cell} ipython3\n1 / 0\n```\n"
        home = course(tmp_path / "course", failing, cupy_double=wrong)
        root = tmp_path / "bundle"
        assert say("tools.bundle", str(root), cwd=home).returncode == 0
        done = say("tools.gpu", "--no-bench", cwd=root, gpu=True)
        assert done.returncode == 1
        assert "check: toy.cupy_double float64: AssertionError" in done.stderr
        (path,) = (root / "records").glob("*.json")
        ran = records.read(path).executions
        assert ran["part/one"]["result"] == "failed"
        assert "ZeroDivisionError" in ran["part/one"]["message"]
        assert "AssertionError" in ran["check"]["result"]

    def test_a_notebook_that_the_command_cuts_short_is_left_for_the_next(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def too_long(book: object, limit: float) -> float:
            raise execute.CellFailed("no time")

        monkeypatch.setattr(execute, "run", too_long)
        monkeypatch.setattr(execute, "key", lambda book, surroundings: "key")
        run = gpu.Run(tmp_path, tmp_path, within=0.5)
        with pytest.raises(gpu.TimeIsUp):
            gpu.one(run, "part/one", None, "key")
        assert not run.wrong
        assert not run.path.exists()

    def test_a_kernel_finds_what_a_relative_path_names(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONPATH", "site")
        monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        monkeypatch.setattr(bench, "compute_in_float64", lambda: None)
        gpu.prepare(tmp_path)
        paths = os.environ["PYTHONPATH"].split(os.pathsep)
        assert paths == [str(tmp_path), str(Path("site").resolve())]

    def row(self, **changes: str) -> dict:
        row = {"case": "toy", "implementation": "cupy_double", "library": "cupy"}
        return {**row, "dtype": "float64", "verdict": "ok", "message": ""} | changes

    @pytest.mark.parametrize("verdict", ["WRONG", "RAISED", "DTYPE"])
    def test_a_wrong_row_of_a_gpu_implementation_is_said(self, verdict: str) -> None:
        rows = [self.row(), self.row(verdict=verdict, message="too small")]
        (said,) = gpu.refused("part/one", rows)
        assert said == f"part/one: toy.cupy_double float64 is {verdict}: too small"

    def test_a_mistake_that_a_page_shows_is_none_of_an_implementation(self) -> None:
        assert not list(
            gpu.refused("p", [self.row(verdict="WRONG", implementation="")])
        )
        assert not list(gpu.refused("p", [self.row(verdict="WRONG", library="numpy")]))

    def test_a_gpu_cell_that_was_left_out_is_said(self) -> None:
        data = {notebooks.REPLAY: {"machine": None}, "text/plain": "needs JAX\nmore"}
        cell = SimpleNamespace(
            cell_type="code", source="%%gpu jax\nx", outputs=[{"data": data}]
        )
        (said,) = gpu.left_out("part/one", SimpleNamespace(cells=[cell]))
        assert said == "part/one: a cell '%%gpu jax' did not run: needs JAX"


class TestBenchmarks:
    """Which comparisons a record is made of."""

    def test_large_sizes_are_for_gpus_and_what_can_use_them(self) -> None:
        every = list(bench.jobs(["grid_max"], gpu=True))
        large = [job for job in every if job.size == 10_000]
        assert {job.dtype for job in large} == {"float64", "float32"}
        assert large[0].names[0] == "numba_parallel"
        assert not any(name.startswith("numpy") for name in large[0].names)
        assert list(bench.jobs(["grid_max"])) == [
            job for job in every if job.size != 10_000
        ]

    def test_sizes_that_are_asked_for_are_the_only_ones(self) -> None:
        jobs = bench.jobs(["grid_max"], sizes=[7], dtypes=["float32"], gpu=True)
        assert [job.label for job in jobs] == ["bench grid_max 7 float32"]

    @pytest.mark.parametrize(("verdict", "status"), [("ok", 0), ("WRONG", 1)])
    def test_a_wrong_result_is_said_and_ends_the_command_red(
        self,
        verdict: str,
        status: int,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        seconds = (1.0,) * 3 if verdict == "ok" else ()
        row = Timing("numpy_mesh", "numpy", seconds=seconds, verdict=verdict)
        made = Comparison((row,), row.name, "a machine", "2026-01-01T00:00:00", {})
        monkeypatch.setattr(bench, "run", lambda job: made)
        monkeypatch.setattr(bench, "peaks", lambda: None)
        monkeypatch.setattr(bench, "compute_in_float64", lambda: None)
        asked = ["--case", "grid_max", "--size", "7", "--dtype", "float32"]
        assert bench.main([*asked, "--no-record"]) == status
        said = capsys.readouterr().err
        assert ("bench grid_max 7 float32: numpy_mesh: WRONG" in said) == bool(status)


class TestWheels:
    """What a machine without a network has to be given is a list that agrees."""

    def pins(self, name: str) -> dict[str, str]:
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        needs = [Requirement(x.split("#")[0]) for x in lines if x[:1].isalpha()]
        return {need.name: str(need.specifier) for need in needs}

    def test_the_versions_are_those_of_the_lock(self) -> None:
        lock, carried = self.pins("requirements.txt"), self.pins(bundle.LIST)
        assert {"nbclient", "ipykernel", "dask"} <= carried.keys()
        assert carried.items() <= lock.items()

    def test_everything_that_is_asked_for_is_carried_or_counted_on(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        asked = {Requirement(x).name for x in project["optional-dependencies"]["gpu"]}
        makefile = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", "")
        there = re.search(r"^there := (.*)$", makefile, re.MULTILINE)[1].split()
        assert asked <= self.pins(bundle.LIST).keys() | set(there)

    def test_every_library_that_a_page_imports_is_carried_or_counted_on(self) -> None:
        known = {"arraylab", "case_studies", "cupy", "cupyx", "jax", "numba", "myst_nb"}
        known |= {"numpy", "matplotlib", "psutil", "threadpoolctl"}
        known |= sys.stdlib_module_names
        carried = {name.replace("-", "_").lower() for name in self.pins(bundle.LIST)}
        for page, book in execute.collect(ROOT, [])[0].items():
            for cell in execute.codes(book):
                named = re.findall(r"^\s*(?:from|import) (\w+)", cell.source, re.M)
                lacking = {name for name in named if name.lower() not in carried}
                assert lacking <= known, page


class TestListing:
    """`make records` lists what is present, stale and missing, and always succeeds."""

    def test_it_lists_each_record_and_what_it_lacks(
        self, recorded: SimpleNamespace
    ) -> None:
        done = say(
            "tools.records",
            cwd=recorded.home,
            BEYOND_NUMPY_RECORDS=str(recorded.there / "records"),
        )
        assert done.returncode == 0, done.stderr
        assert "NVIDIA Fake" in done.stdout
        assert "0 stale, 0 missing" in done.stdout
        assert "part/one: passed" in done.stdout

    def test_it_says_that_there_is_no_record_of_a_gpu(
        self, recorded: SimpleNamespace, tmp_path: Path
    ) -> None:
        done = say(
            "tools.records", cwd=recorded.home, BEYOND_NUMPY_RECORDS=str(tmp_path)
        )
        assert done.returncode == 0, done.stderr
        assert "no record of a machine with a GPU" in done.stdout
        assert "missing: %%gpu cupy" in done.stdout

    def test_a_damaged_file_is_listed(
        self, recorded: SimpleNamespace, tmp_path: Path
    ) -> None:
        (tmp_path / "x.json").write_text("{")
        done = say(
            "tools.records", cwd=recorded.home, BEYOND_NUMPY_RECORDS=str(tmp_path)
        )
        assert done.returncode == 0
        assert "x.json: damaged" in done.stdout

    def test_its_summary_has_a_line_a_case(self) -> None:
        entries = [
            records.Entry("A", "toy", "cupy_a"),
            records.Entry("A", "toy", "cupy_b"),
        ]
        assert listing.grouped(entries) == ["A: toy: cupy_a, cupy_b"]
