"""The chain in memory: Dask's bands, cleaned by Numba, fitted by JAX where they lie."""

import jax
import numpy as np

from case_studies.pipeline.jax_fit import compiled
from case_studies.pipeline.numba_clean import clean
from case_studies.pipeline.problem import DARK

BAND = 10  # lines


def maps_of(raw, times, lines, fit):
    """Return the maps of a band; one that is short is filled up, so that it fits."""
    counts = clean(raw, lines)
    maps = fit(jax.dlpack.from_dlpack(counts, copy=False), times)
    return np.asarray(maps)[:, : raw.shape[1]]


def pipeline(raw, times):
    """Return the lazy maps; compiles once, before Dask's threads begin."""
    times = np.asarray(times)
    raw = raw.rechunk((-1, BAND, -1))
    lines, n = raw.chunks[1][0], raw.shape[2] - DARK
    fit = compiled((len(times), lines, n), str(times.dtype))
    meta, chunks = np.empty((0, 0, 0), times.dtype), ((4,), raw.chunks[1], (n,))
    return raw.map_blocks(maps_of, times, lines, fit, chunks=chunks, meta=meta)
