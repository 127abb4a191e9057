"""Take the column means of an 80 GB matrix within 4 GiB of memory, and record it.

    python -m tools.outofcore                    all runs; writes records/
    python -m tools.outofcore --list             say which there are
    python -m tools.outofcore --only rewritten   those whose name has a word
    python -m tools.outofcore --n 20000 --limit 1 --no-record

Each run is a process of its own, alone.  Before it loads anything, the system is told
(RLIMIT_AS) to refuse it any address space beyond the limit: what it asks for beyond is
a MemoryError, and what is resident is always less.  So the limit needs no privileges,
holds for all threads of the run together, and no setting of Dask's is relied on.  The
peak is the system's own count (VmHWM), bytes written are too (/proc/self/io).
Results are checked; runs that are meant to fail are recorded with their error.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from arraylab import units
from arraylab.fingerprint import code_hash
from tools import bench

ROOT = Path(__file__).resolve().parent.parent
CASE = "symmetric_mean"
N, LIMIT, DTYPE = 100_000, 4 * 2**30, "float64"
ENFORCED = "by the system, on the address space of the whole process (RLIMIT_AS)"
LONGEST = 300.0  # seconds a run
THREADS = 2


class Run(NamedTuple):
    """One way through the matrix; `share` of N rows, `spill` at so many bytes."""

    name: str
    implementation: str
    chunk: int = 0
    threads: int = THREADS
    share: float = 1.0
    spill: int = 0


FLOOR = "the random numbers alone"
RUNS = (
    Run(FLOOR, "dask_blocks", 1_000),
    Run("NumPy, all at once", "numpy_whole", threads=1),
    Run("as written", "dask_blocks", 1_000),
    Run("as written, one thread", "dask_blocks", 800, 1),
    Run("as written, chunks of 2,500", "dask_blocks", 2_500),
    Run("as written, chunks of 8,000", "dask_blocks", 8_000),
    Run("as written, chunks of 10,000", "dask_blocks", 10_000),
    Run("as written, spilling to disk", "dask_blocks", 5_000, 2, 0.4, 2 * 10**9),
    Run("as written, x made twice", "dask_twice", 2_500),
    Run("rewritten", "dask_rewritten", 4_000),
    Run("rewritten, chunks of 12,500", "dask_rewritten", 12_500),
    Run("rewritten, Numba without blocks", "dask_numba_sums", 1_000),
)


def record_of(run: Run, n: int, limit: int) -> dict[str, Any]:
    """Run in a process of its own; return the row to record."""
    n = int(n * run.share)
    asked = {**run._asdict(), "n": n, "limit": limit}
    command = [sys.executable, "-m", "tools.outofcore", "--inside", json.dumps(asked)]
    env = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # each thread reserves its own
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, env=env)
        code, usage = watched(process, start + LONGEST)
        out.seek(0)
        said = out.read().strip().splitlines() or [""]
    try:
        told = dict(json.loads(said[-1]))
    except (ValueError, TypeError):
        why = f"ended with status {code}" if code >= 0 else f"killed, signal {-code}"
        told = {"result": f"{why}: {said[-1]}".strip(": "), "peak": usage}
        told["seconds"] = time.perf_counter() - start
    return {
        "case": CASE,
        "name": run.name,
        "implementation": run.implementation,
        "code": code_hash(CASE, run.implementation),
        "n": n,
        "dtype": DTYPE,
        "chunk": run.chunk,
        "threads": run.threads,
        "array": 8 * n**2,
        "limit": limit,
        "enforced": ENFORCED,
        **told,
    }


def watched(process: subprocess.Popen, end: float) -> tuple[int, int]:
    """Wait for a process until `end`, then kill it; return its status and peak."""
    try:
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return process.returncode, usage.ru_maxrss * 1024
            if time.perf_counter() > end:
                process.kill()
            time.sleep(0.05)
    finally:  # an interrupted command leaves no run behind
        process.kill()


# Inside the process of a run


def inside(asked: dict[str, Any]) -> dict[str, Any]:
    """Limit this process, do one run, and return how it went."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (asked["limit"], asked["limit"]))
    case = importlib.import_module(f"case_studies.{CASE}")
    keys, unit = case.inputs(asked["n"], DTYPE)
    result = prepare(asked)
    error, means = "", None
    start, written = time.perf_counter(), counted("io", "wchar")
    try:
        means = result(keys, unit)
    except MemoryError as refused:
        error = f"MemoryError: {str(refused).rstrip('.')}"
    seconds = time.perf_counter() - start
    told = {
        "seconds": round(seconds, 2),
        "peak": 1024 * counted("status", "VmHWM"),
        "reserved": 1024 * counted("status", "VmPeak"),
        "written": counted("io", "wchar") - written,
    }
    if means is not None and asked["name"] != FLOOR:
        case.check(means, keys, unit)
    return {"result": error or "finished", **told}


def prepare(asked: dict[str, Any]) -> Callable[..., Any]:
    """Return what takes keys and unit to a result, everything loaded beforehand."""
    module = importlib.import_module(f"case_studies.{CASE}.{asked['implementation']}")
    ask = getattr(module, CASE)
    if asked["name"] == FLOOR:
        return lambda keys, unit: floor(keys, unit, asked["chunk"], asked["threads"])
    if not asked["implementation"].startswith("dask"):
        return ask
    import dask

    case = importlib.import_module(f"case_studies.{CASE}")
    if "numba" in asked["implementation"]:
        ask(*case.inputs(10, DTYPE)).compute()  # compile before the clock starts
    if asked["spill"]:
        return lambda keys, unit: spilling(ask(keys, unit, asked["chunk"]), asked)
    how = {"scheduler": "threads", "num_workers": asked["threads"]}
    dask.config.set(**how)
    return lambda keys, unit: ask(keys, unit, asked["chunk"]).compute()


def floor(keys: Any, unit: Any, side: int, threads: int) -> float:
    """Make every block of x and add it up, on threads, without Dask."""
    import numpy as np

    from case_studies.symmetric_mean import block

    def total(place: tuple[int, int]) -> float:
        top, left = place
        columns = np.arange(left, min(left + side, len(keys)))
        return float(block(keys[top : top + side], columns, unit).sum())

    edges = range(0, len(keys), side)
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(total, ((i, j) for i in edges for j in edges)))


def spilling(lazy: Any, asked: dict[str, Any]) -> Any:
    """Compute on Dask's distributed engine, inside this process, spilling to disk."""
    from distributed import Client, LocalCluster

    quiet = {"host": "127.0.0.1", "protocol": "tcp", "dashboard_address": None}
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(
            n_workers=1,
            threads_per_worker=asked["threads"],
            processes=False,
            memory_limit=asked["spill"],
            local_directory=folder,
            **quiet,
        ) as cluster,
        Client(cluster),
    ):
        return lazy.compute()


def counted(file: str, field: str) -> int:
    """Return what the system counts of this process, as /proc states it."""
    for line in Path(f"/proc/self/{file}").read_text("ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    return 0


# The command


def line(row: dict[str, Any], floor: float | None) -> str:
    """Return one run in words."""
    size, limit = units.size(row["array"]), units.size(row["limit"])
    words = f"{row['name']} ({size} within {limit}): {row['result']}"
    words += f", {row['seconds']:.1f} s, peak {units.size(row['peak'])}"
    if row["result"] == "finished":
        words += f", {units.rate(row['array'] / row['seconds'], 'B')}"
        if floor and row["n"] == N:
            words += f", {floor / row['seconds']:.0%} of the floor"
    return words


def main(arguments: list[str] | None = None) -> int:
    """Do the runs that the command line asks for; return an exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--list", action="store_true", help="name the runs, do none")
    parser.add_argument("--only", action="append", default=[], metavar="WORD")
    parser.add_argument("--n", type=int, default=N, help="rows and columns")
    parser.add_argument("--limit", type=float, default=LIMIT / 2**30, metavar="GIB")
    parser.add_argument("--no-record", action="store_true", help="print only")
    parser.add_argument("--inside", type=json.loads, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if not sys.platform.startswith("linux"):
        print("only Linux enforces the limit that this needs", file=sys.stderr)
        return 2
    if asked.inside:
        print(json.dumps(inside(asked.inside)))
        return 0
    runs = [r for r in RUNS if any(word in r.name for word in asked.only or ("",))]
    if asked.list:
        print(*(run.name for run in runs), sep="\n")
        return 0
    floor, wrong = None, 0
    for run in runs:
        row = record_of(run, asked.n, int(asked.limit * 2**30))
        floor = row["seconds"] if run.name == FLOOR else floor
        print(line(row, floor), flush=True)
        wrong += row["result"] != "finished" and "MemoryError" not in row["result"]
        if not asked.no_record:
            bench.record([], ROOT / "records", outofcore=[row])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
