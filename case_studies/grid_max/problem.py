"""The largest value of f(x, y) = cos(r) / (1 + r), with r = x² + y², on a grid.

A grid is two vectors: x of shape (m,) and y of shape (n,), both of one floating dtype,
finite (their squares too) and not empty.  Its m·n points are all pairs (x[i], y[j]).
f is the surface of Sargent and Stachurski, "NumPy vs Numba vs JAX" (QuantEcon).
"""

import math
import numbers

import numpy as np

from case_studies.work import Work

TOLERANCE = 8  # in units of the dtype's eps; `check` says why

# cos(2πt) on |t| ≤ ½ as a polynomial in t², highest power first: as few terms as keep
# its error (4e-17 and 1.4e-8) below a rounding, the largest error made least (Remez
# exchange).  Taking whole turns off first makes it serve every r.  `work` counts it.
COSINE = {
    "float64": (
        *(0.0033615088572444994, -0.03614038555260573, 0.28192591024957186),
        *(-1.7143742641624844, 7.903534202490913, -26.426256600267266),
        *(60.244641362300456, -85.45681720640536, 64.93939402266398),
        *(-19.739208802178695, 1.0),
    ),
    "float32": (
        *(6.561273097991943, -25.993026733398438, 60.17515563964844),
        *(-85.45118713378906, 64.9391860961914, -19.739206314086914, 1.0),
    ),
}


def inputs(n, dtype="float64"):
    """Return coordinates x and y, each (n,), of n × n points on [-3, 3]²."""
    x = np.linspace(-3, 3, n, dtype=dtype)
    return x, x.copy()


def oracle(x, y):
    """Return the maximum by its definition, in Python's floats: plain and slow."""
    columns = [b * b for b in y.tolist()]
    rows = (a * a for a in x.tolist())
    return max(math.cos(a + b) / (1 + (a + b)) for a in rows for b in columns)


def nearest(x, y):
    """Return the maximum from the one point nearest the origin; None if that may err.

    The smallest r on the grid is s = min x² + min y².  From 0 to π/2, f falls: cos
    falls and 1 + r grows.  From there to 3π/2, f ≤ 0.  Beyond, f ≤ 1/(1 + 3π/2), which
    is 0.175.  So when s ≤ π/2 and f(s) is at least that, no point beats the nearest,
    and m + n squares find it.
    """
    s = min(a * a for a in x.tolist()) + min(b * b for b in y.tolist())
    value = math.cos(s) / (1 + s)
    sure = s <= math.pi / 2 and value >= 1 / (1 + 1.5 * math.pi)
    return value if sure else None


def check(result, x, y):
    """Raise AssertionError unless `result` is the maximum, one number, to 8 eps of x.

    The tolerance is absolute, as |f| ≤ 1.  Rounding x², y² and their sum shifts r by at
    most r·eps, hence cos(r) by as much and f by less than eps; keeping r as a multiple
    of 2π doubles that.  Denominator and quotient add 2 eps, a good cosine 2 at most.
    """
    value = _number(result)
    expected = nearest(x, y)
    if expected is None:
        expected = oracle(x, y)
    error = abs(value - expected)
    allowed = TOLERANCE * float(np.finfo(x.dtype).eps)
    if error <= allowed:
        return
    tip = ""
    if error <= TOLERANCE * np.finfo("float32").eps:
        tip = "; it is right in single precision: was it computed in float32?"
    raise AssertionError(
        f"not the largest value on the grid: expected {expected!r}, got {value!r}, "
        f"{error:.1e} apart, where {x.dtype} allows {allowed:.1e}" + tip
    )


def work(x, y):
    """Return the least work: operations at every point, and one read of x and y.

    At a point: add the squares, add one, divide, compare (4).  Its cosine is counted as
    the cheapest polynomial that is good to the last digits: bring r into one turn
    (multiply, round, subtract), square, then multiply and add for each power of COSINE.
    """
    operations = 8 + 2 * (len(COSINE[x.dtype.name]) - 1)
    return Work(operations * x.size * y.size, x.nbytes + y.nbytes)


def _number(result):
    """Return `result` as a float, if it is one real number in whatever wrapping."""
    shape = getattr(result, "shape", ())
    dtype = str(getattr(result, "dtype", ""))
    if shape != ():
        raise AssertionError(f"expected one number, got an array of shape {shape}")
    if not ("float" in dtype or (isinstance(result, numbers.Real) and dtype != "bool")):
        kind = dtype or type(result).__name__
        raise AssertionError(
            f"expected a floating-point number, got {kind}: {result!r}"
        )
    value = float(result)
    if not math.isfinite(value):
        raise AssertionError(f"expected a finite number, got {value}")
    return value
