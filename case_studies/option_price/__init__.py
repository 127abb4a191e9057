"""The price of a European call by Monte Carlo: one problem, one file a method."""

from case_studies.option_price.problem import check, estimate, inputs, oracle, work

__all__ = [
    "IMPLEMENTATIONS",
    "SIZES",
    "YARDSTICK",
    "check",
    "estimate",
    "inputs",
    "oracle",
    "work",
]

IMPLEMENTATIONS = (  # <library>_<technique>, in the order the lectures meet them
    "numpy_legacy",
    "numpy_generator",
    "numpy_blocked",
    "numpy_threads",
    "numba_serial",
    "numba_parallel",
    "numba_generators",
    "numba_counter",
    "numba_vectorised",
    "numpy_antithetic",
    "numpy_quasi",
    "jax_keys",
    "jax_map",
    "jax_quantile",
    "dask_random",
    "dask_streams",
    "array_api_counter",
    "cupy_generators",
    "cupy_counter",
)

YARDSTICK = "numpy_generator"  # what is usually written: what the rest is held to
SIZES = (100_000, 1_000_000, 10_000_000)  # paths that records keep
