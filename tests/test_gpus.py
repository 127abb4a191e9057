"""Promises of `arraylab.devices`: who sees a GPU, and what to do about who does not."""

import json
import sys
import types

import pytest

from arraylab import devices, gpus, hardware, machine, settings
from arraylab.gpus import GPU, Devices, View

BANNER = "| NVIDIA-SMI 580.95.05   Driver Version: 580.95.05   CUDA Version: 13.0 |"
H200 = GPU("NVIDIA H200", 150_754_820_096, "580.95.05", "13.0", "9.0")


@pytest.fixture
def fresh():
    """Forget what was asked before, and what a test made up afterwards."""
    caches = (gpus.devices, gpus.nvidia_smi, hardware._hardware)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def with_h200(fresh, monkeypatch):
    """Return a machine on which nvidia-smi sees a GPU, and no library is installed."""
    monkeypatch.setattr(gpus, "nvidia_smi", lambda: ((H200,), ""))
    for name in ("cupy", "jax", "numba"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(settings, "versions", dict)
    monkeypatch.setattr(settings, "environment", lambda *_: ({}, []))
    return monkeypatch


def test_the_table_of_nvidia_smi_is_read():
    rows = "NVIDIA H200, 143771, 580.95.05, 9.0\nNVIDIA GB10, [N/A], 580.95.05, 12.1\n"
    first, second = gpus._parse(rows, BANNER)
    assert first == GPU("NVIDIA H200", 143771 * 2**20, "580.95.05", "13.0", "9.0")
    assert (second.name, second.memory) == ("NVIDIA GB10", 0)


def test_an_unknown_cuda_version_is_said_to_be_unknown():
    assert gpus._parse("Tesla T4, 15360, 550.5, 7.5", "")[0].cuda == "unknown"


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
    assert gpus._cuda_major((GPU("x", 0, "1", cuda, capability),)) == major


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
    with_h200.setattr(settings, "versions", lambda: {"jax": "0.10"})
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
    advice = gpus._advice(library, (H200,), {}, {name: value})
    assert f"{name}=" in advice
    assert "unset it" in advice


def test_choosing_the_second_gpu_hides_nothing():
    told = {"CUDA_VISIBLE_DEVICES": "1"}
    assert "pip install" in gpus._advice("cupy", (H200,), {}, told)


def test_a_wheel_for_another_cuda_is_to_be_replaced():
    old = GPU("Tesla T4", 0, "550", "12.4", "7.5")
    advice = gpus._advice("cupy", (old,), {"cupy-cuda13x": "14"}, {})
    assert "pip uninstall -y cupy-cuda13x" in advice
    assert "pip install cupy-cuda12x" in advice


def test_an_old_driver_is_to_be_updated():
    old = GPU("Tesla K80", 0, "470", "11.4", "3.7")
    assert "525 or newer" in gpus._advice("jax", (old,), {}, {})


def test_several_cupy_wheels_are_noted():
    (note,) = gpus._cupy_notes({"cupy-cuda12x": "13", "cupy-cuda13x": "14"})
    assert "cupy-cuda13x, cupy-cuda12x" in note


def test_a_library_that_sees_the_gpu_gets_no_advice(with_h200):
    runtime = types.SimpleNamespace(
        getDeviceCount=lambda: 1,
        getDeviceProperties=lambda i: {"name": b"NVIDIA H200"},
        runtimeGetVersion=lambda: 13010,
    )
    cupy = types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=runtime))
    with_h200.setitem(sys.modules, "cupy", cupy)
    with_h200.setitem(sys.modules, "jax", fake_jax("gpu"))
    found = devices()
    assert found.view("cupy").says == "sees 1 GPU: NVIDIA H200 (CUDA runtime 13.1)"
    assert found.view("jax") == View("jax", ("NVIDIA H200",), "sees 1 GPU: NVIDIA H200")
    assert "CuPy 1, JAX 1, Numba 0" in repr(found)


def test_a_library_that_breaks_is_reported_and_not_raised(with_h200):
    def broken():
        raise OSError("libcudart.so.13: cannot open\nmore")

    with_h200.setitem(sys.modules, "jax", types.SimpleNamespace(devices=broken))
    says = devices().view("jax").says
    assert says == "sees no GPU: libcudart.so.13: cannot open; more"


def test_an_unknown_view_is_named_with_the_known_ones():
    with pytest.raises(KeyError, match="there are cupy"):
        Devices((View("cupy", (), "not installed"),)).view("torch")


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
    file = tmp_path / "nvidia-smi"
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found, why = gpus.nvidia_smi()
    assert len(found) == count
    assert reason in why
    if count == 0:
        assert any(reason in note for note in machine().notes)


def test_the_simulator_is_not_a_gpu(python):
    out = python(
        "from arraylab import devices; print(devices().view('numba_cuda'))",
        NUMBA_ENABLE_CUDASIM="1",
    )
    assert "gpus=()" in out
    assert "NUMBA_ENABLE_CUDASIM=1 simulates" in out or "not installed" in out


def test_html_shows_words_as_they_are():
    view = View("jax", (), "sees <nothing>")
    assert "sees &lt;nothing&gt;" in Devices((view,))._repr_html_()


def test_views_of_this_machine_survive_json():
    found = devices()
    assert json.loads(json.dumps(found.json())) == found.json()
    libraries = [view.library for view in found.views]
    assert libraries == ["nvidia-smi", "cupy", "jax", "numba_cuda"]
