"""Plain Python: a loop. It counts in float64, whatever the dtype of x0."""

from array import array


def quadratic_map(x0, alpha, n):
    """Return the orbit from x0, n states, in an array of Python's own.  x0: (1,)."""
    x = float(x0[0])
    orbit = array("d", [x])  # like a list, for floats only
    for _ in range(n - 1):
        x = alpha * x * (1 - x)
        orbit.append(x)
    return orbit
