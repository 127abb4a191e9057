"""The page of symptoms quotes messages as they are: each is produced here, or cited.

A message on the page matches what was produced line by line where three dots stand for
anything, however the lines are broken.
"""

import importlib
import os
import re
import shutil
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.apart import ran

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "lectures" / "back" / "troubleshooting.md"
CITED = {  # what only a GPU, or Colab, can say; the page names a source
    "You cannot currently connect to a GPU",
    "Implicit conversion to a NumPy array",
}
SOURCES = {  # what only a machine with a GPU says: it stands in the library's own file
    "An NVIDIA GPU may be present": "jax/_src/xla_bridge.py",
    "Grid size 1 will": "numba_cuda/numba/cuda/dispatcher.py",
    "Host array used": "numba_cuda/numba/cuda/cudadrv/devicearray.py",
    "A module that was compiled": "numpy/core/_multiarray_umath.py",
    "exceeded 95% memory budget": "distributed/worker_memory.py",
    "Unmanaged memory use": "distributed/worker_memory.py",
}


def messages() -> list[str]:
    """Return the messages that the page quotes."""
    start = r"^```\{code-block\} text\n:class: bn-message\n"
    found = re.findall(rf"{start}(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    return [text.strip() for text in found]


def words(text: str) -> str:
    return " ".join(text.split())


def fits(quoted: str, said: str) -> bool:
    """Say whether `said` holds the quoted message."""
    parts = (re.escape(words(part)) for part in quoted.split("..."))
    return re.search(r"\s*.*?\s*".join(parts), words(said)) is not None


def raised(run: Callable[[], Any]) -> str:
    """Return the error of `run` with its name, as Python shows it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            run()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    raise AssertionError("nothing was raised")


def warned(run: Callable[[], Any]) -> str:
    """Return the warnings of `run` with their names."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run()
    return "\n".join(f"{w.category.__name__}: {w.message}" for w in caught)


def program(folder: Path, code: str, **settings: str) -> str:
    """Return what a program of its own writes to stderr."""
    file = folder / "program.py"
    file.write_text(textwrap.dedent(code), "utf-8")
    env = {**os.environ, **settings}
    return ran([sys.executable, str(file)], cwd=folder, env=env).stderr


def without_gpu() -> None:
    """Skip where a GPU would answer."""
    if shutil.which("nvidia-smi"):
        pytest.skip("there is an NVIDIA driver here")


# -- who says what ------------------------------------------------------------------

PRODUCED: dict[str, Callable[[Path], str]] = {}


def says(beginning: str) -> Callable[[Callable[[Path], str]], Callable[[Path], str]]:
    """Note the function that produces the message that begins so."""

    def note(produce: Callable[[Path], str]) -> Callable[[Path], str]:
        assert beginning not in PRODUCED
        PRODUCED[beginning] = produce
        return produce

    return note


@says("ModuleNotFoundError: No module named 'arraylab'")
def no_arraylab(folder: Path) -> str:
    command = [sys.executable, "-I", "-S", "-c", "import arraylab"]  # no site packages
    return ran(command, cwd=folder).stderr


@says("ImportError: the package of this course could not be installed")
def no_package(folder: Path) -> str:
    from tools import export
    from tools.references import References

    references = References(ROOT)
    references.site = "https://owner.github.io/course/"
    code = export.installation(references, [])
    code = re.sub(r"^ +%pip.*$", "        pass", code, flags=re.M)
    code = code.replace("find_spec(name)", "True").replace(
        'find_spec("arraylab")', "False"
    )
    return raised(lambda: exec(code, {}))


@says("ImportError: this notebook needs the package of its course")
def no_address(folder: Path) -> str:
    from tools import export

    code = export.ALONE.replace('find_spec("arraylab")', "False")
    return raised(lambda: exec(code, {}))


@says("This cell needs a CUDA GPU with CuPy, and was left out")
def no_gpu(folder: Path) -> str:
    from arraylab import magic

    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(magic, "_publish", lambda text, *_: said.append(text))
        magic._show_absence(["cupy"], "there is no driver", ())
    return said[0]


@says("RuntimeError: Unknown backend: 'gpu'")
def jax_backend(folder: Path) -> str:
    without_gpu()
    import jax

    return raised(lambda: jax.devices("gpu"))


@says("cudaErrorInsufficientDriver")
def old_driver(folder: Path) -> str:
    without_gpu()
    cupy = pytest.importorskip("cupy", reason="CuPy is not made for this system")
    return raised(lambda: cupy.arange(3))


@says("CuPy may not function correctly")
def several_cupys(folder: Path) -> str:
    pytest.importorskip("cupy", reason="CuPy is not made for this system")
    environment = importlib.import_module("cupy._environment")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.importlib.metadata, "distribution", lambda name: name)
        return warned(environment._detect_duplicate_installation)


@says("Failed to import CuPy")
def cupy_without_cuda(folder: Path) -> str:
    pytest.importorskip("cupy", reason="CuPy is not made for this system")
    return importlib.import_module("cupy._environment")._diagnose_import_error()


@says("CudaSupportError: Error at driver init")
def no_driver(folder: Path) -> str:
    without_gpu()
    pytest.importorskip("numba_cuda", reason="numba-cuda is not made for this system")
    return program(
        folder,
        """
        from numba import cuda
        import numpy as np

        @cuda.jit
        def one(x):
            x[0] = 1

        one[1, 1](np.ones(3))
        """,
        NUMBA_ENABLE_CUDASIM="0",
    )


@says("RESOURCE_EXHAUSTED: Out of memory")
def jax_memory(folder: Path) -> str:
    import jax.numpy as jnp

    return raised(lambda: jnp.zeros((10**9, 10**6)).block_until_ready())


@says("OutOfMemoryError: Out of memory allocating")
def cupy_memory(folder: Path) -> str:
    pytest.importorskip("cupy", reason="CuPy is not made for this system")
    error = importlib.import_module("cupy.cuda.memory").OutOfMemoryError(10**9, 1, 0)
    return f"{type(error).__name__}: {error}"


@says("ValueError: operands could not be broadcast")
def shapes(folder: Path) -> str:
    return raised(lambda: np.ones(3) + np.ones(4))


@says("UFuncTypeError: Cannot cast ufunc")
def casting(folder: Path) -> str:
    return raised(lambda: np.ones(3, dtype=np.int64).__iadd__(0.5))


@says("ValueError: assignment destination is read-only")
def read_only(folder: Path) -> str:
    return raised(lambda: np.broadcast_to(1.0, 3).__setitem__(0, 2.0))


@says("MemoryError: Unable to allocate 7.11 PiB")
def too_large(folder: Path) -> str:
    return raised(lambda: np.empty((10**9, 10**6)))


@says("TypingError: Failed in nopython mode pipeline")
def unsupported(folder: Path) -> str:
    import numba

    return raised(lambda: numba.njit(lambda x: np.gradient(x))(np.ones(3)))


@says("Cannot unify")
def two_types(folder: Path) -> str:
    import numba

    @numba.njit
    def either(x):
        y = 1
        for _ in range(x):
            y = "a"
        return y

    return raised(lambda: either(1))


@says("non-precise type pyobject")
def a_dict(folder: Path) -> str:
    import numba

    return raised(lambda: numba.njit(lambda x: x)({"a": 1}))


@says("RuntimeError: cannot cache function 'f'")
def no_locator(folder: Path) -> str:
    code = "from numba import njit\n@njit(cache=True)\ndef f(x):\n    return x\n"
    return raised(lambda: exec(code, {}))


@says("NumbaPerformanceWarning: ...The keyword argument")
def nothing_parallel(folder: Path) -> str:
    import numba

    return warned(lambda: numba.njit(parallel=True)(lambda x: x + 1)(1))


PARALLEL = """
import os, threading
import numba

@numba.njit(parallel=True, nogil=True)
def total(n):
    s = 0.0
    for i in numba.prange(n):
        s += i ** 0.5
    return s

"""


@says("ValueError: No threading layer could be loaded")
def no_layer(folder: Path) -> str:
    if importlib.util.find_spec("tbb"):
        pytest.skip("TBB is installed here")
    return program(folder, PARALLEL + "total(9)", NUMBA_THREADING_LAYER="tbb")


@says("Numba workqueue threading layer is terminating")
def two_loops(folder: Path) -> str:
    code = """
total(9)
threads = [threading.Thread(target=total, args=(50_000_000,)) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
    return program(folder, PARALLEL + code, NUMBA_THREADING_LAYER="workqueue")


def forking(folder: Path, before: str, inside: str = "pass", **settings: str) -> str:
    """Return what a program says that forks, and works before and in the child."""
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    code = f"""
import os, warnings
warnings.simplefilter("always")
{before}
child = os.fork()
if child == 0:
    {inside}
    os._exit(0)
os.waitpid(child, 0)
"""
    return program(folder, code, **settings)


@says("Terminating: fork() called")
def forked(folder: Path) -> str:
    if sys.platform != "linux":
        pytest.skip("GNU's OpenMP is Linux's")
    loop = "total(9)"
    return forking(folder, PARALLEL + loop, loop, NUMBA_THREADING_LAYER="omp")


@says("TracerBoolConversionError")
def traced_if(folder: Path) -> str:
    import jax

    return raised(lambda: jax.jit(lambda x: 1 if x > 0 else 2)(1.0))


@says("ConcretizationTypeError")
def traced_float(folder: Path) -> str:
    import jax

    return raised(lambda: jax.jit(lambda x: float(x))(1.0))


@says("TypeError: Shapes must be 1D")
def traced_shape(folder: Path) -> str:
    import jax
    import jax.numpy as jnp

    return raised(lambda: jax.jit(lambda n: jnp.zeros(n))(3))


@says("TracerIntegerConversionError")
def traced_range(folder: Path) -> str:
    import jax

    return raised(lambda: jax.jit(lambda n: list(range(n)))(np.int32(3)))


@says("NonConcreteBooleanIndexError")
def traced_mask(folder: Path) -> str:
    import jax
    import jax.numpy as jnp

    return raised(lambda: jax.jit(lambda x: x[x > 0])(jnp.ones(3)))


@says("UnexpectedTracerError")
def leaked(folder: Path) -> str:
    import jax

    kept: list[Any] = []
    jax.jit(lambda x: (kept.append(x + 1), x)[1])(1.0)
    return raised(lambda: kept[0] + 1)


@says("TracerArrayConversionError")
def traced_numpy(folder: Path) -> str:
    import jax

    return raised(lambda: jax.jit(lambda x: np.sin(x))(np.float32(1)))


@says("UserWarning: Explicitly requested dtype float64")
def no_x64(folder: Path) -> str:
    import jax
    import jax.numpy as jnp

    was = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", False)
    try:
        return warned(lambda: jnp.ones(3, dtype="float64"))
    finally:
        jax.config.update("jax_enable_x64", was)


@says("TypeError: JAX arrays are immutable")
def immutable(folder: Path) -> str:
    import jax.numpy as jnp

    return raised(lambda: jnp.ones(3).__setitem__(0, 1))


@says("RuntimeError: Array has been deleted")
def given_away(folder: Path) -> str:
    import jax
    import jax.numpy as jnp

    x = jnp.ones(3, dtype="float32")
    jax.jit(lambda y: y + 1, donate_argnums=0)(x)
    return raised(lambda: x + 1)


@says("ValueError: Non-hashable static arguments")
def a_list(folder: Path) -> str:
    import jax

    return raised(lambda: jax.jit(lambda x, s: x, static_argnums=1)(1, [1]))


@says("RuntimeWarning: os.fork() was called")
def forked_jax(folder: Path) -> str:
    return forking(folder, "import jax.numpy as jnp\njnp.ones(3) + 1")


@says("DeprecationWarning: This process (pid=...) is multi-threaded")
def forked_threads(folder: Path) -> str:
    if sys.version_info < (3, 12):
        pytest.skip("Python warns from 3.12 on")
    start = "threading.Thread(target=time.sleep, args=(0.5,)).start()"
    return forking(folder, f"import threading, time\n{start}")


@says("PerformanceWarning: Increasing number of chunks")
def many_chunks(folder: Path) -> str:
    import dask.array as da

    rows = da.ones((1000, 1000), chunks=(10, 1000))
    columns = da.ones((1000, 1000), chunks=(1000, 10))
    return warned(lambda: rows + columns)


@says("UserWarning: Sending large graph of size 30.52 MiB")
def large_graph(folder: Path) -> str:
    return program(
        folder,
        """
        import numpy as np
        from distributed import Client
        options = {"processes": False, "dashboard_address": None, "n_workers": 1}
        with Client(**options) as client:
            client.submit(np.sum, np.ones(4_000_000)).result()
        """,
    )


@says("KilledWorker: Attempted to run task")
def killed(folder: Path) -> str:
    from types import SimpleNamespace

    from distributed.scheduler import KilledWorker

    last = SimpleNamespace(address="tcp://127.0.0.1:1")
    error = KilledWorker("greedy-1", last, 3)
    return f"{type(error).__name__}: {error}"


@says("RuntimeError: An attempt has been made")
def no_guard(folder: Path) -> str:
    return program(
        folder,
        """
        import multiprocessing
        context = multiprocessing.get_context("spawn")
        child = context.Process(target=print)
        child.start()
        child.join()
        """,
    )


@says("UserWarning: Port ... is already in use")
def port_in_use(folder: Path) -> str:
    return program(
        folder,
        """
        import socket
        from distributed import LocalCluster
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            address = f"127.0.0.1:{port}"
            options = {"processes": False, "n_workers": 0}
            with LocalCluster(dashboard_address=address, **options):
                pass
        """,
    )


@says("OSError: Timed out trying to connect")
def nobody_there(folder: Path) -> str:
    return program(
        folder,
        """
        import socket
        from distributed import Client
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            port = door.getsockname()[1]
        Client(f"tcp://127.0.0.1:{port}", timeout=1)
        """,
    )


@says("OMP_NUM_THREADS=... has no effect")
def too_late(folder: Path) -> str:
    from arraylab import settings

    told = settings.without_effect({"OMP_NUM_THREADS": "1"}, {"openblas": 2}, 2)
    return "\n".join(told)


@says("Refused: no time for ...: WRONG")
def no_time(folder: Path) -> str:
    from arraylab import compare

    row = compare({"a": lambda: 1}, check=lambda result: False)["a"]
    return raised(lambda: row.median)


@says("TypeError: compare needs a check")
def no_check(folder: Path) -> str:
    from arraylab import compare

    return raised(lambda: compare({"a": lambda: 1}))


def no_environment(folder: Path, python: str, **more: str) -> str:
    """Return what the set-up says with a pretended Python, and other commands."""
    if os.name == "nt":
        pytest.skip("the fakes are shell scripts")
    (folder / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "environment.sh", folder / "tools")
    (folder / "requirements.txt").write_text("numpy==2.0\n")
    (folder / "pyproject.toml").write_text("[project]\n")
    (folder / "bin").mkdir()
    for name, text in {"python3": python, **more}.items():
        file = folder / "bin" / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHON": "python3"}
    done = ran(["sh", "tools/environment.sh"], cwd=folder, env=env)
    assert done.returncode == 1
    return done.stderr


def fake(pip: str) -> str:
    """Return a Python that can do all but what `pip` says."""
    return f"""case "$*" in
  *version_info*) echo 3.12.1 ;;
  *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *"pip install"*) {pip} ;;
esac"""


@says("No environment: Python 3.11 or newer is needed")
def old_python(folder: Path) -> str:
    return no_environment(folder, "echo 3.9.2")


@says("No environment: python3 has no venv module")
def no_venv(folder: Path) -> str:
    text = 'case "$*" in *version_info*) echo 3.12.1 ;; *) exit 1 ;; esac'
    return no_environment(folder, text)


@says("No environment: about 3 GB of free disk")
def no_disk(folder: Path) -> str:
    said = "echo; echo /dev/x 9 9 524288 1% /"
    return no_environment(folder, fake("exit 0"), df=said)


@says("No environment: pip can't reach the package registry")
def no_network(folder: Path) -> str:
    df = "echo; echo /dev/x 9 9 99999999 1% /"
    return no_environment(
        folder, fake("echo NewConnectionError: refused; exit 1"), df=df
    )


@says("No environment: pip could not install the libraries")
def no_wheel(folder: Path) -> str:
    df = "echo; echo /dev/x 9 9 99999999 1% /"
    return no_environment(folder, fake("echo broken wheel; exit 1"), df=df)


@says("node: Node is not on the path")
def no_node(folder: Path) -> str:
    from tools import node

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(node.shutil, "which", lambda name: None)
        return f"node: {node.install(ROOT)}"


@says("lectures/...: a cell failed")
def failed_cell(folder: Path) -> str:
    part = folder / "lectures" / "part"
    part.mkdir(parents=True)
    page = (
        "---\nfile_format: mystnb\nkernelspec: {name: python3, display_name: x}\n---\n"
    )
    (part / "bad.md").write_text(f"{page}# Bad\n\n```{{code-cell}}\n1 / 0\n```\n")
    toc = "format: jb-book\nroot: lectures/part/bad\n"
    (folder / "_toc.yml").write_text(toc)
    command = [sys.executable, "-m", "tools.execute", "--root", str(folder)]
    return ran(command, cwd=ROOT).stderr


# -- promises -----------------------------------------------------------------------


def known(text: str) -> str:
    """Return the beginning by which a message is known here, "" if it is not."""
    for table in (PRODUCED, SOURCES, dict.fromkeys(CITED)):
        for beginning in table:
            if words(text).startswith(beginning) or (
                beginning in words(text) and table is not PRODUCED
            ):
                return beginning
    return ""


@pytest.mark.parametrize("text", messages(), ids=lambda text: words(text)[:40])
def test_a_message_is_produced_or_its_source_named(text: str) -> None:
    assert known(text), "produce it above, or cite where it comes from"


def test_every_message_that_is_produced_is_on_the_page() -> None:
    quoted = {known(text) for text in messages()}
    assert quoted == {*PRODUCED, *SOURCES, *CITED}


@pytest.mark.parametrize("beginning", PRODUCED)
def test_the_page_quotes_it_as_it_is(beginning: str, tmp_path: Path) -> None:
    (quoted,) = (text for text in messages() if known(text) == beginning)
    said = PRODUCED[beginning](tmp_path)
    assert fits(quoted, said), said


def fixed(text: str) -> Iterator[str]:
    """Yield the words of a quoted message that a source file has to hold."""
    body = re.sub(r"^\w+(Error|Warning): ", "", text)
    yield from filter(
        None, (words(part) for part in re.split(r"\.\.\.|\b1\b|95%", body))
    )


@pytest.mark.parametrize(("beginning", "file"), SOURCES.items())
def test_what_needs_a_gpu_stands_in_the_source(beginning: str, file: str) -> None:
    package = file.split("/")[0]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not made for this system")
    found = Path(importlib.import_module(package).__file__).parents[1] / file
    if not found.is_file():
        pytest.skip(f"{package} keeps the message elsewhere in this version")
    # a long string is broken into pieces, with quotes and f between them
    source = words(re.sub(r'"\s*\n\s*f?"', "", found.read_text("utf-8")))
    (quoted,) = (text for text in messages() if known(text) == beginning)
    for part in fixed(quoted):
        assert part.removesuffix("cpu.").strip() in source, part


def test_a_citation_names_its_source() -> None:
    text = PAGE.read_text("utf-8")
    for beginning in CITED:
        section = text[text.index(beginning) :].split("\n### ")[0]
        assert "Source:" in section


def test_every_symptom_has_a_cause_and_a_cure() -> None:
    sections = re.split(r"^### ", PAGE.read_text("utf-8"), flags=re.M)[1:]
    assert len(sections) > 50
    for section in sections:
        title = section.splitlines()[0]
        if title != "A row of compare has a verdict instead of a time":
            assert "**Why.**" in section, title
            assert "**Do.**" in section, title


def test_every_verdict_is_explained() -> None:
    source = (ROOT / "arraylab" / "timing.py").read_text("utf-8")
    source += (ROOT / "arraylab" / "results.py").read_text("utf-8")
    used = set(re.findall(r'"([A-Z]{4,})"', source))
    told = set(re.findall(r"^\| ([A-Z]{4,}) \|", PAGE.read_text("utf-8"), re.M))
    assert used == told


def test_a_changed_second_file_is_not_noticed_by_numbas_cache(tmp_path: Path) -> None:
    """What the page says of a stale cache."""
    (tmp_path / "second.py").write_text(
        "from numba import njit\n@njit\ndef inner(x):\n    return x + 1\n"
    )
    (tmp_path / "first.py").write_text(
        "from numba import njit\nfrom second import inner\n"
        "@njit(cache=True)\ndef outer(x):\n    return inner(x)\n"
    )
    code = "import sys\nfrom first import outer\nsys.stderr.write(str(outer(1)))\n"
    folder = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert program(tmp_path, code, **folder) == "2"
    second = tmp_path / "second.py"
    second.write_text(second.read_text().replace("x + 1", "x + 1000"))
    assert program(tmp_path, code, **folder) == "2"
    shutil.rmtree(tmp_path / "cache")
    assert program(tmp_path, code, **folder) == "1001"


def test_the_rule_finds_a_message_that_differs() -> None:
    assert fits("a ... c", "x a b c y")
    assert not fits("a ... d", "x a b c y")
    assert not fits("shape (3,)", "shape (4,)")
