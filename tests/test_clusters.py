"""What the page on clusters shows, with real processes: deaths, limits, wrong turns.

The functions are those of the page, so what is tested is what a reader runs.
"""

import ast
import re
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("distributed", reason="Dask's distributed engine is not installed")

import dask
import numpy as np
import psutil
from distributed import Client, KilledWorker, as_completed, wait

from tools import pages

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "lectures" / "dask" / "clusters.md"
CONSTANTS = {"n_blocks", "drawn", "expected", "limited", "one_failure", "lie"}
PATIENCE = 120  # seconds for what takes a few: the machine may be busy


def parts(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the imports, functions and wanted constants of a cell."""
    for node in tree.body:
        names = {n.id for n in getattr(node, "targets", []) if isinstance(n, ast.Name)}
        kinds = ast.Import | ast.ImportFrom | ast.FunctionDef
        if isinstance(node, kinds) or names & CONSTANTS:
            yield node


@pytest.fixture(scope="module")
def page() -> SimpleNamespace:
    """Return what the page defines, by name; functions travel with their code."""
    found: dict[str, Any] = {"__name__": "__main__"}
    for cell in pages.notebook(PAGE).cells:
        if cell.cell_type == "code" and "%%raises" not in cell.source:
            code = re.sub(r"^%", "# %", cell.source, flags=re.MULTILINE)
            body = ast.Module([*parts(ast.parse(code))], type_ignores=[])
            exec(compile(body, str(PAGE), "exec"), found)
    return SimpleNamespace(**found)


def block(language: str, word: str) -> str:
    """Return the one block of code in this language that has `word` in it."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(rf"```{{code-block}} {language}\n(.*?)```", text, re.DOTALL)
    (found,) = (code for code in blocks if word in code)
    return found


def keywords(code: str, name: str) -> dict[str, Any]:
    """Return the keyword arguments of the one call of `name` in `code`."""
    calls = (n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Call))
    (call,) = (c for c in calls if getattr(c.func, "id", "") == name)
    return {word.arg: ast.literal_eval(word.value) for word in call.keywords}


def until(condition: Callable[[], bool]) -> bool:
    """Return whether `condition` comes true within our patience."""
    end = time.monotonic() + PATIENCE
    while not (true := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return true


class TestDeath:
    """A worker that is killed takes nothing with it that has a recipe."""

    def test_the_result_is_right_and_only_its_own_is_computed_again(
        self, page: SimpleNamespace
    ) -> None:
        with page.cluster("ann", "bob", "cyd") as (client, running):
            client.get_task_stream(start=0, stop=0)
            began = time.time()
            workers = client.scheduler_info()["workers"]
            (bob,) = (at for at, w in workers.items() if w["name"] == "bob")
            blocks = [dask.delayed(page.make)(i) for i in range(page.n_blocks)]
            blocks = client.persist(blocks)
            wait(blocks, timeout=PATIENCE)
            futures = client.compute([dask.delayed(page.add_up)(b) for b in blocks])
            for count, _ in enumerate(as_completed(futures, timeout=PATIENCE), 1):
                if count == 5:
                    break
            running["bob"].kill()
            assert client.gather(futures) == page.expected
            diary = client.get_task_stream(start=began)
        runs = [entry["key"] for entry in diary]
        twice = {key for key in runs if runs.count(key) > 1}
        assert len(set(runs)) == 2 * page.n_blocks
        assert twice
        assert twice <= {entry["key"] for entry in diary if entry["worker"] == bob}

    def test_what_came_from_outside_is_lost_and_says_so(
        self, page: SimpleNamespace
    ) -> None:
        with page.cluster("ann", "bob") as (client, running):
            given = client.scatter(np.arange(10), workers=["bob"], hash=False)
            running["bob"].kill()
            with pytest.raises(CancelledError):
                client.submit(np.sum, given, workers=["ann"]).result(timeout=PATIENCE)

    def test_without_a_worker_tasks_wait(self, page: SimpleNamespace) -> None:
        with page.cluster("ann") as (client, running):
            running["ann"].kill()
            assert until(lambda: not client.scheduler_info()["workers"])
            future = client.submit(page.make, 0)
            assert not future.done()
        assert running["ann"].returncode != 0


class TestMemory:
    """A worker keeps to its limit, or is ended."""

    def test_results_over_the_limit_go_to_disk_and_come_back(
        self, page: SimpleNamespace
    ) -> None:
        numbers = range(25)
        with page.cluster("ann", options=page.limited) as (client, _):
            results = client.map(page.big, numbers)
            wait(results, timeout=PATIENCE)
            ((in_memory, on_disk, _),) = client.run(page.kept).values()
            sums = client.gather(client.map(np.sum, results))
        assert on_disk > 0
        assert in_memory < 500e6
        assert in_memory + on_disk >= 25 * 24e6
        # Where an array lies in memory can change the last digit of its sum.
        np.testing.assert_allclose(
            sums, [page.big(i).sum() for i in numbers], rtol=1e-12
        )

    def test_a_task_over_the_limit_is_tried_again_and_given_up(
        self, page: SimpleNamespace
    ) -> None:
        given = {"options": page.limited, **page.one_failure}
        with page.cluster("ann", **given) as (client, _):
            future = client.submit(page.greedy, 1_000)
            with pytest.raises(KilledWorker, match="on 2 different workers"):
                future.result(timeout=PATIENCE)
            ended = client.get_events("worker-restart-memory")
            assert len(ended) == 2
            assert all(what["rss"] > 0.9 * 500e6 for _, what in ended)


class TestErrors:
    """What goes wrong at the start says what it is."""

    def test_a_wrong_address(self) -> None:
        with pytest.raises(OSError, match="Timed out trying to connect to tcp://127"):
            Client("tcp://127.0.0.1:9", timeout=1)

    def test_another_version(self, page: SimpleNamespace) -> None:
        options = ("--no-nanny", "--preload", page.lie)
        told = pytest.warns(UserWarning, match=r"numpy.*1\.21\.0")
        with page.cluster("ann", options=options) as (client, _), told:
            client.get_versions(check=True)

    def test_equal_versions_say_nothing(self, page: SimpleNamespace) -> None:
        with page.cluster("ann") as (client, _), warnings.catch_warnings():
            warnings.simplefilter("error")
            client.get_versions(check=True)


class TestProcesses:
    """Nothing is left behind."""

    def test_all_end_with_the_block_even_after_an_error(
        self, page: SimpleNamespace
    ) -> None:
        started: list[psutil.Process] = []

        def fail() -> None:
            with page.cluster("ann", options=page.limited) as (_, running):
                for process in running.values():
                    own = psutil.Process(process.pid)
                    started.extend([own, *own.children(recursive=True)])
                raise RuntimeError("as meant")

        with pytest.raises(RuntimeError, match="as meant"):
            fail()
        assert len(started) >= 3  # a scheduler, a nanny and its worker
        _, alive = psutil.wait_procs(started, timeout=PATIENCE)
        assert not alive


class TestElsewhere:
    """What the page says would be submitted is what the libraries submit."""

    def test_the_job_script_is_that_of_the_page(self) -> None:
        jobqueue = pytest.importorskip("dask_jobqueue", reason="not installed")
        given = keywords(block("python", "SLURMCluster("), "SLURMCluster")
        here = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
        own = {"python": "python", "scheduler_options": here}
        with jobqueue.SLURMCluster(**given, **own) as cluster:
            script = cluster.job_script()
        script = re.sub(r"tcp://[\d.:]+", "tcp://10.0.0.1:8786", script)
        assert script.split() == block("bash", "#SBATCH").split()

    @pytest.fixture
    def spec(self) -> dict[str, Any]:
        kubernetes = pytest.importorskip(
            "dask_kubernetes.operator", reason="not installed"
        )
        code = block("python", "make_cluster_spec(")
        return kubernetes.make_cluster_spec(**keywords(code, "make_cluster_spec"))

    def test_the_description_for_kubernetes_has_what_the_page_shows(
        self, spec: dict[str, Any]
    ) -> None:
        import yaml

        shown = yaml.safe_load(block("yaml", "DaskCluster"))
        assert has(spec, shown) == []
        shown["spec"]["worker"]["replicas"] = 5
        assert has(spec, shown) == ["worker: replicas: 4, not 5"]

    def test_the_operator_would_take_it(self, spec: dict[str, Any]) -> None:
        import dask_kubernetes
        import jsonschema
        import yaml

        operator = Path(dask_kubernetes.__file__).parent / "operator"
        (path,) = operator.rglob("crds/daskcluster.yaml")  # what Kubernetes is given
        text = path.read_text(encoding="utf-8")
        (version,) = yaml.safe_load(text)["spec"]["versions"]
        schema = version["schema"]["openAPIV3Schema"]
        check = jsonschema.Draft4Validator(schema)
        plain = without_none(spec)
        assert [e.message for e in check.iter_errors(plain)] == []
        del plain["spec"]["worker"]
        assert [e.message for e in check.iter_errors(plain)]


def has(found: Any, wanted: Any, where: str = "") -> list[str]:
    """Return where `found` differs from what `wanted` says, part by part."""
    if isinstance(wanted, dict):
        pairs = [(f"{key}: ", found.get(key), wanted[key]) for key in wanted]
    elif isinstance(wanted, list):
        pairs = [("", a, b) for a, b in zip(found, wanted, strict=True)]
    else:
        return [] if found == wanted else [f"{where}{found}, not {wanted}"]
    last = where.split(": ")[-2] + ": " if ": " in where else ""
    return [
        line for key, a, b in pairs for line in has(a, b, last + key if key else where)
    ]


def without_none(value: Any) -> Any:
    """Return plain data without keys of no value, as Kubernetes reads it."""
    if isinstance(value, dict):
        return {k: without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_none(v) for v in value]
    return value
