"""The gradient of a mean squared error: one problem, one file an implementation."""

from case_studies.regression.problem import check, inputs, loss, oracle, work

__all__ = [
    "IMPLEMENTATIONS",
    "SIZES",
    "YARDSTICK",
    "check",
    "inputs",
    "loss",
    "oracle",
    "work",
]

IMPLEMENTATIONS = (  # <library>_<technique>, in the order the lectures meet them
    "python_loop",
    "numpy_broadcast",
    "numpy_hand",
    "numpy_blocked",
    "numba_fused",
    "jax_grad",
    "jax_batches",
    "jax_hand",
    "jax_forward",
    "dask_blocks",
    "dask_one_pass",
    "array_api_hand",
    "cupy_hand",
)

YARDSTICK = "numpy_hand"  # two matrix products, as the formula is usually written
SIZES = (1_000, 100_000, 1_000_000)  # samples that records keep
