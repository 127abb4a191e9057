"""Promises of `arraylab.limits`: measured limits, plainly counted, kept on disk."""

import contextlib
import json
import math
import sys
import threading
import timeit
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from arraylab import cpu_limits, gpu_limits, limits, machine, peaks
from arraylab.files import write_atomically
from arraylab.gpus import Devices, View
from arraylab.limits import Peaks, Share

MIB = 2**20

PEAKS = Peaks(
    device="cpu",
    bandwidth=20e9,
    cache_bandwidth=200e9,
    flops={"float64": 100e9, "float32": 200e9},
    last_level_cache=32_000_000,
    measured="2026-01-31",
    kernels={"read": 20e9, "copy": 15e9, "add": 18e9},
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Return this machine's limits, measured once and kept in a folder of the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEYOND_NUMPY_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(limits, "_kept", {})
        yield peaks()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return an empty cache folder; measuring gives PEAKS and is counted."""
    monkeypatch.setenv("BEYOND_NUMPY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(limits, "_kept", {})
    return tmp_path / "cache"


@pytest.fixture
def count(monkeypatch):
    calls = []

    def measure(library, name, here):
        calls.append(name)
        return replace(PEAKS, device=name)

    monkeypatch.setattr(limits, "_measure", measure)
    return calls


def forget(monkeypatch):
    monkeypatch.setattr(limits, "_kept", {})


# Shares of a limit


def test_bytes_that_exceed_the_cache_are_judged_by_memory():
    share = PEAKS.share(0.02, 1e6, 200e6)
    assert (share.kind, share.fraction) == ("bandwidth", pytest.approx(0.5))
    assert repr(share) == "50 % of memory bandwidth"


def test_bytes_that_fit_into_the_cache_are_judged_by_the_cache():
    share = PEAKS.share(1e-3, 0, 20e6)
    assert (share.kind, share.fraction) == ("bandwidth", pytest.approx(0.1))
    assert repr(share) == "10 % of cache bandwidth"


def test_operations_are_judged_by_the_rate_of_their_dtype():
    share = PEAKS.share(1.0, 50e9, 0, "float64")
    assert (share.kind, share.fraction) == ("flops", pytest.approx(0.5))
    assert repr(share) == "50 % of the float64 flop rate"
    assert PEAKS.share(1.0, 50e9, 0, np.float32).fraction == pytest.approx(0.25)


def test_the_larger_share_is_told():
    assert PEAKS.share(1.0, 10e9, 10e9).kind == "bandwidth"
    assert PEAKS.share(1.0, 90e9, 10e9).kind == "flops"


def test_complex_numbers_count_as_their_parts():
    assert PEAKS.balance("complex64") == PEAKS.balance("float32")


def test_a_dtype_without_a_measured_rate_is_judged_by_bytes_alone():
    assert PEAKS.share(1.0, 1e15, 1e9, "uint8").kind == "bandwidth"
    assert PEAKS.share(1.0, 1e15, 1e9, "uint8").fraction == pytest.approx(0.05)
    assert PEAKS.share(1.0, 1e15, 1e9, "float4").kind == "bandwidth"


def test_the_least_time_is_the_larger_of_both():
    assert PEAKS.fastest(100e9, 1e9) == pytest.approx(1.0)
    assert PEAKS.fastest(1e9, 100e9) == pytest.approx(5.0)


def test_what_takes_the_least_time_has_the_whole_share():
    for work in ((1e9, 1e3), (1e3, 1e9), (1e8, 4e7), (1, 33e6)):
        assert PEAKS.share(PEAKS.fastest(*work), *work).fraction == pytest.approx(1)


def test_the_least_time_grows_with_the_bytes_without_a_jump():
    times = [PEAKS.fastest(0, n) for n in np.geomspace(1e6, 1e9, 2000)]
    steps = np.diff(np.log(times))
    assert (steps > 0).all()
    assert steps.max() < 0.05


def test_an_unknown_cache_holds_nothing():
    peaks = replace(PEAKS, last_level_cache=0)
    assert peaks.share(1.0, 0, 1e6).limit == "memory bandwidth"


def test_no_time_at_all_is_beyond_every_limit():
    assert PEAKS.share(0.0, 1, 1).fraction == math.inf
    assert PEAKS.share(0.0, 0, 0).fraction == 0


def test_the_balance_is_flops_over_bandwidth():
    assert PEAKS.balance() == pytest.approx(5)
    assert PEAKS.balance("float32") == pytest.approx(10)


# What is shown


def test_limits_are_told_in_one_line():
    said = "Peaks(cpu: 20.0 GB/s memory, 100 Gflop/s float64, 200 Gflop/s float32)"
    assert repr(PEAKS) == said


def test_limits_are_told_in_text_and_html():
    noted = replace(PEAKS, notes=("a <note>",))
    assert "5.0 flop per byte" in str(noted)
    assert "a <note>" in str(noted)
    assert "a &lt;note&gt;" in noted._repr_html_()
    assert "2026-01-31" in noted._repr_html_()


def test_limits_and_shares_survive_json():
    assert json.loads(json.dumps(PEAKS.json())) == PEAKS.json()
    share = Share("flops", 0.25)
    assert json.loads(json.dumps(share.json()))["fraction"] == 0.25
    assert Share(**share.json()) == share


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (Share("bandwidth", 0.6249), "62 % of memory bandwidth"),
        (Share("flops", 0.00123), "0.12 % of the flop rate"),
        (Share("bandwidth", 1.5), "150 % of memory bandwidth"),
    ],
)
def test_a_share_reads_as_people_say_it(share, words):
    assert repr(share) == words


# What is kept


def test_a_second_call_measures_nothing(folder, count):
    assert peaks() == peaks()
    assert count == ["cpu"]


def test_a_second_process_measures_nothing(folder, count, monkeypatch):
    first = peaks()
    forget(monkeypatch)
    assert peaks() == first
    assert count == ["cpu"]
    (file,) = folder.iterdir()
    assert file.name.startswith(f"peaks-{machine().slug}-cpu-")


def test_refresh_measures_and_keeps_the_better(folder, count, monkeypatch):
    peaks()
    worse = replace(PEAKS, bandwidth=1e9, flops={"float64": 300e9}, measured="2027")
    monkeypatch.setattr(limits, "_measure", lambda *_: worse)
    again = peaks(refresh=True)
    assert (again.bandwidth, again.flops) == (20e9, {"float64": 300e9})
    assert again.measured == "2027"
    forget(monkeypatch)
    assert peaks() == again


def test_disturbed_limits_are_measured_again_in_the_next_process(
    folder, count, monkeypatch
):
    quiet = limits._measure
    busy = replace(PEAKS, bandwidth=1e9, notes=(cpu_limits.BUSY,))
    monkeypatch.setattr(limits, "_measure", lambda *_: busy)
    assert peaks() == peaks() == busy
    monkeypatch.setattr(limits, "_measure", quiet)
    assert peaks() == busy  # not twice in one process
    forget(monkeypatch)
    assert peaks() == PEAKS
    forget(monkeypatch)
    assert peaks() == PEAKS
    assert count == ["cpu"]


def test_a_disturbance_of_one_measurement_is_forgotten_after_a_second():
    busy = replace(PEAKS, notes=(cpu_limits.BUSY,))
    assert limits._better(busy, PEAKS).notes == ()
    assert limits._better(PEAKS, busy).notes == ()
    assert limits._better(busy, busy).notes == busy.notes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"schema": 1}',
        "\xff\xfe",
    ],
)
def test_a_damaged_file_is_measured_anew_and_said(folder, count, monkeypatch, text):
    first = peaks()
    (file,) = folder.iterdir()
    good = file.read_text(encoding="utf-8")
    file.write_bytes(text.encode("latin-1"))
    forget(monkeypatch)
    assert peaks().notes == (limits._DAMAGED,)
    assert len(count) == 2
    assert file.read_text(encoding="utf-8") == good
    forget(monkeypatch)
    assert peaks() == first  # the note is not kept


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("bandwidth", "fast"),
        ("bandwidth", -1.0),
        ("bandwidth", math.nan),
        ("flops", {"float64": 0.0}),
        ("unheard_of", 1),
    ],
)
def test_impossible_limits_on_disk_are_damage(folder, count, monkeypatch, where, value):
    peaks()
    (file,) = folder.iterdir()
    content = json.loads(file.read_text(encoding="utf-8"))
    content["peaks"][where] = value
    file.write_text(json.dumps(content), encoding="utf-8")
    forget(monkeypatch)
    assert peaks().notes == (limits._DAMAGED,)
    assert len(count) == 2


def test_a_file_of_another_format_is_measured_anew_and_said(folder, count, monkeypatch):
    peaks()
    (file,) = folder.iterdir()
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**content, "schema": 0}), encoding="utf-8")
    forget(monkeypatch)
    assert peaks().notes == (limits._DAMAGED,)
    assert len(count) == 2


def test_limits_of_another_configuration_are_not_used(folder, count, monkeypatch):
    here = machine()
    peaks()
    forget(monkeypatch)
    other = replace(here, versions={**here.versions, "numpy": "1.0"})
    monkeypatch.setattr(limits, "machine", lambda: other)
    assert peaks().notes == ()
    assert len(count) == 2


def test_settings_of_other_libraries_do_not_matter():
    here = machine()
    threads = {**here.threads, "environment": {"NUMBA_NUM_THREADS": "1"}}
    assert limits._key(replace(here, threads=threads), "numpy") == limits._key(
        replace(here, threads={**threads, "environment": {}}), "numpy"
    )


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, count, monkeypatch):
    forget(monkeypatch)
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("BEYOND_NUMPY_CACHE", str(tmp_path / "file"))
    assert peaks().device == "cpu"


def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "kept.json"
    file.write_text("old", encoding="utf-8")

    def break_off(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", break_off)
    with pytest.raises(OSError, match="full"):
        write_atomically(file, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["kept.json"]
    assert file.read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize(
    ("system", "environ", "folder"),
    [
        ("linux", {}, "home/.cache/beyond-numpy"),
        ("linux", {"XDG_CACHE_HOME": "xdg"}, "xdg/beyond-numpy"),
        ("darwin", {}, "home/Library/Caches/beyond-numpy"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/beyond-numpy"),
        ("win32", {}, "home/AppData/Local/beyond-numpy"),
        ("linux", {"BEYOND_NUMPY_CACHE": "mine"}, "mine"),
    ],
)
def test_the_folder_is_the_users_cache(monkeypatch, system, environ, folder):
    monkeypatch.setattr(limits.sys, "platform", system)
    monkeypatch.setattr(limits.os, "environ", environ)
    monkeypatch.setattr(limits.Path, "home", lambda: Path("home"))
    assert limits._folder() == Path(folder)


def test_a_user_without_a_home_has_a_folder(monkeypatch):
    def nobody():
        raise RuntimeError("could not determine home directory")

    for name in ("BEYOND_NUMPY_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(limits.Path, "home", nobody)
    assert Path(limits.tempfile.gettempdir()) in limits._folder().parents


# Devices


def with_views(monkeypatch, *views):
    monkeypatch.setattr(limits, "devices", lambda: Devices(views))


def test_an_unknown_device_is_named_with_the_known_ones(folder, monkeypatch):
    with_views(monkeypatch, View("cupy", ("NVIDIA H200",), "sees 1 GPU"))
    with pytest.raises(ValueError, match=r"no device 'tpu'.*'cpu', 'gpu', 'NVIDIA H"):
        peaks("tpu")


def test_without_a_gpu_the_error_says_why(folder, monkeypatch):
    advice = "Run `pip install cupy-cuda13x`."
    with_views(monkeypatch, View("cupy", (), "not installed", advice))
    with pytest.raises(RuntimeError, match=r"not installed.*cupy-cuda13x"):
        peaks("gpu")


@pytest.mark.parametrize("device", ["gpu", "NVIDIA H200"])
def test_a_gpu_goes_by_its_name(folder, count, monkeypatch, device):
    with_views(monkeypatch, View("cupy", ("NVIDIA H200",), "sees 1 GPU"))
    assert peaks(device).device == "NVIDIA H200"
    (file,) = folder.iterdir()
    assert "-nvidia-h200-" in file.name


def fake_cupy(log):
    """Return a CuPy that computes with NumPy and logs when it is waited for."""

    def properties(number):
        return {"name": b"Fake", "l2CacheSize": MIB}

    runtime = types.SimpleNamespace(
        getDeviceProperties=properties,
        memGetInfo=lambda: (64 * MIB, 64 * MIB),
        deviceSynchronize=lambda: log.append("wait"),
    )
    cuda = types.SimpleNamespace(
        runtime=runtime, Device=lambda number: contextlib.nullcontext()
    )
    names = ("ones", "empty_like", "add", "copyto", "matmul")
    return types.SimpleNamespace(cuda=cuda, **{n: getattr(np, n) for n in names})


def test_a_gpu_is_measured_through_cupy(folder, monkeypatch):
    log = []
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(log))
    with_views(monkeypatch, View("cupy", ("Fake",), "sees 1 GPU"))
    found = peaks("gpu")
    assert found.device == "Fake"
    assert set(found.kernels) == {"add", "copy"}
    assert set(found.flops) == {"float64", "float32"}
    assert found.last_level_cache == MIB
    assert found.cache_bandwidth >= found.bandwidth > 0
    assert log  # every sample was waited for


def test_tf32_switched_on_in_cupy_is_noted(folder, monkeypatch):
    monkeypatch.setenv("CUPY_TF32", "1")
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy([]))
    with_views(monkeypatch, View("cupy", ("Fake",), "sees 1 GPU"))
    assert "TF32" in peaks("gpu").notes[0]


def test_a_gpu_is_measured_through_jax(folder, monkeypatch):
    """The real JAX on its CPU stands in for one on a GPU."""
    pytest.importorskip("jax", reason="JAX is not installed")
    monkeypatch.setattr(gpu_limits, "_free", lambda device: 64 * MIB)
    with_views(monkeypatch, View("jax", ("Fake",), "sees 1 GPU"))
    found = peaks("gpu")
    assert (found.device, found.last_level_cache) == ("Fake", 64 * MIB)
    assert set(found.flops) == {"float64", "float32"}
    assert min(found.bandwidth, *found.flops.values()) > 0


def test_queued_calls_are_waited_for_before_the_clock_stops(monkeypatch):
    """A device that only works while it is waited for."""
    now, queue = [0.0], []
    monkeypatch.setattr(gpu_limits.time, "perf_counter", lambda: now[0])

    def wait(_):
        now[0] += 0.001 * len(queue)
        queue.clear()

    seconds = gpu_limits.queued(lambda: queue.append(1), wait)
    assert seconds == pytest.approx(0.001)


# Measuring


def test_all_jobs_of_a_round_run_at_once():
    meet = threading.Barrier(3, timeout=20)  # passes only when three are in it
    rounds = cpu_limits.together([meet.wait] * 3, 2)
    assert len(rounds) == 2
    assert all(r.seconds > 0 for r in rounds)


def test_an_error_in_a_job_is_raised_and_nobody_waits_for_ever():
    def broken():
        raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        cpu_limits.together([lambda: None, broken], 3)


def test_arrays_exceed_the_cache_and_respect_the_memory():
    assert cpu_limits.working_set(32 * MIB, 24_000 * MIB) == 192 * MIB
    assert cpu_limits.working_set(32 * MIB, 512 * MIB) == 64 * MIB
    assert cpu_limits.working_set(1000 * MIB, 10**12) == 1536 * MIB
    assert cpu_limits.working_set(32 * MIB, 0) == 192 * MIB
    arrays = cpu_limits._arrays(2, 12 * MIB)
    assert [len(three) for three in arrays] == [3, 3]
    assert sum(a.nbytes for three in arrays for a in three) == 12 * MIB


def test_bytes_are_counted_plainly():
    arrays = cpu_limits._arrays(1, 3 * MIB)
    kernels = cpu_limits.memory_jobs(arrays)
    moved = {name: nbytes for name, (_, nbytes) in kernels.items()}
    assert moved == {"read": 2 * MIB, "copy": 2 * MIB, "add": 3 * MIB}
    for (job,), _ in kernels.values():
        job()
    a, b, c = arrays[0]
    assert (b == a).all()
    assert (c == a + b).all()


def test_the_cache_kernel_reads_what_it_counts():
    jobs, nbytes = cpu_limits.cache_jobs(2, passes=10)
    assert nbytes == 2 * 10 * 256 * 1024
    out = jobs[0]()
    assert (out == 4096).all()
    assert out.shape == (10, 4)


@pytest.mark.parametrize(
    ("rounds", "cores", "quiet"),
    [
        ([(1.0, 1.98), (1.5, 1.2)], 2, True),
        ([(1.0, 1.1), (1.5, 1.9)], 2, False),  # the best had one core only
        ([(1.0, 1.1), (1.04, 1.9)], 2, True),
        ([(1.0, 0.99)], 1, True),
    ],
)
def test_limits_seen_without_all_cores_are_disturbed(monkeypatch, rounds, cores, quiet):
    monkeypatch.setattr(cpu_limits.sys, "platform", "linux")
    rounds = [cpu_limits.Round(*r) for r in rounds]
    assert cpu_limits.undisturbed(rounds, cores) == quiet


def test_a_cpu_without_known_caches_is_measured():
    found = cpu_limits.measure(1, 256 * MIB, cache=0, blas_threads=0)
    assert found["last_level_cache"] == 32 * MIB
    assert min(found["kernels"].values()) > 0


def test_a_blas_of_fewer_threads_does_not_lower_the_flop_limit(monkeypatch):
    monkeypatch.setattr(cpu_limits, "_products_apart", lambda dtype, cores: 1e99)
    found = cpu_limits.measure(2, 256 * MIB, cache=0, blas_threads=1)
    assert found["flops"] == {"float64": 1e99, "float32": 1e99}


# This machine


def test_this_machine_is_measured(measured):
    assert measured.device == "cpu"
    assert measured.bandwidth == max(measured.kernels.values())
    assert measured.cache_bandwidth >= measured.bandwidth
    assert set(measured.flops) == {"float64", "float32"}


def test_the_bandwidth_is_not_beaten_by_a_second_measurement(measured):
    """A busy machine can spoil a measurement, so there are three tries."""

    def second():
        arrays = [np.ones(8 * MIB) for _ in range(machine().cores)]
        rounds = cpu_limits.together([a.max for a in arrays], 5)
        return sum(a.nbytes for a in arrays) / min(rounds).seconds

    limit = measured.bandwidth
    for _ in range(3):
        if second() <= 1.5 * limit:
            return
        limit = max(limit, limits._measure("numpy", "cpu", machine()).bandwidth)
    pytest.fail("memory is 1.5 times as fast as its measured limit, three times")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_flop_rate_agrees_with_timeit(measured, dtype):
    """A busy machine can spoil a timing, so there are three tries."""
    n = 1500
    a = np.ones((n, n), dtype)
    out = np.empty_like(a)
    limit = measured.flops[dtype]
    rates = []
    for _ in range(3):
        times = timeit.repeat(lambda: np.matmul(a, a, out=out), number=1, repeat=5)
        rates.append(2.0 * n**3 / min(times))
        if limit / 2 < max(rates) < limit * 2:
            return
        limit = max(limit, limits._measure("numpy", "cpu", machine()).flops[dtype])
    pytest.fail(f"timeit saw {rates}, the limit is {limit}")


def test_nothing_but_numpy_is_needed(python, tmp_path):
    code = (
        "import sys\n"
        "for name in 'jax cupy numba dask threadpoolctl IPython psutil'.split():\n"
        "    sys.modules[name] = None\n"
        "from arraylab import limits\n"
        "limits._measure = lambda library, name, here: limits.Peaks(\n"
        "    name, 1.0, 1.0, {'float64': 1.0}, 1, 'today')\n"
        "print(limits.peaks().device)\n"
        "try:\n"
        "    limits.peaks('gpu')\n"
        "except RuntimeError as error:\n"
        "    print('not installed' in str(error))\n"
    )
    assert python(code, BEYOND_NUMPY_CACHE=str(tmp_path)) == "cpu\nTrue\n"
