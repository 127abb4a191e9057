"""The scene on disk, a block of lines after the other, by as many threads as wanted."""

import os
from pathlib import Path

import dask
import numpy as np
import zarr

from case_studies.pipeline.problem import DARK, SEED, dates, observed


def make(folder, m, n, band=10, threads=2):
    """Write m lines of n pixels to folder/raw.zarr: whole, or not at all."""
    draft, times = Path(folder, f"raw.{os.getpid()}.part"), dates()
    shape, chunks = (len(times), m, DARK + n), (len(times), band, DARK + n)
    raw = zarr.create_array(
        draft, shape=shape, chunks=chunks, dtype="uint16", compressors=None
    )
    raw.attrs.update(times=times.tolist(), scene=SEED)

    def write(top):
        lines = np.arange(top, min(top + band, m))
        raw[:, top : top + band] = observed(lines, n)

    tasks = [dask.delayed(write)(top) for top in range(0, m, band)]
    dask.compute(*tasks, scheduler="threads", num_workers=threads)
    draft.rename(Path(folder, "raw.zarr"))
