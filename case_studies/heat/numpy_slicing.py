"""NumPy by slicing: each neighbour is the plate, shifted; every operation allocates."""


def heat(u, r, n_steps):
    """Return the plate after n_steps, as a new array.  u: (m, n)."""
    centre, side = u.dtype.type(1 - 4 * r), u.dtype.type(r)
    now = u.copy()
    for _ in range(n_steps):
        new = now.copy()  # with the border, which stays
        new[1:-1, 1:-1] = centre * now[1:-1, 1:-1] + side * (
            now[:-2, 1:-1] + now[2:, 1:-1] + now[1:-1, :-2] + now[1:-1, 2:]
        )
        now = new
    return now
