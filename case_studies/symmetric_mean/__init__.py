"""The column means of x + xᵀ, x larger than memory: one file an implementation."""

from case_studies.symmetric_mean.problem import block, check, inputs, oracle, work

__all__ = [
    "IMPLEMENTATIONS",
    "SIZES",
    "YARDSTICK",
    "block",
    "check",
    "inputs",
    "oracle",
    "work",
]

IMPLEMENTATIONS = (  # <library>_<technique>, in the order the lectures meet them
    "numpy_whole",
    "numpy_blocked",
    "numba_rows",
    "dask_blocks",
    "dask_twice",
    "dask_rewritten",
    "dask_numba_sums",
    "cupy_counter",
)

YARDSTICK = "dask_blocks"  # the formula as written, in blocks
SIZES = (1_000, 3_000, 8_000)  # rows and columns that records keep
