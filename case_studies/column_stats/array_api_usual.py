"""The array API standard: the usual lines, and a mask that no array has to bear."""

import array_api_extra as xpx
from array_api_compat import array_namespace


def column_stats(x):
    """Return z (m, n) and the variances (n,) of the columns of x, in its library."""
    xp = array_namespace(x)
    centred = x - xp.mean(x, axis=0)
    variances = xp.mean(centred * centred, axis=0)
    deviation = xp.sqrt(variances)
    deviation = xpx.at(deviation, deviation == 0).set(1.0)  # constant columns: zeros
    return centred / deviation, variances
