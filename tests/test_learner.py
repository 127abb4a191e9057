"""Notebooks are tried as a learner has them: elsewhere, with the wheel alone."""

import os
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tools import learner
from tools.execute import CellFailed

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
    with learner.served(tmp_path) as site, urllib.request.urlopen(site + "a.txt") as it:
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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, runs = tmp_path / "done" / "page", []
    monkeypatch.setattr(learner, "one", lambda path: runs.append(path) or "1.0 s")
    assert learner.unless_done(tmp_path, done, "key") == ("1.0 s", True)
    assert learner.unless_done(tmp_path, done, "key") == ("unchanged", True)
    assert learner.unless_done(tmp_path, done, "other") == ("1.0 s", True)
    assert len(runs) == 2

    def fails(path: Path) -> str:
        raise CellFailed("    1 / 0")

    monkeypatch.setattr(learner, "one", fails)
    assert learner.unless_done(tmp_path, done, "") == ("FAILED\n    1 / 0", False)
    assert not done.exists()
