"""Build the course's wheel: what a notebook installs on Google Colab.

    python -m tools.wheel

It lies in ``dist``; a book that was built gets it as ``wheel/`` of its site.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.export import wheel
from tools.state import contents, digest

DIST = Path("dist")
MARK = Path("_build", "wheel.done")
SITE = Path("_build", "html")
PACKAGES = ("arraylab/**/*", "case_studies/**/*", "records/*")
SOURCES = (*PACKAGES, "pyproject.toml", "README.md", "LICENSE")


def build(root: Path) -> Path:
    """Return the wheel of the course, built if anything in it has changed.

    Raises
    ------
    RuntimeError
        If it can't be built; the message says why.
    """
    made, mark = root / DIST / wheel(root), root / MARK
    key = digest(contents(root, SOURCES))
    if made.is_file() and mark.is_file() and mark.read_text(encoding="utf-8") == key:
        return made
    with tempfile.TemporaryDirectory() as folder:
        # of a copy: a build in place would leave its folders here, and take old files
        copy = Path(folder, "course")
        for name in sorted({Path(pattern).parts[0] for pattern in SOURCES}):
            source = root / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, copy / name, ignore=ignored)
            elif source.is_file():
                copy.mkdir(exist_ok=True)
                shutil.copy(source, copy / name)
        pip(copy, Path(folder))
        made.parent.mkdir(exist_ok=True)
        shutil.copy(Path(folder, made.name), made)
    mark.parent.mkdir(exist_ok=True)
    mark.write_text(key, encoding="utf-8")
    return made


def pip(source: Path, target: Path) -> None:
    """Build the wheel of the project in `source`, with what is installed here."""
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "."]
    done = subprocess.run(
        [*command, "--wheel-dir", str(target)],
        cwd=source,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the wheel could not be built:\n{done.stderr.strip()}")


def serve(root: Path) -> Path | None:
    """Put the wheel into the site, if there is one; return its place there."""
    if not (root / SITE).is_dir():
        return None
    place = root / SITE / "wheel" / wheel(root)
    place.parent.mkdir(exist_ok=True)
    shutil.copy(build(root), place)
    return place


def main() -> int:
    """Build the wheel; return an exit status."""
    root = Path().resolve()
    try:
        made = build(root)
        serve(root)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"wheel: {made.relative_to(root)}, {made.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
