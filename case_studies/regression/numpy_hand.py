"""NumPy with two matrix products: x is read twice, and nothing large is stored."""


def regression(x, y, w):
    """Return the gradient (n,) of the mean squared error.  x: (m, n), y: (m,)."""
    errors = x @ w - y
    return (errors @ x) * (2 / len(y))
