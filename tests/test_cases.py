"""What every case study promises; what one alone promises is in its own test file."""

import ast
import functools
import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest

from arraylab import records
from case_studies.work import Work
from tests.solvers import handed_out, solver

ROOT = Path(__file__).resolve().parents[1]
CASES = tuple(records.cases())
IMPLEMENTATIONS = [
    pytest.param(case, name, id=f"{case}-{name}")
    for case in CASES
    for name in importlib.import_module(f"case_studies.{case}").IMPLEMENTATIONS
]
DTYPES = ("float32", "float64")
LONGEST = 60  # lines of a file that a lecture shows
LONGEST_PART = 80
# A GPU is too large for the smallest sizes, and Numba says so.
pytestmark = pytest.mark.filterwarnings("ignore:Grid size")


def module(case):
    return importlib.import_module(f"case_studies.{case}")


def parts(case):
    """Stages that several implementations are made of, and the function of each.

    Only a case that is a chain of stages has them: `pipeline`.
    """
    return getattr(module(case), "PARTS", {})


def folder(case):
    return Path(module(case).__file__).parent


def assigned(path):
    """Return the names that a file binds at its top level, imports and cases aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    constants = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return functions | constants


def attributes(tree, name):
    """Yield every dotted name that starts with `name`, as a list of its parts."""
    for node in ast.walk(tree):
        parts = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if parts and isinstance(node, ast.Name) and node.id == name:
            yield parts


@pytest.mark.parametrize("case", CASES)
class TestCase:
    def test_lists_every_file_and_has_a_file_for_every_name(self, case):
        files = {path.stem for path in folder(case).glob("*.py")}
        named = {*module(case).IMPLEMENTATIONS, *parts(case)}
        assert files - {"__init__", "problem"} == named

    def test_has_parts_that_are_short_and_offer_the_function_they_are_listed_for(
        self, case
    ):
        for name, offered in parts(case).items():
            text = (folder(case) / f"{name}.py").read_text(encoding="utf-8")
            tree = ast.parse(text)
            names = [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
            assert offered in names
            assert len(text.splitlines()) <= LONGEST_PART
            assert "\n" not in ast.get_docstring(tree, clean=False)

    def test_imports_no_library_until_an_implementation_is_asked_for(
        self, case, python
    ):
        libraries = "{'numba', 'jax', 'cupy', 'dask', 'arraylab'}"
        code = f"import sys, case_studies.{case}; print({libraries} & {{*sys.modules}})"
        assert python(code).strip() == "set()"

    def test_says_what_records_keep(self, case):
        assert module(case).YARDSTICK in module(case).IMPLEMENTATIONS
        assert list(module(case).SIZES) == sorted(set(module(case).SIZES))

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_hands_out_inputs_of_the_dtype_that_is_asked_for(self, case, dtype):
        size = module(case).SIZES[0]
        floats = [
            value.dtype
            for value in module(case).inputs(size, dtype)
            if getattr(value, "dtype", np.dtype(bool)).kind == "f"
        ]
        assert floats
        assert set(floats) == {np.dtype(dtype)}

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_knows_the_least_work(self, case, dtype):
        work = module(case).work(*module(case).inputs(module(case).SIZES[0], dtype))
        assert isinstance(work, Work)
        assert work.operations > 0
        assert work.nbytes > 0

    def test_keeps_the_names_of_its_problem_where_files_are_loaded_into_cells(
        self, case
    ):
        problem, *others = (
            assigned(folder(case) / f"{name}.py")
            for name in ("problem", *module(case).IMPLEMENTATIONS)
        )
        for names in others:
            assert not problem & names, "a constant of another would take its place"

    def test_describes_its_problem(self, case):
        for name in ("inputs", "oracle", "check", "work"):
            assert inspect.getdoc(getattr(module(case), name))


@pytest.mark.parametrize(("case", "name"), IMPLEMENTATIONS)
class TestImplementation:
    def test_is_short_and_says_in_a_line_what_it_is(self, case, name):
        text = (folder(case) / f"{name}.py").read_text(encoding="utf-8")
        tree = ast.parse(text)
        function = tree.body[-1]
        assert len(text.splitlines()) <= LONGEST
        assert isinstance(function, ast.FunctionDef)
        assert function.name == case
        for node in (tree, function):
            assert "\n" not in ast.get_docstring(node, clean=False)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_solves_the_problem_as_posed_and_leaves_it_alone(self, case, name, dtype):
        problem = module(case)
        solve = solver(problem, name)
        given = handed_out(*problem.inputs(problem.SIZES[0], dtype))
        before = [np.array(value) for value in given]
        problem.check(solve(*given), *given)
        for was, now in zip(before, given, strict=True):
            np.testing.assert_array_equal(was, now)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "case_studies").rglob("cupy_*.py")), ids=lambda p: p.stem
)
def test_every_cupy_name_exists(path):
    cupy = pytest.importorskip("cupy")
    text = path.read_text(encoding="utf-8")
    used = list(attributes(ast.parse(text), "cp"))
    assert used or "import" not in text  # NumPy's lines, as they are
    for parts in used:
        functools.reduce(getattr, parts, cupy)
    importlib.import_module(f"case_studies.{path.parent.name}.{path.stem}")
