"""What an execution depends on beside the page itself, as one short hash."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

# Libraries whose version decides what a notebook prints.
LIBRARIES = (
    "array-api-compat",
    "array-api-extra",
    "array-api-strict",
    "cupy-cuda12x",
    "cupy-cuda13x",
    "dask",
    "jax",
    "jaxlib",
    "llvmlite",
    "matplotlib",
    "numba",
    "numba-cuda",
    "numpy",
    "scipy",
)
CODE = ("arraylab/**/*.py", "case_studies/**/*.py")
SOURCES = (*CODE, "records/*.json")
LOCK = "requirements.txt"
# Code that looks at all case studies, or may: it asks the records, or speaks of the
# package without the name of a case behind.
READS_ALL = re.compile(
    r"\brecord(s|ed)\b|\bcase_studies\b(?![./][A-Za-z]| import [A-Za-z])"
)
BUNDLE = "bundle.json"  # marks a bundle of the course for a machine with a GPU


def digest(parts: Iterable[str | bytes]) -> str:
    """Return 16 hex digits over `parts`; line endings make no difference."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        data = data.replace(b"\r\n", b"\n")
        total.update(str(len(data)).encode() + b":" + data)
    return total.hexdigest()[:16]


def contents(root: Path, patterns: Iterable[str]) -> Iterator[str | bytes]:
    """Yield name and content of each file under `root` that fits a pattern."""
    for pattern in patterns:
        for path in sorted(root.glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(root).as_posix()
                yield path.read_bytes()


def device() -> str:
    """Return the name of the first CUDA GPU, else "cpu"; no library is imported."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return "cpu"
    query = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "cpu"
    names = answer.stdout.strip().splitlines()
    return names[0].strip() if answer.returncode == 0 and names else "cpu"


def versions() -> dict[str, str]:
    """Return the installed versions of `LIBRARIES`, "" for an absent one."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found


def state(root: Path, sources: Iterable[str] = (*SOURCES, LOCK)) -> str:
    """Return the hash of everything but the page that any execution depends on.

    These are the course's code, its records, the lock, the installed versions,
    Python, and the machine's kind (processor type, number of cores, GPU).
    """
    here = [platform.python_version(), platform.machine(), str(os.cpu_count())]
    installed = [f"{name} {version}" for name, version in versions().items()]
    return digest([*here, device(), *installed, *contents(root, sources)])


def state_of(root: Path, codes: Iterable[str], here: bool = True) -> str:
    """Return the hash of everything else that the execution of `codes` depends on.

    Of case studies and records only those count that the code names; all do where it
    might look at others.  Without `here`, neither the lock nor the records count: a
    machine that writes records has its own versions, and changes its record as it goes.
    """
    codes = list(codes)
    text = "\n".join(codes)
    if READS_ALL.search(text):
        return state(root, (*SOURCES, LOCK) if here else CODE)
    cases = named(root, text)
    ours = ("arraylab/**/*.py", "case_studies/*.py")
    sources = [*ours, *(f"case_studies/{case}/**/*.py" for case in sorted(cases))]
    if not here:
        return state(root, sources)
    return digest([state(root, [*sources, LOCK]), *recorded(root, cases, codes)])


def named(root: Path, text: str) -> set[str]:
    """Return the case studies whose names are words of `text`, and those they name."""
    files = {
        path.parent.name: b"\n".join(map(Path.read_bytes, path.parent.glob("*.py")))
        for path in (root / "case_studies").glob("*/__init__.py")
    }
    found: set[str] = set()
    texts = [text]
    while texts:
        words = {*re.findall(r"\w+", texts.pop())}
        new = files.keys() & words - found
        found |= new
        texts += [files[case].decode(errors="replace") for case in new]
    return found


def recorded(root: Path, cases: set[str], codes: Iterable[str]) -> Iterator[str]:
    """Yield what the records hold of `cases`, and of the ``%%gpu`` cells in `codes`."""
    from arraylab import records
    from arraylab.fingerprint import cell_hash
    from arraylab.notebooks import gpu_body

    cells = {cell_hash(body) for body in map(gpu_body, codes) if body is not None}
    folder = root / "records"
    if not (cases or cells) or not folder.is_dir():
        return
    library = records.load(folder)
    yield from library.problems
    for record in library.records:
        read = [row for row in record.measurements if row["case"] in cases]
        read += [record.cells[mark] for mark in sorted(cells & record.cells.keys())]
        if read:
            dated = [{"date": record.date, **one} for one in read]
            yield json.dumps([dict(record.machine), *dated], sort_keys=True)
