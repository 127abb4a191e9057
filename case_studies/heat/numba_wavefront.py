"""Numba, a wave front: each row follows the one below it by a step, all in cache."""

import numpy as np
from numba import get_num_threads, njit, prange

CACHE = 768 * 1024  # bytes for the rows on their way: most of a usual L2 cache
MOST = 16  # steps in one pass: each adds a row to what neighbouring teams do twice


@njit
def copy(new, row):
    """Write a row into `new`; a loop compiles faster than new[:] = row."""
    for j in range(row.size):
        new[j] = row[j]


@njit
def relax(new, rows, k, centre, side):
    """Write one step of row k into `new`; k and its neighbours stand in `rows`."""
    above, row, below = rows[(k - 1) % 3], rows[k % 3], rows[(k + 1) % 3]
    new[0], new[-1] = row[0], row[-1]
    for j in range(1, row.size - 1):
        around = above[j] + below[j] + row[j - 1] + row[j + 1]
        new[j] = centre * row[j] + side * around


@njit(parallel=True)
def advance(new, now, n_steps, centre, side):
    """Write n_steps from `now` into `new`.  Both: (m, n)."""
    m, n = now.shape
    n_teams = get_num_threads()
    for team in prange(n_teams):
        first, last = m * team // n_teams, m * (team + 1) // n_teams
        # Of every step three rows are alive: those that the next step needs.
        rows = np.zeros((n_steps + 1, 3, n), now.dtype)
        for i in range(max(first - n_steps, 0), last + n_steps):
            if i < m:
                copy(rows[0, i % 3], now[i])
            for step in range(1, n_steps + 1):
                k = i - step  # row k + 1 has just got as far as step - 1
                if 0 < k < m - 1:
                    relax(rows[step, k % 3], rows[step - 1], k, centre, side)
                elif k == 0 or k == m - 1:
                    copy(rows[step, k % 3], now[k])  # the border stays
            if first <= i - n_steps < last:
                copy(new[i - n_steps], rows[n_steps, (i - n_steps) % 3])


def heat(u, r, n_steps):
    """Return the plate after n_steps, as a new array (same bits).  u: (m, n)."""
    centre, side = u.dtype.type(1 - 4 * r), u.dtype.type(r)
    now = u.copy()
    new = np.empty_like(now)
    n_at_once = max(1, min(MOST, CACHE // (3 * now[0].nbytes)))
    for done in range(0, n_steps, n_at_once):
        advance(new, now, min(n_at_once, n_steps - done), centre, side)
        now, new = new, now
    return now
