"""NumPy as it is usually written: the formula, with a temporary for every step."""


def column_stats(x):
    """Return (x - mean) / deviation, (m, n), and the variances, (n,).  x: (m, n)."""
    deviation = x.std(axis=0)
    deviation[deviation == 0] = 1  # a constant column becomes zeros
    z = (x - x.mean(axis=0)) / deviation
    return z, x.var(axis=0)
