"""Build the book: execute its notebooks, then the site, with every warning an error.

    python -m tools.book [--force]

When nothing changed since the last build that succeeded, it says so and stops.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools import address, execute, node, wheel
from tools.state import contents, digest, state

DONE = Path("_build", "book.done")
INDEX = Path("_build", "html", "index.html")
MADE = ("html", ".doctrees", "jupyter_execute")
INPUTS = (
    "_config.yml",
    "_toc.yml",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "references.bib",
    "_ext/**/*",
    "_static/**/*",
    "lectures/**/*",
    "exercises/**/*",
    "solutions/**/*",
    "tools/*.py",
    "package-lock.json",
)


def inputs(root: Path) -> str:
    """Return the hash of everything the site is made of."""
    published = [address.repository(root), address.site(root)]
    mathematics = "katex" if node.present(root) else "mathjax"
    return digest([state(root), mathematics, *published, *contents(root, INPUTS)])


def site(root: Path) -> int:
    """Build the site afresh; return the exit status of the build.

    Always afresh: a page that is not read again would not repeat its warnings, and
    the page of a removed lecture would stay.
    """
    for name in MADE:
        shutil.rmtree(root / "_build" / name, ignore_errors=True)
    program = "from jupyter_book.cli.main import main; main()"
    options = ["build", ".", "--all", "-W", "-n", "--keep-going", "-q"]
    return subprocess.run(
        [sys.executable, "-c", program, *options], cwd=root
    ).returncode


def build(root: Path, force: bool) -> int:
    """Execute and build; return an exit status."""
    start = time.monotonic()
    missing = node.install(root)
    if missing:
        print(f"book: mathematics by MathJax in the browser, not KaTeX: {missing}")
    done, mark = root / DONE, inputs(root)
    before = done.read_text(encoding="utf-8") if done.is_file() else ""
    if before == mark and (root / INDEX).is_file() and not force:
        print(f"book: nothing changed; it is at {root / INDEX}")
        return 0
    done.unlink(missing_ok=True)
    print("book: executing the notebooks", flush=True)
    if execute.execute(root, [], force):
        print("book: not built, because of what is said above", file=sys.stderr)
        return 1
    executed = time.monotonic()
    print("book: building the site", flush=True)
    if site(root):
        print("book: a warning or an error above stopped the build", file=sys.stderr)
        return 1
    wheel.serve(root)  # for the notebooks that the site offers
    done.write_text(mark, encoding="utf-8")
    built = time.monotonic()
    print(f"book: notebooks {executed - start:.0f} s, site {built - executed:.0f} s")
    print(f"book: open {root / INDEX}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.book")
    parser.add_argument("--force", action="store_true", help="even if unchanged")
    parser.add_argument("--root", type=Path, default=Path(), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        return build(options.root.resolve(), options.force)
    except address.WrongAddress as error:
        print(f"book: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; the notebooks that were finished are kept")
        return 130


if __name__ == "__main__":
    sys.exit(main())
