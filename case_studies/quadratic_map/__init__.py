"""One long orbit of the quadratic map: one problem, one file an implementation."""

from case_studies.quadratic_map.problem import check, inputs, oracle, work

__all__ = [
    "IMPLEMENTATIONS",
    "SIZES",
    "YARDSTICK",
    "check",
    "inputs",
    "oracle",
    "work",
]

IMPLEMENTATIONS = (  # <library>_<technique>, in the order the lectures meet them
    "python_loop",
    "numpy_loop",
    "numba_serial",
    "numba_buffer",
    "numba_conjugate",
    "jax_scan",
    "jax_unrolled",
    "jax_fori",
    "cupy_raw",
)

YARDSTICK = "numba_serial"  # straightforward: what the rest is held to
SIZES = (1_000, 100_000, 10_000_000)  # states of the orbit that records keep
