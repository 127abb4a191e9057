"""How much memory a call needs at its worst moment."""

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
    NumPy, Numba or XLA take is seen, whoever asked for it.  Memory that the process
    held before and gives `fn` again is not counted: call `fn` once before, and compare
    large cases.

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


def device_peak() -> int | None:
    """Return the most bytes JAX or CuPy have held on the GPU so far, None without one.

    CuPy's pool never shrinks by itself, so its size is its high-water mark.
    """
    jax, cupy = sys.modules.get("jax"), sys.modules.get("cupy")
    marks = []
    if jax:
        stats = [device.memory_stats() for device in jax.local_devices()]
        marks += [s["peak_bytes_in_use"] for s in stats if s]
    if cupy and cupy.cuda.is_available():
        marks.append(cupy.get_default_memory_pool().total_bytes())
    return max(marks, default=None)


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
