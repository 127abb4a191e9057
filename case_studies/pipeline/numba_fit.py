"""Least squares for one pixel: a loop over images on vectors, sums in registers."""

import math

from numba import njit

COMPILED = {
    "error_model": "numpy",  # no test for division by zero in a loop
    "fastmath": {"contract", "reassoc", "nsz"},  # sums in any order
    "nogil": True,
}


@njit(**COMPILED)
def add_solution(theta, a, b):
    """Add to theta (4,) the x of a x = b, Cholesky; a is (a00, a10, a11, a20, ...)."""
    a00, a10, a11, a20, a21, a22, a30, a31, a32, a33 = a
    b0, b1, b2, b3 = b
    l00 = math.sqrt(a00)
    l10, l20, l30 = a10 / l00, a20 / l00, a30 / l00
    l11 = math.sqrt(a11 - l10 * l10)
    l21, l31 = (a21 - l20 * l10) / l11, (a31 - l30 * l10) / l11
    l22 = math.sqrt(a22 - l20 * l20 - l21 * l21)
    l32 = (a32 - l30 * l20 - l31 * l21) / l22
    l33 = math.sqrt(a33 - l30 * l30 - l31 * l31 - l32 * l32)
    z0 = b0 / l00
    z1 = (b1 - l10 * z0) / l11
    z2 = (b2 - l20 * z0 - l21 * z1) / l22
    x3 = (b3 - l30 * z0 - l31 * z1 - l32 * z2) / (l33 * l33)
    x2 = (z2 - l32 * x3) / l22
    x1 = (z1 - l21 * x2 - l31 * x3) / l11
    theta[0] += (z0 - l10 * x1 - l20 * x2 - l30 * x3) / l00
    theta[1] += x1
    theta[2] += x2
    theta[3] += x3


@njit(**COMPILED)
def step(y, good, images, numbers, theta, first):
    """Take a Gauss-Newton step in theta (4,); the first fits a plain wave."""
    zero, one, scale, width, c0, c1, c2, c3, c4, c5, c6, c7, c8 = numbers
    level, trend, a, b = theta
    amplitude = one if first else math.sqrt(a * a + b * b)
    u, v = a / amplitude, b / amplitude
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = s8 = s9 = r0 = r1 = r2 = r3 = zero
    for i in range(y.size):
        w, t, d, e = good[i], images[0, i], images[1, i], images[2, i]
        along = u * d + v * e
        x = (along - one) * scale  # a sixteenth of the exponent, in [-¼, 0]
        p = c0 + x * (c1 + x * (c2 + x * (c3 + x * (c4 + x * (c5 + x * c6)))))
        p = p + x * x * x * x * x * x * x * (c7 + x * c8)
        p = p * p
        p = p * p
        p = p * p
        p = p * p
        rest = y[i] - w * (level + trend * t + amplitude * p)
        if first:
            rest = y[i]
        else:
            d = p * (u + width * (d - along * u))
            e = p * (v + width * (e - along * v))
        s0 += w
        s1 += w * t
        s2 += w * t * t
        s3 += w * d
        s4 += w * d * t
        s5 += w * d * d
        s6 += w * e
        s7 += w * e * t
        s8 += w * e * d
        s9 += w * e * e
        r0 += rest
        r1 += rest * t
        r2 += rest * d
        r3 += rest * e
    sums = s0, s1, s2, s3, s4, s5, s6, s7, s8, s9
    add_solution(theta, sums, (r0, r1, r2, r3))
