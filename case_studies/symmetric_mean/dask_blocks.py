"""Dask, as written: the formula for an array in memory, on an array in blocks."""

import dask.array as da

from case_studies.symmetric_mean.problem import block

CHUNK = 1_000  # rows and columns of a block: 8 MB of float64


def matrix(keys, unit, chunk, name="x"):
    """Return x as a Dask array (n, n) whose blocks are made where they are needed."""
    rows = da.asarray(keys).rechunk(chunk)
    columns = da.arange(len(keys), chunks=chunk)
    kind = {"unit": unit, "dtype": unit.dtype, "align_arrays": False, "token": name}
    return da.blockwise(block, "ij", rows, "i", columns, "j", **kind)


def symmetric_mean(keys, unit, chunk=CHUNK):
    """Return the column means of x + xᵀ, as one writes them for NumPy."""
    x = matrix(keys, unit, chunk)
    return (x + x.T).mean(axis=0)
