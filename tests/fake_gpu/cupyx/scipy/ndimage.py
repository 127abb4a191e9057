"""Filters of images: SciPy's, with arrays of CuPy's."""

import cupy
import numpy
from scipy import ndimage


def gaussian_filter(input, sigma):
    assert isinstance(input, cupy.ndarray), "CuPy refuses arrays of the host"
    return cupy.asarray(ndimage.gaussian_filter(numpy.asarray(input), sigma))
