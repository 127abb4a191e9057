"""Hide what a machine with a GPU is not expected to have: the book's own tools."""

import sys
from importlib.machinery import PathFinder

ABSENT = {"dask", "jupyter_book", "jupyter_cache", "myst_nb", "myst_parser", "sphinx"}


class Absent:
    """Finds nothing that is installed under the names in `ABSENT`."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in ABSENT:
            spec = PathFinder.find_spec(name, path)
            if spec is None or "site-packages" in str(spec.origin):
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


sys.meta_path.insert(0, Absent)
