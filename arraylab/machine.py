"""What this machine is: processor, memory, GPUs, versions and thread settings.

Every question is answered or left open ("unknown"); nothing here raises, and no
library is imported to learn its version.  `machine` reads what the operating system
tells and asks nvidia-smi; only `devices` imports the GPU libraries, because asking them
starts them.
"""

import ctypes
import functools
import html as markup
import importlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from arraylab import html, units

MIME = "application/vnd.beyond-numpy.machine+json"

# Settings that change what a timing means.  Each is read as Python and as C sees it.
SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMBA_THREADING_LAYER",
    "NUMBA_DISABLE_JIT",
    "NUMBA_ENABLE_CUDASIM",
    "XLA_FLAGS",
    "XLA_PYTHON_CLIENT_PREALLOCATE",
    "JAX_ENABLE_X64",
    "JAX_PLATFORMS",
    "CUDA_VISIBLE_DEVICES",
    "CUPY_TF32",
    "GLIBC_TUNABLES",
)

# Distributions whose versions belong to every measurement.
DISTRIBUTIONS = (
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
    "numba-cuda",
    "jax",
    "jaxlib",
    "jax-cuda12-plugin",
    "jax-cuda13-plugin",
    "dask",
    "distributed",
    "array-api-compat",
    "array-api-strict",
    "threadpoolctl",
)
CUPY_DISTRIBUTIONS = (
    "cupy-cuda13x",
    "cupy-cuda12x",
    "cupy-cuda11x",
    "cupy",
    "cupy-rocm-7-0",
    "cupy-rocm-5-0",
)

# Which variables a thread pool obeys, the strongest first.
_OBEYS = {
    "openblas": ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"),
    "mkl": ("MKL_NUM_THREADS", "OMP_NUM_THREADS"),
    "blis": ("BLIS_NUM_THREADS", "OMP_NUM_THREADS"),
    "openmp": ("OMP_NUM_THREADS",),
}

# ARM kernels give numbers instead of a model name.
_ARM = {
    ("0x41", "0xd0c"): "Arm Neoverse N1",
    ("0x41", "0xd40"): "Arm Neoverse V1",
    ("0x41", "0xd49"): "Arm Neoverse N2",
    ("0x41", "0xd4f"): "Arm Neoverse V2",
    ("0x41", "0xd08"): "Arm Cortex-A72",
    ("0x41", "0xd0b"): "Arm Cortex-A76",
    ("0x61", ""): "Apple silicon",
    ("0xc0", ""): "Ampere",
    ("0x41", ""): "Arm",
}


@dataclass(frozen=True)
class Cache:
    """One level of data cache: `count` caches of `size` bytes each."""

    level: int
    size: int
    count: int


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


@dataclass(frozen=True, repr=False)
class Machine:
    """The machine that runs this process, as far as it can be known.

    Attributes
    ----------
    cpu, system, python : str
        The processor's model, the operating system (and host), Python's version.
    cores : int
        Cores that this process may use: affinity and cgroup quota, not the host's.
    memory : int
        Bytes of memory that this process may use: the least of system and cgroup.
    caches : tuple of Cache
        Data caches, the smallest level first; empty where the system does not say.
    gpus : tuple of GPU
        GPUs seen by nvidia-smi.  `devices` says which library can use them.
    versions, threads : dict
        Versions by distribution; `threads["environment"]` holds settings as C sees
        them and `threads["pools"]` the threads that the loaded libraries really use.
    notes : tuple of str
        Sentences about settings that do not do what they seem to.
    """

    cpu: str
    cores: int
    memory: int
    caches: tuple[Cache, ...]
    gpus: tuple[GPU, ...]
    system: str
    python: str
    versions: dict[str, str] = field(default_factory=dict)
    threads: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """One line for the head of a table: "AMD EPYC, 2 cores"."""
        parts = [*_counted(self.gpus, " x "), self.cpu]
        return f"{'; '.join(parts)}, {_plural(self.cores, 'core')}"

    @property
    def slug(self) -> str:
        """The machine's name in a file name: "amd-epyc-2-cores"."""
        device = _counted(self.gpus, " ") or [self.cpu]
        return _slug(f"{' '.join(device)} {_plural(self.cores, 'core')}")

    @property
    def last_level_cache(self) -> int:
        """Bytes of the last level of cache that the usable cores reach (0: unknown)."""
        return self.caches[-1].size * self.caches[-1].count if self.caches else 0

    def json(self) -> dict[str, Any]:
        """Return the stamp that a record carries, as plain values."""
        stamp = asdict(self)
        for name in ("caches", "gpus", "notes"):
            stamp[name] = list(stamp[name])
        return stamp

    def rows(self) -> list[tuple[str, str]]:
        """Return what is known as pairs of words, in reading order."""
        rows = [
            ("CPU", f"{self.cpu}, {_plural(self.cores, 'usable core')}"),
            ("caches", ", ".join(map(_cache_words, self.caches)) or "unknown"),
            ("memory", units.size(self.memory) if self.memory else "unknown"),
            ("GPU", "; ".join(map(_gpu_words, self.gpus)) or "none seen by nvidia-smi"),
            ("system", self.system),
            ("Python", self.python),
            ("libraries", ", ".join(f"{k} {v}" for k, v in self.versions.items())),
        ]
        environment = self.threads.get("environment", {})
        pools = self.threads.get("pools", {})
        told = ", ".join(f"{k}={v}" for k, v in environment.items())
        used = ", ".join(f"{k}: {_plural(v, 'thread')}" for k, v in pools.items())
        rows.append(("settings", told or "none set"))
        rows.append(("threads in use", used or "unknown (threadpoolctl tells)"))
        return rows

    def __repr__(self) -> str:
        memory = f", {units.size(self.memory)}" if self.memory else ""
        return f"Machine({self.title}{memory}, {self.system})"

    def __str__(self) -> str:
        return _lines(self.rows(), self.notes)

    def _repr_html_(self) -> str:
        rows = [tuple(map(markup.escape, row)) for row in self.rows()]
        table = html.table(self.title, ("", "this machine"), rows, words=1)
        return html.block(table, *map(html.note, self.notes))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict:
        return {
            "text/plain": str(self),
            "text/html": self._repr_html_(),
            MIME: self.json(),
        }


@dataclass(frozen=True)
class View:
    """What one library sees: the names of its GPUs, a sentence, and what to do."""

    library: str
    gpus: tuple[str, ...]
    says: str
    advice: str = ""


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
        return [
            (_TITLES.get(v.library, v.library), f"{v.says}. {v.advice}".rstrip())
            for v in self.views
        ]

    def __repr__(self) -> str:
        seen = (
            f"{_TITLES.get(v.library, v.library)} {len(v.gpus)}" for v in self.views
        )
        return f"Devices(GPUs seen: {', '.join(seen)})"

    def __str__(self) -> str:
        return _lines(self.rows(), self.notes)

    def _repr_html_(self) -> str:
        rows = [tuple(map(markup.escape, row)) for row in self.rows()]
        table = html.table("Who sees a GPU", ("asked", "answer"), rows, words=1)
        return html.block(table, *map(html.note, self.notes))


_TITLES = {
    "nvidia-smi": "nvidia-smi",
    "cupy": "CuPy",
    "jax": "JAX",
    "numba_cuda": "Numba",
}


def machine() -> Machine:
    """Return what this machine is; the hardware is looked at once in a process.

    Settings and threads in use are read at each call, since they can change.
    No GPU library is imported and no GPU is initialised.  Never raises.

    Returns
    -------
    Machine
    """
    parts = _hardware()
    cores = parts["cores"]
    environment, disagreements = _environment(os.environ, _c_getenv)
    pools = _pools()
    notes = (
        *parts.pop("notes"),
        *disagreements,
        *_without_effect(environment, pools, cores),
        *_jax_told_too_late(environment, sys.modules.get("jax")),
    )
    threads = {"environment": environment, "pools": pools}
    return Machine(**parts, threads=threads, notes=notes)


def devices() -> Devices:
    """Return the GPUs that nvidia-smi, CuPy, JAX and Numba see, one view each.

    Imports each GPU library that is installed and asks it, once in a process.  Asking
    JAX starts it: on a GPU it then reserves three quarters of the GPU's memory, unless
    XLA_PYTHON_CLIENT_PREALLOCATE=false was set before.  Never raises.

    Returns
    -------
    Devices
    """
    return _devices()


@functools.cache
def _devices() -> Devices:
    here = machine()
    names = tuple(gpu.name for gpu in here.gpus)
    said = _sees(names) if names else f"sees no GPU: {_nvidia_smi()[1]}"
    if names:
        said += f" (driver {here.gpus[0].driver}, CUDA up to {here.gpus[0].cuda})"
    views = [View("nvidia-smi", names, said)]
    asked = {"cupy": _ask_cupy, "jax": _ask_jax, "numba_cuda": _ask_numba}
    for library, ask in asked.items():
        seen, says = _ask(library.removesuffix("_cuda"), ask)
        advice = "" if seen or not names else _advice(library, here)
        views.append(View(library, seen, says, advice))
    return Devices(tuple(views), _cupy_notes(here.versions))


# Hardware ---------------------------------------------------------------------------


def _hardware() -> dict[str, Any]:
    """Return the fields of `Machine` that stay the same while a process runs."""
    return dict(_hardware_once())


@functools.cache
def _hardware_once() -> dict[str, Any]:
    cpus = _affinity()
    cores = _cores(len(cpus))
    gpus, trouble = _nvidia_smi()
    broken = trouble and trouble != _NO_NVIDIA_SMI
    return {
        "cpu": _quietly(_cpu, "unknown CPU"),
        "cores": cores,
        "memory": _quietly(_memory, 0),
        "caches": _quietly(lambda: _caches(cpus, cores), ()),
        "gpus": gpus,
        "system": _quietly(_system, platform.system() or "unknown"),
        "python": platform.python_version(),
        "versions": _versions(),
        "notes": (f"nvidia-smi is here but says: {trouble}",) if broken else (),
    }


def _quietly(ask: Callable[[], Any], otherwise: Any) -> Any:
    """Return `ask()`, or `otherwise` where the system does not answer."""
    try:
        return ask() or otherwise
    except Exception:
        return otherwise


def _affinity() -> tuple[int, ...]:
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def _cores(affinity: int, root: Path = Path("/")) -> int:
    """Return the usable cores: `affinity`, or fewer where a cgroup's quota says so."""
    quotas = [float(affinity)]
    for folder in _cgroups(root, "cpu"):
        quota, period = _words(folder / "cpu.max", 2)
        if quota is None:
            (quota,) = _words(folder / "cpu.cfs_quota_us", 1)
            (period,) = _words(folder / "cpu.cfs_period_us", 1)
        if _positive(quota) and _positive(period):
            quotas.append(int(quota) / int(period))
    return max(1, int(min(quotas)))


def _memory(root: Path = Path("/")) -> int:
    """Return the bytes this process may use: the least of system and cgroup limits."""
    limits = [_system_memory(root)]
    for folder in _cgroups(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            (limit,) = _words(folder / name, 1)
            if _positive(limit):
                limits.append(int(limit))
    return min((limit for limit in limits if limit), default=0)


def _cgroups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders that may limit this process, from its own up to the top.

    In a container the path that the kernel tells is often the host's, and the limits
    lie at the top of what is mounted; walking up finds both.
    """
    top = root / "sys/fs/cgroup"
    text = _read(root / "proc/self/cgroup")
    for line in text.splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        names = {controllers, controller} if controllers else {"", "unified"}
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for name in sorted(names):
            for depth in range(len(parts), -1, -1):
                folder = (top / name).joinpath(*parts[:depth])
                if folder.is_dir():
                    yield folder


def _system_memory(root: Path) -> int:
    found = re.search(r"MemTotal:\s+(\d+) kB", _read(root / "proc/meminfo"))
    if found:
        return int(found[1]) * 1024
    if sys.platform == "win32":
        return _windows_memory()
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _windows_memory() -> int:
    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((f"value{i}", ctypes.c_ulonglong) for i in range(7)),
        )

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return status.value0


def _cpu(root: Path = Path("/")) -> str:
    """Return the processor's model, without trade marks and clock rates."""
    if sys.platform == "darwin":
        return _tidy(_sysctl().get("machdep.cpu.brand_string", ""))
    if sys.platform == "win32":
        return _tidy(_windows_cpu())
    text = _read(root / "proc/cpuinfo")
    pairs = (line.partition(":")[::2] for line in text.splitlines())
    told = {key.strip(): value.strip() for key, value in reversed(list(pairs))}
    if name := told.get("model name") or told.get("Model"):
        return _tidy(name)
    maker, part = told.get("CPU implementer", ""), told.get("CPU part", "")
    arm = _ARM.get((maker, part)) or _ARM.get((maker, ""))
    return arm or _tidy(platform.processor() or platform.machine())


def _windows_cpu() -> str:
    import winreg

    path = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
        return winreg.QueryValueEx(key, "ProcessorNameString")[0]


def _tidy(name: str) -> str:
    name = re.sub(r"\((?:R|TM|C)\)|\bCPU\b|\bProcessor\b|@.*|\bwith .*", " ", name)
    name = re.sub(r"\b\d+-Core\b", " ", name)
    return " ".join(name.split())


def _caches(
    cpus: Iterable[int], cores: int, root: Path = Path("/")
) -> tuple[Cache, ...]:
    """Return the data caches that `cpus` reach, at most `cores` at once of a level."""
    if sys.platform == "darwin":
        return _mac_caches(_sysctl(), cores)
    found: dict[tuple[int, int], int] = {}
    served: dict[str, set[int]] = {}
    for cpu in cpus:
        folder = root / f"sys/devices/system/cpu/cpu{cpu}/cache"
        for index in sorted(folder.glob("index*")):
            if cpu in served.setdefault(index.name, set()):
                continue
            served[index.name] |= {cpu, *_cpu_list(_read(index / "shared_cpu_list"))}
            size = _bytes(_read(index / "size"))
            if size and _read(index / "type") != "Instruction":
                key = (int(_read(index / "level")), size)
                found[key] = found.get(key, 0) + 1
    rows = sorted(found.items())
    return tuple(Cache(*key, min(count, cores)) for key, count in rows)


def _mac_caches(told: dict[str, str], cores: int) -> tuple[Cache, ...]:
    """Return macOS's caches; on Apple silicon those of the performance cores."""
    caches = []
    for level, key in enumerate(("l1dcachesize", "l2cachesize", "l3cachesize"), 1):
        size = int(told.get(f"hw.perflevel0.{key}") or told.get(f"hw.{key}") or 0)
        if size:
            caches.append(Cache(level, size, cores if level == 1 else 1))
    return tuple(caches)


@functools.cache
def _sysctl() -> dict[str, str]:
    """Return what macOS's sysctl tells about processor and caches."""
    keys = [f"hw.{level}cachesize" for level in ("l1d", "l2", "l3")]
    keys += [key.replace("hw.", "hw.perflevel0.") for key in keys]
    command = ["sysctl", "machdep.cpu.brand_string", *keys]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=5, check=False
    )
    pairs = (line.partition(": ") for line in done.stdout.splitlines())
    return {key: value for key, _, value in pairs}


def _system() -> str:
    """Return the operating system, its version and the host that runs it, if known."""
    system, release = platform.system(), platform.release()
    if system == "Darwin":
        system, release = "macOS", platform.mac_ver()[0]
    elif system == "Linux":
        release = ".".join(release.split("-")[0].split(".")[:2])
    hosts = [name for name, here in _hosts(os.environ).items() if here]
    words = " ".join(filter(None, (system, release, platform.machine())))
    return words + (f" ({hosts[0]})" if hosts else "")


def _hosts(environ: Any, root: Path = Path("/")) -> dict[str, bool]:
    """Return which hosts are recognised; the first that is says most."""
    return {
        "Google Colab": "COLAB_RELEASE_TAG" in environ or "COLAB_GPU" in environ,
        "Kaggle": "KAGGLE_KERNEL_RUN_TYPE" in environ,
        "Binder": "BINDER_SERVICE_HOST" in environ,
        "GitHub Actions": "GITHUB_ACTIONS" in environ,
        "WSL": "microsoft" in _read(root / "proc/version").lower(),
        "container": (root / ".dockerenv").exists()
        or (root / "run/.containerenv").exists()
        or "KUBERNETES_SERVICE_HOST" in environ,
    }


# GPUs -------------------------------------------------------------------------------

_NO_NVIDIA_SMI = "nvidia-smi is not installed, so there is no NVIDIA driver"


@functools.cache
def _nvidia_smi() -> tuple[tuple[GPU, ...], str]:
    """Return the GPUs that nvidia-smi sees and, where there are none, why."""
    command = shutil.which("nvidia-smi") or next(
        (p for p in ("/usr/lib/wsl/lib/nvidia-smi",) if Path(p).exists()), None
    )
    if command is None:
        return (), _NO_NVIDIA_SMI
    asked = "--query-gpu=name,memory.total,driver_version,compute_cap"
    try:
        rows = _run([command, asked, "--format=csv,noheader,nounits"])
        gpus = _parse_gpus(rows, _run([command]))
    except Exception as error:
        return (), _first_line(error)
    return gpus, "" if gpus else "nvidia-smi lists none"


def _run(command: list[str]) -> str:
    """Return the output of `command`; raise RuntimeError with what it says instead."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=10, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip() or f"exit status {done.returncode}"
        raise RuntimeError(said)
    return done.stdout


def _parse_gpus(rows: str, banner: str) -> tuple[GPU, ...]:
    """Return the GPUs of nvidia-smi's table `rows`; `banner` tells the CUDA version."""
    found = re.search(r"CUDA(?: \w+)? Version\s*:\s*(\d+(?:\.\d+)?)", banner)
    cuda = found[1] if found else "unknown"
    gpus = []
    for row in rows.splitlines():
        cells = [cell.strip() for cell in row.split(",")]
        if len(cells) != 4:
            continue
        name, memory, driver, capability = cells
        # "[N/A]" where the GPU shares the memory of the system.
        size = int(memory) * 2**20 if memory.isdecimal() else 0
        gpus.append(GPU(name, size, driver, cuda, capability))
    return tuple(gpus)


def _ask(module: str, ask: Callable[[], tuple[list[str], str]]) -> tuple:
    """Return the GPUs that a library sees and what it says, whatever goes wrong."""
    if not _installed(module):
        return (), "not installed"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names, more = ask()
    except Exception as error:
        return (), f"sees no GPU: {_first_line(error)}"
    if names:
        return tuple(names), _sees(names) + (f" ({more})" if more else "")
    return (), "sees no GPU" + (f": {more}" if more else "")


def _ask_cupy() -> tuple[list[str], str]:
    runtime = importlib.import_module("cupy").cuda.runtime
    count = range(runtime.getDeviceCount())
    names = [runtime.getDeviceProperties(i)["name"].decode() for i in count]
    version = runtime.runtimeGetVersion()
    return names, f"CUDA runtime {version // 1000}.{version % 1000 // 10}"


def _ask_jax() -> tuple[list[str], str]:
    found = importlib.import_module("jax").devices()
    names = [d.device_kind for d in found if d.platform in ("gpu", "cuda", "rocm")]
    return names, "" if names else f"it computes on the {found[0].platform.upper()}"


def _ask_numba() -> tuple[list[str], str]:
    cuda = importlib.import_module("numba.cuda")
    if _simulated():
        return [], "NUMBA_ENABLE_CUDASIM=1 simulates one on the CPU"
    return [device.name.decode() for device in cuda.gpus], ""


def _simulated() -> bool:
    """Return whether Numba was told to simulate a GPU."""
    config = getattr(sys.modules.get("numba"), "config", None)
    return bool(getattr(config, "ENABLE_CUDASIM", 0))


def _advice(library: str, here: Machine) -> str:
    """Return what to do so that `library` sees the GPU that nvidia-smi sees."""
    environment = here.threads.get("environment", {})
    hidden = environment.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and hidden.strip() in ("", "-1", "NoDevFiles"):
        return f"CUDA_VISIBLE_DEVICES={hidden!r} hides the GPU: unset it."
    platforms = environment.get("JAX_PLATFORMS", "")
    if library == "jax" and platforms and not re.search("cuda|gpu", platforms):
        return f"JAX_PLATFORMS={platforms} hides the GPU: unset it."
    if library == "numba_cuda" and _simulated():
        return "Unset NUMBA_ENABLE_CUDASIM and restart Python."
    major = cuda_major(here.gpus)
    if major < 12:
        return "The driver is too old: install NVIDIA driver 525 or newer."
    wanted = {
        "cupy": (f"cupy-cuda{major}x", f"cupy-cuda{major}x"),
        "jax": (f"jax[cuda{major}]", f"jax-cuda{major}-plugin"),
        "numba_cuda": (f"numba-cuda[cu{major}]", "numba-cuda"),
    }
    return _install(library, *wanted[library], here.versions)


def _install(
    library: str, requirement: str, needed: str, versions: dict[str, str]
) -> str:
    """Return the sentence that says which wheel to install, and why."""
    quoted = f'"{requirement}"' if "[" in requirement else requirement
    if needed in versions:
        return (
            f"{needed} is installed but does not work: restart Python, and if that "
            f"does not help run `pip install --force-reinstall {quoted}`."
        )
    if library == "jax" and "jax" in versions:
        return f"The CPU wheel of JAX is installed: run `pip install {quoted}`."
    others = [name for name in CUPY_DISTRIBUTIONS if name in versions]
    if library == "cupy" and others:
        return (
            f"{', '.join(others)} does not fit the driver: run "
            f"`pip uninstall -y {' '.join(others)}`, then `pip install {quoted}`."
        )
    return f"Run `pip install {quoted}`."


def cuda_major(gpus: tuple[GPU, ...]) -> int:
    """Return the CUDA major version whose wheels suit driver and GPUs (0: no GPU).

    The driver's version decides, except that CUDA 13 has left out GPUs older than
    compute capability 7.5 (P100, V100), whose drivers may well say "CUDA 13".
    """
    if not gpus:
        return 0
    told = gpus[0].cuda.partition(".")[0]
    major = min(int(told), 13) if told.isdecimal() else 12
    try:
        old = min(float(gpu.capability) for gpu in gpus) < 7.5
    except ValueError:
        old = False
    return min(major, 12) if old else major


def _cupy_notes(versions: dict[str, str]) -> tuple[str, ...]:
    several = [name for name in CUPY_DISTRIBUTIONS if name in versions]
    if len(several) < 2:
        return ()
    return (f"Several CuPy wheels are installed ({', '.join(several)}): keep one.",)


# Settings and versions --------------------------------------------------------------


def _versions() -> dict[str, str]:
    """Return the versions of what is installed, without importing it."""
    versions = {}
    for name in (*DISTRIBUTIONS, *CUPY_DISTRIBUTIONS):
        try:
            versions[name] = importlib.metadata.version(name)
        except Exception:
            continue
    versions["BLAS"] = _quietly(_blas, "unknown")
    return versions


def _blas() -> str:
    told = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{told['name']} {told.get('version', '')}".strip()


def _installed(module: str) -> bool:
    if sys.modules.get(module) is not None:
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _c_getenv(name: str) -> str | None:
    """Return a variable as C's getenv sees it, which is what libraries obey."""
    library = "ucrtbase" if sys.platform == "win32" else None
    getenv = ctypes.CDLL(library).getenv
    getenv.restype, getenv.argtypes = ctypes.c_char_p, [ctypes.c_char_p]
    value = getenv(name.encode())
    return None if value is None else os.fsdecode(value)


def _environment(
    environ: Any, getenv: Callable[[str], str | None]
) -> tuple[dict[str, str], list[str]]:
    """Return the settings as C sees them, and notes where Python sees others."""
    seen, notes = {}, []
    for name in SETTINGS:
        mine = environ.get(name)
        try:
            theirs = getenv(name)
        except Exception:
            theirs = mine
        if theirs is not None:
            seen[name] = theirs
        if mine != theirs:
            says = "is unset" if mine is None else f"is {mine!r}"
            hears = "do not see it" if theirs is None else f"see {theirs!r}"
            notes.append(
                f"{name} {says} in os.environ, but libraries written in C {hears}: "
                "os.environ was replaced, or changed behind Python's back. "
                "Set it before Python starts."
            )
    return seen, notes


def _pools() -> dict[str, int]:
    """Return the threads of each thread pool loaded now, as threadpoolctl tells."""
    if not _installed("threadpoolctl"):
        return {}
    pools: dict[str, int] = {}
    try:
        for pool in importlib.import_module("threadpoolctl").threadpool_info():
            name = pool["internal_api"]
            pools[name] = max(pools.get(name, 0), int(pool["num_threads"]))
    except Exception:
        return {}
    return pools


def _without_effect(
    environment: dict[str, str], pools: dict[str, int], cores: int
) -> list[str]:
    """Return a note for each thread setting that its library does not follow.

    A library may use fewer threads than told when there are fewer cores.
    """
    notes = []
    for pool, used in pools.items():
        name = next((n for n in _OBEYS.get(pool, ()) if n in environment), None)
        told = environment[name].split(",")[0].strip() if name else ""
        if not _positive(told):
            continue
        if used > int(told) or used < min(int(told), cores):
            notes.append(
                f"{name}={told} has no effect: {pool} uses {_plural(used, 'thread')}. "
                "It was set after the library was loaded, or something overrode it. "
                "Set it before Python starts."
            )
    return notes


def _jax_told_too_late(environment: dict[str, str], jax: Any) -> list[str]:
    told = environment.get("JAX_ENABLE_X64", "").lower() in ("1", "true", "yes", "on")
    used = getattr(getattr(jax, "config", None), "jax_enable_x64", True)
    if not told or used:
        return []
    return [
        "JAX_ENABLE_X64 has no effect: JAX was imported before it was set and computes "
        "in 32 bits. Set it before Python starts."
    ]


# Words ------------------------------------------------------------------------------


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _words(path: Path, count: int) -> list[str | None]:
    """Return the first `count` words of a file, None for those it lacks."""
    return (_read(path).split()[:count] + [None] * count)[:count]


def _positive(text: str | None) -> bool:
    return text is not None and text.isdecimal() and int(text) > 0


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d+)([KMG]?)", text)
    return int(found[1]) << " KMG".index(found[2] or " ") * 10 if found else 0


def _cpu_list(text: str) -> Iterator[int]:
    """Yield the CPUs of a kernel's list such as "0-3,8"."""
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", text):
        yield from range(int(first), int(last or first) + 1)


def _first_line(error: BaseException) -> str:
    """Return the first two lines that say something, as one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" :\t")]
    return " ".join(lines[:2])[:300].rstrip(" .:") or type(error).__name__


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _counted(gpus: tuple[GPU, ...], times: str) -> list[str]:
    """Return the names of `gpus`, each once, with its count before it."""
    names = [gpu.name for gpu in gpus]
    return [
        f"{names.count(name)}{times}{name}" if names.count(name) > 1 else name
        for name in dict.fromkeys(names)
    ]


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _sees(names: Iterable[str]) -> str:
    names = list(names)
    return f"sees {_plural(len(names), 'GPU')}: {', '.join(names)}"


def _cache_words(cache: Cache) -> str:
    count = f"{cache.count} x " if cache.count > 1 else ""
    binary = cache.size // 1024
    size = f"{binary} KiB" if binary < 1024 else f"{binary / 1024:g} MiB"
    return f"L{cache.level} {count}{size}"


def _gpu_words(gpu: GPU) -> str:
    memory = f", {units.size(gpu.memory)}" if gpu.memory else ""
    return f"{gpu.name}{memory}, driver {gpu.driver}, CUDA up to {gpu.cuda}"


def _lines(rows: list[tuple[str, str]], notes: Iterable[str]) -> str:
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"{name:<{width}}{words}" for name, words in rows]
    return "\n".join([*lines, *(f"note: {text}" for text in notes)])
