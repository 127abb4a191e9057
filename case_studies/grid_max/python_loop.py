"""Plain Python: two nested loops. They count in float64, whatever the dtype of x."""

from math import cos


def grid_max(x, y):
    """Return the largest f(x[i], y[j]) as a Python float.  x: (m,), y: (n,)."""
    best = float("-inf")
    columns = y.tolist()  # Python floats: quicker to loop over than NumPy's
    for a in x.tolist():
        for b in columns:
            r = a * a + b * b
            best = max(best, cos(r) / (1 + r))
    return best
