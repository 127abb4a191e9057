"""What is finished, on disk: the results, a mark a block, and whose they are."""

import hashlib
import json
import os
import zlib
from pathlib import Path

import numpy as np
import zarr

from case_studies.pipeline import problem


def put(path, text):
    """Write a file that is there with all of its text, or not there."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    draft.write_text(text, "utf-8")
    draft.replace(path)


def begun(folder, raw, dtype):
    """Return the array of maps and the folder of marks; the first run makes them."""
    files = sorted(Path(problem.__file__).parent.glob("*.py"))
    code = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    job = {
        "shape": list(raw.shape),
        "band": raw.chunks[1],
        "dtype": dtype,
        "code": code,
    }
    job |= dict(raw.attrs)
    if (folder / "job.json").exists():
        before = json.loads((folder / "job.json").read_text("utf-8"))
        if other := [name for name in job if before.get(name) != job[name]]:
            raise ValueError(
                f"{folder} holds results of another job, {' and '.join(other)} differ: "
                "take another folder, or remove job.json, maps.zarr and marks"
            )
    else:
        put(folder / "job.json", json.dumps(job))
    if not (folder / "maps.zarr").exists():
        draft = folder / f"maps.{os.getpid()}.part"
        shape = (4, raw.shape[1], raw.shape[2] - problem.DARK)
        how = {"chunks": (4, raw.chunks[1], shape[2]), "dtype": dtype}
        zarr.create_array(draft, shape=shape, compressors=None, **how)
        draft.rename(folder / "maps.zarr")
    (folder / "marks").mkdir(exist_ok=True)
    return zarr.open_array(folder / "maps.zarr", mode="r+"), folder / "marks"


def checksum(block):
    """Return a number that hardly any other content has, as text."""
    return f"{zlib.crc32(np.ascontiguousarray(block)):08x}"


def finished(mark, maps, lines):
    """Return whether a block has its mark, and lies on disk as when it was marked."""
    try:
        return mark.read_text("utf-8") == checksum(maps[:, lines])
    except (OSError, ValueError):  # no mark, or a file that was cut short
        return False
