"""What this machine is: processor, cores, memory, caches and system.

Every question is answered or left open ("unknown"); nothing here raises, and no GPU
library is imported.
"""

import ctypes
import functools
import os
import platform
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from arraylab import gpus, html, settings, units
from arraylab.gpus import GPU
from arraylab.words import counted, sheet, slug

MIME = "application/vnd.beyond-numpy.machine+json"
_ROOT = Path("/")


@dataclass(frozen=True)
class Cache:
    """One level of data cache: `count` caches of `size` bytes each."""

    level: int
    size: int
    count: int

    def __str__(self) -> str:
        times = f"{self.count} x " if self.count > 1 else ""
        kibi = self.size // 1024
        size = f"{kibi} KiB" if kibi < 1024 else f"{kibi / 1024:g} MiB"
        return f"L{self.level} {times}{size}"


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
        return title(self.json())

    @property
    def slug(self) -> str:
        """The machine's name in a file name: "amd-epyc-2-cores"."""
        named = _counted_names(gpu.name for gpu in self.gpus) or self.cpu
        return slug(f"{named} {counted(self.cores, 'core')}")

    @property
    def last_level_cache(self) -> int:
        """Bytes of the last level of cache that the usable cores reach (0: unknown)."""
        return self.caches[-1].size * self.caches[-1].count if self.caches else 0

    def json(self) -> dict[str, Any]:
        """Return the stamp that a record carries, as plain values."""
        stamp = asdict(self)
        return stamp | {name: list(stamp[name]) for name in ("caches", "gpus", "notes")}

    def rows(self) -> list[tuple[str, str]]:
        """Return what is known as pairs of words, in reading order."""
        environment = self.threads.get("environment", {}).items()
        pools = self.threads.get("pools", {}).items()
        told = ", ".join(f"{name}={value}" for name, value in environment)
        used = ", ".join(f"{name}: {counted(n, 'thread')}" for name, n in pools)
        return [
            ("CPU", f"{self.cpu}, {counted(self.cores, 'usable core')}"),
            ("caches", ", ".join(map(str, self.caches)) or "unknown"),
            ("memory", units.size(self.memory) if self.memory else "unknown"),
            ("GPU", "; ".join(map(_gpu_words, self.gpus)) or "none seen by nvidia-smi"),
            ("system", self.system),
            ("Python", self.python),
            ("libraries", ", ".join(f"{k} {v}" for k, v in self.versions.items())),
            ("settings", told or "none set"),
            ("threads in use", used or "unknown (threadpoolctl tells)"),
        ]

    def __repr__(self) -> str:
        memory = f", {units.size(self.memory)}" if self.memory else ""
        return f"Machine({self.title}{memory}, {self.system})"

    def __str__(self) -> str:
        return sheet(self.rows(), self.notes)

    def _repr_html_(self) -> str:
        head = ("", "this machine")
        return html.sheet(self.title, head, self.rows(), self.notes, words=1)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict:
        page = self._repr_html_()
        return {"text/plain": str(self), "text/html": page, MIME: self.json()}


def title(stamp: Mapping[str, Any]) -> str:
    """Return a machine's stamp, today's or a recorded one, in one line."""
    words = f"{stamp['cpu']}, {counted(stamp.get('cores', 1), 'core')}"
    named = _counted_names(gpu["name"] for gpu in stamp.get("gpus", ()))
    return f"{named} with {words}" if named else words


def _counted_names(names: Iterable[str]) -> str:
    """Return each name once, with its count before it: "2 NVIDIA H200"."""
    counts = Counter(names).items()
    return ", ".join(f"{n} {name}" if n > 1 else name for name, n in counts)


def _gpu_words(gpu: GPU) -> str:
    memory = f", {units.size(gpu.memory)}" if gpu.memory else ""
    return f"{gpu.name}{memory}, driver {gpu.driver}, CUDA up to {gpu.cuda}"


def machine() -> Machine:
    """Return what this machine is; the hardware is looked at once in a process.

    Settings and threads in use are read at each call, since they can change.
    No GPU library is imported and no GPU is initialised.  Never raises.

    Returns
    -------
    Machine
    """
    here = _hardware()
    environment, disagreements = settings.environment(os.environ, settings.c_getenv)
    pools = settings.pools()
    notes = (
        *here.notes,
        *disagreements,
        *settings.without_effect(environment, pools, here.cores),
        *settings.x64_too_late(environment, sys.modules.get("jax")),
    )
    threads = {"environment": environment, "pools": pools}
    return replace(here, threads=threads, notes=notes)


@functools.cache
def _hardware() -> Machine:
    """Return what stays the same while a process runs."""
    cpus = _affinity()
    cores = _quietly(lambda: _cores(len(cpus)), len(cpus))
    seen, trouble = gpus.nvidia_smi()
    broken = trouble not in ("", gpus.NO_DRIVER)
    return Machine(
        cpu=_quietly(_cpu, "unknown CPU"),
        cores=cores,
        memory=_quietly(_memory, 0),
        caches=_quietly(lambda: _caches(cpus, cores), ()),
        gpus=seen,
        system=_quietly(_system, "unknown system"),
        python=platform.python_version(),
        versions=settings.versions(),
        notes=(f"nvidia-smi is here but says: {trouble}",) if broken else (),
    )


def _quietly(ask: Callable[[], Any], otherwise: Any) -> Any:
    """Return `ask()`, or `otherwise` where the system does not answer."""
    try:
        return ask() or otherwise
    except Exception:
        return otherwise


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


# Cores and memory


def _affinity() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _cores(affinity: int, root: Path = _ROOT) -> int:
    """Return the usable cores: `affinity`, or fewer where a cgroup's quota says so."""
    cores = [float(affinity)]
    for folder in _cgroups(root, "cpu"):
        old = [_read(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
        told = _read(folder / "cpu.max") or " ".join(old)
        if numbers := re.fullmatch(r"([1-9]\d*) ([1-9]\d*)", told):
            cores.append(int(numbers[1]) / int(numbers[2]))
    return max(1, int(min(cores)))


def _memory(root: Path = _ROOT) -> int:
    """Return the bytes this process may use: the least of system and cgroup limits."""
    limits = [_system_memory(root)]
    for folder in _cgroups(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            if (told := _read(folder / name)).isdecimal():
                limits.append(int(told))
    return min(filter(None, limits), default=0)


def _cgroups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders that may limit this process, from its own up to the top.

    In a container the path that the kernel tells is often the host's, and the limits
    lie at the top of what is mounted; walking up finds both.
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for name in {controllers, controller} if controllers else ("", "unified"):
            for depth in range(len(parts), -1, -1):
                yield (root / "sys/fs/cgroup" / name).joinpath(*parts[:depth])


def _system_memory(root: Path) -> int:
    if found := re.search(r"MemTotal:\s+(\d+) kB", _read(root / "proc/meminfo")):
        return int(found[1]) * 1024
    if sys.platform == "win32":
        status = (ctypes.c_uint64 * 8)(64)  # its size, then the memory there is
        ctypes.windll.kernel32.GlobalMemoryStatusEx(status)
        return status[1]
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


# Processor, caches, system


def _cpu(root: Path = _ROOT) -> str:
    """Return the processor's model, without trade marks and clock rates."""
    if sys.platform == "darwin":
        name = _sysctl()["machdep.cpu.brand_string"]
    elif sys.platform == "win32":
        name = _windows_cpu()
    else:
        told = _read(root / "proc/cpuinfo")
        found = re.search(r"^(?:model name|Model)\s*: (.+)$", told, re.MULTILINE)
        if found is None:  # an ARM kernel gives numbers in place of a name
            return f"{platform.machine().replace('aarch64', 'ARM64')} processor"
        name = found[1]
    drop = r"\((?:R|TM|C)\)|\bCPU\b|\b\d+-Core\b|\bProcessor\b|@.*|\bwith .*"
    return " ".join(re.sub(drop, " ", name).split())


def _windows_cpu() -> str:
    import winreg

    path = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
        return winreg.QueryValueEx(key, "ProcessorNameString")[0]


def _caches(cpus: Iterable[int], cores: int, root: Path = _ROOT) -> tuple[Cache, ...]:
    """Return the data caches that `cpus` reach, at most `cores` at once of a level."""
    if sys.platform == "darwin":
        return _mac_caches(_sysctl(), cores)
    found: Counter[tuple[int, int]] = Counter()
    served: set[tuple[str, int]] = set()
    for cpu in cpus:
        folder = root / f"sys/devices/system/cpu/cpu{cpu}/cache"
        for index in folder.glob("index*"):
            if (index.name, cpu) in served:
                continue
            shared = re.findall(r"(\d+)(?:-(\d+))?", _read(index / "shared_cpu_list"))
            for first, last in shared:  # such as "0-3,8"
                every = range(int(first), int(last or first) + 1)
                served.update((index.name, other) for other in every)
            if _read(index / "type") != "Instruction":
                size = int(_read(index / "size").removesuffix("K")) * 1024
                found[int(_read(index / "level")), size] += 1
    return tuple(Cache(*key, min(found[key], cores)) for key in sorted(found))


def _mac_caches(told: Mapping[str, str], cores: int) -> tuple[Cache, ...]:
    """Return macOS's caches; on Apple silicon those of the performance cores."""
    caches = []
    for level, key in enumerate(_MAC_CACHES, 1):
        size = int(told.get(f"hw.perflevel0.{key}") or told.get(f"hw.{key}") or 0)
        if size:
            caches.append(Cache(level, size, cores if level == 1 else 1))
    return tuple(caches)


_MAC_CACHES = ("l1dcachesize", "l2cachesize", "l3cachesize")


def _sysctl() -> dict[str, str]:
    """Return what macOS's sysctl tells about processor and caches."""
    keys = [f"hw.{part}{key}" for part in ("", "perflevel0.") for key in _MAC_CACHES]
    command = ["sysctl", "machdep.cpu.brand_string", *keys]
    done = subprocess.run(command, capture_output=True, text=True, timeout=5)
    return dict(line.split(": ", 1) for line in done.stdout.splitlines())


def _system() -> str:
    """Return the operating system, its version and the host that runs it, if known."""
    system, release = platform.system(), platform.release()
    if system == "Darwin":
        system, release = "macOS", platform.mac_ver()[0]
    elif system == "Linux":
        release = ".".join(release.split("-")[0].split(".")[:2])
    words = " ".join(filter(None, (system, release, platform.machine())))
    host = _host(os.environ)
    return f"{words} ({host})" if host else words


def _host(environ: Mapping[str, str], root: Path = _ROOT) -> str:
    """Return the name of the host, or "" where there is none that is known."""
    for variable, name in _HOSTS.items():
        if variable in environ:
            return name
    if "microsoft" in _read(root / "proc/version").lower():
        return "WSL"
    marks = (root / ".dockerenv", root / "run/.containerenv")
    return "container" if any(mark.exists() for mark in marks) else ""


_HOSTS = {
    "COLAB_RELEASE_TAG": "Google Colab",
    "KAGGLE_KERNEL_RUN_TYPE": "Kaggle",
    "BINDER_SERVICE_HOST": "Binder",
    "GITHUB_ACTIONS": "GitHub Actions",
    "KUBERNETES_SERVICE_HOST": "container",
}
