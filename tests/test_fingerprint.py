"""Promises of `arraylab.fingerprint`: code alone counts, and all of it."""

import json
import os
import shutil
from pathlib import Path

import pytest

from arraylab import fingerprint
from tests.apart import ran

SOURCE = '''"""What it is."""
import math

λ = 2.0

def toy(x, width=8):
    """Say it."""
    s = f"{x!r:>{width}} λ {{}} {f'in {x}'}" "tail"  # why
    if x:

        return s + f"""
        {x:.3f}
        """
    async def later():
        await s
    return -x
'''


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"""What it is."""', '"""Something else\nentirely."""'),
        ('    """Say it."""\n', ""),
        ("  # why", ""),
        ("if x:\n\n", "if x:\n        # a remark\n"),
        ("x, width=8", "x,\n   width = 8"),
        ("    return -x\n", "    return -x"),
        ("\n", "\r\n"),
    ],
)
def test_comments_docstrings_and_white_space_do_not_count(before, after):
    assert before in SOURCE
    edited = SOURCE.replace(before, after)
    assert fingerprint.source_hash(edited) == fingerprint.source_hash(SOURCE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("-x", "x"),
        ("2.0", "2"),
        ("'in {x}'", "'in{x}'"),
        ("{x:.3f}", "{x:.4f}"),
        ("{{}}", "{{ }}"),
        ('"tail"', '"tail "'),
        ("    return -x", "        return -x"),
        ("    async def later():\n        await s\n", ""),
    ],
)
def test_every_change_of_the_code_counts(before, after):
    assert before in SOURCE
    edited = SOURCE.replace(before, after)
    assert fingerprint.source_hash(edited) != fingerprint.source_hash(SOURCE)


def test_an_f_string_is_no_docstring_it_runs():
    assert fingerprint.source_hash('f"{go()}"\n') != fingerprint.source_hash("")
    assert fingerprint.source_hash('"go"\n') == fingerprint.source_hash("")


def test_the_hash_tells_two_files_from_one_and_their_order():
    hashes = {
        fingerprint.source_hash("a\n", "b\n"),
        fingerprint.source_hash("b\n", "a\n"),
        fingerprint.source_hash("a\nb\n"),
    }
    assert len(hashes) == 3
    assert all(len(h) == 12 and set(h) <= set("0123456789abcdef") for h in hashes)


def interpreter(version):
    """Return a Python of that version from the path or from pyenv's usual folder."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    known = sorted(root.glob(f"versions/{version}.*/bin/python"))
    for found in [*known, shutil.which(f"python{version}")]:
        answer = found and ran(
            [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        )
        if answer and answer.stdout.strip() == version:
            return str(found)
    return None


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_pythons_agree_on_the_hash(version, tmp_path):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed beside the one in use")
    files = [Path(fingerprint.__file__), Path(__file__)]
    sources = [SOURCE, *(file.read_text("utf-8") for file in files)]
    data = tmp_path / "sources.json"
    data.write_text(json.dumps(sources), "utf-8")
    program = (
        "import json, runpy, sys; from pathlib import Path\n"
        "name = runpy.run_path(sys.argv[1])['source_hash']\n"
        "for s in json.loads(Path(sys.argv[2]).read_text('utf-8')): print(name(s))"
    )
    done = ran([python, "-c", program, fingerprint.__file__, str(data)], check=True)
    assert done.stdout.split() == [fingerprint.source_hash(s) for s in sources]


def test_the_code_of_a_row_is_its_problem_and_its_own_file(toy):
    before = fingerprint.code_hash("toy", "numpy_sum")
    (toy / "cupy_sum.py").write_text("def toy(x): return 1\n", "utf-8")
    assert fingerprint.code_hash("toy", "numpy_sum") == before
    (toy / "problem.py").write_text("def inputs(n): return n\n", "utf-8")
    assert fingerprint.code_hash("toy", "numpy_sum") != before


def test_a_file_that_an_implementation_builds_on_is_part_of_its_code(toy):
    (toy / "cupy_sum.py").write_text(
        "from case_studies.toy.numpy_sum import add\ndef toy(x): return add(x)\n",
        "utf-8",
    )
    (toy / "numpy_sum.py").write_text(
        "from case_studies.toy.problem import inputs\ndef add(x): return x\n", "utf-8"
    )
    before = fingerprint.code_hash("toy", "cupy_sum")
    (toy / "numpy_sum.py").write_text("def add(x): return 2 * x\n", "utf-8")
    assert fingerprint.code_hash("toy", "cupy_sum") != before


def test_a_case_that_does_not_exist_is_named():
    with pytest.raises(LookupError, match=r"case_studies/no_such/problem\.py"):
        fingerprint.code_hash("no_such", "numpy_sum")
