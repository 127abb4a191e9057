"""What ruff says of the code of a page."""

import subprocess
import sys
import tempfile
from pathlib import Path

CONFIG = Path(__file__).resolve().parents[1] / "pyproject.toml"
FORMAT = ("format", "--check", "--diff")
# a notebook imports where it needs, ends in a value, and gives a name twice
CHECK = ("check", "--select", "E,F", "--ignore", "E402,E703,F811")


def said(codes: list[str], *asked: str) -> str:
    """Return what ruff says of cells, as one notebook; "" for nothing."""
    import nbformat

    cells = [nbformat.v4.new_code_cell(code) for code in codes]
    about = {"language_info": {"name": "python"}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "page.ipynb")
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=about), path)
        program = [sys.executable, "-m", "ruff", *asked, "--config", str(CONFIG)]
        done = subprocess.run(
            [*program, "--no-cache", path.name],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
    return done.stdout + done.stderr if done.returncode else ""
