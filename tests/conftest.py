"""What every test may count on."""

import importlib
import os
import sys
from pathlib import Path

import pytest

# Before any library starts: JAX computes in float64 where it is given float64, and no
# figure wants a screen.
os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("MPLBACKEND", "agg")

import case_studies
from arraylab.settings import SETTINGS
from tests.apart import ran

ROOT = Path(__file__).parents[1]


@pytest.fixture
def python():
    """Return a function that runs code in a Python of its own, and what it printed."""

    def run(code, **environment):
        clean = {k: v for k, v in os.environ.items() if k not in SETTINGS}
        env = {**clean, "PYTHONPATH": str(ROOT), **environment}
        done = ran([sys.executable, "-W", "error", "-c", code], cwd=ROOT, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A case study of two implementations that a test may edit."""
    case = tmp_path / "cases" / "toy"
    case.mkdir(parents=True)
    (case / "__init__.py").write_text(
        'IMPLEMENTATIONS = ("numpy_sum", "cupy_sum")\n', "utf-8"
    )
    (case / "problem.py").write_text('"""A toy."""\n\ndef inputs(n): ...\n', "utf-8")
    for name in ("numpy_sum", "cupy_sum"):
        (case / f"{name}.py").write_text("def toy(x):\n    return x.sum()\n", "utf-8")
    monkeypatch.setattr(case_studies, "__path__", [str(case.parent)])
    importlib.invalidate_caches()
    yield case
    sys.modules.pop("case_studies.toy", None)
    vars(case_studies).pop("toy", None)
