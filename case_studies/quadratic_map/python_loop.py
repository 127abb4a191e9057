"""Plain Python: a loop over a list. It counts in float64, whatever the dtype of x0."""


def quadratic_map(x0, alpha, n):
    """Return the orbit from x0, n states, as a list of Python floats.  x0: (1,)."""
    x = float(x0[0])
    orbit = [x]
    for _ in range(n - 1):
        x = alpha * x * (1 - x)
        orbit.append(x)
    return orbit
