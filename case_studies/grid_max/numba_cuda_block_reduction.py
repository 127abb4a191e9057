"""CUDA in Python: the threads of a block agree on a maximum in shared memory."""

from functools import cache
from math import cos

import numpy as np
from numba import cuda

THREADS = 256  # in a block: a power of two, so that halves stay whole
MOST_BLOCKS = 1024


@cache
def kernel_for(dtype):
    """Return the kernel for one dtype: shared memory is laid out when it compiles."""

    @cuda.jit
    def kernel(x, y, best):
        one = x.dtype.type(1)  # 1 + float32 would be float64 in Numba
        mine = x.dtype.type(-np.inf)
        me = cuda.threadIdx.x
        for i in range(cuda.blockIdx.x, x.size, cuda.gridDim.x):  # a row a block
            for j in range(me, y.size, cuda.blockDim.x):
                r = x[i] * x[i] + y[j] * y[j]
                mine = max(mine, cos(r) / (one + r))
        shared = cuda.shared.array(THREADS, dtype)
        shared[me] = mine
        half = THREADS // 2
        while half > 0:  # a knock-out: 128 pairs, then 64, … then 1
            cuda.syncthreads()
            if me < half:
                shared[me] = max(shared[me], shared[me + half])
            half //= 2
        if me == 0:
            cuda.atomic.max(best, 0, shared[0])

    return kernel


def grid_max(x, y):
    """Return the largest f(x[i], y[j]) as a NumPy scalar.  x: (m,), y: (n,)."""
    best = cuda.to_device(np.full(1, -np.inf, x.dtype))
    kernel_for(x.dtype)[min(x.size, MOST_BLOCKS), THREADS](x, y, best)
    return best.copy_to_host()[0]  # waits for the kernel
