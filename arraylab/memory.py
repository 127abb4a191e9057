"""How much memory a call needs at its worst moment."""

import contextlib
import ctypes
import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from arraylab.arrays import wait

UNSURE = 0.1  # a peak that may be short by a larger share is not told


def peak_memory(fn: Callable[..., Any], *args: Any) -> int | None:
    """Return the most bytes of host memory that `fn(*args)` held beyond the start.

    The kernel's own count of the process (its high-water mark), so that memory which
    NumPy, Numba or XLA take is seen, whoever asked for it.  Memory that was freed is
    handed back to the system before; what a library keeps in a pool of its own, and
    gives to `fn`, is not counted.

    What other threads freed is the exception: malloc keeps the end of each thread's
    heap for that thread, and nobody can take it back.  Where threads take part in the
    call, and so much is kept that the peak may be short by more than a tenth, there is
    no answer.  In a process started with ``MALLOC_ARENA_MAX=1`` nothing is kept.

    Returns
    -------
    int or None
        Bytes; None where they cannot be told: the system keeps no mark that can be
        reset (not Linux), or threads have kept too much.
    """
    gc.collect()
    if not can_be_marked():
        return None
    kept, threads = _kept_for_threads(), _seconds_of_other_threads()
    before, start = _status_bytes("VmRSS"), time.process_time()
    result = wait(fn(*args))
    peak = max(0, _status_bytes("VmHWM") - before)
    took, others = time.process_time() - start, _seconds_of_other_threads() - threads
    del result
    on_main = threading.current_thread() is threading.main_thread()
    alone = on_main and others < 1e-4 + 0.02 * took  # a notebook's own threads do a bit
    return peak if alone or kept <= UNSURE * peak else None


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


def _seconds_of_other_threads() -> float:
    return time.process_time() - time.thread_time()


def _kept_for_threads() -> int:
    """Return the bytes at the free ends of the heaps that malloc has for threads.

    GNU's malloc alone has such heaps and tells of them (`malloc_info`, in XML): what is
    free in one, less what is free between blocks, which `malloc_trim` has handed back.
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "malloc_info"):
        return 0
    text, length = ctypes.c_char_p(), ctypes.c_size_t()
    libc.open_memstream.restype = ctypes.c_void_p
    stream = ctypes.c_void_p(
        libc.open_memstream(ctypes.byref(text), ctypes.byref(length))
    )
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    _main, *others = ElementTree.fromstring(text.value or b"<malloc/>").iter("heap")
    libc.free(text)
    return sum(map(_free_end, others))


def _free_end(heap: ElementTree.Element) -> int:
    free = sum(int(e.get("size", 0)) for e in heap.iterfind("total[@type='rest']"))
    return free - sum(int(e.get("total", 0)) for e in heap.iterfind("sizes/*"))


def page_faults() -> int:
    """Return the page faults of this process so far; 0 where nobody counts them."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def can_be_marked() -> bool:
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
