"""The limits of this machine, measured: how fast bytes move and numbers multiply.

A time says little until it is set beside the time that the machine allows.  `peaks`
says what memory, cache and arithmetic reach, and keeps what was measured on disk.
"""

import contextlib
import hashlib
import json
import math
import os
import sys
import tempfile
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from arraylab import cpu_limits, gpu_limits, html, units
from arraylab.files import write_atomically
from arraylab.gpus import devices
from arraylab.hardware import Machine, machine
from arraylab.words import sheet, slug

SCHEMA = 1


@dataclass(frozen=True, repr=False)
class Share:
    """How much of a measured limit a computation reached.

    `kind` is "bandwidth" or "flops", `fraction` is 1 at the limit, and `limit` names
    the limit in words.
    """

    kind: str
    fraction: float
    limit: str = ""

    def json(self) -> dict[str, Any]:
        """Return the share as plain values."""
        return asdict(self)

    def __repr__(self) -> str:
        usual = {"bandwidth": "memory bandwidth", "flops": "the flop rate"}
        percent = units.rounded(100 * self.fraction, 2)
        return f"{percent} % of {self.limit or usual.get(self.kind, self.kind)}"


@dataclass(frozen=True, repr=False)
class Peaks:
    """Measured limits of one device.

    Attributes
    ----------
    device : str
        "cpu", or the GPU's name.
    bandwidth : float
        Bytes per second from and to main memory, all usable cores together: bytes read
        plus bytes written by the program (not the lines a write fetches first).
    cache_bandwidth : float
        The same for data that stay in the cache (256 kB a core; on a GPU, its L2).
    flops : dict of str to float
        Operations per second of a matrix product, by dtype.  The product is the best
        code the machine has, so this is a lower bound of the hardware's own limit.
    last_level_cache : int
        Bytes; data smaller than this are judged by `cache_bandwidth`.
    measured : str
        ISO date of the measurement.
    kernels : dict of str to float
        Bytes per second of each memory kernel; `bandwidth` is the largest.
    notes : tuple of str
        What should be known before the numbers are trusted.
    """

    device: str
    bandwidth: float
    cache_bandwidth: float
    flops: dict[str, float]
    last_level_cache: int
    measured: str
    kernels: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def share(
        self, seconds: float, operations: float, nbytes: float, dtype: Any = "float64"
    ) -> Share:
        """Return the larger of the two shares that a computation reached.

        Parameters
        ----------
        seconds : float
            Time of the computation.
        operations, nbytes : float
            What it must do at least: operations, and bytes read plus written.
        dtype : dtype
            Of the operations.  Complex types count as their real parts; a type without
            a measured rate (integers) is judged by its bytes alone.

        Returns
        -------
        Share
        """
        moving, computing = self._times(operations, nbytes, dtype)
        name = _name(dtype)
        if computing > moving:
            return Share("flops", _over(computing, seconds), f"the {name} flop rate")
        memory = "memory" if nbytes >= 2 * self.last_level_cache else "cache"
        return Share("bandwidth", _over(moving, seconds), f"{memory} bandwidth")

    def fastest(
        self, operations: float, nbytes: float, dtype: Any = "float64"
    ) -> float:
        """Return the seconds that the limits allow: the larger of the two times."""
        return max(self._times(operations, nbytes, dtype))

    def balance(self, dtype: Any = "float64") -> float:
        """Return the ridge of the roofline in operations per byte of main memory.

        Code that does fewer operations on each byte is limited by memory.
        """
        return self._flops(dtype) / self.bandwidth

    def _times(
        self, operations: float, nbytes: float, dtype: Any
    ) -> tuple[float, float]:
        """Return the least seconds for moving the bytes and for the operations.

        Data of up to one last-level cache may all lie in it from the call before, data
        of two cannot usefully; between the two the time grows without a jump.
        """
        ratio = nbytes / self.last_level_cache if self.last_level_cache else math.inf
        cached = min(max(2 - ratio, 0.0), 1.0)
        near, far = cached * nbytes, (1 - cached) * nbytes
        moving = near / self.cache_bandwidth + far / self.bandwidth
        return moving, operations / self._flops(dtype)

    def _flops(self, dtype: Any) -> float:
        parts = {"complex128": "float64", "complex64": "float32"}
        name = parts.get(_name(dtype), _name(dtype))
        return self.flops.get(name, math.inf)

    def json(self) -> dict[str, Any]:
        """Return the limits as plain values."""
        return {**asdict(self), "notes": list(self.notes)}

    def rows(self) -> list[tuple[str, str]]:
        """Return the limits as pairs of words, in reading order."""
        rows = [("main memory", units.rate(self.bandwidth, "B"))]
        rows += [
            (f"main memory, {name}", units.rate(value, "B"))
            for name, value in self.kernels.items()
        ]
        rows.append(("cache", units.rate(self.cache_bandwidth, "B")))
        for dtype, value in self.flops.items():
            rows.append((f"{dtype} matrix product", units.rate(value, "flop")))
            words = f"{units.rounded(self.balance(dtype), 2)} flop per byte"
            rows.append((f"{dtype} balance", words))
        return rows

    def __repr__(self) -> str:
        rates = [f"{units.rate(value, 'flop')} {k}" for k, value in self.flops.items()]
        moved = f"{units.rate(self.bandwidth, 'B')} memory"
        return f"Peaks({self.device}: {', '.join([moved, *rates])})"

    def __str__(self) -> str:
        return f"{self!r}\n{sheet(self.rows(), self.notes)}"

    def _repr_html_(self) -> str:
        caption = f"Limits of {self.device}, measured {self.measured}"
        return html.sheet(caption, ("limit", "measured"), self.rows(), self.notes)


def _name(dtype: Any) -> str:
    """Return the name of `dtype`, also of one that NumPy does not have."""
    try:
        return np.dtype(dtype).name
    except TypeError:
        return str(dtype)


def _over(least: float, seconds: float) -> float:
    return least / seconds if seconds > 0 else math.inf if least else 0.0


def peaks(device: str = "cpu", refresh: bool = False) -> Peaks:
    """Return the measured limits of `device`; the first call takes some seconds.

    The result is kept in the user's cache folder (BEYOND_NUMPY_CACHE names another), so
    a second process takes no time.  It is measured anew when processor, cores, NumPy,
    its BLAS or the thread settings have changed, and once more in the next process
    where other programs disturbed the measurement.

    Parameters
    ----------
    device : str
        "cpu", "gpu", or the name of this machine's GPU.
    refresh : bool
        Measure again, and keep the better of the old and the new values: another
        program that runs meanwhile can only make a limit look lower than it is.

    Returns
    -------
    Peaks

    Raises
    ------
    ValueError
        If there is no device of that name.
    RuntimeError
        If a GPU is asked for and neither CuPy nor JAX can use one.
    """
    here = machine()
    name, library = _found(device)
    key = _key(here, library)
    kind = hashlib.sha256(str(key).encode()).hexdigest()[:8]  # one file a setting
    path = _folder() / f"peaks-{here.slug}-{slug(name)}-{kind}.json"
    told, note = _kept.get((name, str(key))), ""
    if told is None:
        told, note = _load(path, key)
        refresh = refresh or (told is not None and cpu_limits.BUSY in told.notes)
    if told is None or refresh:
        measured = _measure(library, name, here)
        told = _better(told, measured) if told else measured
        content = {"schema": SCHEMA, "key": key, "peaks": told.json()}
        with contextlib.suppress(OSError):  # a folder that cannot be written
            write_atomically(path, json.dumps(content, indent=1))
    _kept[name, str(key)] = told
    return replace(told, notes=(*told.notes, note)) if note else told


_kept: dict[tuple[str, str], Peaks] = {}


def _found(device: str) -> tuple[str, str]:
    """Return the device's full name and the library that measures it."""
    if device == "cpu":
        return "cpu", "numpy"
    views = devices().views
    for view in views:
        usable = view.gpus if view.library in ("cupy", "jax") else ()
        if usable and device in ("gpu", *usable):
            return (usable[0] if device == "gpu" else device), view.library
    known = dict.fromkeys(("cpu", "gpu", *(gpu for view in views for gpu in view.gpus)))
    if device not in known:
        names = ", ".join(map(repr, known))
        raise ValueError(f"there is no device {device!r} here; say one of {names}")
    said = "; ".join(f"{v.library} {v.says}. {v.advice}".strip() for v in views)
    raise RuntimeError(f"neither CuPy nor JAX can use a GPU here ({said})")


def _measure(library: str, name: str, here: Machine) -> Peaks:
    if library == "numpy":
        blas = _blas_threads(here)
        cache = here.last_level_cache
        found = cpu_limits.measure(here.cores, here.memory, cache, blas)
    else:
        number = devices().view(library).gpus.index(name)
        with_cupy, with_jax = gpu_limits.measure_with_cupy, gpu_limits.measure_with_jax
        found = with_cupy(number) if library == "cupy" else with_jax(number)
    bandwidth = max(found["kernels"].values())
    found["cache_bandwidth"] = max(bandwidth, found["cache_bandwidth"])
    today = datetime.now(UTC).date().isoformat()
    return Peaks(device=name, bandwidth=bandwidth, measured=today, **found)


def _blas_threads(here: Machine) -> int:
    """Return the threads that the loaded BLAS uses; 0 where nobody tells."""
    pools = here.threads.get("pools", {})
    return max(pools.get(name, 0) for name in ("openblas", "mkl", "blis"))


def _better(old: Peaks, new: Peaks) -> Peaks:
    """Return the larger of each limit, with the date of `new`.

    What disturbed only one of the two has done no harm: only notes of both stay.
    """

    def best(a: dict[str, float], b: dict[str, float]) -> dict[str, float]:
        return {name: max(b[name], a.get(name, 0.0)) for name in b}

    return replace(
        new,
        bandwidth=max(old.bandwidth, new.bandwidth),
        cache_bandwidth=max(old.cache_bandwidth, new.cache_bandwidth),
        flops=best(old.flops, new.flops),
        kernels=best(old.kernels, new.kernels),
        notes=tuple(note for note in new.notes if note in old.notes),
    )


# What is kept on disk


# How the names of the versions and settings begin on which a library's speed depends.
_DEPENDS = {
    "numpy": ("numpy", "BLAS", "OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB"),
    "cupy": ("cupy", "CUPY", "CUDA"),
    "jax": ("jax", "JAX", "XLA", "CUDA"),
}


def _key(here: Machine, library: str) -> dict[str, Any]:
    """Return what the limits depend on; other values mean another measurement."""
    told = here.versions | here.threads.get("environment", {})
    key = {k: told[k] for k in sorted(told) if k.startswith(_DEPENDS[library])}
    if library == "numpy":
        more = {"cpu": here.cpu, "cores": here.cores, "threads": _blas_threads(here)}
    else:
        more = {"drivers": [gpu.driver for gpu in here.gpus]}
    return {"library": library, **key, **more}


def _folder() -> Path:
    """Return the user's folder for what may be thrown away."""
    environ = os.environ
    if told := environ.get("BEYOND_NUMPY_CACHE"):
        return Path(told)
    try:
        home = Path.home()
    except RuntimeError:  # a user whom the system does not know
        home = Path(tempfile.gettempdir())
    if sys.platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or home / "AppData/Local")
    elif sys.platform == "darwin":
        base = home / "Library/Caches"
    else:
        base = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "beyond-numpy"


_DAMAGED = "The limits on disk were damaged or of another format: measured anew."


def _load(path: Path, key: dict[str, Any]) -> tuple[Peaks | None, str]:
    """Return the limits kept for `key`, or None and a note why they are not used."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            return None, _DAMAGED
        told = content["peaks"]
        found = Peaks(**told | {"notes": tuple(told["notes"])})
        rates = (found.bandwidth, found.cache_bandwidth, *found.flops.values())
        sound = all(0 < rate < math.inf for rate in rates)
    except OSError:
        return None, ""
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, _DAMAGED
    if not sound:
        return None, _DAMAGED
    return (found, "") if content["key"] == key else (None, "")
