"""Measure what memory, cache and arithmetic of the CPU reach, with NumPy and threads.

What is measured can only be too low, never too high: the hardware may be better than
the best that we saw it do.
"""

import itertools
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

BUSY = (
    "Other programs ran meanwhile, so the limits may be too low: "
    "peaks(refresh=True) measures again."
)
DTYPES = ("float64", "float32")
_ROW = 4096  # elements of a row: short enough that no BLAS splits it over threads
_MIB = 2**20

Jobs = list[Callable[[], Any]]


class Round(NamedTuple):
    """The wall time of a round and the mean number of cores at work in it."""

    seconds: float
    cores: float


def measure(cores: int, memory: int, cache: int, blas_threads: int) -> dict[str, Any]:
    """Return the measured fields of `Peaks` (cache and memory in bytes, 0: unknown).

    It measures in sweeps, so that a short disturbance spoils only one.  Three are
    enough where every limit was seen with all cores at work; where other programs take
    cores away it goes on for some seconds, and a note says so.
    """
    start = time.perf_counter()
    cache, blas = cache or 32 * _MIB, blas_threads or cores
    works = memory_jobs(_arrays(cores, working_set(cache, memory)))
    works |= {"cache": cache_jobs(cores)} | {dtype: _product(dtype) for dtype in DTYPES}
    rounds: dict[str, list[Round]] = {kernel: [] for kernel in works}
    for sweep in itertools.count(1):
        for kernel, (jobs, _) in works.items():
            rounds[kernel] += together(jobs, 2 if len(jobs) < cores else 4)
        used = {kernel: blas if kernel in DTYPES else cores for kernel in works}
        quiet = all(undisturbed(rounds[kernel], used[kernel]) for kernel in works)
        if sweep >= 3 and (quiet or time.perf_counter() - start > 3):
            break
    rates = {k: amount / min(rounds[k]).seconds for k, (_, amount) in works.items()}
    if blas < cores:
        rates |= {t: max(rates[t], _products_apart(t, cores)) for t in DTYPES}
    return {
        "kernels": {kernel: rates[kernel] for kernel in ("read", "copy", "add")},
        "cache_bandwidth": rates["cache"],
        "flops": {dtype: rates[dtype] for dtype in DTYPES},
        "last_level_cache": cache,
        "notes": () if quiet else (BUSY,),
    }


def working_set(cache: int, memory: int) -> int:
    """Return the bytes of all arrays together.

    A kernel uses two of three arrays, and these should be four times the cache; never
    more than an eighth of the memory, nor than 1.5 GiB.
    """
    wanted = min(max(6 * cache, 96 * _MIB), 1536 * _MIB)
    return min(wanted, memory // 8) if memory else wanted


def _arrays(cores: int, nbytes: int) -> list[tuple[np.ndarray, ...]]:
    """Return three touched float64 arrays a core, made by a thread of its own."""
    rows = max(1, nbytes // (3 * cores * _ROW * 8))
    made: list[tuple[np.ndarray, ...]] = []

    def make() -> None:
        made.append(tuple(np.ones((rows, _ROW)) for _ in range(3)))

    together([make] * cores, 1)
    return made


def memory_jobs(arrays: list[tuple[np.ndarray, ...]]) -> dict[str, tuple[Jobs, float]]:
    """Return the jobs, one a core, and the bytes all of them move, by kernel.

    read: sum(a * b) row by row; copy: b = a; add: c = a + b.
    """
    one = sum(a.nbytes for a, _, _ in arrays)
    read = [partial(np.vecdot, a, b, out=np.empty(len(a))) for a, b, _ in arrays]
    copy = [partial(np.copyto, b, a) for a, b, _ in arrays]
    add = [partial(np.add, a, b, out=c) for a, b, c in arrays]
    return {"read": (read, 2 * one), "copy": (copy, 2 * one), "add": (add, 3 * one)}


def cache_jobs(cores: int, passes: int = 4000) -> tuple[Jobs, float]:
    """Return jobs that read 256 KiB again and again, and the bytes all of them read.

    All passes are one call of NumPy, on a view that repeats the array: a Python loop
    would have the threads wait for each other.
    """
    jobs: Jobs = []
    for _ in range(cores):
        a, b = np.ones((4, _ROW)), np.ones((4, _ROW))
        again, out = np.broadcast_to(a, (passes, *a.shape)), np.empty((passes, len(a)))
        jobs.append(partial(np.vecdot, again, b, out=out))
    return jobs, cores * passes * 2 * 4 * _ROW * 8


def _product(dtype: str, n: int = 1600) -> tuple[Jobs, float]:
    """Return one job, a product of n x n matrices, and its operations.

    Where that takes less than 5 ms, for the machine has many cores, n is doubled.
    """
    a, b = np.ones((n, n), dtype), np.ones((n, n), dtype)
    jobs: Jobs = [partial(np.matmul, a, b, out=np.empty_like(a))]
    if min(together(jobs, 2)).seconds < 5e-3 and 800 <= n < 3200:
        return _product(dtype, 2 * n)
    return jobs, 2.0 * n**3


def _products_apart(dtype: str, cores: int) -> float:
    """Return the rate of one product a core, for a BLAS that uses fewer threads."""
    products = [_product(dtype, 700) for _ in range(cores)]
    rounds = together([job for jobs, _ in products for job in jobs], 6)
    return sum(done for _, done in products) / min(rounds).seconds


def together(jobs: Jobs, rounds: int) -> list[Round]:
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
        except BaseException as error:
            errors.append(error)
            barrier.abort()  # the others raise BrokenBarrierError, after this error

    threads = [threading.Thread(target=worker, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    took = spans[:, :, 1].max(axis=1) - spans[:, :, 0].min(axis=1)
    return [Round(wall, cpu / wall) for wall, cpu in took.tolist()]


def undisturbed(rounds: list[Round], cores: int) -> bool:
    """Return whether a round close to the best had `cores` cores at work.

    Windows counts CPU time in steps of 16 ms, too coarse to tell.
    """
    best = min(rounds).seconds
    near = [r.cores for r in rounds if r.seconds < 1.05 * best]
    return sys.platform == "win32" or max(near) > 0.8 * cores
