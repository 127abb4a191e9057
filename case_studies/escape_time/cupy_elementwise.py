"""CuPy: the loop of a point in a kernel of our own; each thread leaves when it can."""

import cupy as cp

# Without --fmad=false products would go into sums unrounded: other counts at the edge.
escape = cp.ElementwiseKernel(
    "T u, T v, int64 n_iterations",  # T is the arrays' dtype; u and v broadcast
    "int32 count",
    """
    T a = 0, b = 0;  // z = a + b·i
    int k = 0;
    while (k < n_iterations && a * a + b * b <= 4) {
        T ab = a * b;
        a = a * a - b * b + u;
        b = ab + ab + v;
        k++;
    }
    count = k;
    """,
    "escape",
    options=("--fmad=false",),
)


def escape_time(x, y, n_iterations):
    """Return the counts, (m, n) of int32, of c = x[i] + y[j]·i, on the GPU."""
    return escape(x[:, None], y, n_iterations)
