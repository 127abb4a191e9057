"""What an execution depends on beside the page itself, as one short hash."""

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

# Libraries whose version decides what a notebook prints.
LIBRARIES = (
    "array-api-compat",
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
BUNDLE = "bundle.json"  # marks a bundle of the course for a machine with a GPU


def digest(parts: Iterable[str | bytes]) -> str:
    """Return 16 hex digits over `parts`; line endings make no difference."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        data = data.replace(b"\r\n", b"\n")
        total.update(str(len(data)).encode() + b":" + data)
    return total.hexdigest()[:16]


def contents(root: Path, patterns: Iterable[str]) -> Iterable[str | bytes]:
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


def state(root: Path, sources: Iterable[str] = (*SOURCES, "requirements.txt")) -> str:
    """Return the hash of everything but the page that an execution depends on.

    These are the course's code, its records, the lock, the installed versions,
    Python, and the machine's kind (processor type, number of cores, GPU).
    """
    here = [platform.python_version(), platform.machine(), str(os.cpu_count())]
    installed = [f"{name} {version}" for name, version in versions().items()]
    return digest([*here, device(), *installed, *contents(root, sources)])
