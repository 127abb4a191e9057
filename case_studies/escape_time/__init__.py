"""How soon orbits of z² + c escape: work that differs from point to point."""

from case_studies.escape_time.problem import (
    check,
    counts_by_numpy,
    inputs,
    oracle,
    possible,
    work,
)

__all__ = [
    "IMPLEMENTATIONS",
    "SIZES",
    "YARDSTICK",
    "check",
    "counts_by_numpy",
    "inputs",
    "oracle",
    "possible",
    "work",
]

IMPLEMENTATIONS = (  # <library>_<technique>, in the order the lectures meet them
    "python_loop",
    "numpy_where",
    "numpy_boolean",
    "numpy_compaction",
    "numba_serial",
    "numba_complex",
    "numba_parallel",
    "numba_dealt",
    "numba_lanes",
    "jax_where",
    "jax_while",
    "jax_rows",
    "dask_tiles",
    "dask_numba_tiles",
    "cupy_where",
    "cupy_elementwise",
    "cupy_raw",
    "numba_cuda_points",
)

YARDSTICK = "numba_parallel"  # straightforward and parallel: what the rest is held to
SIZES = (100, 300, 1_000)  # points a side that records keep
