"""Which GPUs there are, and which library can use them.

nvidia-smi, CuPy, JAX and Numba are asked one by one, because they can disagree: the
driver may see a GPU that a library built for the CPU does not.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from arraylab import html, settings
from arraylab.words import counted, said, sheet

NO_DRIVER = "nvidia-smi is not installed, so there is no NVIDIA driver"
_TITLES = {"cupy": "CuPy", "jax": "JAX", "numba_cuda": "Numba"}


@dataclass(frozen=True)
class GPU:
    """A GPU as nvidia-smi reports it.

    `memory` is in bytes (0: unknown); `cuda` is the newest CUDA version that the driver
    runs; `capability` is the compute capability.
    """

    name: str
    memory: int = 0
    driver: str = ""
    cuda: str = ""
    capability: str = ""


@dataclass(frozen=True)
class View:
    """What one library sees: the names of its GPUs, a sentence, and what to do."""

    library: str
    gpus: tuple[str, ...]
    says: str
    advice: str = ""

    @property
    def title(self) -> str:
        """The library's name as people write it."""
        return _TITLES.get(self.library, self.library)


@dataclass(frozen=True, repr=False)
class Devices:
    """The GPUs as nvidia-smi, CuPy, JAX and Numba see them; they can disagree."""

    views: tuple[View, ...]
    notes: tuple[str, ...] = ()

    def view(self, library: str) -> View:
        """Return the view of "nvidia-smi", "cupy", "jax" or "numba_cuda"."""
        for view in self.views:
            if view.library == library:
                return view
        known = ", ".join(view.library for view in self.views)
        raise KeyError(f"no view of {library!r}; there are {known}")

    def json(self) -> dict[str, Any]:
        """Return the views as plain values."""
        views = [{**asdict(view), "gpus": list(view.gpus)} for view in self.views]
        return {"views": views, "notes": list(self.notes)}

    def rows(self) -> list[tuple[str, str]]:
        """Return one pair a library: its name, and what it says with the advice."""
        return [(v.title, f"{v.says}. {v.advice}".rstrip()) for v in self.views]

    def __repr__(self) -> str:
        seen = ", ".join(f"{view.title} {len(view.gpus)}" for view in self.views)
        return f"Devices(GPUs seen: {seen})"

    def __str__(self) -> str:
        return sheet(self.rows(), self.notes)

    def _repr_html_(self) -> str:
        head = ("asked", "answer")
        return html.sheet("Who sees a GPU", head, self.rows(), self.notes, words=1)


@functools.cache
def devices() -> Devices:
    """Return the GPUs that nvidia-smi, CuPy, JAX and Numba see, one view each.

    Imports each GPU library that is installed and asks it, once in a process.  Asking
    JAX starts it: on a GPU it then reserves three quarters of the GPU's memory, unless
    XLA_PYTHON_CLIENT_PREALLOCATE=false was set before.  Never raises.

    Returns
    -------
    Devices
    """
    gpus, trouble = nvidia_smi()
    versions = settings.versions()
    environment, _ = settings.environment(os.environ, settings.c_getenv)
    answer = _sees([gpu.name for gpu in gpus], trouble)
    if gpus:
        answer += f" (driver {gpus[0].driver}, CUDA up to {gpus[0].cuda})"
    views = [View("nvidia-smi", tuple(gpu.name for gpu in gpus), answer)]
    for library, ask in _ASK.items():
        names, answer = _asked(library.removesuffix("_cuda"), ask)
        lacks = gpus and not names
        advice = _advice(library, gpus, versions, environment) if lacks else ""
        views.append(View(library, names, answer, advice))
    return Devices(tuple(views), _cupy_notes(versions))


# What the driver says


@functools.cache
def nvidia_smi() -> tuple[tuple[GPU, ...], str]:
    """Return the GPUs that nvidia-smi sees and, where there are none, why."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return (), NO_DRIVER
    asked = "--query-gpu=name,memory.total,driver_version,compute_cap"
    try:
        rows = _run([command, asked, "--format=csv,noheader,nounits"])
        gpus = _parse(rows, _run([command]))
    except Exception as error:
        return (), said(error, 2)
    return gpus, "" if gpus else "nvidia-smi lists none"


def _run(command: list[str]) -> str:
    """Return the output of `command`; raise RuntimeError with what it says instead."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    if done.returncode:
        told = (done.stdout + done.stderr).strip()
        raise RuntimeError(told or f"exit status {done.returncode}")
    return done.stdout


def _parse(rows: str, banner: str) -> tuple[GPU, ...]:
    """Return the GPUs of nvidia-smi's table `rows`; `banner` tells the CUDA version."""
    found = re.search(r"CUDA(?: \w+)? Version\s*:\s*(\d+(?:\.\d+)?)", banner)
    cuda = found[1] if found else "unknown"
    gpus = []
    for row in rows.splitlines():
        cells = [cell.strip() for cell in row.split(",")]
        if len(cells) != 4:  # a warning
            continue
        name, memory, driver, capability = cells
        # "[N/A]" where the GPU shares the memory of the system.
        size = int(memory) * 2**20 if memory.isdecimal() else 0
        gpus.append(GPU(name, size, driver, cuda, capability))
    return tuple(gpus)


# What the libraries say


def _asked(
    module: str, ask: Callable[[], tuple[list[str], str]]
) -> tuple[tuple[str, ...], str]:
    """Return the GPUs that a library sees and what it says, whatever goes wrong."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names, more = ask()
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == module:
            return (), "not installed"
        return (), _sees([], said(error, 2))
    return tuple(names), _sees(names, more)


def _sees(names: list[str], more: str) -> str:
    if not names:
        return "sees no GPU" + (f": {more}" if more else "")
    seen = f"sees {counted(len(names), 'GPU')}: {', '.join(names)}"
    return seen + (f" ({more})" if more else "")


def _ask_cupy() -> tuple[list[str], str]:
    import cupy

    runtime = cupy.cuda.runtime
    count = range(runtime.getDeviceCount())
    names = [runtime.getDeviceProperties(i)["name"].decode() for i in count]
    version = runtime.runtimeGetVersion()
    return names, f"CUDA runtime {version // 1000}.{version % 1000 // 10}"


def _ask_jax() -> tuple[list[str], str]:
    import jax

    found = jax.devices()
    names = [d.device_kind for d in found if d.platform in ("gpu", "cuda", "rocm")]
    return names, "" if names else f"it computes on the {found[0].platform.upper()}"


def _ask_numba() -> tuple[list[str], str]:
    from numba import cuda

    if _simulated():
        return [], "NUMBA_ENABLE_CUDASIM=1 simulates one on the CPU"
    return [device.name.decode() for device in cuda.gpus], ""


def _simulated() -> bool:
    """Return whether Numba was told to simulate a GPU."""
    config = getattr(sys.modules.get("numba"), "config", None)
    return bool(getattr(config, "ENABLE_CUDASIM", 0))


_ASK = {"cupy": _ask_cupy, "jax": _ask_jax, "numba_cuda": _ask_numba}


# What to do about it


def _advice(
    library: str,
    gpus: tuple[GPU, ...],
    versions: Mapping[str, str],
    environment: Mapping[str, str],
) -> str:
    """Return what to do so that `library` sees the GPU that nvidia-smi sees."""
    hidden = environment.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and hidden.strip() in ("", "-1", "NoDevFiles"):
        return f"CUDA_VISIBLE_DEVICES={hidden!r} hides the GPU: unset it."
    platforms = environment.get("JAX_PLATFORMS", "")
    if library == "jax" and platforms and not re.search("cuda|gpu", platforms):
        return f"JAX_PLATFORMS={platforms} hides the GPU: unset it."
    if library == "numba_cuda" and _simulated():
        return "Unset NUMBA_ENABLE_CUDASIM and restart Python."
    major = _cuda_major(gpus)
    if major < 12:
        return "The driver is too old: install NVIDIA driver 525 or newer."
    wheel, needed = {
        "cupy": (f"cupy-cuda{major}x", f"cupy-cuda{major}x"),
        "jax": (f'"jax[cuda{major}]"', f"jax-cuda{major}-plugin"),
        "numba_cuda": (f'"numba-cuda[cu{major}]"', "numba-cuda"),
    }[library]
    if needed in versions:
        return (
            f"{needed} is installed but does not work: restart Python, and if that "
            f"does not help run `pip install --force-reinstall {wheel}`."
        )
    return _install(library, wheel, versions)


def _install(library: str, wheel: str, versions: Mapping[str, str]) -> str:
    """Return the sentence that says which wheel to install, and in place of what."""
    others = [name for name in settings.CUPY_WHEELS if name in versions]
    if library == "jax" and "jax" in versions:
        return f"The CPU wheel of JAX is installed: run `pip install {wheel}`."
    if library == "cupy" and others:
        return (
            f"{', '.join(others)} does not fit the driver: run "
            f"`pip uninstall -y {' '.join(others)}`, then `pip install {wheel}`."
        )
    return f"Run `pip install {wheel}`."


def _cuda_major(gpus: tuple[GPU, ...]) -> int:
    """Return the CUDA major version whose wheels suit driver and GPUs.

    The driver's version decides, except that CUDA 13 has left out GPUs older than
    compute capability 7.5 (P100, V100), whose drivers may well say "CUDA 13".
    """
    told = gpus[0].cuda.partition(".")[0]
    major = min(int(told), 13) if told.isdecimal() else 12
    numbers = re.findall(r"\d+\.\d+", " ".join(gpu.capability for gpu in gpus))
    old = any(float(number) < 7.5 for number in numbers)
    return min(major, 12) if old else major


def _cupy_notes(versions: Mapping[str, str]) -> tuple[str, ...]:
    several = [name for name in settings.CUPY_WHEELS if name in versions]
    if len(several) < 2:
        return ()
    return (f"Several CuPy wheels are installed ({', '.join(several)}): keep one.",)
