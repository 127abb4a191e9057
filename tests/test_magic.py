"""What ``%%gpu`` promises: a plain cell where it can run, a record where it cannot."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.apart import ran

pytest.importorskip("IPython", reason="IPython is not installed")

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

import arraylab
from arraylab import arrays, magic, notebooks, records

ROOT = Path(arraylab.__file__).parent.parent
STAMP = {
    "cpu": "AMD EPYC",
    "cores": 16,
    "gpus": [{"name": "NVIDIA H200"}],
    "versions": {"cupy-cuda13x": "14.0.0", "numba-cuda": "0.30.0", "jax": "0.9.0"},
}
DATE = "2026-03-02T10:00:00+00:00"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("BEYOND_NUMPY_RECORDS", str(tmp_path))
    return tmp_path


@pytest.fixture
def shell(folder, monkeypatch):
    """A shell of IPython's own with ``%%gpu``, on a machine without a GPU."""
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    monkeypatch.setattr(arrays, "missing", lambda library: f"no {library} here")
    InteractiveShell.clear_instance()
    ip = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    magic.load_ipython_extension(ip)
    yield ip
    InteractiveShell.clear_instance()


@pytest.fixture
def with_gpu(shell, monkeypatch):
    monkeypatch.setattr(arrays, "missing", lambda library: "")
    monkeypatch.setattr(magic, "_jax_without_gpu", lambda: "")
    return shell


def run(shell, source):
    """Return the result of a cell and what it showed."""
    with capture_output() as seen:
        result = shell.run_cell(source)
    return result, seen


def record(folder, body, *outputs, **changes):
    cell = {"lecture": "part/page", "outputs": list(outputs)} | changes
    cells = {records.cell_hash(body): cell}
    return records.save(folder / "h200.json", STAMP, [], cells, date=DATE)


def words(seen):
    return "\n".join(output.data["text/plain"] for output in seen.outputs)


# Where a GPU is usable


def test_where_it_can_run_the_cell_is_a_plain_cell(with_gpu):
    result, seen = run(with_gpu, "%%gpu cupy\nx = 20\nprint('hello')\nx + 1")
    assert result.success
    assert result.result == 21
    assert with_gpu.user_ns["x"] == 20
    assert "hello" in seen.stdout
    assert "21" in seen.stdout


def test_a_cell_that_fails_fails_at_its_own_line(with_gpu):
    result, seen = run(with_gpu, "%%gpu\nx = 1\n1 / 0\n")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert result.error_in_exec.__traceback__.tb_next.tb_lineno == 3
    assert "ZeroDivisionError" in seen.stdout
    assert "1 / 0" in re.sub(r"\x1b\[[0-9;]*m", "", seen.stdout)


def test_what_a_plain_cell_may_hold_works_below_the_line(with_gpu):
    result, seen = run(with_gpu, "%%gpu\n%%capture out\nprint('inner')")
    assert result.success
    assert seen.stdout == ""
    assert with_gpu.user_ns["out"].stdout == "inner\n"
    result, _ = run(with_gpu, "%%gpu\nimport asyncio\nawait asyncio.sleep(0, 7)")
    assert result.result == 7
    result, _ = run(with_gpu, "%%gpu\nname = !echo seen\nname[0]")
    assert result.result == "seen"


def test_only_cells_of_the_magic_are_touched():
    for source in (
        ["x = 1\n"],
        ["%%gpus\n", "x\n"],
        ["%%gpu?\n"],
        ["x\n", "%%gpu\n"],
        [],
    ):
        assert magic.run_where_usable(source) is source


def test_every_library_that_a_cell_names_is_needed(shell, monkeypatch):
    monkeypatch.setattr(arrays, "missing", lambda library: "no " * (library == "cupy"))
    assert run(shell, "%%gpu numba_cuda\n3")[0].result == 3
    assert run(shell, "%%gpu numba_cuda cupy\n3")[0].result is None
    assert run(shell, "%%gpu\n3")[0].result is None


def test_jax_on_a_cpu_does_not_do_for_a_gpu_cell(shell, monkeypatch):
    pytest.importorskip("jax", reason="JAX is not installed")
    import jax

    monkeypatch.setattr(arrays, "missing", lambda library: "")
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
    result, seen = run(shell, "%%gpu jax\n3")
    assert result.result is None
    assert "JAX finds no CUDA GPU here" in words(seen)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert run(shell, "%%gpu jax\n3")[0].result == 3

    def broken():
        raise RuntimeError("no backend cuda")

    monkeypatch.setattr(jax, "default_backend", broken)
    assert "no backend cuda" in words(run(shell, "%%gpu jax\n3")[1])


def test_the_magic_called_as_a_function_runs_and_fails_like_the_cell(with_gpu):
    with_gpu.run_cell_magic("gpu", "cupy", "y = 5")
    assert with_gpu.user_ns["y"] == 5
    with capture_output(), pytest.raises(ZeroDivisionError):
        with_gpu.run_cell_magic("gpu", "cupy", "1 / 0")


# Where it is not


def test_without_gpu_and_record_one_sentence_says_what_is_needed_and_where(shell):
    result, seen = run(shell, "%%gpu cupy numba_cuda\nx = 1 / 0")
    assert result.success
    assert "x" not in shell.user_ns
    (output,) = seen.outputs
    for form in ("text/plain", "text/html"):
        text = output.data[form]
        assert "needs a CUDA GPU with CuPy and numba.cuda" in text
        assert "no cupy here." in text
        assert "Google Colab" in text
        assert "open the notebook on a machine with a CUDA GPU" in text
        assert "Runtime → Change runtime type → GPU" in text


def test_a_record_is_shown_with_device_versions_and_date(shell, folder):
    record(folder, "x = 1\nx", shown({"text/plain": "1"}))
    result, seen = run(shell, "%%gpu cupy numba_cuda\nx = 1\nx\n\n")
    assert result.success
    assert "x" not in shell.user_ns
    badge, output = seen.outputs
    assert badge.data["text/plain"] == (
        "Recorded on NVIDIA H200 with AMD EPYC, 16 cores, cupy-cuda13x 14.0.0, "
        "numba-cuda 0.30.0, 2026-03-02."
    )
    assert "NVIDIA H200" in badge.data["text/html"]
    assert output.data == {"text/plain": "1"}


def test_the_badge_states_the_versions_that_the_cell_was_recorded_with(shell, folder):
    record(folder, "x")
    newer = STAMP | {"versions": {"cupy-cuda13x": "15.0.0"}}
    records.save(folder / "h200.json", newer, [], date="2027-01-01T00:00:00+00:00")
    text = words(run(shell, "%%gpu\nx")[1])
    assert "cupy-cuda13x 14.0.0" in text
    assert "2026-03-02" in text


def shown(data, **metadata):
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def test_every_kind_of_output_is_shown_as_it_was(shell, folder):
    picture = {"image/png": PIXEL, "text/plain": "<Figure>"}
    error = {
        "output_type": "error",
        "ename": "ValueError",
        "evalue": "no",
        "traceback": ["\x1b[31mTraceback\x1b[0m", "ValueError: no"],
    }
    record(
        folder,
        "body",
        {"output_type": "stream", "name": "stdout", "text": "to be read\n"},
        {"output_type": "stream", "name": "stderr", "text": "take care\n"},
        shown(picture, **{"image/png": {"width": 1}}),
        shown({"text/html": "<b>1</b>", "text/plain": "1"}),
        error,
        error | {"traceback": []},
    )
    result, seen = run(shell, "%%gpu\nbody")
    assert result.success
    assert seen.stdout == "to be read\n"
    assert seen.stderr == "take care\n"
    _, image, page, failure, short = seen.outputs
    assert image.data == picture
    assert image.metadata == {"image/png": {"width": 1}}
    assert page.data["text/html"] == "<b>1</b>"
    assert failure.data["text/plain"] == "\n".join(error["traceback"])
    assert short.data["text/plain"] == "ValueError: no"


def test_a_recorded_cell_that_showed_nothing_says_so(shell, folder):
    record(folder, "x = 1")
    assert "it ran and showed nothing" in words(run(shell, "%%gpu\nx = 1")[1])


def test_a_record_of_another_text_is_not_shown(shell, folder):
    record(folder, "x = 1", shown({"text/plain": "old"}))
    _, seen = run(shell, "%%gpu\nx = 2")
    assert "old" not in words(seen)
    assert "not been recorded as it is now" in words(seen)


def test_a_damaged_record_is_named_where_the_outputs_would_be(shell, folder):
    (folder / "h200.json").write_text("{", "utf-8")
    result, seen = run(shell, "%%gpu\nx")
    assert result.success
    assert "h200.json: damaged" in words(seen)
    assert "h200.json: damaged" in seen.outputs[0].data["text/html"]


def test_what_was_shown_in_place_of_running_is_never_recorded(shell, folder):
    claim = {notebooks.CLAIM: {"id": "A1", "verdict": "holds"}, "text/plain": "A1"}
    record(folder, "x", shown(claim))
    for body in ("x", "not recorded"):
        _, seen = run(shell, f"%%gpu\n{body}")
        outputs = [shown(output.data) for output in seen.outputs]
        cell = {"cell_type": "code", "source": f"%%gpu\n{body}", "outputs": outputs}
        found = notebooks.collect({"cells": [cell | {"execution_count": 1}]})
        assert found == ([], [], {})


@pytest.mark.parametrize("can_run", [True, False])
def test_an_unknown_word_is_refused_with_the_known_ones(shell, monkeypatch, can_run):
    if can_run:
        monkeypatch.setattr(arrays, "missing", lambda library: "")
    result, seen = run(shell, "%%gpu cuppy\nx = 1")
    assert "x" not in shell.user_ns
    assert type(result.error_in_exec).__name__ == "UsageError"
    assert "unknown word 'cuppy'" in seen.stderr + seen.stdout
    assert "cupy, jax, numba_cuda" in seen.stderr + seen.stdout


# The extension


def test_loading_twice_registers_once_and_unloading_takes_it_away(shell):
    transformers = shell.input_transformers_cleanup
    magic.load_ipython_extension(shell)
    assert transformers.count(magic.run_where_usable) == 1
    magic.unload_ipython_extension(shell)
    assert magic.run_where_usable not in transformers
    assert shell.find_cell_magic("gpu") is None
    magic.unload_ipython_extension(shell)  # nothing left to take


def test_the_package_is_the_extension(shell):
    magic.unload_ipython_extension(shell)
    arraylab.load_ipython_extension(shell)
    assert shell.find_cell_magic("gpu") is not None


def test_typing_does_not_ask_for_the_gpu(shell, monkeypatch):
    def asked(library):
        raise AssertionError("asked for the GPU while typing")

    monkeypatch.setattr(arrays, "missing", asked)
    assert shell.check_complete("%%gpu\nx = 1")[0] == "incomplete"
    assert shell.check_complete("%%gpu\nx = 1\n\n")[0] == "complete"


def test_help_says_how_to_use_it(shell):
    docstring = shell.find_cell_magic("gpu").__doc__
    assert "%%gpu [cupy] [jax] [numba_cuda]" in docstring


# A whole notebook in a kernel of its own


def execute(folder, sources, **environment):
    """Return the code cells of a notebook of `sources`, executed."""
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(notebook, folder / "page.ipynb")
    program = (
        "import sys, nbformat, nbclient\n"
        "page = nbformat.read(sys.argv[1], 4)\n"
        "nbclient.NotebookClient(page, timeout=120, allow_errors=True).execute()\n"
        "nbformat.write(page, sys.argv[1])\n"
    )
    variables = os.environ | {"PYTHONPATH": str(ROOT), "JUPYTER_PLATFORM_DIRS": "1"}
    command = [sys.executable, "-c", program, str(folder / "page.ipynb")]
    done = ran(command, env=variables | environment, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "page.ipynb").read_text("utf-8"))["cells"]


def test_in_a_kernel_without_a_gpu_records_are_shown_and_the_rest_runs(folder):
    record(folder, "x = 1 / 0", shown({"text/plain": "from the record"}))
    cells = execute(
        folder,
        ["%load_ext arraylab", "%%gpu\nx = 1 / 0", "%%gpu\nother", "'x' in dir()"],
        CUDA_VISIBLE_DEVICES="",
    )
    texts = ["".join(o["data"]["text/plain"]) for c in cells for o in c["outputs"]]
    assert texts[0].startswith("Recorded on NVIDIA H200")
    assert texts[1] == "from the record"
    assert "Google Colab" in texts[2]
    assert texts[3] == "False"
    assert notebooks.collect(folder / "page.ipynb").cells == {}


def test_in_the_simulator_a_numba_cuda_cell_is_left_out(folder):
    pytest.importorskip("numba", reason="Numba is not installed")
    cells = execute(
        folder,
        ["%load_ext arraylab", "%%gpu numba_cuda\n1/0"],
        NUMBA_ENABLE_CUDASIM="1",
    )
    assert "Numba simulates a CUDA GPU" in str(cells[1]["outputs"])
    assert notebooks.collect(folder / "page.ipynb").cells == {}
