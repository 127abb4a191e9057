"""NumPy alone: both stages on some thousand pixels at a time, which fit the cache."""

import numpy as np

from case_studies.pipeline.array_api_clean import clean
from case_studies.pipeline.numpy_fit import fit
from case_studies.pipeline.problem import DARK

AT_ONCE = 1_000  # pixels


def pipeline(raw, times):
    """Return the maps: some lines are cleaned, then fitted in pieces."""
    n_images, m, n = raw.shape[0], raw.shape[1], raw.shape[2] - DARK
    lines, pieces = max(AT_ONCE // n, 1), []
    for top in range(0, m, lines):
        counts = clean(raw[:, top : top + lines]).reshape(n_images, -1)
        for left in range(0, counts.shape[1], AT_ONCE):
            pieces.append(fit(counts[:, left : left + AT_ONCE], times))
    return np.concatenate(pieces, axis=1).reshape(4, m, n)
