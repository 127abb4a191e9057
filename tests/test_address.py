"""Links lead to the repository that the course was built from, a fork's to the fork."""

from pathlib import Path
from typing import Any

import pytest

from tests.apart import ran
from tools import address, book, export, node


@pytest.fixture(autouse=True)
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(address.REPOSITORY, raising=False)
    monkeypatch.delenv(address.SITE, raising=False)


def configured(root: Path, url: str) -> Path:
    (root / "_config.yml").write_text(f"repository:\n  url: {url}\n", "utf-8")
    return root


def checkout(root: Path, url: str) -> Path:
    for command in (["init", "--quiet"], ["remote", "add", "origin", url]):
        ran(["git", *command], cwd=root, check=True)
    return root


def test_without_any_address_there_is_none(tmp_path: Path) -> None:
    assert address.repository(tmp_path) == ""
    assert address.site(tmp_path) == ""


def test_the_variable_counts_before_the_file_and_the_file_before_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout(tmp_path, "https://github.com/from/git.git")
    assert address.repository(tmp_path) == "from/git"
    configured(tmp_path, "https://github.com/from/file")
    assert address.repository(tmp_path) == "from/file"
    monkeypatch.setenv(address.REPOSITORY, "from/variable")
    assert address.repository(tmp_path) == "from/variable"
    assert address.site(tmp_path) == "https://from.github.io/variable/"


def test_an_empty_variable_switches_addresses_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(address.REPOSITORY, "")
    assert address.repository(configured(tmp_path, "https://github.com/a/b")) == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/some-one/the.course",
        "https://github.com/some-one/the.course.git",
        "https://github.com/some-one/the.course/",
        "git@github.com:some-one/the.course.git",
        "ssh://git@github.com/some-one/the.course.git",
        "https://token@github.com/some-one/the.course",
    ],
)
def test_every_way_to_write_an_address_on_github_is_read(url: str) -> None:
    assert address.on_github(url) == "some-one/the.course"


@pytest.mark.parametrize(
    "url",
    ["", "/srv/git/course", "https://gitlab.com/a/b", "https://notgithub.com/a/b"],
)
def test_an_address_elsewhere_is_none_on_github(url: str) -> None:
    assert address.on_github(url) == ""


def test_the_site_is_told_or_follows_from_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(address.REPOSITORY, "Owner/owner.github.io")
    assert address.site(tmp_path) == "https://owner.github.io/"
    monkeypatch.setenv(address.REPOSITORY, "Owner/Course")
    assert address.site(tmp_path) == "https://owner.github.io/Course/"
    monkeypatch.setenv(address.SITE, "https://course.example")
    assert address.site(tmp_path) == "https://course.example/"
    monkeypatch.setenv(address.SITE, "course.example")
    with pytest.raises(ValueError, match="expected https"):
        address.site(tmp_path)


def test_a_wrong_repository_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(address.REPOSITORY, "just-a-name")
    with pytest.raises(ValueError, match="expected owner/name"):
        address.repository()


@pytest.mark.parametrize("tool", [book, export])
def test_a_command_says_so_in_a_sentence(
    tool: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(address.REPOSITORY, "just-a-name")
    monkeypatch.setattr(node, "install", lambda root: "")
    assert tool.main(["--root", str(address.ROOT)]) == 2
    assert "is 'just-a-name'; expected owner/name" in capsys.readouterr().err


def test_the_branch_of_the_notebooks_has_a_name() -> None:
    assert address.notebook_branch() == "notebooks"


def test_pip_gets_the_sources_from_the_branch_that_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(address.REPOSITORY, "Owner/Course")
    sources = "https://github.com/Owner/Course/archive/main.zip"
    assert address.archive(tmp_path) == sources
    text = (address.ROOT / ".github" / "workflows" / "publish.yml").read_text("utf-8")
    assert f"branches: [{address.source_branch()}]" in text
    monkeypatch.setenv(address.REPOSITORY, "")
    assert address.archive(tmp_path) == ""
