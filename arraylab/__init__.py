"""Honest timing, device detection, recorded results and claims for Beyond NumPy."""

from arraylab.arrays import finish, place, wait
from arraylab.claims import claim
from arraylab.gpus import devices
from arraylab.hardware import machine
from arraylab.limits import peaks
from arraylab.memory import peak_memory
from arraylab.results import Comparison, Refused, Sweep, Timing
from arraylab.timing import Variant, bench, compare, matches, sweep

__all__ = [
    "Comparison",
    "Refused",
    "Sweep",
    "Timing",
    "Variant",
    "bench",
    "claim",
    "compare",
    "devices",
    "finish",
    "machine",
    "matches",
    "peak_memory",
    "peaks",
    "place",
    "sweep",
    "wait",
]


def load_ipython_extension(ipython: object) -> None:
    """Switch the cell magics `%%gpu` and `%%raises` on: `%load_ext arraylab`."""
    from arraylab import magic, mistakes

    magic.load_ipython_extension(ipython)
    mistakes.load_ipython_extension(ipython)
