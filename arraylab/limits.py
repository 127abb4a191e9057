"""The limits of this machine, measured: how fast bytes move and numbers multiply.

A time says little until it is set beside the time that the machine allows.  `peaks`
measures what memory, cache and arithmetic reach, with NumPy and threads only, and keeps
the result on disk.  What is measured can only be too low, never too high: the hardware
may be better than the best that we saw it do.
"""

import contextlib
import datetime
import itertools
import json
import math
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from arraylab import html, units
from arraylab.machine import Machine, devices, machine

SCHEMA = 1
_ROW = 4096  # elements of a row: short enough that no BLAS splits it over threads
_MIB = 2**20


@dataclass(frozen=True, repr=False)
class Share:
    """How much of a measured limit a computation reached.

    `kind` is "bandwidth" or "flops", `fraction` is 1 at the limit, and `limit` names
    the limit in words.
    """

    kind: str
    fraction: float
    limit: str = ""

    def json(self) -> dict[str, Any]:
        """Return the share as plain values."""
        return asdict(self)

    def __repr__(self) -> str:
        usual = {"bandwidth": "memory bandwidth", "flops": "the flop rate"}
        percent = units.rounded(100 * self.fraction, 2)
        return f"{percent} % of {self.limit or usual.get(self.kind, self.kind)}"


@dataclass(frozen=True, repr=False)
class Peaks:
    """Measured limits of one device.

    Attributes
    ----------
    device : str
        "cpu", or the GPU's name.
    bandwidth : float
        Bytes per second from and to main memory, all usable cores together: bytes read
        plus bytes written by the program (not the lines a write fetches first).
    cache_bandwidth : float
        The same for data that stay in the cache (256 kB a core; on a GPU, its L2).
    flops : dict of str to float
        Operations per second of a matrix product, by dtype.  The product is the best
        code the machine has, so this is a lower bound of the hardware's own limit.
    last_level_cache : int
        Bytes; data smaller than this are judged by `cache_bandwidth`.
    measured : str
        ISO date of the measurement.
    kernels : dict of str to float
        Bytes per second of each memory kernel; `bandwidth` is the largest.
    notes : tuple of str
        What should be known before the numbers are trusted.
    """

    device: str
    bandwidth: float
    cache_bandwidth: float
    flops: dict[str, float]
    last_level_cache: int
    measured: str
    kernels: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def share(
        self, seconds: float, operations: float, nbytes: float, dtype: Any = "float64"
    ) -> Share:
        """Return the larger of the two shares that a computation reached.

        Parameters
        ----------
        seconds : float
            Time of the computation.
        operations, nbytes : float
            What it must do at least: operations, and bytes read plus written.
        dtype : dtype
            Of the operations.  Complex types count as their real parts; a type without
            a measured rate (integers) is judged by its bytes alone.

        Returns
        -------
        Share
        """
        moving, computing = self._times(operations, nbytes, dtype)
        name = _name(dtype)
        if computing > moving:
            return Share("flops", _over(computing, seconds), f"the {name} flop rate")
        memory = "memory" if nbytes >= 2 * self.last_level_cache else "cache"
        return Share("bandwidth", _over(moving, seconds), f"{memory} bandwidth")

    def fastest(
        self, operations: float, nbytes: float, dtype: Any = "float64"
    ) -> float:
        """Return the seconds that the limits allow: the larger of the two times."""
        return max(self._times(operations, nbytes, dtype))

    def balance(self, dtype: Any = "float64") -> float:
        """Return the ridge of the roofline in operations per byte of main memory.

        Code that does fewer operations on each byte is limited by memory.
        """
        return self._flops(dtype) / self.bandwidth

    def _times(
        self, operations: float, nbytes: float, dtype: Any
    ) -> tuple[float, float]:
        """Return the least seconds for moving the bytes and for the operations.

        Data of up to one last-level cache may all lie in it from the call before, data
        of two cannot usefully; between the two the time grows without a jump.
        """
        ratio = nbytes / self.last_level_cache if self.last_level_cache else math.inf
        cached = min(max(2 - ratio, 0.0), 1.0)
        near, far = cached * nbytes, (1 - cached) * nbytes
        moving = near / self.cache_bandwidth + far / self.bandwidth
        return moving, operations / self._flops(dtype)

    def _flops(self, dtype: Any) -> float:
        parts = {"complex128": "float64", "complex64": "float32"}
        name = parts.get(_name(dtype), _name(dtype))
        return self.flops.get(name, math.inf)

    def json(self) -> dict[str, Any]:
        """Return the limits as plain values."""
        return {**asdict(self), "notes": list(self.notes)}

    def rows(self) -> list[tuple[str, str]]:
        """Return the limits as pairs of words, in reading order."""
        rows = [("main memory", units.rate(self.bandwidth, "B"))]
        rows += [
            (f"main memory, {name}", units.rate(value, "B"))
            for name, value in self.kernels.items()
        ]
        rows.append(("cache", units.rate(self.cache_bandwidth, "B")))
        for dtype, value in self.flops.items():
            rows.append((f"{dtype} matrix product", units.rate(value, "flop")))
            words = f"{units.rounded(self.balance(dtype), 2)} flop per byte"
            rows.append((f"{dtype} balance", words))
        return rows

    def __repr__(self) -> str:
        rates = [f"{units.rate(value, 'flop')} {k}" for k, value in self.flops.items()]
        moved = f"{units.rate(self.bandwidth, 'B')} memory"
        return f"Peaks({self.device}: {', '.join([moved, *rates])})"

    def __str__(self) -> str:
        lines = [f"{name:<26}{value}" for name, value in self.rows()]
        return "\n".join([repr(self), *lines, *(f"note: {n}" for n in self.notes)])

    def _repr_html_(self) -> str:
        caption = f"Limits of {self.device}, measured {self.measured}"
        table = html.table(caption, ("limit", "measured"), self.rows())
        return html.block(table, *map(html.note, self.notes))


def _name(dtype: Any) -> str:
    """Return the name of `dtype`, also of one that NumPy does not have."""
    try:
        return np.dtype(dtype).name
    except TypeError:
        return str(dtype)


def _over(least: float, seconds: float) -> float:
    return least / seconds if seconds > 0 else math.inf if least else 0.0


def peaks(device: str = "cpu", refresh: bool = False) -> Peaks:
    """Return the measured limits of `device`; the first call takes some seconds.

    The result is kept in the user's cache folder (BEYOND_NUMPY_CACHE names another), so
    a second process takes no time.  It is measured anew when processor, cores, NumPy,
    its BLAS or the thread settings have changed, and once more in the next process
    where other programs disturbed the measurement.

    Parameters
    ----------
    device : str
        "cpu", "gpu", or the name of this machine's GPU.
    refresh : bool
        Measure again, and keep the better of the old and the new values: another
        program that runs meanwhile can only make a limit look lower than it is.

    Returns
    -------
    Peaks

    Raises
    ------
    ValueError
        If there is no device of that name.
    RuntimeError
        If a GPU is asked for and neither CuPy nor JAX can use one.
    """
    here = machine()
    name, library = _found(device)
    key = _key(here, library)
    path = _file(here, name)
    stored, note = _kept.get((name, json.dumps(key))), ""
    if stored is None and path is not None:
        stored, note = _load(path, key)
        refresh = refresh or (stored is not None and _BUSY in stored.notes)
    if stored is None or refresh:
        measured = _MEASURES[library](name, here)
        stored = _better(stored, measured) if stored else measured
        if path is not None:
            _store(path, key, stored)
    _kept[name, json.dumps(key)] = stored
    return replace(stored, notes=(*stored.notes, note)) if note else stored


_kept: dict[tuple[str, str], Peaks] = {}


def _found(device: str) -> tuple[str, str]:
    """Return the device's full name and the library that measures it."""
    if device == "cpu":
        return "cpu", "numpy"
    views = {view.library: view for view in devices().views}
    known = {name: view.library for view in views.values() for name in view.gpus}
    if device != "gpu" and device not in known:
        names = ", ".join(repr(name) for name in ("cpu", "gpu", *known))
        raise ValueError(f"there is no device {device!r} here; say one of {names}")
    for library in ("cupy", "jax"):
        names = views[library].gpus if library in views else ()
        if names and device in ("gpu", *names):
            return (names[0] if device == "gpu" else device), library
    said = "; ".join(
        f"{v.library} {v.says}. {v.advice}".strip() for v in views.values()
    )
    raise RuntimeError(f"neither CuPy nor JAX can use a GPU here ({said})")


def _better(old: Peaks, new: Peaks) -> Peaks:
    """Return the larger of each limit, with the date of `new`.

    What disturbed only one of the two has done no harm: only notes of both stay.
    """

    def best(a: dict[str, float], b: dict[str, float]) -> dict[str, float]:
        return {name: max(b[name], a.get(name, 0.0)) for name in b}

    return replace(
        new,
        bandwidth=max(old.bandwidth, new.bandwidth),
        cache_bandwidth=max(old.cache_bandwidth, new.cache_bandwidth),
        flops=best(old.flops, new.flops),
        kernels=best(old.kernels, new.kernels),
        notes=tuple(note for note in new.notes if note in old.notes),
    )


# The CPU ----------------------------------------------------------------------------


def _cpu_peaks(name: str, here: Machine) -> Peaks:
    """Measure the CPU in sweeps, so that a short disturbance spoils only one.

    Three sweeps are enough where every limit was seen with all cores at work; where
    other programs take cores away it goes on for some seconds, and a note says so.
    """
    start = time.perf_counter()
    cache = here.last_level_cache or 32 * _MIB
    arrays = _arrays(here.cores, _working_set(cache, here.memory))
    works = {**_memory_kernels(arrays), "cache": _cache_jobs(here.cores)}
    works |= {t: _product(t, _order(here.memory)) for t in ("float64", "float32")}
    blas = _blas_threads(here) or here.cores
    cores = {k: blas if k in ("float64", "float32") else here.cores for k in works}
    rounds: dict[str, list[_Round]] = {kernel: [] for kernel in works}
    for sweep in itertools.count():
        for kernel, (jobs, _) in works.items():
            rounds[kernel] += _together(jobs, 2 if len(jobs) < here.cores else 4)
        undisturbed = all(_undisturbed(rounds[k], cores[k]) for k in works)
        if sweep >= 2 and (undisturbed or time.perf_counter() - start > 3):
            break
    rates = {k: amount / min(rounds[k]).seconds for k, (_, amount) in works.items()}
    if blas < here.cores:
        for dtype in ("float64", "float32"):
            rates[dtype] = max(rates[dtype], _products_apart(dtype, here.cores))
    notes = () if undisturbed else (_BUSY,)
    return _cpu_found(name, rates, cache, notes)


def _cpu_found(
    name: str, rates: dict[str, float], cache: int, notes: tuple[str, ...]
) -> Peaks:
    kernels = {kernel: rates[kernel] for kernel in ("read", "copy", "add")}
    bandwidth = max(kernels.values())
    return Peaks(
        device=name,
        bandwidth=bandwidth,
        cache_bandwidth=max(bandwidth, rates["cache"]),
        flops={dtype: rates[dtype] for dtype in ("float64", "float32")},
        last_level_cache=cache,
        measured=_today(),
        kernels=kernels,
        notes=notes,
    )


_BUSY = (
    "Other programs ran meanwhile, so the limits may be too low: "
    "peaks(refresh=True) measures again."
)


def _blas_threads(here: Machine) -> int:
    """Return the threads that the loaded BLAS uses; 0 where nobody tells."""
    pools = here.threads.get("pools", {})
    return max((pools.get(name, 0) for name in ("openblas", "mkl", "blis")), default=0)


def _working_set(cache: int, memory: int) -> int:
    """Return the bytes of all arrays together.

    A kernel uses two of three arrays, and these should be four times the cache; never
    more than an eighth of the memory, nor than 1.5 GiB.
    """
    wanted = min(max(6 * cache, 96 * _MIB), 1536 * _MIB)
    return min(wanted, memory // 8) if memory else wanted


def _arrays(cores: int, nbytes: int) -> list[tuple[np.ndarray, ...]]:
    """Return three touched float64 arrays a core, made by a thread of its own."""
    rows = max(1, nbytes // (3 * cores * _ROW * 8))
    made: list[Any] = [None] * cores

    def make(i: int) -> Callable[[], None]:
        def job() -> None:
            made[i] = tuple(np.ones((rows, _ROW)) for _ in range(3))

        return job

    _together([make(i) for i in range(cores)], 1)
    return made


_Jobs = list[Callable[[], Any]]


class _Round(NamedTuple):
    """The wall time of a round and the mean number of cores at work in it."""

    seconds: float
    cores: float


def _memory_kernels(
    arrays: list[tuple[np.ndarray, ...]],
) -> dict[str, tuple[_Jobs, int]]:
    """Return the jobs, one a core, and the bytes all of them move, by kernel.

    read: sum(a * b) row by row; copy: b = a; add: c = a + b.
    """

    def reading(a: np.ndarray, b: np.ndarray, _: np.ndarray) -> Callable[[], Any]:
        out = np.empty(len(a))
        return lambda: np.vecdot(a, b, out=out)

    def copying(a: np.ndarray, b: np.ndarray, _: np.ndarray) -> Callable[[], Any]:
        return lambda: np.copyto(b, a)

    def adding(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> Callable[[], Any]:
        return lambda: np.add(a, b, out=c)

    one = sum(a.nbytes for a, _, _ in arrays)
    return {
        "read": ([reading(*three) for three in arrays], 2 * one),
        "copy": ([copying(*three) for three in arrays], 2 * one),
        "add": ([adding(*three) for three in arrays], 3 * one),
    }


def _cache_jobs(cores: int, passes: int = 4000) -> tuple[_Jobs, int]:
    """Return jobs that read 256 KiB again and again, and the bytes all of them read.

    All passes are one call of NumPy, on a view that repeats the array: a Python loop
    would have the threads wait for each other.
    """

    def job() -> Callable[[], Any]:
        a, b = np.ones((4, _ROW)), np.ones((4, _ROW))
        again = np.broadcast_to(a, (passes, *a.shape))
        out = np.empty((passes, len(a)))
        return lambda: np.vecdot(again, b, out=out)

    return [job() for _ in range(cores)], cores * passes * 2 * 4 * _ROW * 8


def _order(memory: int, usual: int = 1600) -> int:
    """Return the order of the matrices, smaller where memory is short."""
    return min(usual, math.isqrt(memory // 8 // 48) if memory else usual)


def _product(dtype: str, n: int) -> tuple[_Jobs, float]:
    """Return one job, a product of n x n matrices, and its operations.

    Where that takes less than 5 ms, for the machine has many cores, n is doubled.
    """
    a, b = np.ones((n, n), dtype), np.ones((n, n), dtype)
    out = np.empty_like(a)
    jobs = [lambda: np.matmul(a, b, out=out)]
    if min(_together(jobs, 2)).seconds < 5e-3 and 800 <= n < 3200:
        return _product(dtype, 2 * n)
    return jobs, 2.0 * n**3


def _products_apart(dtype: str, cores: int) -> float:
    """Return the rate of one product a core, for a BLAS that uses fewer threads."""
    products = [_product(dtype, 700) for _ in range(cores)]
    rounds = _together([job for jobs, _ in products for job in jobs], 6)
    return sum(done for _, done in products) / min(rounds).seconds


def _together(jobs: _Jobs, rounds: int) -> list[_Round]:
    """Return what each round took, in which every job runs in its own thread.

    The clock runs from the first start to the last end.  An error in a job is raised.
    """
    barrier = threading.Barrier(len(jobs))
    spans = np.zeros((rounds, len(jobs), 2, 2))
    errors: list[BaseException] = []

    def worker(i: int) -> None:
        try:
            for r in range(rounds):
                barrier.wait()
                spans[r, i, 0] = time.perf_counter(), time.process_time()
                jobs[i]()
                spans[r, i, 1] = time.perf_counter(), time.process_time()
        except threading.BrokenBarrierError:
            pass
        except BaseException as error:
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=worker, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    took = spans[:, :, 1].max(axis=1) - spans[:, :, 0].min(axis=1)
    return [_Round(wall, cpu / wall) for wall, cpu in took.tolist()]


def _undisturbed(rounds: list[_Round], cores: int) -> bool:
    """Return whether a round close to the best had `cores` cores at work.

    A clock of CPU time too coarse to tell (on Windows) counts as undisturbed.
    """
    if time.get_clock_info("process_time").resolution > 1e-3:
        return True
    best = min(rounds).seconds
    return any(r.cores > 0.8 * cores for r in rounds if r.seconds < 1.05 * best)


# A GPU ------------------------------------------------------------------------------


def _cupy_peaks(name: str, here: Machine) -> Peaks:
    """Measure a GPU through CuPy, whose products do not use TF32 unless told to.

    The bandwidth is that of b = a + 1 and of a copy, the flop rate that of cuBLAS.
    """
    import cupy

    number = _number("cupy", name)
    with cupy.cuda.Device(number):
        told = cupy.cuda.runtime.getDeviceProperties(number)
        free, _ = cupy.cuda.runtime.memGetInfo()

        def copies(nbytes: int) -> list[Callable[[], Any]]:
            a = cupy.ones(max(1, nbytes // 16), dtype="float64")
            b = cupy.empty_like(a)
            return [lambda: cupy.add(a, 1, out=b), lambda: cupy.copyto(b, a)]

        def product(dtype: str, n: int) -> Callable[[], Any]:
            a = cupy.ones((n, n), dtype=dtype)
            out = cupy.empty_like(a)
            return lambda: cupy.matmul(a, a, out=out)

        def wait(_: Any) -> None:
            cupy.cuda.runtime.deviceSynchronize()

        cache = int(told.get("l2CacheSize") or 0)
        dtypes = ("float64", "float32")
        found = _gpu_peaks(name, copies, product, wait, dtypes, cache, free)
    if os.environ.get("CUPY_TF32") not in (None, "", "0"):
        note = "CUPY_TF32 is set: the float32 rate is that of TF32, of lower precision."
        found = replace(found, notes=(*found.notes, note))
    return found


def _jax_peaks(name: str, here: Machine) -> Peaks:
    """Measure a GPU through JAX; precision="highest" keeps TF32 out of the product."""
    import jax

    dtypes = ("float64", "float32")
    device = jax.devices()[_number("jax", name)]
    told = _quiet_stats(device)
    free = told.get("bytes_limit", 4096 * _MIB) - told.get("bytes_in_use", 0)
    with _x64(jax), jax.default_device(device):
        plus = jax.jit(lambda a: a + 1)
        matmul = jax.jit(lambda a: jax.numpy.matmul(a, a, precision="highest"))

        def copies(nbytes: int) -> list[Callable[[], Any]]:
            a = jax.numpy.ones(max(1, nbytes // 16), dtype="float64")
            return [lambda: plus(a)]

        def product(dtype: str, n: int) -> Callable[[], Any]:
            a = jax.numpy.ones((n, n), dtype=dtype)
            return lambda: matmul(a)

        wait = jax.block_until_ready
        return _gpu_peaks(name, copies, product, wait, dtypes, 0, free)


def _quiet_stats(device: Any) -> dict[str, int]:
    try:
        return device.memory_stats() or {}
    except Exception:
        return {}


def _x64(jax: Any) -> contextlib.AbstractContextManager:
    """Return JAX's context in which float64 exists; it moved in JAX 0.8."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    from jax.experimental import enable_x64

    return enable_x64()


def _number(library: str, name: str) -> int:
    """Return the number of the GPU called `name`, the first of that name."""
    gpus = devices().view(library).gpus
    return gpus.index(name) if name in gpus else 0


def _gpu_peaks(
    name: str,
    copies: Callable[[int], list[Callable[[], Any]]],
    product: Callable[[str, int], Callable[[], Any]],
    wait: Callable[[Any], Any],
    dtypes: tuple[str, ...],
    cache: int,
    free: int,
) -> Peaks:
    """Measure a GPU with the given kernels; `copies(nbytes)` move that many bytes.

    Where the size of the L2 cache is unknown (0) it is taken as 64 MiB.
    """
    cache = cache or 64 * _MIB
    large = min(max(1024 * _MIB, 8 * cache), free // 8)
    times = [_queued(call, wait) for call in copies(large)]
    bandwidth = large / min(times)
    near = cache // 4
    cached = near / min(_queued(call, wait) for call in copies(near))
    flops = {dtype: _gpu_flops(product, wait, dtype, free) for dtype in dtypes}
    return Peaks(
        device=name,
        bandwidth=bandwidth,
        cache_bandwidth=max(cached, bandwidth),
        flops=flops,
        last_level_cache=cache,
        measured=_today(),
        kernels=dict(zip(("add", "copy"), (large / t for t in times), strict=False)),
    )


def _gpu_flops(
    product: Callable[[str, int], Callable[[], Any]],
    wait: Callable[[Any], Any],
    dtype: str,
    free: int,
) -> float:
    """Return the flop rate of products, of larger matrices while these are quick."""
    best = 0.0
    for n in (2048, 4096, 8192):
        if 4 * 8 * n * n > free // 2:
            break
        seconds = _queued(product(dtype, n), wait)
        best = max(best, 2.0 * n**3 / seconds)
        if seconds > 0.02:
            break
    if not best:
        n = max(1, math.isqrt(free // 64))
        best = 2.0 * n**3 / _queued(product(dtype, n), wait)
    return best


def _queued(
    call: Callable[[], Any], wait: Callable[[Any], Any], least: float = 0.02
) -> float:
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

    times = min(max(1, math.ceil(least / max(timed(1), 1e-7))), 1000)
    return min(timed(times) for _ in range(5))


_MEASURES = {"numpy": _cpu_peaks, "cupy": _cupy_peaks, "jax": _jax_peaks}


# What is kept on disk ---------------------------------------------------------------


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _key(here: Machine, library: str) -> dict[str, Any]:
    """Return what the limits depend on; other values mean another measurement."""
    starts = _DEPENDS[library]
    environment = here.threads.get("environment", {})
    key: dict[str, Any] = {
        "library": library,
        "versions": {k: v for k, v in here.versions.items() if k.startswith(starts)},
        "settings": {k: v for k, v in environment.items() if k.startswith(starts)},
    }
    if library == "numpy":
        return key | {
            "cpu": here.cpu,
            "cores": here.cores,
            "BLAS threads": _blas_threads(here),
        }
    return key | {"drivers": [gpu.driver for gpu in here.gpus]}


# How the names of the versions and settings begin on which a library's speed depends.
_DEPENDS = {
    "numpy": ("numpy", "BLAS", "OMP", "OPENBLAS", "GOTO", "MKL", "BLIS", "VECLIB"),
    "cupy": ("cupy", "CUPY", "CUDA"),
    "jax": ("jax", "JAX", "XLA", "CUDA"),
}


def _folder(
    environ: Any = None, system: str = "", home: Path | None = None
) -> Path | None:
    """Return the folder of what may be thrown away, None where there is no home."""
    environ = os.environ if environ is None else environ
    if told := environ.get("BEYOND_NUMPY_CACHE"):
        return Path(told)
    try:
        home = home or Path.home()
    except RuntimeError:
        return None
    system = system or sys.platform
    if system == "win32":
        base = Path(environ.get("LOCALAPPDATA") or home / "AppData/Local")
    elif system == "darwin":
        base = home / "Library/Caches"
    else:
        base = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "beyond-numpy"


def _file(here: Machine, device: str) -> Path | None:
    folder = _folder()
    if folder is None:
        return None
    name = re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
    return folder / f"peaks-{here.slug}-{name}.json"


def _load(path: Path, key: dict[str, Any]) -> tuple[Peaks | None, str]:
    """Return the limits kept for `key`, or None and a note why they are not used."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None, "" if not path.exists() else _DAMAGED
    try:
        content = json.loads(text)
        if content["schema"] != SCHEMA:
            return None, "The limits on disk had another format: measured anew."
        if content["key"] != json.loads(json.dumps(key)):
            return None, ""
        told = content["peaks"]
        found = Peaks(**{**told, "notes": tuple(told["notes"])})
        rates = (found.bandwidth, found.cache_bandwidth, *found.flops.values())
        if not all(0 < rate < math.inf for rate in rates):
            return None, _DAMAGED
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, _DAMAGED
    return found, ""


_DAMAGED = "The limits on disk could not be read: measured anew."


def _store(path: Path, key: dict[str, Any], found: Peaks) -> None:
    """Write the limits in one step; a folder that cannot be written is no error."""
    content = {"schema": SCHEMA, "key": key, "peaks": found.json()}
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _replacing(path) as file:
            json.dump(content, file, indent=1)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Any]:
    """Open a new file that takes the place of `path` once it is complete."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
