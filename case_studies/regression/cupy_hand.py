"""CuPy with two matrix products: NumPy's lines on a GPU."""


def regression(x, y, w):
    """Return the gradient (n,) of the mean squared error, on the GPU.  x: (m, n)."""
    errors = x @ w - y
    return (errors @ x) * (2 / len(y))
