"""CUDA in Python: a thread takes an orbit through all steps (same bits)."""

from numba import cuda

THREADS = 128  # in a block
MOST_BLOCKS = 4096


@cuda.jit
def kernel(x0, alpha, n_steps, final):
    """Write the states after n_steps; threads stride over the orbits."""
    one = x0.dtype.type(1)  # 1 - float32 would be float64 in Numba
    for i in range(cuda.grid(1), x0.size, cuda.gridsize(1)):
        x, a = x0[i], alpha[i]
        for _ in range(n_steps):
            x = a * x * (one - x)
        final[i] = x


def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps, on the GPU.  x0, alpha: (m,)."""
    final = cuda.device_array_like(x0)
    blocks = min(-(-x0.size // THREADS), MOST_BLOCKS)  # rounded up: none is left out
    kernel[blocks, THREADS](x0, alpha, n_steps, final)
    return final
