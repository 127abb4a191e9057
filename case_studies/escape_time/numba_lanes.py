"""Numba on vector instructions: 32 points side by side until all are out. Same bits."""

import numpy as np
from numba import get_num_threads, njit, prange

LANES = 32  # points of a block: some vectors, so that one can wait for itself
STEPS = 8  # between two looks at whether any point of the block is still inside


@njit(error_model="numpy")
def advance(a, b, u, v, counts, four):
    """Take STEPS steps with each of LANES points, counting those taken inside."""
    for lane in range(LANES):  # becomes vector instructions: no branch, no call
        re, im = a[lane], b[lane]
        inside, taken = True, 0
        for _ in range(STEPS):
            inside &= re * re + im * im <= four  # an outsider goes on, uncounted
            taken += inside
            product = re * im
            re, im = re * re - im * im + u, product + product + v[lane]
        a[lane], b[lane] = re, im
        counts[lane] += taken


@njit(parallel=True, error_model="numpy")
def escape_time(x, y, n_iterations):
    """Return the counts, (m, n) of int32, of c = x[i] + y[j]·i.  x: (m,), y: (n,)."""
    four = x.dtype.type(4)
    result = np.empty((x.size, y.size), np.int32)
    n_teams = get_num_threads()
    for team in prange(n_teams):
        # Not rows unpacked from one array: Numba would forget that they have no gaps.
        a, b = np.zeros(LANES, x.dtype), np.zeros(LANES, x.dtype)
        v, counts = np.zeros(LANES, x.dtype), np.zeros(LANES, np.int32)
        for i in range(team, x.size, n_teams):
            for start in range(0, y.size, LANES):
                size = min(LANES, y.size - start)
                v[:] = y[start + size - 1]  # fills a block that is short
                v[:size] = y[start : start + size]
                a[:] = b[:] = counts[:] = 0
                steps = 0
                while steps < n_iterations and counts.max() == steps:
                    advance(a, b, x[i], v, counts, four)
                    steps += STEPS
                result[i, start : start + size] = np.minimum(
                    counts[:size], n_iterations
                )
    return result
