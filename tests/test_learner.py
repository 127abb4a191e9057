"""Notebooks are tried as a learner has them: elsewhere, with the wheel alone."""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import nbformat
import pytest

from tools import learner

ROOT = Path(__file__).resolve().parents[1]


def test_the_environment_has_the_libraries_of_the_lock_and_not_the_course() -> None:
    asked = learner.asked(ROOT, oldest=False)
    assert asked[:2] == ["--constraint", str(ROOT / "requirements.txt")]
    assert "ipykernel" in asked
    assert not any("beyond-numpy" in word or "jupyter-book" in word for word in asked)


def test_the_oldest_environment_is_the_pinned_one() -> None:
    asked = learner.asked(ROOT, oldest=True)
    assert asked == ["--requirement", str(ROOT / "requirements-colab.txt")]


def test_a_site_is_served_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("here", "utf-8")
    with (
        learner.served(tmp_path) as site,
        urllib.request.urlopen(site + "a.txt", timeout=20) as it,
    ):
        assert it.read() == b"here"


def test_kernels_start_with_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/ours")
    with learner.surroundings(tmp_path, "http://127.0.0.1/"):
        assert "PYTHONPATH" not in os.environ
        assert os.environ["PATH"].startswith(str(tmp_path))
        assert os.environ["JUPYTER_PATH"].startswith(str(tmp_path))
    assert os.environ["PYTHONPATH"] == "/ours"


def said(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], 1, "", text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("error: Failed to fetch: `https://x`\n dns error", learner.NoNetwork),
        ("error: Request failed: operation timed out", learner.NoNetwork),
        ("error: No solution found", learner.NoEnvironment),
    ],
)
def test_a_missing_network_is_told_from_a_wrong_pin(
    text: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: said(text))
    with pytest.raises(kind):
        learner.uv("venv")


@pytest.mark.parametrize(("options", "status"), [(["--skip-offline"], 0), ([], 1)])
def test_without_a_network_it_is_skipped_with_a_reason_or_fails(
    options: list[str],
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def offline(*arguments: str) -> None:
        raise learner.NoNetwork("dns error")

    monkeypatch.setattr(learner, "uv", offline)
    for name in ("pyproject.toml", "requirements.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    assert learner.main([*options, "--root", str(tmp_path)]) == status
    assert "SKIPPED, no network to install from:\ndns error" in capsys.readouterr().out


def test_a_notebook_that_ran_well_rests_and_a_failure_is_kept_for_nobody(
    tmp_path: Path,
) -> None:
    done = tmp_path / "done" / "page"
    book = learner.Notebook("part/page", tmp_path, done, "key")
    assert not book.rests()
    book.note(True)
    assert book.rests()
    assert not learner.Notebook("part/page", tmp_path, done, "other").rests()
    book.note(False)
    assert not book.rests()


class TestTogether:
    """Some run at a time, but only once the first has brought the course's wheel."""

    def books(self, *names: str) -> list[learner.Notebook]:
        return [learner.Notebook(n, Path(n), Path("done", n), n) for n in names]

    def run(self, monkeypatch: pytest.MonkeyPatch, *bad: str) -> list[str]:
        """Run four notebooks; return which began while another one ran."""
        running: set[str] = set()
        beside: list[str] = []
        both = threading.Event()

        def apart(self: learner.Apart, path: Path) -> tuple[str, bool]:
            running.add(path.name)
            if len(running) > 1:
                beside.append(path.name)
                both.set()
            elif path.name == "c":
                both.wait(20)
            running.discard(path.name)
            return "said", path.name not in bad

        monkeypatch.setattr(learner, "TOGETHER", 2)
        monkeypatch.setattr(learner.Apart, "__call__", apart)
        ran = list(learner.in_turn(self.books("a", "b", "c", "d")))
        assert {(book.page, well) for book, _, well in ran} == {
            (name, name not in bad) for name in "abcd"
        }
        return beside

    def test_the_first_one_runs_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        beside = self.run(monkeypatch)
        assert beside
        assert "a" not in beside

    def test_so_does_the_next_where_the_first_fails(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        beside = self.run(monkeypatch, "a")
        assert beside
        assert not {"a", "b"} & {*beside}

    def test_a_process_says_how_its_notebook_ran(self, tmp_path: Path) -> None:
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
        path = tmp_path / "bad.ipynb"
        nbformat.write(book, path)
        kernel = tmp_path / "jupyter" / "kernels" / learner.KERNEL
        kernel.mkdir(parents=True)
        start = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        told = {"argv": start, "display_name": "Learner", "language": "python"}
        (kernel / "kernel.json").write_text(json.dumps(told), encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
            said, well = learner.Apart()(path)
        assert not well
        assert said.startswith("FAILED\n    1 / 0\n")
        assert "ZeroDivisionError: division by zero" in said

    def test_one_that_breaks_says_why(self, tmp_path: Path) -> None:
        said, well = learner.Apart()(tmp_path / "none.ipynb")
        assert not well
        assert said.startswith("FAILED")
        assert "No such file" in said

    def test_nothing_is_left_behind(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stopped: list[bool] = []

        def interrupted(self: learner.Apart, path: Path) -> tuple[str, bool]:
            raise KeyboardInterrupt

        monkeypatch.setattr(learner.Apart, "__call__", interrupted)
        monkeypatch.setattr(learner.Apart, "stop", lambda self: stopped.append(True))
        with pytest.raises(KeyboardInterrupt):
            list(learner.in_turn(self.books("a", "b")))
        assert stopped
