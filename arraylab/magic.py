"""The ``%%gpu`` cells: run where a GPU is usable, shown from a record elsewhere.

An input transformer takes the ``%%gpu`` line away where the cell can run, so that it is
a plain cell in every respect.  Elsewhere IPython hands the cell to the magic `gpu`.
"""

import re
import sys
from html import escape
from typing import Any

from IPython.core.error import UsageError
from IPython.core.getipython import get_ipython
from IPython.display import display

from arraylab import html, records
from arraylab.notebooks import REPLAY

LIBRARIES = {"cupy": "CuPy", "jax": "JAX on CUDA", "numba_cuda": "numba.cuda"}


def load_ipython_extension(ip: Any) -> None:
    """Register ``%%gpu`` with the shell `ip`; a second time changes nothing."""
    unload_ipython_extension(ip)
    ip.input_transformers_cleanup.append(run_where_usable)
    ip.register_magic_function(gpu, magic_kind="cell")


def unload_ipython_extension(ip: Any) -> None:
    """Take ``%%gpu`` away from the shell `ip`."""
    transformers = ip.input_transformers_cleanup
    # By name: after a reload, the function registered before is another object.
    transformers[:] = [
        t for t in transformers if getattr(t, "__name__", "") != "run_where_usable"
    ]
    ip.magics_manager.magics["cell"].pop("gpu", None)


def run_where_usable(lines: list[str]) -> list[str]:
    """Return the lines of a ``%%gpu`` cell as a plain cell, if it can run here.

    All other cells come back as they are.  The first line becomes a comment, so that
    the line numbers of a traceback are those of the cell.
    """
    if not lines or lines[0].split()[:1] != ["%%gpu"]:
        return lines
    try:
        needed = _libraries(lines[0].split(None, 1)[1] if lines[0].split()[1:] else "")
    except UsageError:
        return lines  # the magic says what is wrong
    if _lacking(needed):
        return lines
    if any(line.startswith("%%") for line in lines[1:2]):
        return lines[1:]  # a magic inside, such as %%time, has to come first
    return ["# " + lines[0], *lines[1:]]


# It asks for the GPU: not to be called each time that a line is typed.
run_where_usable.has_side_effects = True  # type: ignore[attr-defined]


def gpu(line: str, cell: str) -> None:
    """Run the cell on a CUDA GPU, or show what it gave on a machine that has one.

    Usage: ``%%gpu [cupy] [jax] [numba_cuda]``, the libraries that the cell needs on the
    GPU; cupy if none is named.  Without them, the recorded outputs are shown with a
    badge that says where and when they were made.
    """
    needed = _libraries(line)
    reason = _lacking(needed)
    if not reason:  # called as a function: the transformer handles cells
        get_ipython().run_cell(cell).raise_error()
        return
    library = records.load()
    found = records.find_cell(cell, library)
    if found is None:
        _show_absence(needed, reason, library.problems)
        return
    record, recorded = found
    _show_badge(record, recorded, needed)
    for output in recorded["outputs"]:
        _show(output)


def _libraries(line: str) -> list[str]:
    words = line.split() or ["cupy"]
    for word in words:
        if word not in LIBRARIES:
            raise UsageError(
                f"%%gpu: unknown word {word!r}; expected the libraries that the cell "
                f"needs, out of {', '.join(LIBRARIES)}. For example: %%gpu cupy jax"
            )
    return words


def _lacking(libraries: list[str]) -> str:
    """Return why the cell cannot run here, or ""."""
    from arraylab.arrays import missing

    for library in libraries:
        reason = missing(library)
        if not reason and library == "jax":
            reason = _jax_without_gpu()
        if reason:
            return reason
    return ""


def _jax_without_gpu() -> str:
    """Return why JAX has no GPU: it is of use without one, a ``%%gpu`` cell is not."""
    import jax

    try:
        if jax.default_backend() == "gpu":
            return ""
    except RuntimeError as error:
        return f"JAX cannot start here ({error})"
    return (
        "JAX finds no CUDA GPU here (if there is one, install JAX for it: "
        'pip install "jax[cuda13]", or "jax[cuda12]")'
    )


def _show_absence(needed: list[str], reason: str, problems: tuple[str, ...]) -> None:
    names = " and ".join(LIBRARIES[library] for library in dict.fromkeys(needed))
    sentence = (
        f"This cell needs a CUDA GPU with {names}, and was left out: "
        f"{reason.rstrip('.')}. It has not been recorded as it is now. To run it, open "
        "the notebook on a machine with a CUDA GPU, such as Google Colab with "
        "Runtime → Change runtime type → GPU."
    )
    text = "\n".join([sentence, *problems])
    page = html.block(
        f"<p>{html.badge('needs a GPU')} {escape(sentence)}</p>",
        *(html.note(problem) for problem in problems),
    )
    _publish(text, page, {"machine": None})


def _show_badge(
    record: records.Record, recorded: dict[str, Any], needed: list[str]
) -> None:
    versions = recorded.get("versions") or record.machine.get("versions") or {}
    named = [f"{key} {versions[key]}" for key in versions if _belongs(key, needed)]
    date = recorded.get("date", record.date)[:10]
    sentence = ", ".join([f"Recorded on {record.title}", *named, date])
    if not recorded["outputs"]:
        sentence += ": it ran and showed nothing"
    page = html.block(f"<p>{html.badge('recorded')} {escape(sentence)}.</p>")
    _publish(f"{sentence}.", page, {"machine": record.title, "date": date})


def _belongs(distribution: str, libraries: list[str]) -> bool:
    """Return whether `distribution` ("cupy-cuda13x") is one of the `libraries`."""
    name = re.sub(r"-cuda\d+x$", "", distribution).replace("-", "_")
    return name in libraries


def _publish(text: str, page: str, data: dict[str, Any]) -> None:
    """Display a note that marks the cell's outputs as not of this run."""
    bundle = {"text/plain": text, "text/html": page, REPLAY: data}
    display(bundle, raw=True)


def _show(output: dict[str, Any]) -> None:
    """Display one recorded output as the notebook it comes from did."""
    kind = output["output_type"]
    if kind == "stream":
        stream = sys.stderr if output["name"] == "stderr" else sys.stdout
        stream.write(output["text"])
        stream.flush()
    elif kind == "error":
        # Shown, not raised: the cells below it run, as they did there.
        lines = output["traceback"] or [f"{output['ename']}: {output['evalue']}"]
        display({"text/plain": "\n".join(lines)}, raw=True)
    else:
        display(output["data"], metadata=output.get("metadata"), raw=True)
