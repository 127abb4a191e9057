"""What changes the meaning of a timing: versions, settings and threads in use.

Libraries obey the environment that C sees, and many read it once, when they are loaded.
A setting that comes too late is noted here, because it changes nothing else.
"""

import ctypes
import functools
import importlib.metadata
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from arraylab.words import counted

SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMBA_THREADING_LAYER",
    "NUMBA_DISABLE_JIT",
    "NUMBA_ENABLE_CUDASIM",
    "XLA_FLAGS",
    "XLA_PYTHON_CLIENT_PREALLOCATE",
    "JAX_ENABLE_X64",
    "JAX_PLATFORMS",
    "CUDA_VISIBLE_DEVICES",
    "CUPY_TF32",
    "GLIBC_TUNABLES",
)

CUPY_WHEELS = ("cupy-cuda13x", "cupy-cuda12x", "cupy-cuda11x", "cupy")
DISTRIBUTIONS = (
    "numpy",
    "numba",
    "numba-cuda",
    "jax",
    "jaxlib",
    "jax-cuda12-plugin",
    "jax-cuda13-plugin",
    "dask",
    "array-api-compat",
    "array-api-extra",
    "array-api-strict",
    "threadpoolctl",
    *CUPY_WHEELS,
)

# Which variables a thread pool obeys, the strongest first.
_OBEYS = {
    "openblas": ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"),
    "mkl": ("MKL_NUM_THREADS", "OMP_NUM_THREADS"),
    "blis": ("BLIS_NUM_THREADS", "OMP_NUM_THREADS"),
    "openmp": ("OMP_NUM_THREADS",),
}


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of what is installed, without importing it."""
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except Exception:
            continue
    try:
        found["BLAS"] = blas()
    except Exception:
        found["BLAS"] = "unknown"
    return found


def blas() -> str:
    """Return the name and version of the BLAS that NumPy was built with."""
    told = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{told['name']} {told.get('version', '')}".strip()


def c_getenv(name: str) -> str | None:
    """Return a variable as C's getenv sees it, which is what libraries obey."""
    getenv = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None).getenv
    getenv.restype, getenv.argtypes = ctypes.c_char_p, [ctypes.c_char_p]
    value = getenv(name.encode())
    return None if value is None else os.fsdecode(value)


def environment(
    environ: Mapping[str, str], getenv: Callable[[str], str | None]
) -> tuple[dict[str, str], list[str]]:
    """Return the settings as C sees them, and notes where Python sees others."""
    seen, notes = {}, []
    for name in SETTINGS:
        mine = environ.get(name)
        try:
            theirs = getenv(name)
        except Exception:
            theirs = mine
        if theirs is not None:
            seen[name] = theirs
        if mine != theirs:
            says = "is unset" if mine is None else f"is {mine!r}"
            hears = "do not see it" if theirs is None else f"see {theirs!r}"
            notes.append(
                f"{name} {says} in os.environ, but libraries written in C {hears}: "
                "os.environ was replaced, or changed behind Python's back. "
                "Set it before Python starts."
            )
    return seen, notes


def pools() -> dict[str, int]:
    """Return the threads of each thread pool loaded now, as threadpoolctl tells."""
    found: dict[str, int] = {}
    try:
        from threadpoolctl import threadpool_info

        for pool in threadpool_info():
            name = pool["internal_api"]
            found[name] = max(found.get(name, 0), pool["num_threads"])
    except Exception:
        return {}
    return found


def without_effect(
    told: Mapping[str, str], used: Mapping[str, int], cores: int
) -> list[str]:
    """Return a note for each thread setting that its library does not follow.

    A library may use fewer threads than told when there are fewer cores.
    """
    notes = []
    for pool, threads in used.items():
        name = next((n for n in _OBEYS.get(pool, ()) if n in told), "")
        wanted = told.get(name, "").split(",")[0].strip()
        if not wanted.isdecimal() or int(wanted) == 0:
            continue
        if not min(int(wanted), cores) <= threads <= int(wanted):
            notes.append(
                f"{name}={wanted} has no effect: {pool} uses "
                f"{counted(threads, 'thread')}. It was set after the library was "
                "loaded, or something overrode it. Set it before Python starts."
            )
    return notes


def x64_too_late(told: Mapping[str, str], jax: Any) -> list[str]:
    """Return a note where JAX, if imported, does not follow JAX_ENABLE_X64."""
    wanted = told.get("JAX_ENABLE_X64", "").lower() in ("1", "true", "yes", "on")
    if not wanted or getattr(getattr(jax, "config", None), "jax_enable_x64", True):
        return []
    return [
        "JAX_ENABLE_X64 has no effect: JAX was imported before it was set and computes "
        "in 32 bits. Set it before Python starts."
    ]
