"""Numba in blocks, four steps a visit: states are loaded and stored less often."""

from numba import njit, prange

LANES = (
    256  # orbits of a block: 4 kB of float64 with their alphas, in the nearest cache
)
STEPS = 4  # a constant when it compiles: the loop over them is written out


@njit
def advance(x, a, steps):
    """Take all orbits of a block some steps further, in place; inlined, so unrolled."""
    one = x.dtype.type(1)  # 1 - float32 would be float64 in Numba
    for i in range(x.size):
        state = x[i]
        for _ in range(steps):
            state = a[i] * state * (one - state)
        x[i] = state


@njit(parallel=True)
def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps.  x0, alpha: (m,).  Same bits."""
    final = x0.copy()
    for block in prange((x0.size + LANES - 1) // LANES):
        x = final[block * LANES : (block + 1) * LANES]  # the last may be shorter
        a = alpha[block * LANES : (block + 1) * LANES]
        for _ in range(n_steps // STEPS):
            advance(x, a, STEPS)
        for _ in range(n_steps % STEPS):
            advance(x, a, 1)
    return final
