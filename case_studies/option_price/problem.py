"""The price of a European call: the right to buy for `strike` in `years` from now.

A contract is five numbers of one floating dtype: spot, strike, rate (a year, continuous
compounding), volatility (a root-year) and years.  In the model of Black and Scholes the
stock ends at S = spot · exp((rate - volatility²/2) · years + volatility · √years · z),
with z standard normal, and the price is the mean of max(S - strike, 0), discounted to
today by exp(-rate · years).

Monte Carlo takes that mean over random paths, `n_paths` of them for each of `seeds`.
What comes back is one mean a seed: their mean is the price, and how far they scatter
says how far it may be off.  Nobody has to believe the error that a method reports.
"""

import math
from statistics import NormalDist

import numpy as np

from case_studies.work import Work

CONTRACT = (100, 105, 0.05, 0.2, 1)  # spot, strike, rate, volatility, years
ROOT_SEED = 2026
Z = 5  # standard errors; `check` says what that lets through
ROUNDING = 8  # in units of the dtype's eps and of spot

# What turns random bits into a stock, highest power first; `work` counts it.
# A normal quantile is q · P(w) / Q(w), where q = 2u - 1 and w = -log(1 - q²): P and Q
# as short as keeps the relative error of their quotient, over all u that the dtype can
# tell from 0 and 1, below 5e-9 and 3e-7 (least squares, weighted until none stood out).
# log((1 + s) / (1 - s)), from √½ to √2, is s times a polynomial in s²: its series, off
# by 2e-11 and 3e-8 at most.  2^r, for |r| ≤ ½, is one in r: its series, to eps / 2.
POLYNOMIALS = {
    "float64": (
        (
            *(6.808572826000163e-08, 8.01146388655491e-06, 0.0001643051949400828),
            *(0.0022194999758773297, 0.019962317001008586, 0.12600786961231883),
            *(0.5434631315701538, 1.2533141424705663),
        ),
        (
            *(1.4174188956738004e-09, 6.999645006484213e-07, 3.0295232107038905e-05),
            *(0.0004526798108553255, 0.005192378034865725, 0.042524037427182984),
            *(0.1718216090952562, 1.0),
        ),
        tuple(2 / k for k in range(11, 0, -2)),
        tuple(math.log(2) ** k / math.factorial(k) for k in range(12, -1, -1)),
    ),
    "float32": (
        (
            *(3.363624637131579e-05, 0.0009148973622359335, 0.011042295955121517),
            *(0.08470393717288971, 0.4351481795310974, 1.2533141374588013),
        ),
        (
            *(1.2509606222010916e-06, 0.00017756388115230948, 0.0019081407226622105),
            *(0.03219223767518997, 0.08539914339780807, 1.0),
        ),
        tuple(2 / k for k in range(7, 0, -2)),
        tuple(math.log(2) ** k / math.factorial(k) for k in range(7, -1, -1)),
    ),
}


def inputs(n, dtype="float64"):
    """Return a contract (5,), seeds (m,) and n_paths, where m · n_paths is n or nearly.

    m is 25 up to n = 10⁵, and four times that for each further power of ten.
    """
    m = 25 * 4 ** max(0, len(str(n)) - 6)
    if n < m:
        raise ValueError(f"n is {n}, expected at least {m}: one path a seed")
    seeds = np.random.SeedSequence(ROOT_SEED).generate_state(m)  # uint32, all different
    return np.array(CONTRACT, dtype), seeds, n // m


def estimate(means):
    """Return the price and its standard error, from one mean a seed."""
    means = np.asarray(means, "float64")
    error = means.std(ddof=1) / math.sqrt(means.size) if means.size > 1 else math.nan
    return float(means.mean()), float(error)


def oracle(contract, seeds=(), n_paths=0):
    """Return the price in closed form (Black and Scholes), as a float."""
    return _moments(contract)[0]


def deviation(contract):
    """Return the standard deviation of one path's discounted payoff, in closed form."""
    price, square = _moments(contract)
    return math.sqrt(square - price**2)


def check(result, contract, seeds, n_paths):
    """Raise AssertionError unless `result` is one independent, unbiased mean a seed.

    A right result is refused when chance takes it 5 standard errors off: 6 times in ten
    million for each of five looks (Student's t and chi-square follow their number of
    seeds).  Rounding may add 8 eps of spot.  What is looked at:

    - price: as near the closed form as this many paths bring it, and as near as the
      scatter of the means promises;
    - digits: those of the dtype;
    - scatter: there is some, and no more than that of plain, independent paths;
    - streams: no two alike but by chance, neighbours not correlated.
    """
    means = _means(result, contract, seeds)
    eps = float(np.finfo(contract.dtype).eps)
    m, spot = seeds.size, float(contract[0])
    plain = deviation(contract) / math.sqrt(n_paths)  # of one mean, paths independent
    price, error = estimate(means)
    allowed = Z * plain / math.sqrt(m) + ROUNDING * eps * spot
    _near(price, contract, allowed, f"{m * n_paths:,} independent paths allow")
    for dtype, name in (("float16", "half"), ("float32", "single")):
        if np.finfo(dtype).eps > eps and np.all(means == means.astype(dtype)):
            raise AssertionError(
                f"no mean has more digits than {name} precision, expected those of "
                f"{contract.dtype}: was it computed in {dtype}?"
            )
    if m == 1:
        return
    spread = error * math.sqrt(m)
    if spread <= eps * price:
        raise AssertionError(
            f"all {m} means are {price!r}: expected them to scatter by {plain:.2g}, as "
            "random numbers do. Is it a formula, or one seed for all?"
        )
    paid = means[means != 0]  # paths that all end below strike are no copies
    alike = paid.size - np.unique(paid).size
    chance = m * (m - 1) / 2 * 2 * eps * price / (2 * math.sqrt(math.pi) * spread)
    if alike > chance + Z * math.sqrt(chance) + Z:
        raise AssertionError(
            f"{alike} of {m} means are copies of others, where chance makes "
            f"{chance:.1f}: the same numbers were used for several seeds"
        )
    if spread > plain * math.sqrt(_chi_square(m - 1) / (m - 1)):
        raise AssertionError(
            f"the means scatter by {spread:.3g}, {n_paths:,} independent paths by "
            f"{plain:.3g}: were there fewer, or some used twice?"
        )
    off = means - price
    neighbours = float(off[1:] @ off[:-1] / (off @ off))
    if abs(neighbours) > Z / math.sqrt(m) + 1 / m:
        raise AssertionError(
            f"means of neighbouring seeds are correlated ({neighbours:+.2f}, where "
            f"{Z / math.sqrt(m):.2f} could be chance): do their streams overlap?"
        )
    allowed = _student(m - 1) * error + ROUNDING * eps * spot
    _near(price, contract, allowed, f"the scatter of {m} means allows")


def work(contract, seeds, n_paths):
    """Return the least work of plain Monte Carlo: operations a path, inputs and means.

    A path: the two factors of 1 - q² (2), its logarithm (to between √½ and √2: 2; s: 3;
    add: 2), the quantile (divide, times q: 2), the exponential (scale, round, subtract,
    power of two: 4), times spot, minus strike, maximum, add (4), and POLYNOMIALS.
    Random bits are integers, which are not counted.
    """
    terms = sum(len(terms) - 1 for terms in POLYNOMIALS[contract.dtype.name])
    operations = 19 + 2 * terms
    nbytes = contract.nbytes + seeds.nbytes + seeds.size * contract.itemsize
    return Work(operations * seeds.size * n_paths, nbytes)


def _moments(contract):
    """Return mean and mean square of the discounted payoff, in closed form."""
    spot, strike, rate, volatility, years = map(float, contract)
    scale, discount = volatility * math.sqrt(years), math.exp(-rate * years)
    below = (math.log(spot / strike) + rate * years) / scale - scale / 2
    # How often S ends above strike, and the same weighted with S and S².
    often, first, second = (NormalDist().cdf(below + k * scale) for k in range(3))
    present = strike * discount
    price = spot * first - present * often
    growth = math.exp(scale**2)
    square = spot**2 * growth * second - 2 * spot * present * first
    return price, square + present**2 * often


def _near(price, contract, allowed, who):
    expected = oracle(contract)
    if abs(price - expected) > allowed:
        raise AssertionError(
            f"not the price of the call: expected {expected:.6g}, got {price:.6g}, "
            f"{abs(price - expected):.1e} apart, where {who} {allowed:.1e}"
        )


def _chi_square(freedom):
    """Return what chi-square exceeds as rarely as a normal number exceeds Z.

    After Wilson and Hilferty: its cube root is nearly normal.
    """
    part = 2 / (9 * freedom)
    return freedom * (1 - part + Z * math.sqrt(part)) ** 3


def _student(freedom):
    """Return what Student's t exceeds as rarely as a normal number exceeds Z.

    After Wallace, to a per cent where there are 24 degrees of freedom or more.
    """
    part = Z * (8 * freedom + 3) / (8 * freedom + 1)
    return math.sqrt(freedom * math.expm1(part**2 / freedom))


def _means(result, contract, seeds):
    """Return `result` in float64, if it is one finite real number a seed."""
    shape, dtype = getattr(result, "shape", None), str(getattr(result, "dtype", ""))
    if shape is None or "float" not in dtype:
        kind = dtype or type(result).__name__
        raise AssertionError(f"expected an array of {contract.dtype}, got {kind}")
    if shape != seeds.shape:
        raise AssertionError(
            f"expected one mean a seed, shape {seeds.shape}, got {shape}"
        )
    means = np.asarray(result, "float64")
    if not np.isfinite(means).all():
        raise AssertionError(f"expected finite means, got {means[~np.isfinite(means)]}")
    return means
