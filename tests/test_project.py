"""What the project says of itself agrees with itself."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11.4", "3.12.0", "3.13.0")
SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}
BUILT = ("cpu", "book", "test")  # the extras that the lock holds


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def project() -> dict:
    return tomllib.loads(text("pyproject.toml"))["project"]


def pinned() -> list[Requirement]:
    lines = [
        line.split("#")[0].strip() for line in text("requirements.txt").split("\n")
    ]
    return [Requirement(line) for line in lines if line]


def asked() -> list[Requirement]:
    """Return what pyproject.toml asks for in the environment that `make` builds."""
    extras = project()["optional-dependencies"]
    lines = [*project()["dependencies"], *(one for e in BUILT for one in extras[e])]
    return [Requirement(line) for line in lines]


def on(python: str, system: str) -> dict[str, str]:
    """Return the environment in which markers are judged."""
    return {
        **default_environment(),
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": system,
        "platform_system": SYSTEMS[system],
        "extra": "",
    }


def holds(requirement: Requirement, environment: dict[str, str]) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(environment)


def tasks() -> dict[str, str]:
    """Return the tasks of the Makefile with what `make help` says of each."""
    lines = re.findall(r"^([a-z-]+):.*?## (.+)$", text("Makefile"), re.MULTILINE)
    return dict(lines)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system", SYSTEMS)
class TestLock:
    """One lock serves every Python and system that the project names."""

    def test_pins_everything_that_is_asked_for(self, python: str, system: str) -> None:
        here = on(python, system)
        versions = {
            canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
            for pin in pinned()
            if holds(pin, here)
        }
        for need in asked():
            if holds(need, here):
                version = versions.get(canonicalize_name(need.name))
                assert version, f"{need.name} is not in requirements.txt: make lock"
                assert need.specifier.contains(version, prereleases=True), str(need)

    def test_pins_each_once(self, python: str, system: str) -> None:
        names = [
            canonicalize_name(p.name) for p in pinned() if holds(p, on(python, system))
        ]
        assert sorted(names) == sorted(set(names))


class TestDependencies:
    """One list of dependencies; the lock and conda's file follow from it."""

    def test_the_lock_names_versions_only(self) -> None:
        for pin in pinned():
            assert re.fullmatch(r"==[^=*]+", str(pin.specifier)), str(pin)
            assert pin.url is None

    def test_the_lock_names_no_registry_and_no_path(self) -> None:
        assert not re.search(
            r"^\s*-|index-url|find-links|trusted-host|https?://|file:|/(home|root|tmp)/",
            text("requirements.txt"),
            re.MULTILINE,
        )

    def test_the_lock_carries_what_an_editable_installation_is_built_with(self) -> None:
        wheels = tomllib.loads(text("pyproject.toml"))["build-system"]["requires"]
        versions = {pin.name: str(pin.specifier)[2:] for pin in pinned()}
        for need in map(Requirement, wheels):
            assert need.specifier.contains(versions[need.name]), str(need)

    def test_the_wheel_asks_for_numpy_alone_and_sets_no_upper_bound(self) -> None:
        needs = [Requirement(line) for line in project()["dependencies"]]
        assert [need.name for need in needs] == ["numpy"]
        assert all(s.operator in {">=", ">"} for s in needs[0].specifier)

    def test_conda_takes_the_same_lock(self) -> None:
        environment = yaml.safe_load(text("environment.yml"))
        *packages, pip = environment["dependencies"]
        assert environment["name"] == project()["name"]
        assert pip == {"pip": ["-r requirements.txt", "-e ."]}
        assert sorted(p.split()[0] for p in packages) == ["pip", "python"]

    def test_conda_takes_a_python_that_the_project_supports(self) -> None:
        python = yaml.safe_load(text("environment.yml"))["dependencies"][0]
        bounds = Requirement(python.replace(" ", "")).specifier
        wanted = Requirement(f"python{project()['requires-python']}").specifier
        assert all(bounds.contains(version) for version in PYTHONS)
        assert not bounds.contains("3.10.14")
        assert not wanted.contains("3.10.14")
        assert all(wanted.contains(version) for version in PYTHONS)


class TestPapers:
    """Licences, citation, and the pages for those who come to the repository."""

    def test_code_and_text_have_their_licences(self) -> None:
        assert text("LICENSE").startswith("BSD 3-Clause License")
        assert "creativecommons.org/licenses/by/4.0/legalcode" in text("LICENSE-text")
        assert project()["license"] == "BSD-3-Clause"

    def test_the_citation_is_valid_and_of_this_version(self) -> None:
        citation = yaml.safe_load(text("CITATION.cff"))
        needed = {"cff-version", "message", "title", "authors"}
        assert needed <= citation.keys()
        assert citation["version"] == project()["version"]
        assert citation["license"] == ["BSD-3-Clause", "CC-BY-4.0"]

    @pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
    def test_every_make_command_that_is_named_exists(self, name: str) -> None:
        named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text(name), re.MULTILINE))
        assert named
        assert named <= tasks().keys()

    def test_every_task_is_explained_to_contributors(self) -> None:
        told = set(re.findall(r"`make ([a-z-]+)`", text("CONTRIBUTING.md")))
        assert tasks().keys() <= told

    @pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
    def test_every_file_that_is_named_exists(self, name: str) -> None:
        for target in re.findall(r"\]\(([^)#:]+)\)", text(name)):
            assert (ROOT / target).exists(), target

    def test_the_rooms_of_the_house_are_all_in_its_picture(self) -> None:
        picture = text("CONTRIBUTING.md")
        rooms = [p for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith(".")]
        made = {"_build", "build", "dist", "node_modules", "__pycache__"}
        for room in rooms:
            if room.name not in made and not room.name.endswith(".egg-info"):
                assert f"`{room.name}/`" in picture, room.name


class TestMachinery:
    """Continuous integration and hooks call the same commands as people do."""

    def test_continuous_integration_runs_make_test(self) -> None:
        lines = text(".ci/run").splitlines()
        assert lines[0] == "#!/usr/bin/env bash"
        assert "set -euo pipefail" in lines
        assert lines[-1] == "make test"

    def test_the_hooks_need_nothing_but_the_environment(self) -> None:
        hooks = yaml.safe_load(text(".pre-commit-config.yaml"))
        assert [repository["repo"] for repository in hooks["repos"]] == ["local"]

    def test_every_task_is_declared_as_one(self) -> None:
        declared = re.findall(r"^\.PHONY: (.+)$", text("Makefile"), re.MULTILINE)
        assert set(" ".join(declared).split()) == tasks().keys()

    def test_the_site_lists_its_extensions_itself(self) -> None:
        site = yaml.safe_load(text("_config.yml"))
        assert "sphinx_thebe" not in site["sphinx"]["config"]["extensions"]
        assert "linkify" not in site["parse"]["myst_enable_extensions"]
        assert "launch_buttons" not in site, "a button that leads nowhere"


def test_a_pin_that_is_too_old_would_be_seen() -> None:
    assert not Requirement("numpy>=2.0").specifier.contains(str(Version("1.26.4")))


def test_the_wheel_carries_every_package_and_record() -> None:
    setuptools = tomllib.loads(text("pyproject.toml"))["tool"]["setuptools"]
    found = {
        path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for room in ("arraylab", "case_studies")
        for path in (ROOT / room).rglob("__init__.py")
    }
    assert set(setuptools["packages"]) == found | {"arraylab_records"}
    assert setuptools["package-dir"] == {"arraylab_records": "records"}
