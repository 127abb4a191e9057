"""Columns brought to mean 0 and variance 1: one problem, one file an implementation."""

from case_studies.column_stats.problem import check, inputs, moments, oracle, work

__all__ = [
    "IMPLEMENTATIONS",
    "SIZES",
    "YARDSTICK",
    "check",
    "inputs",
    "moments",
    "oracle",
    "work",
]

IMPLEMENTATIONS = (  # <library>_<technique>, in the order the lectures meet them
    "numpy_usual",
    "numpy_in_place",
    "numpy_blocked",
    "numba_columns",
    "numba_two_pass",
    "numba_one_pass",
    "numba_streamed",
    "jax_jit",
    "jax_one_pass",
    "dask_blocks",
    "dask_numba_one_pass",
    "array_api_usual",
    "cupy_usual",
    "cupy_elementwise",
    "numba_cuda_columns",
)

YARDSTICK = "numpy_usual"  # the lines that everybody writes: what the rest is held to
SIZES = (100, 300, 1_000)  # columns; the last is a matrix of 50,000 x 1,000
