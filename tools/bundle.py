"""Put the course into one file or folder that runs on a machine with a GPU.

    python -m tools.bundle course.zip          (or a folder: python -m tools.bundle out)
    python -m tools.bundle --wheels wheels     downloads what requirements-gpu.txt lists

There, with Python 3.11 or newer and no network:

    python3 -m zipfile -e course.zip course && cd course
    python3 -m pip install --no-index --no-deps --find-links ../wheels \\
        --requirement requirements-gpu.txt
    python3 -m tools.gpu

The bundle holds notebooks in place of pages, so nothing of Sphinx is needed there.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tools import bench, execute
from tools.state import BUNDLE

ROOT = Path(__file__).resolve().parent.parent
LIST = "requirements-gpu.txt"
FOLDERS = ("arraylab", "case_studies", "records", "tools")
NOTEBOOKS = "notebooks"
# The systems whose wheels a Linux machine of today takes, the newest first.
PLATFORMS = tuple(
    f"manylinux{version}_x86_64"
    for version in ("_2_34", "_2_28", "_2_27", "_2_17", "2014", "2010", "1")
)


def files(root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the files of the course's code and records."""
    paths = [root / LIST, root / "requirements.txt"]
    for folder in FOLDERS:
        paths += sorted((root / folder).rglob("*"))
    for path in paths:
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(root).as_posix(), path.read_bytes()


def notebooks(root: Path) -> dict[str, bytes]:
    """Return the pages of the book as notebooks, loaded cells filled in.

    Raises
    ------
    ValueError
        If a page cannot be read.
    """
    import nbformat

    books, wrong = execute.collect(root, [])
    if wrong:
        raise ValueError("\n".join(wrong))
    return {page: nbformat.writes(book).encode() for page, book in books.items()}


def write(root: Path, folder: Path) -> list[str]:
    """Write the bundle into `folder`; return the pages in it."""
    books = notebooks(root)
    about = {
        "commit": bench.commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "pages": list(books),
    }
    content = dict(files(root))
    content |= {f"{NOTEBOOKS}/{page}.ipynb": text for page, text in books.items()}
    content[BUNDLE] = json.dumps(about, indent=1).encode() + b"\n"
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return about["pages"]


def pack(folder: Path, target: Path) -> None:
    """Write all files of `folder` into the zip file `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())


def download(root: Path, folder: Path, python: str) -> int:
    """Download the wheels that `LIST` names into `folder`; return pip's status."""
    platforms = [f"--platform={name}" for name in PLATFORMS]
    return subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--only-binary=:all:", "--implementation=cp", *platforms),
            f"--python-version={python}",
            f"--dest={folder}",
            f"--requirement={root / LIST}",
        ]
    ).returncode


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.bundle")
    parser.add_argument("target", nargs="?", type=Path, help="a .zip file, or a folder")
    parser.add_argument("--wheels", type=Path, help="download the wheels into it")
    parser.add_argument("--python", default="3.12", help="of that machine (3.12)")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.target is None and asked.wheels is None:
        parser.error("name a file or folder to write, or --wheels FOLDER, or both")
    if asked.wheels and download(asked.root, asked.wheels, asked.python):
        return 1
    if asked.target:
        with tempfile.TemporaryDirectory() as folder:
            zipped = asked.target.suffix == ".zip"
            try:
                pages = write(asked.root, Path(folder) if zipped else asked.target)
            except ValueError as error:
                print(error, file=sys.stderr)
                return 1
            if zipped:
                pack(Path(folder), asked.target)
        print(f"{asked.target}: {len(pages)} notebooks; run `python3 -m tools.gpu`")
    return 0


if __name__ == "__main__":
    sys.exit(main())
