"""Cells for a GPU run on a CPU first: small, with stand-ins, before they cost GPU time.

The pages of the part on CuPy are run, whole.  NumPy stands in for CuPy (`fake_gpu`),
the simulator for numba.cuda, and JAX computes where it is.  Sizes are cut, so nothing
is learnt of speed: what is found are names that do not exist, results that are wrong,
and rows of a table that would have no time.
"""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.apart import ran
from tools import pages

ROOT = Path(__file__).resolve().parents[1]
FAKE = ROOT / "tests" / "fake_gpu"
RUN = """
import ast
import importlib
import json
import math
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])

import arraylab
import case_studies
from arraylab import arrays, magic, timing
from IPython.core.interactiveshell import InteractiveShell

LEAST, MOST = int(sys.argv[2]), 640  # larger numbers become a little more than LEAST
REPORTED = ("ok", "NOISY", "UNCHECKED")
without_time, ran, on_gpu = [], 0, False
compare = timing.compare


class Smaller(ast.NodeTransformer):
    def visit_Constant(self, node):
        if type(node.value) is not int or node.value <= MOST:
            return node
        node.value = LEAST + round(3 * math.log2(node.value / MOST))
        return node


def smaller(lines):
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return lines  # a magic of IPython's
    return [ast.unparse(Smaller().visit(tree)) + "\\n"]


def quickly(*args, **options):
    found = compare(*args, **options | {"rounds": 3, "max_seconds": 0.01})
    if on_gpu:
        without_time.extend(
            f"{row.name}: {row.verdict}, {row.message}"
            for row in found
            if row.verdict not in REPORTED
        )
    return found


def no_limits(*args, **options):
    raise RuntimeError("no limit of a device is measured here")


arraylab.compare = timing.compare = quickly
timing.peaks, timing.SHORTEST_SAMPLE = no_limits, 1e-4
arrays.missing = lambda library: ""
magic._jax_without_gpu = lambda: ""
importlib.import_module("case_studies.heat.problem").STEPS = 2
for path in Path(case_studies.__file__).parent.glob("*/numba_cuda_*.py"):
    module = importlib.import_module(f"case_studies.{path.parent.name}.{path.stem}")
    for name in {"THREADS", "MOST_BLOCKS"} & vars(module).keys():  # Python threads each
        few = 2 if name == "MOST_BLOCKS" else 4
        setattr(module, name, (few, 2) if type(getattr(module, name)) is tuple else few)
shell = InteractiveShell.instance()
shell.input_transformers_post.append(smaller)
for code in json.load(sys.stdin):
    on_gpu = code.startswith("%%gpu")
    ran += on_gpu
    shell.run_cell(code).raise_error()
print(json.dumps([ran, without_time]))
"""


def codes(page: str) -> list[str]:
    """Return the code of a page's cells, loaded ones too."""
    book = pages.notebook(ROOT / f"{page}.md")
    return [c.source for c in book.cells if c.cell_type == "code"] if book else []


def for_gpu(page: str) -> int:
    """Return how many cells of a page are for a GPU."""
    return sum(code.startswith("%%gpu") for code in codes(page))


@pytest.mark.skipif(os.name == "nt", reason="kernels are compiled as shared objects")
@pytest.mark.parametrize("page", [p for p in pages.pages(ROOT) if "/cupy/" in p])
def test_cells_for_a_gpu_run_and_every_row_has_a_time(
    page: str, tmp_path: Path
) -> None:
    settings = {"PYTHONPATH": str(ROOT), "NUMBA_ENABLE_CUDASIM": "1"}
    learner = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    least = "10" if page.endswith("numba_cuda") else "100"
    run = ran(
        [sys.executable, "-W", "ignore", "-c", RUN, str(FAKE), least],
        input=json.dumps(codes(page)),
        cwd=tmp_path,
        env=learner | settings | {"MPLBACKEND": "agg", "NO_COLOR": "1"},
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert json.loads(run.stdout.splitlines()[-1]) == [for_gpu(page), []]
