"""Many orbits of the quadratic map at once: one problem, one file an implementation."""

from case_studies.quadratic_ensemble.problem import check, inputs, oracle, reach, work

__all__ = [
    "IMPLEMENTATIONS",
    "SIZES",
    "YARDSTICK",
    "check",
    "inputs",
    "oracle",
    "reach",
    "work",
]

IMPLEMENTATIONS = (  # <library>_<technique>, in the order the lectures meet them
    "numpy_loop",
    "numpy_out",
    "numba_serial",
    "numba_parallel",
    "numba_blocks",
    "numba_registers",
    "jax_fori",
    "jax_vmap",
    "jax_blocks",
    "jax_unrolled",
    "dask_blocks",
    "dask_numba_blocks",
    "cupy_loop",
    "cupy_fuse",
    "cupy_elementwise",
    "numba_cuda_orbits",
)

YARDSTICK = "numba_parallel"  # straightforward and parallel: what the rest is held to
SIZES = (1_000, 10_000, 100_000)  # orbits that records keep
