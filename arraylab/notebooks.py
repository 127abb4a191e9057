"""What executed notebooks hold for the records: measurements, claims, GPU cells.

A result leaves its data in the notebook, beside what a reader sees, under a MIME type
of ours.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from arraylab.fingerprint import cell_hash

_OURS = "application/vnd.beyond-numpy."
COMPARISON = f"{_OURS}comparison+json"
SWEEP = f"{_OURS}sweep+json"
CLAIM = f"{_OURS}claim+json"
REPLAY = f"{_OURS}replay+json"
"""Marks the outputs of a cell as shown from a record, or left out: not of this run."""


class Collected(NamedTuple):
    """What an executed notebook holds for the records."""

    measurements: list[dict[str, Any]]
    claims: list[dict[str, Any]]
    cells: dict[str, dict[str, Any]]


def collect(
    notebook: str | os.PathLike[str] | Mapping[str, Any], lecture: str | None = None
) -> Collected:
    """Return the measurements, claims and GPU cells of an executed notebook.

    Parameters
    ----------
    notebook : path or dict
        A notebook file, or its parsed content (an nbformat node serves).
    lecture : str, optional
        As "part/stem"; by default from the path.

    Notes
    -----
    A cell that showed a record in place of running is passed over.  So are the outputs
    of a ``%%gpu`` cell that did not run, or failed without a ``raises-exception`` tag.
    """
    node, named = _notebook(notebook)
    lecture = named if lecture is None else lecture
    found = Collected([], [], {})
    for cell in node["cells"]:
        outputs = cell.get("outputs", [])
        bundles = [output.get("data", {}) for output in outputs]
        if cell["cell_type"] != "code" or any(REPLAY in data for data in bundles):
            continue
        for data in bundles:
            found.measurements.extend(_measurements(data))
            found.claims.extend([data[CLAIM]] if CLAIM in data else [])
        body = gpu_body(_joined(cell.get("source", "")))
        if body is not None and _succeeded(cell):
            shown = {"lecture": lecture, "outputs": _shown(outputs)}
            found.cells[cell_hash(body)] = shown
    return found


def gpu_body(source: str) -> str | None:
    """Return the text of a cell below its ``%%gpu`` line; None for any other cell."""
    first, _, body = source.lstrip().partition("\n")
    return body if first.split()[:1] == ["%%gpu"] else None


def _notebook(source: Any) -> tuple[Mapping[str, Any], str]:
    """Return a notebook's content, and its lecture's name from the path."""
    node, name, lecture = source, "the notebook", ""
    if not isinstance(source, Mapping):
        path = Path(source)
        name, lecture = path.name, f"{path.resolve().parent.name}/{path.stem}"
        try:
            node = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            message = f"{name}: not an executed notebook ({error}). Execute it again"
            raise ValueError(message) from error
    if not isinstance(node, Mapping) or not isinstance(node.get("cells"), list):
        raise ValueError(
            f"{name}: has no list of cells; a notebook of format 4 was expected. "
            "Convert it with jupyter nbconvert --to notebook"
        )
    return node, lecture


def _measurements(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in (COMPARISON, SWEEP):
        result = data.get(kind, {})
        for comparison in (result, *result.get("comparisons", ())):
            date = comparison.get("date", result.get("date"))
            for row in comparison.get("rows", ()):
                yield {**({"date": date} if date else {}), **row}


def _succeeded(cell: Mapping[str, Any]) -> bool:
    tags = cell.get("metadata", {}).get("tags", ())
    failed = any(o["output_type"] == "error" for o in cell.get("outputs", []))
    ran = cell.get("execution_count") is not None
    return ran and ("raises-exception" in tags or not failed)


def _shown(outputs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what a reader saw: no counters, no data of ours, streams in one piece."""
    shown: list[dict[str, Any]] = []
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            name, text = output["name"], _joined(output["text"])
            if shown and shown[-1].get("name") == name:
                shown[-1]["text"] += text
            else:
                shown.append({"output_type": kind, "name": name, "text": text})
        elif kind == "error":
            keys = ("output_type", "ename", "evalue", "traceback")
            shown.append({key: output[key] for key in keys})
        elif data := _visible(output["data"]):
            more = {"data": data, "metadata": dict(output.get("metadata", {}))}
            shown.append({"output_type": "display_data", **more})
    return shown


def _visible(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        mime: value if mime.endswith("json") else _joined(value)
        for mime, value in data.items()
        if not mime.startswith(_OURS)
    }


def _joined(text: str | Sequence[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
