"""Peak memory of implementations, measured in a process of their own.

In a process that has run for a while, malloc keeps freed memory for threads, which then
use it again uncounted.  A process with a single heap has none of that, and nothing that
other variants left behind either.
"""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from arraylab import arrays
from arraylab.inputs import copied
from arraylab.memory import can_be_marked, peak_memory
from arraylab.variants import variants_of

CODE = "from arraylab.memory_apart import answer; answer()"
LIMIT = 300.0  # s; what takes longer has no answer


def peaks_apart(addresses: Sequence[str], inputs: Sequence[Any]) -> dict[str, int]:
    """Return the peak memory of a call of each implementation, on the CPU.

    Parameters
    ----------
    addresses : sequence of str
        Implementations of case studies: "grid_max.jax_vmap".
    inputs : sequence
        What they are called with: NumPy arrays and whatever else can be pickled.

    Returns
    -------
    dict of str to int
        Bytes beyond the inputs by address.  A buffer that the implementation keeps from
        call to call is counted, what its first call compiles is not.  An address is
        missing where the memory cannot be told, as everywhere but on Linux.
    """
    if not addresses or not can_be_marked():
        return {}
    try:
        asked = pickle.dumps((list(addresses), tuple(inputs)))
    except (pickle.PicklingError, TypeError, AttributeError):  # inputs of this process
        return {}
    jax = sys.modules.get("jax")
    settings = {
        "MALLOC_ARENA_MAX": "1",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    if jax:
        settings["JAX_ENABLE_X64"] = str(jax.config.jax_enable_x64)
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", CODE],
            input=asked,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | settings,
            timeout=LIMIT,
            check=True,
        )
        return json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError):
        return {}


def answer() -> None:
    """In that process: read what is asked from stdin, print the peaks as JSON."""
    addresses, inputs = pickle.load(sys.stdin.buffer)
    peaks = {address: _peak(address, inputs) for address in addresses}
    print(json.dumps({key: peak for key, peak in peaks.items() if peak is not None}))


def _peak(address: str, inputs: tuple) -> int | None:
    (variant,) = variants_of([address])
    if arrays.missing(variant.library):
        return None
    placed = arrays.place(variant.library, *map(copied, inputs))
    try:
        arrays.wait(variant.fn(*placed))
        _forget_buffers(sys.modules[variant.fn.__module__])
        return peak_memory(variant.fn, *placed)
    except Exception:  # `compare` has already said what it raises
        return None


def _forget_buffers(module: ModuleType) -> None:
    """Drop the one buffer that an `lru_cache(maxsize=1)` keeps for the next call."""
    for value in vars(module).values():
        asked = getattr(value, "cache_parameters", None)
        if asked and asked()["maxsize"] == 1:
            value.cache_clear()
