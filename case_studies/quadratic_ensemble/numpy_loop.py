"""NumPy: a loop over time, all orbits a step at a time; three temporaries a step."""


def quadratic_ensemble(x0, alpha, n_steps):
    """Return the states (m,) after n_steps.  x0, alpha: (m,).  Same bits."""
    x = x0.copy()
    for _ in range(n_steps):
        x = alpha * x * (1 - x)
    return x
