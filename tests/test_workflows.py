"""What runs on GitHub: valid, safe, and nothing that does not run here as well."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.apart import ran

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".github"
FILES = sorted((FOLDER / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
# What a job runs besides make, because only GitHub has it: it puts results in place.
ALLOWED = re.compile(r"gh |git |echo |cat links\.md|said=|known=|if \[|else$|fi$")


def workflow(path: Path) -> dict[str, Any]:
    """Return a workflow; YAML takes its key `on` for a truth value."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {**data, "on": data.get("on", data.get(True))}


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    return workflow(path)["jobs"]


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path).values() for step in job["steps"]]


def targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):.*?## ", makefile, re.MULTILINE))


def program(name: str) -> str:
    """Return the path of a command that is installed beside this Python."""
    folder = Path(sys.executable).parent
    found = [p for p in (folder / name, folder / f"{name}.exe") if p.is_file()]
    assert found, f"{name} is not installed: make environment"
    return str(found[0])


def silent(*command: str) -> None:
    """Run a command that has to find nothing wrong."""
    done = ran(command, cwd=ROOT, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_a_workflow_for_each_purpose() -> None:
    names = {path.stem for path in FILES}
    assert names == {"gpu", "links", "publish", "test", "weekly"}


def test_workflows_are_what_github_understands() -> None:
    check = (program("check-jsonschema"), "--builtin-schema")
    silent(*check, "vendor.github-workflows", *map(str, FILES))
    silent(*check, "custom.github-workflows-require-timeout", *map(str, FILES))
    silent(*check, "vendor.dependabot", str(FOLDER / "dependabot.yml"))


def test_nothing_in_them_is_known_to_be_unsafe() -> None:
    options = ("--offline", "--no-progress", "--persona", "pedantic")
    silent(program("zizmor"), *options, str(FOLDER))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
class TestEach:
    """Promises of every workflow."""

    def test_actions_are_pinned_by_commit(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        used = re.findall(r"uses: .*", text)
        assert all(PINNED.fullmatch(line) for line in used), used

    def test_a_job_may_do_what_it_has_to_and_no_more(self, path: Path) -> None:
        assert workflow(path)["permissions"] == {}
        for job in jobs(path).values():
            given = job.get("permissions", {})
            assert "write-all" not in given
            if any("actions/checkout" in s.get("uses", "") for s in job["steps"]):
                assert given == {"contents": "read"}, "our code gets no right to write"

    def test_no_credentials_stay_on_disk(self, path: Path) -> None:
        for step in steps(path):
            if "actions/checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False

    def test_needs_no_secret(self, path: Path) -> None:
        assert "secrets." not in path.read_text(encoding="utf-8")

    def test_a_failure_is_never_hidden(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert "continue-on-error" not in text
        for step in steps(path):
            assert not re.search(r"\|\|\s*(true|:|exit 0)|set \+e", step.get("run", ""))

    def test_does_not_run_twice_at_once_and_ends(self, path: Path) -> None:
        assert workflow(path)["concurrency"]["group"]
        assert all(job["timeout-minutes"] <= 180 for job in jobs(path).values())

    def test_runs_what_make_runs_here(self, path: Path) -> None:
        for step in steps(path):
            lines = [line.strip() for line in step.get("run", "").splitlines()]
            if step.get("name") == "the same without make":
                assert lines == [
                    "sh tools/environment.sh",
                    ".venv/Scripts/python -m tools.stages",
                ]
                continue
            for line in lines:
                task = re.match(r"make ([a-z-]+)( [A-Z]+=\S+)?$", line)
                assert task or ALLOWED.match(line), line
                assert not task or task[1] in targets(), line


class TestPurposes:
    """Each does what it is there for."""

    def job(self, name: str, job: str) -> dict[str, Any]:
        return jobs(FOLDER / "workflows" / f"{name}.yml")[job]

    def runs(self, name: str, job: str) -> list[str]:
        return [s["run"].strip() for s in self.job(name, job)["steps"] if "run" in s]

    def test_every_change_is_tested_on_the_oldest_and_the_newest_python(self) -> None:
        job = self.job("test", "test")
        assert job["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
        assert self.runs("test", "test") == ["make test"]

    def test_executions_are_kept_by_code_lock_and_device(self) -> None:
        caches = [
            s
            for s in self.job("test", "test")["steps"]
            if "cache@" in s.get("uses", "")
        ]
        key = caches[0]["with"]["key"]
        for part in ("requirements.txt", "arraylab/**", "lectures/**", "-cpu-"):
            assert part in key
        assert caches[0]["with"]["path"] == "_build/executed"

    def test_without_a_gpu_runner_a_notice_says_so(self) -> None:
        gpu, notice = self.job("gpu", "gpu"), self.job("gpu", "notice")
        assert gpu["if"] == "vars.GPU_RUNNER != ''"
        assert notice["if"] == "vars.GPU_RUNNER == ''"
        assert "::notice" in self.runs("gpu", "notice")[0]
        assert gpu["runs-on"] == "${{ vars.GPU_RUNNER }}"

    def test_what_others_propose_never_runs_on_the_gpu_runner(self) -> None:
        events = workflow(FOLDER / "workflows" / "gpu.yml")["on"]
        assert set(events) == {"push", "schedule", "workflow_dispatch"}
        assert events["push"]["branches"] == ["main"]

    def test_records_of_a_gpu_are_uploaded(self) -> None:
        last = self.job("gpu", "gpu")["steps"][-1]
        assert last["with"]["path"] == "records/*.json"
        assert "cancelled()" in last["if"]

    def test_what_is_published_was_tested_and_comes_from_main(self) -> None:
        build = self.job("publish", "build")
        assert build["if"] == "github.ref == 'refs/heads/main'"
        assert {"make book", "make notebooks", "make test"} <= set(
            self.runs("publish", "build")
        )
        assert self.job("publish", "pages")["needs"] == ["build", "notebooks"]
        assert not any("cache" in s.get("uses", "") for s in build["steps"])

    @pytest.mark.parametrize("name", ["test", "gpu", "publish", "weekly"])
    def test_addresses_follow_the_repository(self, name: str) -> None:
        text = (FOLDER / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
        assert "BEYOND_NUMPY_REPOSITORY: ${{ github.repository }}" in text

    def test_every_week_the_newest_versions_run_on_three_systems_uncached(self) -> None:
        newest = self.job("weekly", "newest")
        systems = {s.split("-")[0] for s in newest["strategy"]["matrix"]["system"]}
        assert systems == {"ubuntu", "macos", "windows"}
        assert self.runs("weekly", "lock") == ["make upgrade"]
        text = (FOLDER / "workflows" / "weekly.yml").read_text(encoding="utf-8")
        assert "cache" not in text.replace("uncached", "")

    def test_every_week_three_graders_are_compared(self) -> None:
        assert self.runs("weekly", "graders") == ["make test-slow"]

    def test_broken_links_open_an_issue_and_stay_red(self) -> None:
        issue = self.job("links", "issue")
        assert (issue["needs"], issue["if"]) == ("check", "failure()")
        assert issue["permissions"] == {"issues": "write"}
        assert "gh issue create" in self.runs("links", "issue")[0]
