"""Time every implementation of every case study on this machine, and record it.

    python -m tools.bench                 all cases, sizes and dtypes; writes records/
    python -m tools.bench --case grid_max --size 3000 --dtype float64 --no-record

Ratios are those of one interleaved run; the yardstick of a case, the straightforward
parallel loop, is 1.  Where there is a GPU, sizes that keep one busy are added, for the
implementations that can use it.
"""

import argparse
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from arraylab import compare, machine, peaks, records
from arraylab.arrays import library_of
from arraylab.results import Comparison
from tools.state import BUNDLE

ROOT = Path(__file__).resolve().parent.parent
ON_GPU = frozenset({"cupy", "numba_cuda", "jax"})  # libraries that compute there
DTYPES = ("float64", "float32")
WRONG = frozenset({"WRONG", "RAISED", "DTYPE"})  # verdicts that no implementation has


class Job(NamedTuple):
    """One comparison: these implementations of a case, at a size, in a dtype."""

    case: str
    size: int
    dtype: str
    names: tuple[str, ...]

    @property
    def label(self) -> str:
        """The job in words, as a record names it: "bench grid_max 300 float64"."""
        return f"bench {self.case} {self.size} {self.dtype}"


def jobs(
    cases: Iterable[str],
    sizes: Iterable[int] = (),
    dtypes: Iterable[str] = (),
    gpu: bool = False,
) -> Iterator[Job]:
    """Yield the comparisons of `cases`, large ones last; `sizes` override theirs."""
    for name in cases:
        case = importlib.import_module(f"case_studies.{name}")
        able = tuple(n for n in case.IMPLEMENTATIONS if library_of(n) in ON_GPU)
        large = getattr(case, "GPU_SIZES", ()) if gpu and not sizes else ()
        for dtype in dtypes or DTYPES:
            for size in sizes or case.SIZES:
                yield Job(name, size, dtype, tuple(case.IMPLEMENTATIONS))
            for size in large:
                yield Job(name, size, dtype, (case.YARDSTICK, *able))


def run(job: Job) -> Comparison:
    """Compare the implementations of a job with the yardstick of its case."""
    case = importlib.import_module(f"case_studies.{job.case}")
    variants = [f"{job.case}.{name}" for name in job.names]
    inputs = case.inputs(job.size, job.dtype)
    return compare(variants, *inputs, reference=case.YARDSTICK, memory=True)


def rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return what there is to record of a comparison."""
    return [row.json() for row in comparison if row.verdict != "ABSENT"]


def record(
    measurements: list[dict[str, Any]], folder: Path, **more: Any
) -> records.Record:
    """Merge `measurements` into the record of this machine in `folder`."""
    path = folder / f"{machine().slug}.json"
    stamp: Mapping[str, Any] = machine().json()
    return records.save(path, stamp, measurements, commit=commit(), **more)


def commit() -> str:
    """Return the revision of the course, "-dirty" where code differs from it.

    Records do not count: the command writes one while it runs.
    """
    if (ROOT / BUNDLE).is_file():
        return json.loads((ROOT / BUNDLE).read_text("utf-8"))["commit"]
    if not (revision := _git("rev-parse", "--short=12", "HEAD")):
        return ""
    code = "status", "--porcelain", "--untracked-files=no", "--", ".", ":!records"
    return f"{revision}-dirty" if _git(*code) else revision


def _git(*arguments: str) -> str:
    """Return what a command of git says, "" without git or a repository."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()


def compute_in_float64() -> None:
    """Let JAX compute in float64 where it is given float64, if JAX is there."""
    try:
        import jax
    except ImportError:
        return
    jax.config.update("jax_enable_x64", True)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks that the command line asks for; return an exit status."""
    known = records.cases()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--case", action="append", choices=sorted(known))
    parser.add_argument("--size", action="append", type=int, default=[])
    parser.add_argument("--dtype", action="append", choices=DTYPES, default=[])
    parser.add_argument("--no-record", action="store_true", help="print only")
    asked = parser.parse_args(arguments)
    compute_in_float64()
    print(f"{machine()}\n\n{peaks()!r}\n")
    wrong = []
    for name in asked.case or known:
        start = time.perf_counter()
        found = []
        for job in jobs([name], asked.size, asked.dtype, gpu=bool(machine().gpus)):
            comparison = run(job)
            print(comparison, end="\n\n", flush=True)
            found += rows(comparison)
            wrong += [f"{job.label}: {r!r}" for r in comparison if r.verdict in WRONG]
        print(f"{name}: {time.perf_counter() - start:.0f} s")
        if not asked.no_record:
            print(record(found, ROOT / "records"))
    print(*wrong, sep="\n", file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
