"""Time every implementation of every case study on this machine, and record it.

    python -m tools.bench                 all cases, sizes and dtypes; writes records/
    python -m tools.bench --case grid_max --size 3000 --dtype float64 --no-record

Ratios are those of one interleaved run; the yardstick of a case, the straightforward
parallel loop, is 1.
"""

import argparse
import importlib
import subprocess
import time
from pathlib import Path
from typing import Any

from arraylab import compare, machine, peaks, records
from arraylab.results import Comparison

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmarks that the command line asks for."""
    known = records.cases()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--case", action="append", choices=sorted(known))
    parser.add_argument("--size", action="append", type=int)
    parser.add_argument("--dtype", action="append", choices=["float64", "float32"])
    parser.add_argument("--no-record", action="store_true", help="print only")
    asked = parser.parse_args(arguments)
    _compute_in_float64()
    print(f"{machine()}\n\n{peaks()!r}\n")
    for name in asked.case or known:
        start = time.perf_counter()
        rows = []
        for comparison in _compare_case(name, asked.size, asked.dtype):
            print(comparison, end="\n\n", flush=True)
            rows += [row.json() for row in comparison if row.verdict != "ABSENT"]
        print(f"{name}: {time.perf_counter() - start:.0f} s")
        if not asked.no_record:
            print(_record(rows))


def _compare_case(name: str, sizes: list[int] | None, dtypes: list[str] | None) -> Any:
    """Yield the comparison of all implementations for every size and dtype."""
    case = importlib.import_module(f"case_studies.{name}")
    for dtype in dtypes or ["float64", "float32"]:
        for size in sizes or case.SIZES:
            yield _compare(case, size, dtype)


def _compare(case: Any, size: int, dtype: str) -> Comparison:
    """Compare all implementations with the yardstick of the case."""
    return compare(case, *case.inputs(size, dtype), reference=case.YARDSTICK)


def _record(rows: list[dict[str, Any]]) -> str:
    """Merge `rows` into the record of this machine; return what was done."""
    path = ROOT / "records" / f"{machine().slug}.json"
    path.parent.mkdir(exist_ok=True)
    record = records.save(path, machine().json(), rows, commit=_commit())
    return f"{path.relative_to(ROOT)}: {record!r}"


def _commit() -> str:
    """Return the revision of the course, "-dirty" where files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def _compute_in_float64() -> None:
    """Let JAX compute in float64 where it is given float64, if JAX is there."""
    try:
        import jax
    except ImportError:
        return
    jax.config.update("jax_enable_x64", True)


if __name__ == "__main__":
    main()
