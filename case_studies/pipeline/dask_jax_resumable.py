"""The chain over a series on disk: killed at any moment, it goes on where it was."""

import contextlib
import time
from pathlib import Path

import dask
import jax
import numpy as np
import zarr

from case_studies.pipeline.dask_ledger import begun, checksum, finished, put
from case_studies.pipeline.jax_fit import compiled
from case_studies.pipeline.problem import DARK


def cleaner():
    """Return what cleans, compiled: with CuPy where JAX has a GPU, else with Numba."""
    if jax.default_backend() == "gpu":
        from case_studies.pipeline.cupy_clean import clean
    else:
        from case_studies.pipeline.numba_clean import clean
    clean(np.zeros((1, 1, DARK + 5), np.uint16))
    return clean


def resume(folder, dtype="float32", threads=2, tell=lambda *span: None):
    """Fit the blocks that are not finished, and `tell(stage, block, start, end)`."""
    raw = zarr.open_array(Path(folder, "raw.zarr"), mode="r")
    maps, marks = begun(Path(folder), raw, dtype)
    n_images, band, _ = raw.chunks
    times = np.array(raw.attrs["times"], dtype)
    clean, fit = cleaner(), compiled((n_images, band, maps.shape[2]), dtype)

    @contextlib.contextmanager
    def stage(name, k):
        start = time.perf_counter()
        yield
        tell(name, k, start, time.perf_counter())

    def block(k, lines):
        with stage("read", k):
            some = raw[:, lines]
        with stage("clean", k):
            counts = clean(some, band)
        with stage("lend", k):
            lent = jax.dlpack.from_dlpack(counts, copy=False)
        with stage("fit", k):
            fitted = fit(lent, times).block_until_ready()
        with stage("take back", k):
            host = np.asarray(fitted)[:, : some.shape[1]]
        with stage("write", k):
            maps[:, lines] = host
        with stage("mark", k):  # last: what has a mark lies on disk
            put(marks / str(k), checksum(host))
        return k

    tops = range(0, raw.shape[1], band)
    blocks = [
        (k, slice(top, min(top + band, raw.shape[1]))) for k, top in enumerate(tops)
    ]
    left = [
        (k, where) for k, where in blocks if not finished(marks / str(k), maps, where)
    ]
    tasks = [dask.delayed(block)(k, where) for k, where in left]
    return list(dask.compute(*tasks, scheduler="threads", num_workers=threads))
