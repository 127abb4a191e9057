"""The largest value of a surface on a grid: one problem, one file an implementation."""

from case_studies.grid_max.problem import check, inputs, nearest, oracle, work

__all__ = [
    "GPU_SIZES",
    "IMPLEMENTATIONS",
    "SIZES",
    "YARDSTICK",
    "check",
    "inputs",
    "nearest",
    "oracle",
    "work",
]

IMPLEMENTATIONS = (  # <library>_<technique>, in the order the lectures meet them
    "python_loop",
    "numpy_mesh",
    "numpy_broadcast",
    "numpy_blocked",
    "numba_serial",
    "numba_parallel",
    "numba_vectorised",
    "numba_polynomial",
    "jax_broadcast",
    "jax_vmap",
    "jax_polynomial",
    "dask_blocks",
    "array_api_broadcast",
    "cupy_broadcast",
    "cupy_elementwise",
    "cupy_reduction",
    "numba_cuda_grid_stride",
    "numba_cuda_block_reduction",
)

YARDSTICK = "numba_parallel"  # straightforward and parallel: what the rest is held to
SIZES = (300, 1_000, 3_000)  # points a side that records keep
GPU_SIZES = (10_000,)  # beside these, on a GPU: small grids leave one idle
