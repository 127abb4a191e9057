"""NumPy's lines in Dask's blocks: threads, and nothing else."""

import numpy as np

from case_studies.pipeline import numpy_blocked
from case_studies.pipeline.problem import DARK

BAND = 10  # lines


def pipeline(raw, times):
    """Return the lazy maps, computed in bands of whole lines."""
    times = np.asarray(times)
    raw = raw.rechunk((-1, BAND, -1))
    pixels = (raw.shape[2] - DARK,)
    return raw.map_blocks(
        numpy_blocked.pipeline,
        times,
        chunks=((4,), raw.chunks[1], pixels),
        meta=np.empty((0, 0, 0), times.dtype),
    )
