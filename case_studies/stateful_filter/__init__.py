"""A branching recurrence over many samples: one problem, one file an implementation."""

from case_studies.stateful_filter.problem import (
    bound,
    check,
    inputs,
    memory,
    oracle,
    work,
)

__all__ = [
    "IMPLEMENTATIONS",
    "SIZES",
    "YARDSTICK",
    "bound",
    "check",
    "inputs",
    "memory",
    "oracle",
    "work",
]

IMPLEMENTATIONS = (  # <library>_<technique>, in the order the lectures meet them
    "python_loop",
    "numpy_elements",
    "numpy_scan",
    "numpy_lanes",
    "numba_loop",
    "numba_reused",
    "numba_select",
    "numba_contract",
    "numba_affine",
    "numba_lanes",
    "numba_seams",
    "jax_scan",
    "jax_associative",
    "cupy_lanes",
)

YARDSTICK = "numba_loop"  # straightforward: what the rest is held to
SIZES = (10_000, 300_000, 10_000_000)  # samples that records keep
