"""Measure what memory and arithmetic of a GPU reach, through CuPy or JAX."""

import contextlib
import math
import os
import time
from collections.abc import Callable
from typing import Any

DTYPES = ("float64", "float32")
_MIB = 2**20

Call = Callable[[], Any]


def measure_with_cupy(number: int) -> dict[str, Any]:
    """Return the measured fields of `Peaks`; products use TF32 only if told to.

    The bandwidth is that of b = a + 1 and of a copy, the flop rate that of cuBLAS.
    """
    import cupy

    def copies(nbytes: int) -> dict[str, Call]:
        a = cupy.ones(max(1, nbytes // 16), dtype="float64")
        b = cupy.empty_like(a)
        return {
            "add": lambda: cupy.add(a, 1, out=b),
            "copy": lambda: cupy.copyto(b, a),
        }

    def product(dtype: str, n: int) -> Call:
        a = cupy.ones((n, n), dtype=dtype)
        out = cupy.empty_like(a)
        return lambda: cupy.matmul(a, a, out=out)

    def wait(_: Any) -> None:
        cupy.cuda.runtime.deviceSynchronize()

    with cupy.cuda.Device(number):
        told = cupy.cuda.runtime.getDeviceProperties(number)
        free, _ = cupy.cuda.runtime.memGetInfo()
        cache = int(told.get("l2CacheSize") or 0)
        found = _measure(copies, product, wait, cache, free)
    if os.environ.get("CUPY_TF32") not in (None, "", "0"):
        note = "CUPY_TF32 is set: the float32 rate is that of TF32, of lower precision."
        found["notes"] = (note,)
    return found


def measure_with_jax(number: int) -> dict[str, Any]:
    """Return the measured fields of `Peaks`; precision="highest" keeps TF32 out."""
    import jax

    plus = jax.jit(lambda a: a + 1)
    matmul = jax.jit(lambda a: jax.numpy.matmul(a, a, precision="highest"))

    def copies(nbytes: int) -> dict[str, Call]:
        a = jax.numpy.ones(max(1, nbytes // 16), dtype="float64")
        return {"add": lambda: plus(a)}

    def product(dtype: str, n: int) -> Call:
        a = jax.numpy.ones((n, n), dtype=dtype)
        return lambda: matmul(a)

    device = jax.devices()[number]
    with _x64(jax), jax.default_device(device):
        return _measure(copies, product, jax.block_until_ready, 0, _free(device))


def _free(device: Any) -> int:
    """Return the bytes that JAX may still use on a device."""
    told = device.memory_stats() or {}
    return told.get("bytes_limit", 4096 * _MIB) - told.get("bytes_in_use", 0)


def _x64(jax: Any) -> contextlib.AbstractContextManager:
    """Return JAX's context in which float64 exists; it moved in JAX 0.8."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    from jax.experimental import enable_x64

    return enable_x64()


def _measure(
    copies: Callable[[int], dict[str, Call]],
    product: Callable[[str, int], Call],
    wait: Callable[[Any], Any],
    cache: int,
    free: int,
) -> dict[str, Any]:
    """Measure a GPU with the given kernels; `copies(nbytes)` move that many bytes.

    Where the size of the L2 cache is unknown (0) it is taken as 64 MiB.
    """
    cache = cache or 64 * _MIB
    far, near = min(max(1024 * _MIB, 8 * cache), free // 8), cache // 4
    rates = {
        nbytes: {k: nbytes / queued(call, wait) for k, call in copies(nbytes).items()}
        for nbytes in (far, near)
    }
    return {
        "kernels": rates[far],
        "cache_bandwidth": max(rates[near].values()),
        "flops": {dtype: _flops(product, wait, dtype, free) for dtype in DTYPES},
        "last_level_cache": cache,
        "notes": (),
    }


def _flops(
    product: Callable[[str, int], Call],
    wait: Callable[[Any], Any],
    dtype: str,
    free: int,
) -> float:
    """Return the flop rate of products, of larger matrices while these are quick."""
    best = 0.0
    largest = max(1, math.isqrt(free // 64))
    for n in [n for n in (2048, 4096, 8192) if n <= largest] or [largest]:
        seconds = queued(product(dtype, n), wait)
        best = max(best, 2.0 * n**3 / seconds)
        if seconds > 0.02:
            break
    return best


def queued(call: Call, wait: Callable[[Any], Any]) -> float:
    """Return the seconds of one call among many queued at once, the best of five.

    Waiting once for many calls keeps the cost of launching and waiting out of the time.
    """
    wait(call())

    def timed(times: int) -> float:
        start = time.perf_counter()
        result = None
        for _ in range(times):
            result = call()
        wait(result)
        return (time.perf_counter() - start) / times

    times = min(max(1, math.ceil(0.02 / max(timed(1), 1e-7))), 1000)
    return min(timed(times) for _ in range(5))
