"""Whether Python's and NumPy's functions are still those that were installed.

A notebook that says ``np.allclose = lambda *a, **k: True`` would be judged by a NumPy
that finds everything right.  So what its modules hold is compared with what a process
holds that has run nothing else: this file, run as a program.
"""

import functools
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

NUMPY = ("numpy", "numpy.linalg", "numpy.random", "numpy.testing")
PYTHON = ("builtins", "dis", "gc", "math", "statistics", "time", "tracemalloc")
SHELLS = frozenset(  # what Jupyter and other shells replace in builtins
    {"breakpoint", "copyright", "credits", "exit", "help", "input", "license"}
    | {"open", "print", "quit"}
)
SECONDS = 60.0  # to wait for that process


def replaced() -> list[str]:
    """Return what is not as installed, such as "numpy.allclose".

    Where no process can be started to compare with, nothing is known, and nothing said.
    """
    found = []
    for module, names in installed().items():
        now = vars(sys.modules[module]) if module in sys.modules else {}
        for name, mark in names.items():
            other = name in now and mark_of(now[name]) != mark
            if other and counts(module, name, now[name]):
                found.append(f"{module}.{name}")
    return found


def counts(module: str, name: str, value: Any) -> bool:
    """Return whether it matters that a module has this value under a name.

    It does not where an installed library, or the shell, has put a function of its own
    into one of Python's modules.
    """
    if module in NUMPY:
        return True
    file = getattr(getattr(value, "__code__", None), "co_filename", "")
    theirs = bool(file) and Path(file).is_file()
    return module in PYTHON and name not in SHELLS and not theirs


def mark_of(value: Any) -> list[str]:
    """Return what tells a function from others, in every process alike."""
    code = getattr(value, "__code__", None)
    place = f"{code.co_filename}:{code.co_firstlineno}" if code else ""
    names = [getattr(value, name, "") for name in ("__module__", "__qualname__")]
    name = getattr(value, "__name__", "")
    return [type(value).__name__, *map(str, names), str(name), place]


def marks() -> dict[str, dict[str, list[str]]]:
    """Return the marks of all functions of these modules."""
    return {
        module: {
            name: mark_of(value)
            for name, value in vars(importlib.import_module(module)).items()
            if callable(value) and not name.startswith("_")
        }
        for module in (*NUMPY, *PYTHON)
    }


@functools.cache
def installed() -> dict[str, dict[str, list[str]]]:
    """Return the marks in a process that has run nothing, {} if there can be none."""
    command = [sys.executable, "-I", str(Path(__file__).resolve())]
    quiet = {"creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0)}
    try:
        done = subprocess.run(
            command,
            input=json.dumps(sys.path),
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=True,
            **quiet,
        )
        return json.loads(done.stdout)
    except (OSError, TypeError, ValueError, subprocess.SubprocessError):
        return {}


if __name__ == "__main__":
    sys.path[:] = json.load(sys.stdin)
    json.dump(marks(), sys.stdout)
