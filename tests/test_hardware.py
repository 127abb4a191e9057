"""Promises of `arraylab.machine`: it tells what is there, and never raises."""

import json
import sys

import pytest

from arraylab import hardware, machine, settings
from arraylab.gpus import GPU
from arraylab.hardware import Cache, Machine

H200 = GPU("NVIDIA H200", 150_754_820_096, "580.95.05", "13.0", "9.0")


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n", encoding="utf-8")


def some_machine(**changes):
    fields = {
        "cpu": "AMD EPYC",
        "cores": 2,
        "memory": 8_000_000_000,
        "caches": (Cache(1, 32768, 2), Cache(3, 2**25, 1)),
        "gpus": (),
        "system": "Linux 6.1 x86_64",
        "python": "3.12.1",
    }
    return Machine(**{**fields, **changes})


# Cores and memory


def test_cores_are_those_of_the_affinity_without_cgroups(tmp_path):
    assert hardware._cores(6, tmp_path) == 6


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", 8), ("200000 100000", 2), ("50000 100000", 1), ("x", 8), ("", 8)],
)
def test_a_quota_of_cgroup_2_limits_the_cores(tmp_path, quota, cores):
    write(tmp_path, "proc/self/cgroup", "0::/user/job")
    write(tmp_path, "sys/fs/cgroup/user/job/cpu.max", quota)
    assert hardware._cores(8, tmp_path) == cores


def test_a_quota_further_up_limits_the_cores(tmp_path):
    write(tmp_path, "proc/self/cgroup", "0::/user/job")
    write(tmp_path, "sys/fs/cgroup/user/job/cpu.max", "max 100000")
    write(tmp_path, "sys/fs/cgroup/user/cpu.max", "300000 100000")
    assert hardware._cores(8, tmp_path) == 3


def test_a_quota_of_cgroup_1_limits_the_cores_of_a_container(tmp_path):
    write(tmp_path, "proc/self/cgroup", "4:cpu,cpuacct:/docker/abc\n0::/")
    folder = "sys/fs/cgroup/cpu,cpuacct"
    write(tmp_path, f"{folder}/cpu.cfs_quota_us", "400000")
    write(tmp_path, f"{folder}/cpu.cfs_period_us", "100000")
    assert hardware._cores(64, tmp_path) == 4


def test_no_quota_of_cgroup_1_limits_nothing(tmp_path):
    write(tmp_path, "proc/self/cgroup", "4:cpu:/")
    write(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1")
    write(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000")
    assert hardware._cores(64, tmp_path) == 64


@pytest.mark.parametrize(
    ("limit", "memory"), [("max", 8 * 2**30), ("2147483648", 2**31)]
)
def test_memory_is_the_least_of_system_and_cgroup_2(tmp_path, limit, memory):
    write(tmp_path, "proc/meminfo", "MemTotal:        8388608 kB")
    write(tmp_path, "proc/self/cgroup", "0::/")
    write(tmp_path, "sys/fs/cgroup/memory.max", limit)
    assert hardware._memory(tmp_path) == memory


@pytest.mark.parametrize(
    ("limit", "memory"), [("9223372036854771712", 2**33), ("1073741824", 2**30)]
)
def test_memory_is_the_least_of_system_and_cgroup_1(tmp_path, limit, memory):
    write(tmp_path, "proc/meminfo", "MemTotal:        8388608 kB")
    write(tmp_path, "proc/self/cgroup", "7:memory:/a/b")
    write(tmp_path, "sys/fs/cgroup/memory/a/memory.limit_in_bytes", limit)
    assert hardware._memory(tmp_path) == memory


# Processor and caches

LINUX = pytest.mark.skipif(
    sys.platform in ("darwin", "win32"), reason="macOS and Windows have no /proc"
)


@LINUX
@pytest.mark.parametrize(
    ("told", "cpu"),
    [
        ("model name\t: AMD EPYC 7B12", "AMD EPYC 7B12"),
        ("model name\t: Intel(R) Xeon(R) CPU @ 2.20GHz", "Intel Xeon"),
        ("model name\t: AMD EPYC 9654 96-Core Processor", "AMD EPYC 9654"),
        ("model name\t: AMD Ryzen 7 7840U with Radeon 780M", "AMD Ryzen 7 7840U"),
        ("Model\t\t: Raspberry Pi 5", "Raspberry Pi 5"),
    ],
)
def test_the_processor_has_its_name_without_trade_marks(tmp_path, told, cpu):
    write(tmp_path, "proc/cpuinfo", f"processor\t: 0\n{told}\n\nprocessor\t: 1\n{told}")
    assert hardware._cpu(tmp_path) == cpu


@pytest.fixture
def sysfs(tmp_path):
    """Return a machine of four cores, two by two under one last-level cache."""
    for cpu in range(4):
        pair = "0-1" if cpu < 2 else "2-3"
        for index, (level, kind, size, shared) in enumerate(
            [
                (1, "Data", "32K", f"{cpu}"),
                (1, "Instruction", "64K", f"{cpu}"),
                (3, "Unified", "16384K", pair),
            ]
        ):
            folder = f"sys/devices/system/cpu/cpu{cpu}/cache/index{index}"
            write(tmp_path, f"{folder}/level", str(level))
            write(tmp_path, f"{folder}/type", kind)
            write(tmp_path, f"{folder}/size", size)
            write(tmp_path, f"{folder}/shared_cpu_list", shared)
    return tmp_path


@LINUX
def test_caches_are_counted_once_however_many_cores_share_them(sysfs):
    expected = (Cache(1, 32 * 1024, 4), Cache(3, 16 * 2**20, 2))
    assert hardware._caches(range(4), 4, sysfs) == expected


@LINUX
def test_only_caches_that_usable_cores_reach_are_counted(sysfs):
    expected = (Cache(1, 32 * 1024, 2), Cache(3, 16 * 2**20, 1))
    assert hardware._caches([0, 1], 2, sysfs) == expected


def test_the_caches_of_apple_silicon_are_those_of_performance_cores():
    told = {
        "hw.l1dcachesize": "65536",
        "hw.l2cachesize": "4194304",
        "hw.perflevel0.l1dcachesize": "131072",
        "hw.perflevel0.l2cachesize": "16777216",
    }
    expected = (Cache(1, 131072, 8), Cache(2, 16777216, 1))
    assert hardware._mac_caches(told, 8) == expected


def test_the_last_level_cache_is_that_of_all_usable_cores():
    assert some_machine(caches=(Cache(3, 2**24, 2),)).last_level_cache == 2**25
    assert some_machine(caches=()).last_level_cache == 0


@LINUX
def test_an_arm_processor_without_a_name_is_told_by_its_kind(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware.platform, "machine", lambda: "aarch64")
    write(tmp_path, "proc/cpuinfo", "CPU implementer\t: 0x41\nCPU part\t: 0xd4f")
    assert hardware._cpu(tmp_path) == "ARM64 processor"


@pytest.mark.parametrize(
    ("environ", "host"),
    [
        ({"COLAB_RELEASE_TAG": "x"}, "Google Colab"),
        ({"KAGGLE_KERNEL_RUN_TYPE": "x"}, "Kaggle"),
        ({"KUBERNETES_SERVICE_HOST": "x"}, "container"),
        ({}, ""),
    ],
)
def test_hosted_machines_are_recognised(tmp_path, environ, host):
    assert hardware._host(environ, tmp_path) == host


def test_wsl_is_recognised(tmp_path):
    write(tmp_path, "proc/version", "Linux version 5.15 microsoft-standard-WSL2")
    assert hardware._host({}, tmp_path) == "WSL"


# What is shown


def test_a_machine_is_named_by_its_processor():
    here = some_machine()
    assert here.title == "AMD EPYC, 2 cores"
    assert here.slug == "amd-epyc-2-cores"


def test_the_stamp_survives_json():
    stamp = some_machine(gpus=(H200,), notes=("x",)).json()
    assert json.loads(json.dumps(stamp)) == stamp
    keys = [
        "cpu",
        "cores",
        "memory",
        "caches",
        "gpus",
        "system",
        "python",
        "versions",
        "threads",
    ]
    assert set(keys) <= set(stamp)
    assert stamp["gpus"][0]["name"] == "NVIDIA H200"


def test_this_machine_is_told_in_text_html_and_json():
    here = machine()
    assert "\n" not in repr(here)
    assert here.cpu in str(here)
    assert here.cores >= 1
    bundle = here._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", hardware.MIME}
    assert bundle["text/html"].count("<tr>") == len(here.rows()) + 1
    assert json.loads(json.dumps(here.json()))["versions"]["numpy"]


def test_a_machine_with_a_gpu_is_named_by_it():
    here = some_machine(gpus=(H200,), cores=16)
    assert here.title == "NVIDIA H200 with AMD EPYC, 16 cores"
    assert here.slug == "nvidia-h200-16-cores"
    assert some_machine(gpus=(H200, H200), cores=1).slug == "2-nvidia-h200-1-core"


def test_html_shows_names_as_they_are():
    assert "A &lt;b&gt;" in some_machine(cpu="A <b>")._repr_html_()


# What it must not do

BLOCKED = "jax cupy numba dask threadpoolctl IPython psutil matplotlib"


def test_machine_imports_no_gpu_library(python):
    out = python(
        "import sys; from arraylab import machine\n"
        "machine()\n"
        "print(sorted({'jax', 'cupy', 'numba', 'dask'} & set(sys.modules)))"
    )
    assert out == "[]\n"


def test_everything_works_where_no_library_is_installed(python):
    out = python(
        "import sys\n"
        f"blocked = {BLOCKED.split()!r}\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in blocked:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from arraylab import machine, devices\n"
        "here = machine(); str(here); here._repr_html_(); here.json()\n"
        "print(devices().view('cupy').says, '|', devices().view('jax').says)\n"
    )
    assert out == "not installed | not installed\n"


@pytest.fixture
def broken(monkeypatch):
    """Break whatever asks the system; what was asked before is forgotten."""

    def break_(module, *names):
        def refuse(*_):
            raise RuntimeError("no answer")

        for name in names:
            monkeypatch.setattr(module, name, refuse)

    caches = (hardware._hardware, settings.versions)
    for cache in caches:
        cache.cache_clear()
    yield break_
    for cache in caches:
        cache.cache_clear()


def test_machine_never_raises(broken):
    broken(hardware, "_cpu", "_cores", "_memory", "_caches", "_system")
    broken(settings, "blas", "c_getenv")
    here = machine()
    assert (here.cpu, here.memory, here.caches) == ("unknown CPU", 0, ())
    assert "unknown" in str(here)
