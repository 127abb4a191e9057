"""Dask and Numba: a task takes a band of rows and hands back sums, never a block."""

import dask.array as da
import numpy as np

from case_studies.symmetric_mean.numba_rows import add_rows
from case_studies.symmetric_mean.problem import digits

BAND = 1_000  # rows of a task


def band_sums(keys, rows, unit, n):
    """Return what these rows, and the same columns of xᵀ, add to the sums: (1, n)."""
    sums, of_rows = np.zeros(n, unit.dtype), np.zeros(len(keys), unit.dtype)
    add_rows(keys, np.uint64(64 - digits(unit.dtype)), of_rows, sums)
    sums[rows] += of_rows
    return sums[None] * unit


def symmetric_mean(keys, unit, chunk=BAND):
    """Return the column means of x + xᵀ from sums of bands (same mathematics)."""
    n = len(keys)
    keys, rows = da.asarray(keys).rechunk(chunk), da.arange(n, chunks=chunk)
    how = {"new_axes": {"j": n}, "adjust_chunks": {"i": 1}, "align_arrays": False}
    kind = {"dtype": unit.dtype, "meta": np.empty((0, 0), unit.dtype)}
    parts = da.blockwise(
        band_sums, "ij", keys, "i", rows, "i", unit=unit, n=n, **how, **kind
    )
    return parts.sum(axis=0) / unit.dtype.type(n)
