"""Bring in the npm packages of package-lock.json, where Node is there.

    python -m tools.node [--all]

The book needs KaTeX only, which sets the mathematics; `--all` adds what the tests of
the site drive the browser with.  Nothing of this is a must: without it MathJax sets the
mathematics, and the tests that want a browser say that they were skipped and why.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.state import digest

PACKAGES = Path("node_modules")
MARK = PACKAGES / "complete"  # written last
LISTS = ("package.json", "package-lock.json")
QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def wanted(root: Path, everything: bool) -> str:
    """Return what the mark says when the packages are there."""
    lists = digest((root / name).read_bytes() for name in LISTS)
    return f"{lists} {'all' if everything else 'book'}"


def present(root: Path, everything: bool = False) -> bool:
    """Say whether the packages are there as the lock wants them."""
    mark = root / MARK
    if not mark.is_file():
        return False
    found = mark.read_text(encoding="utf-8")
    return found in {wanted(root, True), wanted(root, everything)}


def install(root: Path, everything: bool = False) -> str:
    """Install what is missing; return "" or a sentence that says why it is missing."""
    if not (root / LISTS[1]).is_file():
        return "there is no package-lock.json"
    if shutil.which("node") is None:
        return "Node is not on the path"
    if present(root, everything):
        return ""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not on the path"
    print("node: npm installs the packages of package-lock.json", flush=True)
    some = () if everything else ("--omit=dev",)
    try:
        done = subprocess.run(
            [npm, "ci", *QUIET, *some],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=600,
            env={**os.environ, "PUPPETEER_SKIP_DOWNLOAD": "1"},
        )
    except subprocess.TimeoutExpired:
        return "npm ci did not come to an end in ten minutes"
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return f"npm ci failed: {said}"
    (root / MARK).write_text(wanted(root, everything), encoding="utf-8")
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; it never fails, since nothing of this is a must."""
    parser = argparse.ArgumentParser(prog="python -m tools.node")
    parser.add_argument("--all", action="store_true", help="what the tests need, too")
    parser.add_argument("--root", type=Path, default=Path(), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    missing = install(options.root.resolve(), options.all)
    print(f"node: {missing or 'ready'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
