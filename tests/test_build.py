"""The commands that make the book: what they run again, and how they fail."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import course
import pytest

from arraylab.fingerprint import cell_hash
from arraylab.notebooks import REPLAY
from tests.apart import ran
from tools import book, execute, export, pages, state

ROOT = Path(__file__).resolve().parents[1]
RECORD = min(path.name for path in (ROOT / "records").glob("*.json"))
HEAD = """---
file_format: mystnb
kernelspec:
  name: python3
  display_name: Python 3
course:
  minutes: 25
  device: cpu
  objectives:
    - predict that `work` takes $8n$ bytes
    - measure it
  prerequisites:
    - part/one
myst:
  html_meta:
    description: A page.
---

# A page
"""


def cell(code: str, *options: str) -> str:
    return "\n".join(["", "```{code-cell} ipython3", *options, "", code, "```", ""])


def small(root: Path, **sources: str) -> Path:
    """Write a book with the pages `sources`; return its folder."""
    for name, source in sources.items():
        page = root / "lectures" / "part" / f"{name}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(HEAD + source, encoding="utf-8")
    first, *others = (f"lectures/part/{name}" for name in sources)
    chapters = "".join(f"\n  - file: {other}" for other in others)
    toc = f"format: jb-book\nroot: {first}\n"
    toc += f"chapters:{chapters}\n" if others else ""
    (root / "_toc.yml").write_text(toc, encoding="utf-8")
    (root / "requirements.txt").write_text("numpy==2\n", encoding="utf-8")
    return root


def make(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as `make book` does."""
    command = [sys.executable, "-m", "tools.execute", "--root", str(root), *arguments]
    return ran(command, cwd=ROOT, encoding="utf-8")


def outputs(root: Path, name: str) -> str:
    path = root / "_build" / "executed" / "lectures" / "part" / f"{name}.ipynb"
    return json.dumps([c.get("outputs") for c in json.loads(path.read_text())["cells"]])


class TestExecuting:
    """A notebook is executed once per state of what it depends on."""

    def test_a_notebook_runs_in_an_empty_folder_with_this_python(
        self, tmp_path: Path
    ) -> None:
        code = "import os, sys\nprint(os.listdir(), sys.executable)"
        root = small(tmp_path, one=cell(code))
        done = make(root)
        assert done.returncode == 0, done.stderr
        assert "[] " in outputs(root, "one")
        assert Path(sys.executable).parent.as_posix() in outputs(root, "one")

    def test_an_unchanged_notebook_is_not_run_again_and_changed_code_is(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "arraylab").mkdir()
        helper = tmp_path / "arraylab" / "timing.py"
        helper.write_text("x = 1\n", encoding="utf-8")
        root = small(tmp_path, one=cell("import time\nprint(time.time_ns())"))
        assert make(root).returncode == 0
        first = outputs(root, "one")
        again = make(root)
        assert "[1/1] part/one  unchanged" in again.stdout
        assert outputs(root, "one") == first
        helper.write_text("x = 2\n", encoding="utf-8")
        changed = make(root)
        assert "unchanged" not in changed.stdout
        assert outputs(root, "one") != first

    def test_a_failing_cell_is_shown_and_the_others_run(self, tmp_path: Path) -> None:
        wrong = cell("zero = 0\n1 / zero")
        root = small(tmp_path, bad=wrong, good=cell("print('fine')"))
        done = make(root)
        assert done.returncode == 1
        assert "part/bad   FAILED" in done.stdout
        assert "    1 / zero" in done.stdout
        assert "ZeroDivisionError: division by zero" in done.stdout
        assert "lectures/part/bad.md: a cell failed" in done.stderr
        assert "fine" in outputs(root, "good")
        assert not list(root.rglob("bad.ipynb"))

    def test_an_unknown_magic_and_a_dead_kernel_are_told(self, tmp_path: Path) -> None:
        root = small(
            tmp_path,
            magic=cell("%%no_such_magic\n1"),
            dead=cell("import os\nos._exit(3)"),
        )
        done = make(root)
        assert done.returncode == 1
        assert "`%%no_such_magic` not found" in done.stdout
        assert "    os._exit(3)" in done.stdout
        assert "DeadKernelError" in done.stdout
        assert "IPKernelApp" not in done.stdout

    def test_a_page_that_there_is_not_is_no_success(self, tmp_path: Path) -> None:
        done = make(small(tmp_path, one=cell("1")), "part/three")
        assert done.returncode == 2
        assert done.stderr == "no page is called part/three; there are part/one\n"

    def test_an_empty_part_of_the_contents_has_no_pages(self, tmp_path: Path) -> None:
        toc = "format: jb-book\nroot: lectures/part/one\nparts:\n  - chapters:\n"
        (tmp_path / "_toc.yml").write_text(toc, encoding="utf-8")
        assert pages.pages(tmp_path) == ["lectures/part/one"]

    def test_a_mistake_that_is_meant_is_none(self, tmp_path: Path) -> None:
        root = small(tmp_path, one=cell("1 / 0", ":tags: [raises-exception]"))
        assert make(root).returncode == 0
        assert "ZeroDivisionError" in outputs(root, "one")

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal to send")
    def test_an_interrupt_stops_the_command_and_leaves_no_kernel(
        self, tmp_path: Path
    ) -> None:
        code = (
            "import os, time\nopen({!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
        )
        told = tmp_path / "pid"
        root = small(tmp_path, one=cell(code.format(str(told))), two=cell("1"))
        command = [sys.executable, "-m", "tools.execute", "--root", str(root)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            until = time.monotonic() + 60
            while not (told.exists() and told.read_text()) and time.monotonic() < until:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            try:
                said = process.communicate(timeout=60)[0].decode()
            finally:
                process.kill()
        assert process.returncode == 130
        assert "interrupted" in said
        assert "part/two" not in said
        with pytest.raises(ProcessLookupError):
            os.kill(int(told.read_text()), 0)


class TestKeys:
    """What a key depends on, without running anything."""

    def mark(self, root: Path, name: str = "one") -> str:
        found = pages.notebook(root / "lectures" / "part" / f"{name}.md")
        return execute.mark_of(root, found)

    def put(self, root: Path, name: str, text: str = "new\n") -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")

    def test_text_does_not_count_and_code_does(self, tmp_path: Path) -> None:
        root = small(tmp_path, one=cell("1"))
        before = self.mark(root)
        small(root, one="Other words.\n" + cell("1"))
        assert self.mark(root) == before
        small(root, one=cell("2"))
        assert self.mark(root) != before

    def test_a_loaded_file_counts(self, tmp_path: Path) -> None:
        root = small(tmp_path, one=cell("", ":load: loaded.py"))
        loaded = root / "lectures" / "part" / "loaded.py"
        loaded.write_text("a = 1\n", encoding="utf-8")
        before = self.mark(root)
        loaded.write_text("a = 2\n", encoding="utf-8")
        assert self.mark(root) != before

    @pytest.mark.parametrize(
        "name", ["arraylab/a.py", "case_studies/work.py", "requirements.txt"]
    )
    def test_what_it_runs_in_counts(self, tmp_path: Path, name: str) -> None:
        root = small(tmp_path, one=cell("1"))
        before = self.mark(root)
        self.put(root, name)
        assert self.mark(root) != before

    def cases(self, root: Path, code: str) -> set[str]:
        """Return the cases, out of three, that a page with this code depends on."""
        for name in ("heat", "tree", "grid_max"):
            self.put(root, f"case_studies/{name}/__init__.py", '"""A case."""\n')
            self.put(root, f"case_studies/{name}/problem.py", f"size = '{name}'\n")
        root, found = small(root, one=cell(code)), set()
        for name in ("heat", "tree", "grid_max"):
            before = self.mark(root)
            self.put(root, f"case_studies/{name}/numpy_new.py")
            found |= {name} if self.mark(root) != before else set()
        return found

    @pytest.mark.parametrize(
        "code",
        [
            "from case_studies import heat",
            "from case_studies.heat import numpy_plain, inputs",
            "import case_studies.heat.problem as problem",
            'compare("heat.numpy_plain", "numba_loop", *inputs)',
            "%%gpu cupy\nfrom case_studies import heat",
            "def heat(x):\n    return x",  # as a loaded file has it
        ],
    )
    def test_a_case_counts_that_the_code_names(self, tmp_path: Path, code: str) -> None:
        assert self.cases(tmp_path, code) == {"heat"}

    def test_a_case_that_a_named_case_names_counts_too(self, tmp_path: Path) -> None:
        text = "from case_studies.tree import problem\n"
        self.put(tmp_path, "case_studies/heat/shared.py", text)
        assert self.cases(tmp_path, "from case_studies import heat") == {"heat", "tree"}

    def test_a_page_that_names_no_case_depends_on_none(self, tmp_path: Path) -> None:
        assert self.cases(tmp_path, "import numpy\n\nheating = 1") == set()

    @pytest.mark.parametrize(
        "code",
        [
            "from arraylab import records\n\nrecords.status()",
            "figures.gains(records.load())",
            "import case_studies",
            "from case_studies import *",
            'importlib.import_module(f"case_studies.{name}")',
            "from case_studies import (\n    heat,\n)",
        ],
    )
    def test_all_cases_count_where_the_code_may_look_at_any(
        self, tmp_path: Path, code: str
    ) -> None:
        assert self.cases(tmp_path, code) == {"heat", "tree", "grid_max"}

    def test_of_the_records_count_the_rows_and_cells_that_it_shows(
        self, tmp_path: Path
    ) -> None:
        body = "import cupy"
        root = small(
            tmp_path,
            plain=cell("1"),
            case=cell("from case_studies import grid_max"),
            gpu=cell(f"%%gpu cupy\n{body}"),
            all=cell("from arraylab import records"),
        )
        self.put(root, "case_studies/grid_max/__init__.py", '"""A case."""\n')
        names = ("plain", "case", "gpu", "all")
        path = root / "records" / "machine.json"
        path.parent.mkdir()
        row = json.loads((ROOT / "records" / RECORD).read_text(encoding="utf-8"))
        ours = [m for m in row["measurements"] if m["case"] == "grid_max"]
        row["measurements"], row["cells"] = ours[:1], {}
        seen = []
        before = {name: self.mark(root, name) for name in names}

        def step() -> set[str]:
            path.write_text(json.dumps(row), encoding="utf-8")
            now = {name: self.mark(root, name) for name in names}
            seen.append({name for name in names if now[name] != before[name]})
            before.update(now)
            return seen[-1]

        assert step() == {"case", "all"}
        row["date"] = "2031-01-01T00:00:00+00:00"
        row["executions"], row["claims"] = {}, []
        assert step() == {"all"}
        shown = {"lecture": "part/gpu", "outputs": [], "date": row["date"]}
        row["cells"] = {cell_hash("other"): shown}
        assert step() == {"all"}
        row["cells"][cell_hash(body)] = shown
        assert step() == {"gpu", "all"}
        row["measurements"][0]["case"] = "another"
        assert step() == {"case", "all"}

    def test_on_a_machine_that_records_neither_lock_nor_records_count(
        self, tmp_path: Path
    ) -> None:
        for code in ("from case_studies import heat", "import case_studies"):
            root = small(tmp_path, one=cell(code))
            before = state.state_of(root, [code], here=False)
            self.put(root, "requirements.txt", code)
            self.put(root, "records/m.json", code)
            assert state.state_of(root, [code], here=False) == before
            self.put(root, "case_studies/heat/__init__.py", code)
            assert state.state_of(root, [code], here=False) != before

    def test_the_device_counts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(state, "device", lambda: "cpu")
        before = state.state(tmp_path)
        monkeypatch.setattr(state, "device", lambda: "NVIDIA H200")
        assert state.state(tmp_path) != before

    def test_line_endings_do_not_count(self) -> None:
        assert state.digest([b"a\r\nb"]) == state.digest([b"a\nb"])

    def test_the_contents_are_read_in_order(self, tmp_path: Path) -> None:
        names = dict.fromkeys(("first", "second", "third"), "")
        root = small(tmp_path, **names)
        assert [pages.label(p) for p in pages.pages(root)] == [
            "part/first",
            "part/second",
            "part/third",
        ]


class TestStoring:
    """What lies on disk is whole, or it is not used."""

    def stamped(self, root: Path) -> object:
        found = pages.notebook(root / "lectures" / "part" / "one.md")
        found.metadata[execute.STAMP] = {"key": "k", "seconds": 1.0}
        return found

    def test_writing_is_all_or_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = small(tmp_path, one=cell("1"))
        path = tmp_path / "out" / "one.ipynb"
        execute.write(self.stamped(root), path)

        def interrupted(self: Path, target: Path) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Path, "replace", interrupted)
        newer = self.stamped(root)
        newer.metadata[execute.STAMP]["key"] = "other"
        with pytest.raises(KeyboardInterrupt):
            execute.write(newer, path)
        assert execute.stored(path)["key"] == "k"

    @pytest.mark.parametrize("damage", ["", "{", "[]", '{"cells": 3}'])
    def test_a_damaged_notebook_counts_as_none(
        self, tmp_path: Path, damage: str
    ) -> None:
        path = tmp_path / "one.ipynb"
        path.write_text(damage, encoding="utf-8")
        assert execute.stored(path) == {}

    def test_newer_tags_and_words_are_kept_with_older_outputs(
        self, tmp_path: Path
    ) -> None:
        root = small(tmp_path, one=cell("1"))
        path = tmp_path / "one.ipynb"
        before = self.stamped(root)
        before.metadata["language_info"] = {"name": "python"}
        before.cells[-1].execution_count = 7
        execute.write(before, path)
        small(root, one="Newer words.\n" + cell("1", ":tags: [hide-input]"))
        now = pages.notebook(root / "lectures" / "part" / "one.md")
        execute.reuse(now, path)
        assert now.cells[-1].metadata["tags"] == ["hide-input"]
        assert now.cells[-1].execution_count == 7
        assert "Newer words" in path.read_text(encoding="utf-8")

    def test_the_cache_of_another_state_is_emptied(self, tmp_path: Path) -> None:
        root = small(tmp_path, one=cell("1"))
        store = execute.cache(root, "state one")
        execute.seed(store, "lectures/part/one", self.stamped(root))
        store.db.dispose()
        same = execute.cache(root, "state one")
        assert len(same.list_cache_records()) == 1
        same.db.dispose()
        other = execute.cache(root, "state two")
        assert other.list_cache_records() == []
        other.db.dispose()


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a book of one page with the course's own settings and extension."""
    root = tmp_path_factory.mktemp("site")
    for name in ("_ext", "_static", "tools", "arraylab", "case_studies", "records"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    for name in (
        "_config.yml",
        "references.bib",
        "pyproject.toml",
        "LICENSE",
        "README.md",
    ):
        shutil.copy(ROOT / name, root / name)
    shown = [
        cell("import time\nprint('at', time.time_ns())"),
        cell("%%gpu\nimport cupy\n\nn = 10", ":tags: [skip-execution]"),
        cell("", ":load: ../../loaded.py"),
    ]
    (root / "loaded.py").write_text("first = 1\n", encoding="utf-8")
    return small(root, one="".join(shown))


class TestSite:
    """`jupyter-book` alone uses what was executed, and a warning fails the build."""

    def site(self, root: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tools.book"]
        return ran(command, cwd=root, encoding="utf-8")

    def test_builds_from_the_executed_notebooks_and_then_rests(
        self, copied: Path
    ) -> None:
        done = self.site(copied)
        assert done.returncode == 0, done.stdout + done.stderr
        page = copied / "_build" / "html" / "lectures" / "part" / "one.html"
        printed = outputs(copied, "one").split("at ")[1][:19]
        assert printed in page.read_text(encoding="utf-8"), "the cell was run twice"
        again = self.site(copied)
        assert "nothing changed" in again.stdout
        entrance = (copied / book.INDEX).read_text(encoding="utf-8")
        assert 'url=lectures/part/one.html"' in entrance

    def test_shows_what_the_front_matter_says(self, copied: Path) -> None:
        page = copied / "_build" / "html" / "lectures" / "part" / "one.html"
        shown = page.read_text(encoding="utf-8")
        assert "25 minutes, runs on any computer." in shown
        assert '<span class="pre">work</span>' in shown
        assert "mathjax" in shown, "the box alone has mathematics"
        assert '<span class="doc">A page</span></a>' in shown
        assert '<meta content="A page." name="description"' in shown

    def test_offers_the_exported_notebook_and_the_wheel_that_it_needs(
        self, copied: Path
    ) -> None:
        site = copied / "_build" / "html"
        page = (site / "lectures" / "part" / "one.html").read_text(encoding="utf-8")
        assert 'href="../../_sources/lectures/part/one.ipynb"' in page
        path = site / "_sources" / "lectures" / "part" / "one.ipynb"
        target = copied / "_build" / "notebooks"
        assert export.export_all(copied, target, []) == {}
        assert path.read_bytes() == (target / "part" / "one.ipynb").read_bytes()
        assert "first = 1" in path.read_text(encoding="utf-8")
        assert len(list((site / "wheel").glob("*.whl"))) == 1

    def test_shows_a_gpu_cell_as_python(self, copied: Path) -> None:
        page = copied / "_build" / "html" / "lectures" / "part" / "one.html"
        assert '<span class="kn">import</span>' in page.read_text(encoding="utf-8")
        assert "</span> cupy" in page.read_text(encoding="utf-8")

    def test_asks_no_other_server(self, copied: Path) -> None:
        asked = r"""<(?:script|link|img|iframe)\b[^>]*(?:src|href)="(?:https?:)?//"""
        for page in (copied / "_build" / "html").rglob("*.html"):
            assert not re.search(asked, page.read_text(encoding="utf-8")), page

    def test_sphinx_reads_a_page_again_whose_loaded_file_changed(
        self, copied: Path
    ) -> None:
        (copied / "loaded.py").write_text("second = 2\n", encoding="utf-8")
        program = "from jupyter_book.cli.main import main; main()"
        ran([sys.executable, "-c", program, "build", "."], cwd=copied)
        page = copied / "_build" / "html" / "lectures" / "part" / "one.html"
        assert "second" in page.read_text(encoding="utf-8")

    def test_stops_at_a_picture_without_words(self, copied: Path) -> None:
        small(copied, one="\n![](/_static/favicon.svg)\n")
        done = self.site(copied)
        assert done.returncode == 1
        assert "without alternative text" in done.stderr
        assert not (copied / book.DONE).exists()


WORDLESS = {
    '<img src="a.png">': 1,
    '<img src="a.png" alt="">': 1,
    '<img src="a.png" alt="_images/a.png">': 1,  # what Sphinx writes by itself
    '<img src="a.png" alt="Time grows with size">': 0,
    '<svg viewBox="0 0 1 1"></svg>': 1,
    '<svg viewBox="0 0 1 1"><title>Time grows</title></svg>': 0,
    '<svg role="img" aria-label="Time grows"></svg>': 0,
    '<svg aria-hidden="true"></svg>': 0,
}


@pytest.mark.parametrize("body", WORDLESS)
def test_a_picture_without_words_is_found(body: str) -> None:
    assert len(list(course.wordless(body))) == WORDLESS[body]


def test_a_page_says_what_became_of_its_cells_for_a_gpu(tmp_path: Path) -> None:
    recorded = {"machine": "an H200", "date": "2026-11-21"}
    notes = [recorded, recorded, {"machine": None}, None]
    cells = [
        {
            "cell_type": "code",
            "source": ["%%gpu cupy\n", "1 + 1"],
            "outputs": [{"data": {REPLAY: note} if note else {"text/plain": "2"}}],
        }
        for note in notes
    ]
    plain = {"cell_type": "code", "source": ["1 + 1"], "outputs": []}
    path = tmp_path / "page.ipynb"
    for found, words in (
        ([plain], ""),
        ([plain, *cells[2:3]], "Cells for a GPU: 1 not recorded yet."),
        (
            cells,
            "Cells for a GPU: 2 recorded on an H200, 2026-11-21, 1 not recorded yet, "
            "1 run where this page was built.",
        ),
    ):
        path.write_text(json.dumps({"cells": found}), encoding="utf-8")
        assert course.gpu_cells(path) == words
    assert course.gpu_cells(tmp_path / "absent.ipynb") == ""


def program(folder: Path, name: str, script: str) -> None:
    """Write an executable shell script."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


# A Python that says its version, has or lacks venv, and makes one whose pip answers.
FAKE = """
case "$*" in
  *version_info*) echo {version} ;;
  *ensurepip*) exit {venv} ;;
  *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *"pip --version"*) echo pip ;;
  *"pip install"*) echo "$*" >> calls; {pip} ;;
esac
"""


@pytest.mark.skipif(os.name == "nt", reason="the fakes are shell scripts")
class TestEnvironment:
    """The set-up takes no time when nothing is to do, and else says what to do."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        (tmp_path / "tools").mkdir()
        shutil.copy(ROOT / "tools" / "environment.sh", tmp_path / "tools")
        (tmp_path / "requirements.txt").write_text("numpy==2.0\n")
        (tmp_path / "pyproject.toml").write_text("[project]\n")
        (tmp_path / "bin").mkdir()
        for name in ("sh", "cat", "cksum", "dirname", "pwd", "df", "awk", "grep"):
            self.link(tmp_path, name)
        for name in ("rm", "mv", "cp", "mkdir", "tail"):
            self.link(tmp_path, name)
        return tmp_path

    def link(self, place: Path, name: str) -> None:
        found = shutil.which(name)
        assert found, name
        (place / "bin" / name).symlink_to(found)

    def python(
        self, place: Path, name: str = "python3", version: str = "3.12.1", **how: str
    ) -> None:
        script = FAKE.format(version=version, **{"venv": "0", "pip": "exit 0", **how})
        program(place / "bin", name, script)

    def run(self, place: Path, **more: str) -> subprocess.CompletedProcess[str]:
        command = [str(place / "bin" / "sh"), "tools/environment.sh"]
        env = {"PATH": str(place / "bin"), **more}
        return ran(command, cwd=place, env=env)

    def refused(self, place: Path, **more: str) -> str:
        """Return the one sentence that a failing set-up ends in."""
        done = self.run(place, **more)
        assert done.returncode == 1
        assert not (place / ".venv" / "complete").exists()
        last = done.stderr.strip().splitlines()[-1]
        assert last.startswith("No environment: ")
        assert last.endswith(".")
        return last

    def test_installs_the_lock_and_then_the_project(self, place: Path) -> None:
        self.python(place)
        assert self.run(place).returncode == 0
        lock, project = (place / "calls").read_text().splitlines()
        assert lock.endswith("--requirement requirements.txt")
        assert "--no-deps" in project
        assert project.endswith("--editable .")

    def test_does_nothing_the_second_time(self, place: Path) -> None:
        self.python(place)
        assert self.run(place).returncode == 0
        calls = (place / "calls").read_text()
        second = self.run(place)
        assert (second.returncode, second.stdout) == (0, "")
        assert (place / "calls").read_text() == calls

    @pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
    def test_installs_again_when_a_list_changed(self, place: Path, name: str) -> None:
        self.python(place)
        assert self.run(place).returncode == 0
        (place / name).write_text("changed\n")
        assert "ready" in self.run(place).stdout
        assert len((place / "calls").read_text().splitlines()) == 4

    def test_half_an_installation_is_done_again(self, place: Path) -> None:
        self.python(place, pip="kill -9 $PPID")
        assert self.run(place).returncode != 0
        self.python(place)
        shutil.copy(place / "bin" / "python3", place / ".venv" / "bin" / "python")
        assert "ready" in self.run(place).stdout

    def test_takes_a_later_name_when_the_first_python_is_too_old(
        self, place: Path
    ) -> None:
        self.python(place, version="3.9.2")
        self.python(place, "python3.12")
        assert "3.12.1" in self.run(place).stdout

    def test_takes_the_python_it_is_told(self, place: Path) -> None:
        self.python(place)
        self.python(place, "mine", version="3.13.0")
        assert "3.13.0" in self.run(place, PYTHON="mine").stdout

    def test_says_that_there_is_no_python(self, place: Path) -> None:
        assert "no Python was found" in self.refused(place)
        assert "at nowhere" in self.refused(place, PYTHON="nowhere")

    def test_says_that_python_is_too_old(self, place: Path) -> None:
        self.python(place, version="3.10.14")
        assert "python3 is 3.10.14" in self.refused(place)

    def test_says_that_the_venv_module_is_missing(self, place: Path) -> None:
        self.python(place, venv="1")
        assert "apt-get install python3-venv" in self.refused(place)

    def test_says_that_the_disk_is_too_small(self, place: Path) -> None:
        self.python(place)
        (place / "bin" / "df").unlink()
        program(place / "bin", "df", "echo; echo /dev/x 9 9 524288 1% /")
        assert "512 MB are left" in self.refused(place)
        assert not (place / "calls").exists()

    def test_says_that_the_disk_filled_up(self, place: Path) -> None:
        self.python(place, pip="echo 'No space left on device'; exit 1")
        assert "the disk is full" in self.refused(place)

    def test_says_that_pip_failed_and_shows_its_last_lines(self, place: Path) -> None:
        self.python(place, pip="echo broken wheel; exit 1")
        assert "broken wheel" in self.run(place).stderr
        assert "last lines above" in self.refused(place)

    def test_says_that_there_is_no_network(self, place: Path) -> None:
        pip = f'exec {sys.executable} -m pip download --no-deps -d . "numpy==2.0"'
        self.python(place, pip=pip)
        nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}
        told = self.refused(place, PIP_CONFIG_FILE=os.devnull, **nowhere)
        assert "connect to the network" in told
