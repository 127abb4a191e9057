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
    "jax_broadcast",
    "jax_product",
    "jax_apart",
    "numba_parallel",
    "numba_monotone",
    "numpy_bounds",
    "numba_bounds",
    "jax_bounds",
    "numpy_optimistic",
    "numba_optimistic",
    "jax_optimistic",
    "jax_howard",
    "cupy_product",
)

YARDSTICK = "jax_broadcast"  # compiled once, as the equation is written
SIZES = (24, 60, 150)  # levels of wealth; of income there are two thirds as many
