"""The import rules of the house: who may know whom."""

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STANDARD = set(sys.stdlib_module_names)
# What an implementation may import, by the longest fitting start of its file's name.
LIBRARIES = {
    "python": {"numpy"},  # arrays come in, and one goes out
    "numpy": {"numpy"},
    "numba": {"numba", "numpy"},
    "numba_cuda": {"numba", "numpy"},
    "cupy": {"cupy", "cupyx", "numpy"},
    "cupy_jax": {"cupy", "cupyx", "jax", "numpy"},
    "jax": {"jax", "numpy"},
    "dask": {"dask", "numpy", "zarr"},  # Zarr: where blocks lie on disk
    "dask_numba": {"dask", "numba", "numpy"},
    "dask_jax": {"dask", "jax", "numpy", "zarr"},
    "dask_numba_jax": {"dask", "jax", "numba", "numpy"},
    "array_api": {"array_api_compat", "array_api_extra", "numpy"},
}
# Beside the standard library and NumPy, when a module of arraylab is imported.
AT_IMPORT = {
    "figures": {"matplotlib"},
    "magic": {"IPython"},
    "mistakes": {"IPython"},
    "wrong_answers": {"IPython"},
}


def imported(node: ast.AST) -> list[str]:
    """Return the top-level packages an import statement names ("": relative)."""
    if isinstance(node, ast.Import):
        return [name.name.split(".")[0] for name in node.names]
    if isinstance(node, ast.ImportFrom):
        return ["" if node.level else (node.module or "").split(".")[0]]
    return []


def for_types(node: ast.AST) -> bool:
    """Return whether this is an ``if TYPE_CHECKING:`` block, which never runs."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def at_import(node: ast.AST) -> Iterator[str]:
    """Yield the packages imported when the module itself is imported."""
    for child in ast.iter_child_nodes(node):
        if for_types(child) or isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef
        ):
            continue
        yield from imported(child)
        yield from at_import(child)


def anywhere(tree: ast.AST) -> set[str]:
    return {name for node in ast.walk(tree) for name in imported(node)}


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def library(path: Path) -> str:
    """Return the library that a file of a case study is named for, "" for none."""
    fitting = [name for name in LIBRARIES if f"{path.stem}_".startswith(f"{name}_")]
    return max(fitting, key=len, default="")


SHARED = {"__init__", "problem", "work"}
IMPLEMENTATIONS = [p for p in modules("case_studies") if p.stem not in SHARED]


@pytest.mark.parametrize("path", modules("arraylab"), ids=short)
def test_arraylab_imports_only_numpy_and_the_standard_library(path: Path) -> None:
    allowed = STANDARD | {"numpy", "arraylab", ""} | AT_IMPORT.get(path.stem, set())
    assert set(at_import(parse(path))) <= allowed


@pytest.mark.parametrize("path", modules("arraylab"), ids=short)
def test_arraylab_knows_neither_tools_nor_tests(path: Path) -> None:
    assert not anywhere(parse(path)) & {"tools", "tests"}


@pytest.mark.parametrize("path", modules("arraylab"), ids=short)
def test_only_the_figures_know_matplotlib(path: Path) -> None:
    assert path.stem == "figures" or "matplotlib" not in anywhere(parse(path))


@pytest.mark.parametrize("path", modules("case_studies"), ids=short)
def test_a_case_study_never_knows_arraylab(path: Path) -> None:
    assert not anywhere(parse(path)) & {"arraylab", "tools", "tests"}


@pytest.mark.parametrize(
    "path", [p for p in modules("case_studies") if p.stem in SHARED], ids=short
)
def test_a_problem_needs_numpy_and_the_standard_library(path: Path) -> None:
    assert anywhere(parse(path)) <= STANDARD | {"numpy", "case_studies", ""}


@pytest.mark.parametrize("path", IMPLEMENTATIONS, ids=short)
def test_an_implementation_uses_its_own_library(path: Path) -> None:
    name = library(path)
    assert name, f"{path.name} is not named <library>_<technique>.py"
    own = LIBRARIES[name] | {"case_studies", ""}
    assert anywhere(parse(path)) <= STANDARD | own


@pytest.mark.parametrize("path", IMPLEMENTATIONS, ids=short)
def test_an_implementation_offers_the_function_of_its_case(path: Path) -> None:
    tree, case = parse(path), path.parent.name
    parts = getattr(importlib.import_module(f"case_studies.{case}"), "PARTS", {})
    case = parts.get(path.stem, case)  # a stage offers its own function
    bound = {
        name.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        for name in ast.walk(target)
        if isinstance(name, ast.Name)
    }
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    assert case in functions or case in bound
    if case in functions:
        said = ast.get_docstring(functions[case]) or ""
        assert said.strip(), "a one-line docstring says how it works"
        assert len(said.strip().splitlines()) == 1


def test_the_rules_see_an_import_wherever_it_stands() -> None:
    code = "if x:\n    import jax\ndef f():\n    import cupy.linalg\n"
    assert set(at_import(ast.parse(code))) == {"jax"}
    assert anywhere(ast.parse(code)) == {"jax", "cupy"}
