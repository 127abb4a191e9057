"""Say a quantity as people do: "84.4 ms", "2.1 GB/s", "144 MB"."""

import math


def seconds(value: float, digits: int = 3) -> str:
    """Return `value` seconds in words, to `digits` significant digits.

    >>> seconds(0.08442), seconds(2.5e-8), seconds(132.0)
    ('84.4 ms', '25.0 ns', '132 s')
    """
    return _scaled(value, "s", digits)


def rate(value: float, unit: str, digits: int = 3) -> str:
    """Return `value` per second in words, such as "24.1 GB/s" or "150 Gflop/s"."""
    return _scaled(value, f"{unit}/s", digits)


def size(value: float, digits: int = 3) -> str:
    """Return `value` bytes in words; 1 kB is 1,000 bytes, as in data sheets."""
    return f"{value:.0f} B" if abs(value) < 1000 else _scaled(value, "B", digits)


def ratio(value: float, digits: int = 2) -> str:
    """Return a ratio in words: "7.1x", "0.85x", "120x"."""
    return f"{rounded(value, digits)}x"


def rounded(value: float, digits: int) -> str:
    """Return `value` to `digits` significant digits, without an exponent.

    >>> rounded(1234.5, 2), rounded(0.012345, 2), rounded(7.0, 3)
    ('1200', '0.012', '7.00')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    decimals = digits - 1 - exponent
    return f"{round(value, decimals):.{max(decimals, 0)}f}"


def _scaled(value: float, unit: str, digits: int) -> str:
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    magnitude = abs(float(f"{value:.{digits - 1}e}"))  # 999.6 µs is said as 1.00 ms
    for prefix, factor in _PREFIXES:
        if magnitude >= factor or factor == _PREFIXES[-1][1]:
            if unit == "s" and factor > 1:
                continue  # nobody says "kiloseconds"
            return f"{rounded(value / factor, digits)} {prefix}{unit}"
    raise AssertionError("the last prefix takes whatever is left")


_PREFIXES = (
    ("T", 1e12),
    ("G", 1e9),
    ("M", 1e6),
    ("k", 1e3),
    ("", 1.0),
    ("m", 1e-3),
    ("µ", 1e-6),
    ("n", 1e-9),
    ("p", 1e-12),
)
