"""The array API standard has no random numbers: they come from its integers here."""

from array_api_compat import array_namespace, device

# SplitMix64's constants, as signed numbers: what int64 overflows by is dropped.
STEP, FIRST, SECOND = (
    word - (1 << 64)
    for word in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)


def right(z, bits):
    """Return z shifted to the right, zeros moving in where int64 repeats its sign."""
    return (z >> bits) & ((1 << (64 - bits)) - 1)


def word(key, i):
    """Return word i of stream `key`: 64 random bits, those of numba_counter."""
    z = key + i * STEP
    z = (z ^ right(z, 30)) * FIRST
    z = (z ^ right(z, 27)) * SECOND
    return z ^ right(z, 31)


def normals(seeds, n_paths, dtype):
    """Return standard normals (m, n_paths), two of two words (Box and Muller)."""
    xp = array_namespace(seeds)
    keys = word(0, xp.astype(seeds, xp.int64) + 1)[:, None]
    pairs = xp.arange(0, n_paths, 2, dtype=xp.int64, device=device(seeds))
    u, v = (
        xp.astype(right(word(keys, pairs + k), 11), dtype) * 2.0**-53 + 2.0**-54
        for k in (0, 1)
    )
    radius, angle = xp.sqrt(-2 * xp.log(u)), (2 * xp.pi) * v
    z = xp.concat([radius * xp.cos(angle), radius * xp.sin(angle)], axis=1)
    return z[:, :n_paths]


def mean_payoffs(contract, z):
    """Return discounted mean payoffs (m,) of given normals.  z: (m, n_paths)."""
    xp = array_namespace(contract, z)
    spot, strike, rate, volatility, years = xp.unstack(contract)
    growth = (rate - volatility**2 / 2) * years + volatility * xp.sqrt(years) * z
    payoffs = xp.maximum(spot * xp.exp(growth) - strike, 0.0)
    return xp.exp(-rate * years) * xp.mean(payoffs, axis=1)


def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,), in the inputs' library.  seeds: (m,)."""
    return mean_payoffs(contract, normals(seeds, n_paths, contract.dtype))
