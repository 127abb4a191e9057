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
    """Switch `%%gpu`, `%%raises` and `%%wrong` on: `%load_ext arraylab`."""
    from arraylab import magic, mistakes, wrong_answers

    for module in (magic, mistakes, wrong_answers):
        module.load_ipython_extension(ipython)
