"""CuPy: a kernel of one thread, as nobody else could do the next step (same bits)."""

import cupy as cp
import numpy as np

CODE = r"""
template <typename T>
__global__ void orbit(const T* x0, T alpha, long long n, T* states) {
    T x = states[0] = x0[0];
    for (long long t = 1; t < n; t++) {
        x = alpha * x * (1 - x);
        states[t] = x;
    }
}
"""
NAMES = {"float32": "orbit<float>", "float64": "orbit<double>"}
kernels = cp.RawModule(code=CODE, name_expressions=tuple(NAMES.values()))


def quadratic_map(x0, alpha, n):
    """Return the orbit (n,), on the GPU.  x0: (1,)."""
    states = cp.empty(n, x0.dtype)
    kernel = kernels.get_function(NAMES[x0.dtype.name])
    kernel((1,), (1,), (x0, x0.dtype.type(alpha), np.int64(n), states))
    return states
