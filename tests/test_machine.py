"""Promises of `arraylab.machine`: it tells what is there, and never raises."""

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from arraylab.machine import GPU, Cache, Devices, Machine, View, devices, machine

# `arraylab.machine` is the function; this is the module of that name.
module = sys.modules["arraylab.machine"]
ROOT = Path(__file__).parents[1]
BANNER = "| NVIDIA-SMI 580.95.05   Driver Version: 580.95.05   CUDA Version: 13.0 |"
H200 = GPU("NVIDIA H200", 150_754_820_096, "580.95.05", "13.0", "9.0")


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n", encoding="utf-8")


def python(code, **environment):
    """Return what `code` prints in a Python of its own."""
    drop = [name for name in module.SETTINGS if name in os.environ]
    clean = {k: v for k, v in os.environ.items() if k not in drop}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def fresh():
    """Forget what was asked before, and what a test made up afterwards."""
    caches = (module._devices, module._hardware_once, module._nvidia_smi)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def with_h200(fresh, monkeypatch):
    """Return a machine on which nvidia-smi sees a GPU, and no library is installed."""
    monkeypatch.setattr(module, "_nvidia_smi", lambda: ((H200,), ""))
    monkeypatch.setattr(module, "_installed", lambda name: False)
    monkeypatch.setattr(module, "_versions", dict)
    monkeypatch.setattr(module, "_environment", lambda *_: ({}, []))
    return monkeypatch


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
    assert module._cores(6, tmp_path) == 6


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", 8), ("200000 100000", 2), ("50000 100000", 1), ("x", 8), ("", 8)],
)
def test_a_quota_of_cgroup_2_limits_the_cores(tmp_path, quota, cores):
    write(tmp_path, "proc/self/cgroup", "0::/user/job")
    write(tmp_path, "sys/fs/cgroup/user/job/cpu.max", quota)
    assert module._cores(8, tmp_path) == cores


def test_a_quota_further_up_limits_the_cores(tmp_path):
    write(tmp_path, "proc/self/cgroup", "0::/user/job")
    write(tmp_path, "sys/fs/cgroup/user/job/cpu.max", "max 100000")
    write(tmp_path, "sys/fs/cgroup/user/cpu.max", "300000 100000")
    assert module._cores(8, tmp_path) == 3


def test_a_quota_of_cgroup_1_limits_the_cores_of_a_container(tmp_path):
    write(tmp_path, "proc/self/cgroup", "4:cpu,cpuacct:/docker/abc\n0::/")
    folder = "sys/fs/cgroup/cpu,cpuacct"
    write(tmp_path, f"{folder}/cpu.cfs_quota_us", "400000")
    write(tmp_path, f"{folder}/cpu.cfs_period_us", "100000")
    assert module._cores(64, tmp_path) == 4


def test_no_quota_of_cgroup_1_limits_nothing(tmp_path):
    write(tmp_path, "proc/self/cgroup", "4:cpu:/")
    write(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1")
    write(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000")
    assert module._cores(64, tmp_path) == 64


@pytest.mark.parametrize(
    ("limit", "memory"), [("max", 8 * 2**30), ("2147483648", 2**31)]
)
def test_memory_is_the_least_of_system_and_cgroup_2(tmp_path, limit, memory):
    write(tmp_path, "proc/meminfo", "MemTotal:        8388608 kB")
    write(tmp_path, "proc/self/cgroup", "0::/")
    write(tmp_path, "sys/fs/cgroup/memory.max", limit)
    assert module._memory(tmp_path) == memory


@pytest.mark.parametrize(
    ("limit", "memory"), [("9223372036854771712", 2**33), ("1073741824", 2**30)]
)
def test_memory_is_the_least_of_system_and_cgroup_1(tmp_path, limit, memory):
    write(tmp_path, "proc/meminfo", "MemTotal:        8388608 kB")
    write(tmp_path, "proc/self/cgroup", "7:memory:/a/b")
    write(tmp_path, "sys/fs/cgroup/memory/a/memory.limit_in_bytes", limit)
    assert module._memory(tmp_path) == memory


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
        ("CPU implementer\t: 0x41\nCPU part\t: 0xd4f", "Arm Neoverse V2"),
        ("CPU implementer\t: 0x61\nCPU part\t: 0x000", "Apple silicon"),
    ],
)
def test_the_processor_has_its_name_without_trade_marks(tmp_path, told, cpu):
    write(tmp_path, "proc/cpuinfo", f"processor\t: 0\n{told}\n\nprocessor\t: 1\n{told}")
    assert module._cpu(tmp_path) == cpu


@pytest.fixture
def sysfs(tmp_path):
    """Return a machine of four cores, two by two under one last-level cache."""
    for cpu in range(4):
        pair = "0-1" if cpu < 2 else "2-3"
        for index, (level, kind, size, shared) in enumerate(
            [
                (1, "Data", "32K", f"{cpu}"),
                (1, "Instruction", "64K", f"{cpu}"),
                (3, "Unified", "16M", pair),
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
    assert module._caches(range(4), 4, sysfs) == expected


@LINUX
def test_only_caches_that_usable_cores_reach_are_counted(sysfs):
    expected = (Cache(1, 32 * 1024, 2), Cache(3, 16 * 2**20, 1))
    assert module._caches([0, 1], 2, sysfs) == expected


def test_the_caches_of_apple_silicon_are_those_of_performance_cores():
    told = {
        "hw.l1dcachesize": "65536",
        "hw.l2cachesize": "4194304",
        "hw.perflevel0.l1dcachesize": "131072",
        "hw.perflevel0.l2cachesize": "16777216",
    }
    expected = (Cache(1, 131072, 8), Cache(2, 16777216, 1))
    assert module._mac_caches(told, 8) == expected


def test_the_last_level_cache_is_that_of_all_usable_cores():
    assert some_machine(caches=(Cache(3, 2**24, 2),)).last_level_cache == 2**25
    assert some_machine(caches=()).last_level_cache == 0


@pytest.mark.parametrize(
    ("environ", "host"),
    [
        ({"COLAB_RELEASE_TAG": "x"}, "Google Colab"),
        ({"KAGGLE_KERNEL_RUN_TYPE": "x"}, "Kaggle"),
        ({"KUBERNETES_SERVICE_HOST": "x"}, "container"),
        ({}, None),
    ],
)
def test_hosted_machines_are_recognised(tmp_path, environ, host):
    found = [name for name, here in module._hosts(environ, tmp_path).items() if here]
    assert found == ([host] if host else [])


def test_wsl_is_recognised(tmp_path):
    write(tmp_path, "proc/version", "Linux version 5.15 microsoft-standard-WSL2")
    assert module._hosts({}, tmp_path)["WSL"]


# GPUs


def test_the_table_of_nvidia_smi_is_read():
    rows = "NVIDIA H200, 143771, 580.95.05, 9.0\nNVIDIA GB10, [N/A], 580.95.05, 12.1\n"
    first, second = module._parse_gpus(rows, BANNER)
    assert first == GPU("NVIDIA H200", 143771 * 2**20, "580.95.05", "13.0", "9.0")
    assert (second.name, second.memory) == ("NVIDIA GB10", 0)


def test_an_unknown_cuda_version_is_said_to_be_unknown():
    assert module._parse_gpus("Tesla T4, 15360, 550.5, 7.5", "")[0].cuda == "unknown"


@pytest.mark.skipif(sys.platform == "win32", reason="the fake nvidia-smi is a script")
@pytest.mark.parametrize(
    ("script", "count", "reason"),
    [
        ("case $1 in --q*) echo 'Tesla T4, 15360, 5, 7.5';; esac", 1, ""),
        ("echo 'could not communicate with the driver'; exit 9", 0, "could not comm"),
        ("true", 0, "lists none"),
    ],
)
def test_nvidia_smi_may_fail(fresh, monkeypatch, tmp_path, script, count, reason):
    write(tmp_path, "nvidia-smi", f"#!/bin/sh\n{script}")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    gpus, why = module._nvidia_smi()
    assert len(gpus) == count
    assert reason in why
    if count == 0:
        assert any(reason in note for note in machine().notes)


@pytest.mark.parametrize(
    ("cuda", "capability", "major"),
    [
        ("13.0", "9.0", 13),
        ("12.4", "7.5", 12),
        ("13.0", "7.0", 12),  # a V100 with a new driver: CUDA 13 has left it out
        ("14.1", "9.0", 13),
        ("11.8", "8.0", 11),
        ("unknown", "8.0", 12),
        ("13.0", "[N/A]", 13),
    ],
)
def test_wheels_suit_driver_and_gpu(cuda, capability, major):
    assert module.cuda_major((GPU("x", 0, "1", cuda, capability),)) == major


def test_libraries_that_are_absent_are_told_how_to_be_installed(with_h200):
    found = devices()
    assert found.view("nvidia-smi").says.startswith("sees 1 GPU: NVIDIA H200")
    for library, wheel in {
        "cupy": "pip install cupy-cuda13x",
        "jax": 'pip install "jax[cuda13]"',
        "numba_cuda": 'pip install "numba-cuda[cu13]"',
    }.items():
        view = found.view(library)
        assert (view.gpus, view.says) == ((), "not installed")
        assert wheel in view.advice


def fake_jax(*platforms):
    found = [
        types.SimpleNamespace(platform=p, device_kind="NVIDIA H200") for p in platforms
    ]
    return types.SimpleNamespace(devices=lambda: found, config=None)


def test_a_cpu_wheel_of_jax_is_recognised(with_h200):
    with_h200.setattr(module, "_installed", lambda name: name == "jax")
    with_h200.setattr(module, "_versions", lambda: {"jax": "0.10"})
    with_h200.setitem(sys.modules, "jax", fake_jax("cpu"))
    view = devices().view("jax")
    assert view.says == "sees no GPU: it computes on the CPU"
    assert view.advice.startswith("The CPU wheel of JAX is installed")
    assert 'pip install "jax[cuda13]"' in view.advice


@pytest.mark.parametrize(
    ("library", "name", "value"),
    [
        ("jax", "JAX_PLATFORMS", "cpu"),
        ("jax", "CUDA_VISIBLE_DEVICES", ""),
        ("cupy", "CUDA_VISIBLE_DEVICES", "-1"),
    ],
)
def test_a_setting_that_hides_the_gpu_is_named(library, name, value):
    here = some_machine(gpus=(H200,), threads={"environment": {name: value}})
    assert f"{name}=" in module._advice(library, here)
    assert "unset it" in module._advice(library, here)


def test_choosing_the_second_gpu_hides_nothing():
    threads = {"environment": {"CUDA_VISIBLE_DEVICES": "1"}}
    here = some_machine(gpus=(H200,), threads=threads)
    assert "pip install" in module._advice("cupy", here)


def test_a_wheel_for_another_cuda_is_to_be_replaced():
    old = GPU("Tesla T4", 0, "550", "12.4", "7.5")
    here = some_machine(gpus=(old,), versions={"cupy-cuda13x": "14"})
    advice = module._advice("cupy", here)
    assert "pip uninstall -y cupy-cuda13x" in advice
    assert "pip install cupy-cuda12x" in advice


def test_an_old_driver_is_to_be_updated():
    old = GPU("Tesla K80", 0, "470", "11.4", "3.7")
    assert "525 or newer" in module._advice("jax", some_machine(gpus=(old,)))


def test_several_cupy_wheels_are_noted():
    (note,) = module._cupy_notes({"cupy-cuda12x": "13", "cupy-cuda13x": "14"})
    assert "cupy-cuda13x, cupy-cuda12x" in note


def test_a_library_that_sees_the_gpu_gets_no_advice(with_h200):
    runtime = types.SimpleNamespace(
        getDeviceCount=lambda: 1,
        getDeviceProperties=lambda i: {"name": b"NVIDIA H200"},
        runtimeGetVersion=lambda: 13010,
    )
    cupy = types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=runtime))
    with_h200.setattr(module, "_installed", lambda name: name in ("cupy", "jax"))
    with_h200.setitem(sys.modules, "cupy", cupy)
    with_h200.setitem(sys.modules, "jax", fake_jax("gpu"))
    found = devices()
    assert found.view("cupy").says == "sees 1 GPU: NVIDIA H200 (CUDA runtime 13.1)"
    assert found.view("jax") == View("jax", ("NVIDIA H200",), "sees 1 GPU: NVIDIA H200")
    assert "CuPy 1, JAX 1, Numba 0" in repr(found)


def test_a_library_that_breaks_is_reported_and_not_raised(with_h200):
    def broken():
        raise OSError("libcudart.so.13: cannot open\nmore")

    with_h200.setattr(module, "_installed", lambda name: name == "jax")
    with_h200.setitem(sys.modules, "jax", types.SimpleNamespace(devices=broken))
    says = devices().view("jax").says
    assert says == "sees no GPU: libcudart.so.13: cannot open more"


def test_the_simulator_is_not_a_gpu():
    out = python(
        "from arraylab.machine import devices; print(devices().view('numba_cuda'))",
        NUMBA_ENABLE_CUDASIM="1",
    )
    assert "gpus=()" in out
    assert "NUMBA_ENABLE_CUDASIM=1 simulates" in out or "not installed" in out


def test_an_unknown_view_is_named_with_the_known_ones():
    with pytest.raises(KeyError, match="there are cupy"):
        Devices((View("cupy", (), "not installed"),)).view("torch")


# Settings


def test_settings_are_those_that_c_sees():
    seen, notes = module._environment({"OMP_NUM_THREADS": "3"}, {}.get)
    assert seen == {}
    assert "libraries written in C do not see it" in notes[0]
    seen, notes = module._environment({}, {"OMP_NUM_THREADS": "3"}.get)
    assert seen == {"OMP_NUM_THREADS": "3"}
    assert "is unset in os.environ" in notes[0]


def test_settings_that_agree_need_no_note():
    told = {"XLA_FLAGS": "--x"}
    assert module._environment(told, told.get) == (told, [])


def test_a_replaced_environ_is_noticed():
    out = python(
        "import os; from arraylab.machine import machine\n"
        "os.environ = dict(os.environ)\n"
        "os.environ['XLA_FLAGS'] = '--not_heard'\n"
        "here = machine()\n"
        "print(here.threads['environment'], here.notes)"
    )
    assert out.startswith("{}")
    assert "XLA_FLAGS is '--not_heard' in os.environ" in out
    assert "do not see it" in out


def test_an_environ_changed_properly_is_heard():
    out = python(
        "import os; from arraylab.machine import machine\n"
        "os.environ['XLA_FLAGS'] = '--heard'\n"
        "here = machine()\n"
        "print(here.threads['environment'], here.notes)"
    )
    assert out == "{'XLA_FLAGS': '--heard'} ()\n"


def has_openblas():
    return "openblas" in machine().threads["pools"]


def test_threads_set_after_the_import_of_numpy_are_without_effect():
    if not has_openblas() or machine().threads["pools"]["openblas"] < 2:
        pytest.skip("no OpenBLAS with several threads that threadpoolctl knows")
    out = python(
        "import os, numpy; from arraylab.machine import machine\n"
        "os.environ['OMP_NUM_THREADS'] = '1'\n"
        "print(machine().notes)"
    )
    assert "OMP_NUM_THREADS=1 has no effect: openblas uses" in out


def test_threads_set_before_python_starts_have_their_effect():
    code = "from arraylab.machine import machine; here = machine(); print(here.notes)"
    assert python(code, OMP_NUM_THREADS="1") == "()\n"


@pytest.mark.parametrize(
    ("environment", "pools", "noted"),
    [
        ({"OMP_NUM_THREADS": "1"}, {"openblas": 4}, True),
        ({"OMP_NUM_THREADS": "4"}, {"openblas": 1}, True),
        ({"OMP_NUM_THREADS": "16"}, {"openblas": 4}, False),  # no more cores
        ({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "4"}, {"openblas": 4}, False),
        ({"OMP_NUM_THREADS": "2,1"}, {"openmp": 2}, False),
        ({"OMP_NUM_THREADS": "many"}, {"openblas": 4}, False),
        ({"OMP_NUM_THREADS": "1"}, {}, False),
    ],
)
def test_only_settings_that_are_not_followed_are_noted(environment, pools, noted):
    assert bool(module._without_effect(environment, pools, cores=4)) == noted


def test_x64_switched_on_after_the_import_of_jax_is_noted():
    jax = types.SimpleNamespace(config=types.SimpleNamespace(jax_enable_x64=False))
    assert module._jax_told_too_late({"JAX_ENABLE_X64": "1"}, jax)
    assert not module._jax_told_too_late({"JAX_ENABLE_X64": "0"}, jax)
    assert not module._jax_told_too_late({"JAX_ENABLE_X64": "1"}, None)


# What is shown


def test_a_machine_is_named_by_its_processor():
    here = some_machine()
    assert here.title == "AMD EPYC, 2 cores"
    assert here.slug == "amd-epyc-2-cores"


def test_a_machine_with_a_gpu_is_named_by_it():
    here = some_machine(gpus=(H200,), cores=16)
    assert here.title == "NVIDIA H200; AMD EPYC, 16 cores"
    assert here.slug == "nvidia-h200-16-cores"
    assert some_machine(gpus=(H200, H200), cores=1).slug == "2-nvidia-h200-1-core"


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
    assert set(bundle) == {"text/plain", "text/html", module.MIME}
    assert bundle["text/html"].count("<tr>") == len(here.rows()) + 1
    assert json.loads(json.dumps(here.json()))["versions"]["numpy"]


def test_html_shows_names_as_they_are():
    assert "A &lt;b&gt;" in some_machine(cpu="A <b>")._repr_html_()
    view = View("jax", (), "sees <nothing>")
    assert "sees &lt;nothing&gt;" in Devices((view,))._repr_html_()


def test_views_of_this_machine_survive_json():
    found = devices()
    assert json.loads(json.dumps(found.json())) == found.json()
    libraries = [view.library for view in found.views]
    assert libraries == ["nvidia-smi", "cupy", "jax", "numba_cuda"]


# What it must not do

BLOCKED = "jax cupy numba dask threadpoolctl IPython psutil matplotlib"


def test_everything_works_where_no_library_is_installed():
    out = python(
        "import sys\n"
        f"blocked = {BLOCKED.split()!r}\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in blocked:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from arraylab.machine import machine, devices\n"
        "here = machine(); str(here); here._repr_html_(); here.json()\n"
        "print(devices().view('cupy').says, '|', devices().view('jax').says)\n"
    )
    assert out == "not installed | not installed\n"


def test_machine_imports_no_gpu_library():
    out = python(
        "import sys; from arraylab.machine import machine\n"
        "machine()\n"
        "print(sorted({'jax', 'cupy', 'numba', 'dask'} & set(sys.modules)))"
    )
    assert out == "[]\n"


def test_machine_never_raises(fresh, monkeypatch):
    def broken(*_):
        raise RuntimeError("no answer")

    for name in ("_cpu", "_memory", "_caches", "_system", "_blas", "_c_getenv"):
        monkeypatch.setattr(module, name, broken)
    here = machine()
    assert (here.cpu, here.memory, here.caches) == ("unknown CPU", 0, ())
    assert "unknown" in str(here)
