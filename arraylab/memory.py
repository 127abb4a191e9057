"""How much memory a call needs at its worst moment."""

import contextlib
import ctypes
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from arraylab.arrays import wait


def peak_memory(fn: Callable[..., Any], *args: Any) -> int | None:
    """Return the most bytes of host memory that `fn(*args)` held beyond the start.

    The kernel's own count of the process (its high-water mark), so that memory which
    NumPy, Numba or XLA take is seen, whoever asked for it.  Memory that was freed is
    handed back to the system before; what a library keeps in a pool of its own, and
    gives to `fn`, is not counted.

    Returns
    -------
    int or None
        Bytes; None where the system keeps no mark that can be reset (not Linux).
    """
    gc.collect()
    if not _reset_mark():
        return None
    before = _status_bytes("VmRSS")
    result = wait(fn(*args))
    peak = _status_bytes("VmHWM")
    del result
    return max(0, peak - before)


def device_peak_memory(fn: Callable[..., Any], *args: Any) -> int | None:
    """Return the most bytes of GPU memory that `fn(*args)` held beyond the start.

    CuPy's pool is emptied before, and its size is its high-water mark, as it never
    shrinks by itself.  JAX's mark cannot be put back, so that a call which stays below
    an earlier one has no answer.

    Returns
    -------
    int or None
        Bytes; None where neither library can tell.
    """
    gc.collect()
    cupy = sys.modules.get("cupy")
    pool = cupy.get_default_memory_pool() if cupy else None
    if pool:
        pool.free_all_blocks()
    start = pool.used_bytes() if pool else 0
    before = _jax_stats()
    wait(fn(*args))
    after = _jax_stats()
    if after and after["peak_bytes_in_use"] > before["peak_bytes_in_use"]:
        return after["peak_bytes_in_use"] - before["bytes_in_use"]
    taken = pool.total_bytes() - start if pool else 0
    return taken or None


def _jax_stats() -> dict[str, int] | None:
    jax = sys.modules.get("jax")
    return jax.local_devices()[0].memory_stats() if jax else None


def page_faults() -> int:
    """Return the page faults of this process so far; 0 where nobody counts them."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def _reset_mark() -> bool:
    """Set the high-water mark back to what is held now; False if it cannot be."""
    if os.name != "posix" or not sys.platform.startswith("linux"):
        return False
    with contextlib.suppress(OSError, AttributeError):
        # Freed memory that malloc keeps would be used again without being counted.
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _status_bytes(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no field {field}")
