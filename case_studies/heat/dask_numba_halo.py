"""Dask with Numba inside: ten rows of halo, and ten steps with them (same bits)."""

from numba import njit

ROWS = 250  # of a band
AT_ONCE = 10  # steps between two exchanges, and rows of the halo


@njit(nogil=True)  # Dask's threads are the parallel part
def steps(band, centre, side, n_steps):
    """Return the band after n_steps; from its first and last row, errors creep in."""
    m, n = band.shape
    now, new = band.copy(), band.copy()
    for _ in range(n_steps):
        for i in range(1, m - 1):
            for j in range(1, n - 1):
                around = now[i - 1, j] + now[i + 1, j] + now[i, j - 1] + now[i, j + 1]
                new[i, j] = centre * now[i, j] + side * around
        now, new = new, now
    return now


def heat(u, r, n_steps):
    """Return the plate after n_steps, lazy.  u: (m, n), a Dask array."""
    weights = {"centre": u.dtype.type(1 - 4 * r), "side": u.dtype.type(r)}
    u = u.rechunk((ROWS, -1))
    for done in range(0, max(n_steps, 1), AT_ONCE):  # once at least: a new array
        n = min(AT_ONCE, n_steps - done)
        depth = n if u.numblocks[0] > 1 else 0  # a halo row more for every step
        halo = {"depth": (depth, 0), "boundary": "none"}  # nothing beyond the plate
        u = u.map_overlap(steps, n_steps=n, meta=u._meta, **halo, **weights)
    return u
