"""Execute every notebook of the book once, and hand the results to Sphinx's cache.

    python -m tools.execute [--force] [part/page ...]

A notebook runs in an empty folder, as a learner would run it.  Its result lies under
``_build/executed`` with a key over all it depends on; while the key holds, it is not
run again.  The site, the records and the tests read that one execution.
"""

import argparse
import asyncio
import contextlib
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools import pages
from tools.pages import label
from tools.state import device, digest, state, state_of, versions

EXECUTED = Path("_build", "executed")
CACHE = Path("_build", ".jupyter_cache")
LIMIT = 600.0  # seconds a notebook
STAMP = "beyond_numpy"  # the key of our entry in a notebook's metadata


class CellFailed(Exception):
    """A notebook stopped; the text says where and why."""


def codes(book: Any) -> list[Any]:
    """Return the code cells of a notebook."""
    return [cell for cell in book.cells if cell.cell_type == "code"]


def key(book: Any, surroundings: str) -> str:
    """Return the hash of a notebook's code and of what it runs in."""
    kernel = book.metadata.get("kernelspec", {}).get("name", "")
    parts = [surroundings, kernel]
    for cell in codes(book):
        # of the tags, these decide what happens
        tags = {"raises-exception", "skip-execution"} & {*cell.metadata.get("tags", [])}
        parts += [cell.source, ",".join(sorted(tags))]
    return digest(parts)


def mark_of(root: Path, book: Any, here: bool = True) -> str:
    """Return the key of a notebook as the course is now; `here` as in `state_of`."""
    return key(book, state_of(root, [cell.source for cell in codes(book)], here))


def stored(path: Path) -> dict[str, Any]:
    """Return the stamp of the executed notebook at `path`, empty if unusable."""
    import nbformat

    try:
        return dict(nbformat.read(path, as_version=4).metadata.get(STAMP, {}))
    except Exception:  # absent, or damaged in whatever way: it is run again
        return {}


def write(book: Any, path: Path) -> None:
    """Write the notebook so that `path` holds the old or the new one, never a part."""
    import nbformat

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(nbformat.writes(book), encoding="utf-8")
    part.replace(path)


def indented(lines: list[str]) -> str:
    """Return `lines` as a block."""
    return "\n".join(f"    {line}".rstrip() for line in lines)


def reason(book: Any, begun: list[Any], error: BaseException, chatter: str) -> str:
    """Return the code of the cell that failed and the last lines of its error.

    Where no cell says it (a kernel that died), it is the last that was `begun`, and the
    kernel's `chatter` may tell; not its warnings, which say nothing of the page.
    """
    for cell in codes(book):
        if "raises-exception" in cell.metadata.get("tags", []):
            continue
        wrong = [o for o in cell.get("outputs", []) if o.output_type == "error"]
        if wrong:
            code = cell.source.strip().splitlines()
            lines = wrong[-1].evalue.strip().splitlines() or [""]
            lines[0] = f"{wrong[-1].ename}: {lines[0]}"
            return indented([*code, "", *lines[:12]])
    code = begun[-1].source.strip().splitlines() if begun else []
    heard = [x for x in chatter.splitlines() if not x.startswith("[IPKernelApp] WARN")]
    said = [*str(error).strip().splitlines()[-12:], *heard[-12:]]
    return indented([*code, "", type(error).__name__, *said])


def stopper(begun: list[Any], stopped: list[bool]) -> Callable[..., None]:
    """Return a hook that has Ctrl-C stop the command and note it in `stopped`.

    It notes each cell that starts in `begun`.  Left to itself, nbclient ends the kernel
    only, which looks like a failed cell.
    """

    def hook(cell: Any, **more: Any) -> None:
        begun.append(cell)
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def stop() -> None:
            stopped.append(True)
            task.cancel()

        with contextlib.suppress(RuntimeError):  # Windows, where it needs no help
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop)

    return hook


def run(book: Any, limit: float = LIMIT, kernel: str = "python3") -> float:
    """Execute `book` in place, in an empty folder; return the seconds it took."""
    from nbclient import NotebookClient

    start = time.monotonic()
    begun: list[Any] = []
    stopped: list[bool] = []

    def left(cell: Any) -> int:
        return max(1, round(limit - (time.monotonic() - start)))

    # the kernel of this Python, whatever kernels the user has installed beside it
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        tempfile.TemporaryFile() as chatter,
    ):
        client = NotebookClient(
            book,
            kernel_name=kernel,
            timeout_func=left,
            on_cell_start=stopper(begun, stopped),
            record_timing=False,  # it would make the cells differ from the page's
            resources={"metadata": {"path": folder}},
        )
        try:
            client.execute(stderr=chatter)
        except (Exception, asyncio.CancelledError) as error:
            if stopped:
                raise KeyboardInterrupt from None
            chatter.seek(0)
            said = chatter.read().decode(errors="replace")
            raise CellFailed(reason(book, begun, error, said)) from error
    return time.monotonic() - start


def machine() -> str:
    """Return one line that names this machine."""
    from arraylab import machine as described

    return described().title


def stamp(book: Any, mark: str, seconds: float) -> None:
    """Write into the notebook what it was made by and when."""
    book.metadata[STAMP] = {
        "key": mark,
        "seconds": round(seconds, 1),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "device": device(),
        "python": platform.python_version(),
        "versions": {name: v for name, v in versions().items() if v},
    }


def cache(root: Path, surroundings: str) -> Any:
    """Return Sphinx's cache of executed notebooks, emptied if made by other code.

    That cache knows a notebook by its cells alone; the state it was filled in
    is kept beside it.
    """
    from jupyter_cache import get_cache

    folder = root / CACHE
    mark = folder / "state"
    found = get_cache(folder)
    if not mark.is_file() or mark.read_text(encoding="utf-8") != surroundings:
        if folder.exists():
            found.clear_cache()
        found = get_cache(folder)
        found.path.mkdir(parents=True, exist_ok=True)
        mark.write_text(surroundings, encoding="utf-8")
    return found


def seed(store: Any, page: str, book: Any) -> None:
    """Put an executed notebook into Sphinx's cache."""
    from jupyter_cache.base import CacheBundleIn

    seconds = book.metadata[STAMP]["seconds"]
    bundle = CacheBundleIn(book, page, data={"execution_seconds": seconds})
    store.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def shape(book: Any) -> list[tuple[str, Any]]:
    """Return what a page says about its cells: source and metadata."""
    return [(cell.source, cell.metadata) for cell in book.cells]


def reuse(book: Any, path: Path) -> None:
    """Fill `book` with the outputs at `path`; its prose and tags may be newer."""
    import nbformat

    before = nbformat.read(path, as_version=4)
    same = shape(before) == shape(book)
    for cell, old in zip(codes(book), codes(before), strict=True):
        cell.outputs, cell.execution_count = old.outputs, old.execution_count
    for name in (STAMP, "language_info"):
        book.metadata[name] = before.metadata[name]
    if not same:
        write(book, path)


def one(root: Path, page: str, book: Any, mark: str, force: bool) -> tuple[str, bool]:
    """Bring one page up to date; return what to say, and whether all is well."""
    path = root / EXECUTED / f"{page}.ipynb"
    before = stored(path)
    if before.get("key") == mark and not force:
        reuse(book, path)
        return f"unchanged ({before['seconds']:.1f} s on {before['date'][:10]})", True
    path.unlink(missing_ok=True)
    start = time.monotonic()
    try:
        seconds = run(book)
    except CellFailed as error:
        return f"FAILED after {time.monotonic() - start:.1f} s\n{error}", False
    stamp(book, mark, seconds)
    write(book, path)
    return f"{seconds:.1f} s", True


def collect(root: Path, wanted: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Return the notebooks of the book in order, and what is wrong with others."""
    books, wrong = {}, []
    for page in pages.chosen(root, wanted):
        try:
            book = pages.notebook(root / f"{page}.md")
        except FileNotFoundError:
            wrong.append(f"{page}.md: named in _toc.yml, but there is no such file")
        except Exception as error:  # YAML, or a file to load that is not there
            wrong.append(f"{page}.md: {error}")
        else:
            if book is not None:
                books[page] = book
    return books, wrong


def execute(root: Path, wanted: list[str], force: bool = False) -> int:
    """Execute what is not up to date; return how many pages are not well."""
    books, wrong = collect(root, wanted)
    store = cache(root, state(root))
    width = max((len(label(page)) for page in books), default=0)
    for number, (page, book) in enumerate(books.items(), start=1):
        head = f"[{number}/{len(books)}] {label(page):{width}}  "
        print(head, end="", flush=True)
        said, well = one(root, page, book, mark_of(root, book), force)
        print(said, flush=True)
        if well:
            seed(store, page, book)
        else:
            wrong.append(f"{page}.md: a cell failed, see above")
    for line in wrong:
        print(line, file=sys.stderr)
    return len(wrong)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.execute")
    parser.add_argument("pages", nargs="*", help="only these, as part/page")
    parser.add_argument("--force", action="store_true", help="run even if unchanged")
    parser.add_argument("--root", type=Path, default=Path(), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        failed = execute(options.root.resolve(), options.pages, options.force)
    except pages.Unknown as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; the notebooks that were finished are kept")
        return 130
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
