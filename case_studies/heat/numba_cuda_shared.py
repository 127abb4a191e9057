"""CUDA in Python: a block loads its tile and a halo once, into shared memory."""

from functools import cache

from numba import cuda

THREADS = 32, 8  # columns and rows of a block


@cache
def kernel_for(dtype):
    """Return the kernel for one dtype: shared memory is laid out when it compiles."""
    columns, rows = THREADS
    shape = rows + 2, columns + 2  # with a row or column of neighbours on each side

    @cuda.jit
    def step(new, now, centre, side):
        m, n = now.shape
        j, i = cuda.grid(2)
        tile = cuda.shared.array(shape, dtype)
        y, x = cuda.threadIdx.y, cuda.threadIdx.x
        top, left = i - y - 1, j - x - 1  # where the tile with its halo begins
        for b in range(y, rows + 2, rows):
            for a in range(x, columns + 2, columns):
                if 0 <= top + b < m and 0 <= left + a < n:
                    tile[b, a] = now[top + b, left + a]
        cuda.syncthreads()  # nobody reads before all have loaded
        if 0 < i < m - 1 and 0 < j < n - 1:
            b, a = y + 1, x + 1
            around = tile[b - 1, a] + tile[b + 1, a] + tile[b, a - 1] + tile[b, a + 1]
            new[i, j] = centre * tile[b, a] + side * around

    return step


def heat(u, r, n_steps):
    """Return the plate after n_steps, on the GPU.  u: (m, n)."""
    centre, side = u.dtype.type(1 - 4 * r), u.dtype.type(r)
    now, new = cuda.device_array_like(u), cuda.device_array_like(u)
    for plate in (now, new):  # both have the border, which stays
        plate.copy_to_device(u)
    (m, n), (columns, rows) = u.shape, THREADS
    blocks = -(-n // columns), -(-m // rows)  # rounded up: no point is left out
    for _ in range(n_steps):
        kernel_for(u.dtype)[blocks, THREADS](new, now, centre, side)
        now, new = new, now
    return now
