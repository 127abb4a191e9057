"""Run the exported notebooks as a learner does: elsewhere, with the wheel alone.

    python -m tools.learner [--oldest] [--force] [part/page ...]

Each notebook runs in an empty folder, in an environment of its own under ``_build``,
which has the libraries but not the course: the first code cell installs its wheel from
a site, here a folder that this machine serves.  With ``--oldest`` the environment has
the versions of requirements-colab.txt, else those of the lock.
A notebook whose code, wheel and environment are the same as when it last ran well is
not run again.  Where there are two cores, two notebooks run at a time: nobody reads
their timings, and a notebook has to run on a machine that does something else as well.
"""

import argparse
import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from arraylab.words import counted
from tools import address, export, wheel
from tools.execute import CellFailed, run
from tools.pages import Unknown
from tools.state import contents, digest

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 600.0  # seconds a notebook
TOGETHER = min(2, os.cpu_count() or 1)  # notebooks that run at a time
KERNEL = "learner"
OLDEST = Path("requirements-colab.txt")
LOCK = Path("requirements.txt")
OFFLINE = (  # what uv says where there is no network
    "client error (connect)",
    "connection refused",
    "dns error",
    "error sending request",
    "failed to fetch",
    "network is unreachable",
    "timed out",
)


class NoNetwork(Exception):
    """The libraries can't be had: there is no network, and uv keeps no copy."""


class NoEnvironment(Exception):
    """The environment could not be made; the text says why."""


def uv(*arguments: str) -> None:
    """Run uv, which installs from its cache what it has installed before."""
    command = [sys.executable, "-m", "uv", *arguments, "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip()
        offline = any(words in said.lower() for words in OFFLINE)
        raise (NoNetwork if offline else NoEnvironment)(said)


def asked(root: Path, oldest: bool) -> list[str]:
    """Return what the environment is made of, as arguments of ``uv pip install``."""
    if oldest:
        return ["--requirement", str(root / OLDEST)]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    libraries = project["project"]["optional-dependencies"]["cpu"]
    return ["--constraint", str(root / LOCK), *libraries, "ipykernel"]


def python_of(folder: Path) -> Path:
    """Return the interpreter of an environment."""
    windows = folder / "Scripts" / "python.exe"
    return windows if windows.exists() else folder / "bin" / "python"


def environment(root: Path, oldest: bool) -> Path:
    """Return the folder of the environment, made anew if it is not up to date.

    Raises
    ------
    NoNetwork, NoEnvironment
        If it can't be made.
    """
    folder = root / "_build" / ("oldest" if oldest else "clean")
    wanted = asked(root, oldest)
    lock = (root / (OLDEST if oldest else LOCK)).read_text(encoding="utf-8")
    key, mark = digest([*wanted, lock, sys.version]), folder / "complete"
    if mark.is_file() and mark.read_text(encoding="utf-8") == key:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    print(f"notebooks: making {folder.relative_to(root)}", flush=True)
    # seeded with pip, as Colab is
    uv("venv", "--seed", "--python", sys.executable, str(folder))
    uv("pip", "install", "--python", str(python_of(folder)), *wanted)
    describe(folder)
    mark.write_text(key, encoding="utf-8")
    return folder


def describe(folder: Path) -> None:
    """Tell Jupyter of the environment's kernel."""
    kernel = folder / "share" / "jupyter" / "kernels" / KERNEL
    kernel.mkdir(parents=True, exist_ok=True)
    start = [str(python_of(folder)), "-m", "ipykernel_launcher"]
    told = {
        "argv": [*start, "-f", "{connection_file}"],
        "display_name": "Learner",
        "language": "python",
    }
    (kernel / "kernel.json").write_text(json.dumps(told), encoding="utf-8")


def without_course(folder: Path) -> None:
    """Remove the course from the environment: the first notebook has to bring it."""
    command = ["pip", "uninstall", "--python", str(python_of(folder)), "beyond-numpy"]
    uv(*command)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve `folder` as a site on this machine; yield its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *told: Any) -> None:
            """Say nothing."""

    handler = functools.partial(Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def surroundings(folder: Path, site: str) -> Iterator[None]:
    """Let kernels of `folder` start with nothing of this environment's."""
    before = dict(os.environ)
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME", "MPLBACKEND"):
        os.environ.pop(name, None)
    here = str(python_of(folder).parent)
    os.environ["PATH"] = os.pathsep.join([here, os.environ.get("PATH", "")])
    os.environ["JUPYTER_PATH"] = str(folder / "share" / "jupyter")
    os.environ[address.SITE] = site
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def code_of(path: Path) -> list[str]:
    """Return the code of an exported notebook, but for the cell that installs."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    codes = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    return codes[1:]


def one(path: Path) -> tuple[str, bool]:
    """Run the notebook at `path`; return what to say of it, and whether it ran well."""
    import nbformat

    book = nbformat.read(path, as_version=4)
    try:
        return f"{run(book, LIMIT, KERNEL):.1f} s", True
    except CellFailed as error:
        return f"FAILED\n{error}", False


class Apart:
    """Runs notebooks in processes of their own, which end with this command."""

    def __init__(self) -> None:
        """Start with none."""
        self.running: set[subprocess.Popen[str]] = set()

    def __call__(self, path: Path) -> tuple[str, bool]:
        """Run a notebook; return the same as `one`."""
        program = [sys.executable, "-X", "utf8", "-m", "tools.learner"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(
            [*program, "--notebook", str(path)], cwd=ROOT, encoding="utf-8", **pipes
        )
        self.running.add(process)
        said, error = process.communicate()
        self.running.discard(process)
        # without a word of its own it came to grief, and Python says how
        return said.strip() or f"FAILED\n{error.strip()}", process.returncode == 0

    def stop(self) -> None:
        """End those that still run."""
        for process in list(self.running):
            process.terminate()


@contextlib.contextmanager
def published(root: Path, folder: Path, wanted: list[str]) -> Iterator[Path]:
    """Publish wheel and notebooks on this machine; yield the folder of the site.

    Meanwhile kernels of the environment in `folder` can be started, without the course.

    Raises
    ------
    RuntimeError
        If a page can't be exported, or the wheel not be built.
    """
    made = wheel.build(root)
    with tempfile.TemporaryDirectory() as name, served(Path(name)) as site:
        place = Path(name, "wheel", made.name)
        place.parent.mkdir()
        shutil.copy(made, place)
        with surroundings(folder, site):
            wrong = export.export_all(root, Path(name), wanted)
            if wrong:
                told = (f"{page}.md: {problem}" for page, problem in wrong.items())
                raise RuntimeError("\n".join(told))
            without_course(folder)
            yield Path(name)


@dataclass(frozen=True)
class Notebook:
    """An exported notebook, and the file that holds the key of its last good run."""

    page: str
    path: Path
    done: Path
    key: str

    def rests(self) -> bool:
        """Say whether it has run well as it is now."""
        return self.done.is_file() and self.done.read_text("utf-8") == self.key

    def note(self, well: bool) -> None:
        """Note how it ran; a failure is kept for nobody."""
        self.done.unlink(missing_ok=True)
        if well:
            self.done.parent.mkdir(exist_ok=True)
            self.done.write_text(self.key, encoding="utf-8")


def notebooks(root: Path, folder: Path, site: Path) -> list[Notebook]:
    """Return the notebooks below `site`, for the environment in `folder`."""
    made = (folder / "complete").read_text(encoding="utf-8")
    base = [made, *contents(root, (*wheel.PACKAGES, "pyproject.toml"))]
    found = []
    for path in sorted(site.rglob("*.ipynb")):
        page = path.relative_to(site).with_suffix("").as_posix()
        done = folder / "done" / page.replace("/", "-")
        found.append(Notebook(page, path, done, digest([*base, *code_of(path)])))
    return found


def in_turn(books: list[Notebook]) -> Iterator[tuple[Notebook, str, bool]]:
    """Run notebooks, some at a time; yield each with what to say, and if it ran well.

    Until one has run well, and so has brought the wheel, one runs alone: no two may
    install into the same environment at once.
    """
    left, well = list(books), False
    run_apart, pool = Apart(), ThreadPoolExecutor(TOGETHER)
    try:
        while left and not well:
            book = left.pop(0)
            said, well = run_apart(book.path)
            yield book, said, well
        futures = {pool.submit(run_apart, book.path): book for book in left}
        for future in as_completed(futures):
            yield futures[future], *future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        run_apart.stop()
        pool.shutdown()


def run_all(root: Path, folder: Path, wanted: list[str], force: bool) -> int:
    """Run the notebooks of the book in the environment; return how many fail."""
    failed = 0
    with published(root, folder, wanted) as site:
        books = notebooks(root, folder, site)
        waiting = [book for book in books if force or not book.rests()]
        if len(waiting) < len(books):
            print(f"  {counted(len(books) - len(waiting), 'notebook')} unchanged")
        for book, said, well in in_turn(waiting):
            print(f"  {book.page:30} {said}", flush=True)
            book.note(well)
            failed += not well
    return failed


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.learner")
    parser.add_argument("pages", nargs="*", help="only these, as part/page")
    parser.add_argument("--oldest", action="store_true", help="the oldest versions")
    parser.add_argument("--force", action="store_true", help="run even if unchanged")
    parser.add_argument(
        "--skip-offline", action="store_true", help="no failure where no network is"
    )
    parser.add_argument("--root", type=Path, default=Path(), help=argparse.SUPPRESS)
    parser.add_argument("--notebook", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.notebook:  # a process of `Apart`
        said, well = one(options.notebook)
        print(said)
        return 0 if well else 1
    root, start = options.root.resolve(), time.monotonic()
    try:
        folder = environment(root, options.oldest)
        failed = run_all(root, folder, options.pages, options.force)
    except NoNetwork as error:
        print(f"notebooks: SKIPPED, no network to install from:\n{error}")
        return 0 if options.skip_offline else 1
    except (NoEnvironment, RuntimeError, Unknown, address.WrongAddress) as error:
        print(f"notebooks: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the notebooks that were finished are noted")
        return 130
    told = "the oldest versions" if options.oldest else "a clean environment"
    print(f"notebooks: ran in {told} in {time.monotonic() - start:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
