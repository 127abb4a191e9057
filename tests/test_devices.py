"""What the lecture on many devices promises: right on any number, and never hanging."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import pages

pytest.importorskip("jax")

ROOT = Path(__file__).parents[1]
EIGHT = {
    "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
}
START = """
import jax, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
devices = jax.devices()
assert len(devices) == 8
"""
PLATES = """
from case_studies.heat import check, jax_sharded
for dtype in ("float32", "float64"):
    for shape in ((1, 1), (3, 40), (65, 34), (129, 57)):
        u = np.random.default_rng(0).uniform(-1, 2, shape).astype(dtype)
        for n_steps in (0, 4, 5, 13):
            check(np.asarray(jax_sharded.heat(u, 0.24, n_steps)), u, 0.24, n_steps)
"""
HALOS = """
import re
from case_studies.heat import check, inputs, jax_sharded
u, r, n_steps = inputs(64)
for count in (1, 2, 8):
    mesh = Mesh(devices[:count], "rows")
    bands = jax.device_put(u, NamedSharding(mesh, P("rows")))
    for k in (1, 3, 8):
        program = jax_sharded.program(mesh, len(u), k)
        result = program(bands, r, n_steps)
        assert result.sharding.is_equivalent_to(bands.sharding, 2)
        check(np.asarray(result), u, r, n_steps)
        text = program.lower(bands, r, n_steps).compile().as_text()
        sent = re.findall(r"= f64\\[(\\d+),64\\]\\S* collective-permute\\(", text)
        assert sent == [str(k)] * 2, (count, k, sent)
        assert "all-gather" not in text and "all-reduce" not in text
"""
MEANS = """
from case_studies.option_price import check, inputs, jax_keys
contract, seeds, n_paths = inputs(100_000)
means = []
for count in (1, 2, 5, 8):
    rows = NamedSharding(Mesh(devices[:count], "rows"), P("rows"))
    padded = np.pad(seeds, (0, -len(seeds) % count), mode="edge")
    some = jax_keys.option_price(contract, jax.device_put(padded, rows), n_paths)
    means.append(np.asarray(some)[: len(seeds)])
    check(means[-1], contract, seeds, n_paths)
    np.testing.assert_allclose(means[-1], means[0], rtol=1e-13)
"""


@pytest.mark.parametrize(
    "code", [PLATES, HALOS, MEANS], ids=["plates", "halos", "means"]
)
def test_eight_devices_compute_what_one_does(code, python):
    python(START + code, **EIGHT)


@pytest.fixture
def together():
    """The lecture's function that runs a script in several processes."""
    book = pages.notebook(ROOT / "lectures/jax/devices.md")
    (code,) = [c.source for c in book.cells if "def together" in c.source]
    names = {}
    exec("import os, re, socket, subprocess, sys, time\n" + code, names)
    return names["together"]


@pytest.mark.skipif(sys.platform == "win32", reason="asks for a process by its number")
def test_processes_that_wait_forever_are_ended(together, tmp_path):
    script = """
import os, pathlib, sys, time
pathlib.Path(sys.argv[2], sys.argv[3]).write_text(str(os.getpid()))
time.sleep(600)
"""
    with pytest.raises(subprocess.TimeoutExpired):
        together(script, tmp_path, limit=2)
    started = [int(file.read_text()) for file in tmp_path.iterdir()]
    assert started
    for number in started:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


def test_a_process_that_fails_is_heard(together, tmp_path):
    with pytest.raises(RuntimeError, match="out of luck"):
        together("import sys; sys.exit('out of luck')", tmp_path, limit=60)
