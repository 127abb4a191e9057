"""Heat spreading on a plate, step by step: one problem, one file an implementation."""

from case_studies.heat.problem import check, inputs, modes, oracle, work

__all__ = [
    "IMPLEMENTATIONS",
    "SIZES",
    "YARDSTICK",
    "check",
    "inputs",
    "modes",
    "oracle",
    "work",
]

IMPLEMENTATIONS = (  # <library>_<technique>, in the order the lectures meet them
    "numpy_slicing",
    "numpy_out",
    "numpy_blocked",
    "numba_serial",
    "numba_parallel",
    "numba_stencil",
    "numba_tiled",
    "numba_wavefront",
    "jax_slices",
    "jax_roll",
    "jax_pad",
    "jax_interior",
    "jax_convolution",
    "jax_sharded",
    "dask_overlap",
    "dask_halo",
    "dask_numba_halo",
    "cupy_slices",
    "cupy_elementwise",
    "numba_cuda_points",
    "numba_cuda_shared",
)

YARDSTICK = "numba_parallel"  # straightforward and parallel: what the rest is held to
SIZES = (200, 500, 2_000)  # points a side that records keep
