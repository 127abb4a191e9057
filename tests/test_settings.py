"""Promises of `arraylab.settings`: what libraries obey, and what came too late."""

import types

import pytest

from arraylab import machine, settings


def test_settings_are_those_that_c_sees():
    seen, notes = settings.environment({"OMP_NUM_THREADS": "3"}, {}.get)
    assert seen == {}
    assert "libraries written in C do not see it" in notes[0]
    seen, notes = settings.environment({}, {"OMP_NUM_THREADS": "3"}.get)
    assert seen == {"OMP_NUM_THREADS": "3"}
    assert "is unset in os.environ" in notes[0]


def test_settings_that_agree_need_no_note():
    told = {"XLA_FLAGS": "--x"}
    assert settings.environment(told, told.get) == (told, [])


def test_a_replaced_environ_is_noticed(python):
    out = python(
        "import os; from arraylab import machine\n"
        "os.environ = dict(os.environ)\n"
        "os.environ['XLA_FLAGS'] = '--not_heard'\n"
        "here = machine()\n"
        "print(here.threads['environment'], here.notes)"
    )
    assert out.startswith("{}")
    assert "XLA_FLAGS is '--not_heard' in os.environ" in out
    assert "do not see it" in out


def test_an_environ_changed_properly_is_heard(python):
    out = python(
        "import os; from arraylab import machine\n"
        "os.environ['XLA_FLAGS'] = '--heard'\n"
        "here = machine()\n"
        "print(here.threads['environment'], here.notes)"
    )
    assert out == "{'XLA_FLAGS': '--heard'} ()\n"


def has_openblas():
    return "openblas" in machine().threads["pools"]


def test_threads_set_after_the_import_of_numpy_are_without_effect(python):
    if not has_openblas() or machine().threads["pools"]["openblas"] < 2:
        pytest.skip("no OpenBLAS with several threads that threadpoolctl knows")
    out = python(
        "import os, numpy; from arraylab import machine\n"
        "os.environ['OMP_NUM_THREADS'] = '1'\n"
        "print(machine().notes)"
    )
    assert "OMP_NUM_THREADS=1 has no effect: openblas uses" in out


def test_threads_set_before_python_starts_have_their_effect(python):
    code = "from arraylab import machine; here = machine(); print(here.notes)"
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
    assert bool(settings.without_effect(environment, pools, cores=4)) == noted


def test_x64_switched_on_after_the_import_of_jax_is_noted():
    jax = types.SimpleNamespace(config=types.SimpleNamespace(jax_enable_x64=False))
    assert settings.x64_too_late({"JAX_ENABLE_X64": "1"}, jax)
    assert not settings.x64_too_late({"JAX_ENABLE_X64": "0"}, jax)
    assert not settings.x64_too_late({"JAX_ENABLE_X64": "1"}, None)
