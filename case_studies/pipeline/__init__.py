"""The season of every pixel of an image series: stages, and a chain that survives."""

from case_studies.pipeline.problem import (
    check,
    errors,
    inputs,
    observed,
    oracle,
    planted,
    recovered,
    spoiled,
    work,
)

__all__ = [
    "IMPLEMENTATIONS",
    "PARTS",
    "SIZES",
    "YARDSTICK",
    "check",
    "errors",
    "inputs",
    "observed",
    "oracle",
    "planted",
    "recovered",
    "spoiled",
    "work",
]

IMPLEMENTATIONS = (  # <library>_<technique>, in the order the lectures meet them
    "numpy_blocked",
    "dask_numpy",
    "numba_parallel",
    "jax_vmap",
    "dask_numba_jax",
    "cupy_jax",
)

# What chains are made of, each used by several, and the chain that can be interrupted:
# the function that a file offers.
PARTS = {
    "array_api_clean": "clean",
    "array_api_solve": "solve",
    "numpy_fit": "fit",
    "numba_clean": "clean",
    "numba_fit": "step",
    "jax_fit": "fit",
    "cupy_clean": "clean",
    "dask_scene": "make",
    "dask_ledger": "finished",
    "dask_jax_resumable": "resume",
}

YARDSTICK = "numpy_blocked"  # NumPy alone, on blocks that fit the cache
SIZES = (30, 100, 300)  # lines and pixels that records keep
