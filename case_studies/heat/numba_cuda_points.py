"""CUDA in Python: a thread a point; neighbours are read from the device's memory."""

from numba import cuda

THREADS = 32, 8  # columns and rows of a block: neighbours differ in the column


@cuda.jit
def step(new, now, centre, side):
    """Write one step from `now` into `new`.  Both: (m, n)."""
    j, i = cuda.grid(2)
    m, n = now.shape
    if 0 < i < m - 1 and 0 < j < n - 1:  # no border, and nothing outside the plate
        around = now[i - 1, j] + now[i + 1, j] + now[i, j - 1] + now[i, j + 1]
        new[i, j] = centre * now[i, j] + side * around


def heat(u, r, n_steps):
    """Return the plate after n_steps, on the GPU.  u: (m, n)."""
    centre, side = u.dtype.type(1 - 4 * r), u.dtype.type(r)
    now, new = cuda.device_array_like(u), cuda.device_array_like(u)
    for plate in (now, new):  # both have the border, which stays
        plate.copy_to_device(u)
    (m, n), (columns, rows) = u.shape, THREADS
    blocks = -(-n // columns), -(-m // rows)  # rounded up: no point is left out
    for _ in range(n_steps):
        step[blocks, THREADS](new, now, centre, side)
        now, new = new, now
    return now
