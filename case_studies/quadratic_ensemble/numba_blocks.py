"""Numba in blocks: a step of 256 orbits at a time, so that many go side by side."""

from numba import njit, prange

LANES = (
    256  # orbits of a block: 4 kB of float64 with their alphas, in the nearest cache
)


@njit(parallel=True)
def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps.  x0, alpha: (m,).  Same bits."""
    one = x0.dtype.type(1)  # 1 - float32 would be float64 in Numba
    final = x0.copy()
    for block in prange((x0.size + LANES - 1) // LANES):
        x = final[block * LANES : (block + 1) * LANES]  # the last may be shorter
        a = alpha[block * LANES : (block + 1) * LANES]
        for _ in range(n_steps):
            for i in range(x.size):  # no orbit waits for another
                x[i] = a[i] * x[i] * (one - x[i])
    return final
