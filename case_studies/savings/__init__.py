"""Saving under uncertain income: one problem, one file an implementation."""

from case_studies.savings.problem import bellman, check, inputs, oracle, work

__all__ = [
    "IMPLEMENTATIONS",
    "SIZES",
    "YARDSTICK",
    "bellman",
    "check",
    "inputs",
    "oracle",
    "work",
]

IMPLEMENTATIONS = (  # <library>_<technique>, in the order the lectures meet them
    "numpy_broadcast",
    "numpy_product",
    "numba_parallel",
    "numba_monotone",
    "numba_optimistic",
    "jax_broadcast",
    "jax_product",
    "jax_optimistic",
    "cupy_product",
)

YARDSTICK = "numpy_product"
SIZES = (24, 60, 150)  # levels of wealth; of income there are two thirds as many
