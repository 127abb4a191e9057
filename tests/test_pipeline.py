"""The chain: every stage against a plain one, and no kill loses or repeats a block."""

import importlib
import json
import os
import shutil
import signal
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from case_studies import pipeline as case
from case_studies.pipeline import problem
from tests import solvers
from tests.apart import ran

DTYPES = ("float32", "float64")
HERE = [name for name in case.IMPLEMENTATIONS if not name.startswith("cupy")]
CLEANERS = ("array_api_clean", "numba_clean")
ROOT = Path(__file__).parents[1]


def part(name):
    module = importlib.import_module(f"case_studies.pipeline.{name}")
    return getattr(module, case.PARTS[name])


solver = partial(solvers.solver, case)


def scene(m, n, dtype="float64", top=0):
    """Return raw and times of m lines of n pixels; nobody writes into them."""
    raw = problem.observed(np.arange(top, top + m), n)
    times = problem.dates().astype(dtype)
    raw.flags.writeable = times.flags.writeable = False
    return raw, times


# What every implementation promises


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((1, 5), "float64"), ((11, 33), "float32"), ((3, 1_030), "float64")],
)
@pytest.mark.parametrize("name", HERE)
def test_finds_the_maps_whatever_the_blocks(name, shape, dtype):
    raw, times = scene(*shape, dtype)
    problem.check(solver(name)(raw, times), raw, times)


@pytest.mark.parametrize("name", HERE)
def test_agrees_with_the_definition(name):
    raw, times = scene(3, 7)
    expected = problem.oracle(raw, times)
    result = solver(name)(raw, times)
    # what golden sections leave open: the root of the rounding errors
    np.testing.assert_allclose(result, expected, atol=2e-6)


@pytest.mark.parametrize("name", HERE)
def test_gives_nan_where_too_few_images_are_left(name):
    raw, times = scene(4, 12)
    raw = raw.copy()
    raw[:, 1, problem.DARK + 4 : problem.DARK + 9] = 9_000  # five pixels, all cloud
    raw[11:, 2, problem.DARK :] = 9_000  # eleven images left
    result = solver(name)(raw, times)
    assert np.isnan(result[:, 1, 4:9]).all()
    assert np.isnan(result[:, 2]).all()
    assert np.isfinite(result[:, [0, 3]]).all()
    problem.check(result, raw, times)


# The stages


@pytest.mark.parametrize("shape", [(1, 5), (2, 6), (3, 7), (5, 33), (2, 1_030)])
@pytest.mark.parametrize("name", CLEANERS)
def test_cleaning_gives_the_bits_of_the_plain_way(name, shape):
    raw, _ = scene(*shape)
    plain = [[problem._plain_line(line) for line in image] for image in raw.tolist()]
    counts = np.array(
        [[[problem.MISSING if c is None else c for c in x] for x in y] for y in plain]
    )
    result = part(name)(raw)
    assert result.dtype == np.int16
    np.testing.assert_array_equal(result, counts)
    np.testing.assert_array_equal(problem._cleaned(raw), counts)


@pytest.mark.parametrize("name", CLEANERS)
def test_cleaning_survives_counts_that_no_scanner_gives(name):
    rng = np.random.default_rng(3)
    raw = rng.integers(0, 2**16, (4, 6, problem.DARK + 50), dtype=np.uint16)
    raw[0], raw[1], raw[2, :, : problem.DARK] = 0, 65_535, 65_535
    np.testing.assert_array_equal(part(name)(raw), problem._cleaned(raw))


def test_portable_cleaning_is_that_of_the_standard():
    strict = pytest.importorskip("array_api_strict")
    raw, _ = scene(3, 20)
    result = part("array_api_clean")(strict.asarray(raw.copy()))
    assert type(result).__module__.startswith("array_api_strict")
    np.testing.assert_array_equal(np.from_dlpack(result), problem._cleaned(raw))


def test_portable_cleaning_works_on_jax_too():
    jnp = pytest.importorskip("jax.numpy")
    raw, _ = scene(3, 20)
    result = part("array_api_clean")(jnp.asarray(raw))
    np.testing.assert_array_equal(np.asarray(result), problem._cleaned(raw))


@pytest.mark.parametrize("name", CLEANERS)
def test_a_line_without_five_pixels_is_refused(name):
    raw, _ = scene(2, 4)
    with pytest.raises(ValueError, match="a line has 4 pixels"):
        part(name)(raw)


def test_numba_fills_up_to_the_lines_that_are_asked_for_where_jax_can_share():
    raw, _ = scene(3, 9)
    counts = part("numba_clean")(raw, 8)
    assert counts.shape == (48, 8, 9)
    assert (counts[:, 3:] == problem.MISSING).all()
    assert counts.ctypes.data % 64 == 0
    np.testing.assert_array_equal(counts[:, :3], problem._cleaned(raw))


@pytest.mark.parametrize("dtype", DTYPES)
def test_solving_with_operators_is_solving(dtype):
    rng = np.random.default_rng(0)
    a = rng.standard_normal((30, 6, 4)).astype(dtype)
    a, b = a.swapaxes(1, 2) @ a, rng.standard_normal((30, 4)).astype(dtype)
    x = part("array_api_solve")([list(row) for row in np.moveaxis(a, 0, -1)], list(b.T))
    expected = np.linalg.solve(a.astype("f8"), b.astype("f8")[..., None])[..., 0]
    tolerance = 1e4 * np.finfo(dtype).eps
    np.testing.assert_allclose(np.stack(x, 1), expected, tolerance, tolerance)


def test_jax_derives_what_is_derived_by_hand():
    """The fits of JAX and NumPy, one step each from the same start, are the same."""
    raw, times = scene(2, 20)
    counts = problem._cleaned(raw)
    by_hand = part("numpy_fit")(counts.reshape(48, -1), times).reshape(4, 2, 20)
    np.testing.assert_allclose(
        np.asarray(part("jax_fit")(counts, times)), by_hand, rtol=1e-9, atol=1e-12
    )


def test_a_compiled_fit_takes_no_other_shape():
    jax_fit = importlib.import_module("case_studies.pipeline.jax_fit")
    fit = jax_fit.compiled((48, 2, 9), "float32")
    with pytest.raises(TypeError):
        fit(np.zeros((48, 3, 9), np.int16), problem.dates().astype("float32"))


# The scene


def test_a_line_is_the_same_in_whatever_block_it_is_made():
    whole, _ = scene(9, 40)
    np.testing.assert_array_equal(scene(4, 40, top=3)[0], whole[:, 3:7])


def test_cleaning_finds_all_that_was_spoiled_and_little_else():
    raw, _ = scene(40, 500)
    spoiled = [np.logical_or(*problem.spoiled(i, 500)) for i in range(40)]
    spoiled = np.stack(spoiled, axis=1)
    found = problem._cleaned(raw) == problem.MISSING
    assert found[spoiled].all()
    assert found[~spoiled].mean() < 1e-3
    assert 0.1 < spoiled.mean() < 0.5


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_planted_truth_comes_back(dtype):
    raw, times = scene(30, 300, dtype)
    *squares, worst = problem.recovered(
        solver("numba_parallel")(raw, times), np.arange(30)
    )
    assert all(0.8 < square < 1.2 for square in squares)
    assert worst < 7


# Wrong chains, which the truth or the check has to refuse


def refitted(raw, times, **changes):
    """Return the maps after a cleaning that leaves something out."""
    counts = problem._cleaned(raw, **changes)
    k, n = counts.shape[1:]
    fit = part("numpy_fit")
    return fit(counts.reshape(len(times), -1), times).reshape(4, k, n)


def harmonic(raw, times):
    """Return a plain wave's level, trend, amplitude and peak."""
    counts = problem._cleaned(raw)
    angle = 2 * np.pi * times
    rows = np.stack([np.ones_like(times), times, np.cos(angle), np.sin(angle)], 1)
    good = counts != problem.MISSING
    a = np.einsum("tp,tq,t...->...pq", rows, rows, good)
    b = np.einsum("tp,t...->...p", rows, np.where(good, counts * problem.SCALE, 0))
    level, trend, c, s = np.moveaxis(np.linalg.solve(a, b[..., None])[..., 0], -1, 0)
    return np.stack([level, trend, np.hypot(c, s), np.arctan2(s, c) / 2 / np.pi % 1])


def swapped_blocks(maps):
    return np.concatenate([maps[:, 10:20], maps[:, :10], maps[:, 20:]], axis=1)


def one_line_late(maps):
    return np.roll(maps, 1, axis=1)


def with_a_hole(maps):
    maps = maps.copy()
    maps[:, 20:] = maps[:, 10:20]  # a block that was never computed
    return maps


def good(raw, times):
    return solver("numba_parallel")(raw, times)


def right_but(change):
    return lambda raw, times: change(good(raw, times))


WRONG = {
    "stripes left in": lambda r, t: refitted(r, t, offsets=False),
    "defect pixels left in": lambda r, t: refitted(r, t, spikes=False),
    "clouds left in": lambda r, t: refitted(r, t, clouds=False),
    "a plain wave": harmonic,
    "images in another order": lambda r, t: good(r, np.roll(t, 1)),
    "dates a month late": lambda r, t: good(r, t + t.dtype.type(1 / 12)),
    "two blocks swapped": right_but(swapped_blocks),
    "one line late": right_but(one_line_late),
    "mirrored": right_but(lambda maps: maps[:, :, ::-1]),
    "a block that was never computed": right_but(with_a_hole),
    "float16 in between": right_but(lambda m: m.astype("f2").astype(m.dtype)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_the_check_refuses_a_wrong_chain(wrong, dtype):
    raw, times = scene(30, 120, dtype)
    with pytest.raises(AssertionError, match=r"not the least|expected"):
        problem.check(wrong(raw, times), raw, times)


@pytest.mark.parametrize("name", [k for k in WRONG if k != "float16 in between"])
def test_the_truth_refuses_a_wrong_chain(name):
    raw, times = scene(30, 120)
    with pytest.raises(AssertionError, match=r"not what was planted|expected a number"):
        problem.recovered(WRONG[name](raw, times), np.arange(30))


@pytest.mark.parametrize("name", ["stripes", "defect pixels", "clouds"])
def test_the_check_says_what_was_left_in(name):
    raw, times = scene(30, 120)
    with pytest.raises(AssertionError, match=f"tip: .*{name}"):
        problem.check(WRONG[f"{name} left in"](raw, times), raw, times)


def test_malformed_results_are_refused_in_words():
    raw, times = scene(3, 20)
    maps = good(raw, times)
    order = maps[::-1]
    lost = maps.copy()
    lost[:, 1, 3] = np.nan
    infinite = np.where(maps == maps[0, 0, 0], np.inf, maps)
    for result, words in {
        "list": (maps.tolist(), r"shape \(4, 3, 20\), got list"),
        "lazy": (maps[:, :, :-1], r"got \(4, 3, 19\)"),
        "dtype": (maps.astype("f4"), "expected float64, as times, got float32"),
        "order": (order, "in their order"),
        "lost": (lost, "nan in 0 pixels"),
        "inf": (infinite, "got inf"),
    }.values():
        with pytest.raises(AssertionError, match=words):
            problem.check(result, raw, times)


# A chain on disk


def folder_with(path, m, n, band):
    path.mkdir(exist_ok=True)
    part("dask_scene")(path, m, n, band)
    return path


@pytest.fixture(scope="module")
def scene_on_disk(tmp_path_factory):
    """A scene of 47 lines in blocks of 6, the last of which is short."""
    pytest.importorskip("zarr")
    return folder_with(tmp_path_factory.mktemp("scene"), 47, 40, 6)


@pytest.fixture
def folder(scene_on_disk, tmp_path):
    shutil.copytree(scene_on_disk / "raw.zarr", tmp_path / "raw.zarr")
    return tmp_path


def maps_in(folder):
    import zarr

    return zarr.open_array(folder / "maps.zarr", mode="r")[:]


def on_disk(folder):
    import zarr

    raw = zarr.open_array(folder / "raw.zarr", mode="r")
    return raw[:], np.array(raw.attrs["times"])


KILLED = r"""
import os, signal, sys
from case_studies.pipeline.dask_jax_resumable import resume
folder, stage, n, dtype = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
seen = []
def tell(name, k, start, end):
    os.write(1, f"{name}/{k}\n".encode())  # whole lines from both threads
    seen.append(name)
    if seen.count(stage) == n:
        os.kill(os.getpid(), signal.SIGKILL)
resume(folder, dtype, threads=2, tell=tell)
"""


def killed(folder, stage, n):
    """Run until `stage` ends for the n-th time; return (stage, block) as told."""
    command = [sys.executable, "-c", KILLED, str(folder), stage, str(n), "float32"]
    done = ran(command, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == -signal.SIGKILL, done.stderr
    told = [line.split("/") for line in done.stdout.splitlines()]
    return [(name, int(k)) for name, k in told]


def marks(folder):
    return {int(p.name) for p in (folder / "marks").iterdir() if p.name.isdigit()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_that_nobody_disturbs_computes_each_block_once(folder, threads, dtype):
    told = []
    done = part("dask_jax_resumable")(
        folder, dtype, threads, tell=lambda name, k, *_: told.append((name, k))
    )
    stages = {"read", "clean", "lend", "fit", "take back", "write", "mark"}
    assert sorted(done) == list(range(8))
    assert sorted(told) == sorted((name, k) for name in stages for k in range(8))
    raw, times = on_disk(folder)
    maps = maps_in(folder)
    problem.check(maps, raw, times.astype(dtype))
    assert part("dask_jax_resumable")(folder, dtype) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_after_a_kill_nothing_finished_is_lost_or_repeated(folder):
    told = killed(folder, "write", 4)  # between a block and its mark
    finished = marks(folder)
    assert {k for name, k in told if name == "mark"} <= finished
    assert finished < set(range(8))
    resumed = part("dask_jax_resumable")(folder)
    assert sorted(resumed) == sorted(set(range(8)) - finished)
    raw, times = on_disk(folder)
    problem.check(maps_in(folder), raw, times.astype("float32"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_twice_it_still_ends_with_the_same_bits(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(folder / "raw.zarr", other / "raw.zarr")
    part("dask_jax_resumable")(other)
    for stage in ("write", "mark"):
        killed(folder, stage, 2)
    part("dask_jax_resumable")(folder)
    np.testing.assert_array_equal(maps_in(folder), maps_in(other))


def chunk_file(folder, k):
    (found,) = [
        p
        for p in (folder / "maps.zarr").rglob("*")
        if p.is_file()
        and p.relative_to(folder / "maps.zarr").parts[-2:] == (str(k), "0")
    ]
    return found


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-100])


def flipped(path):
    data = bytearray(path.read_bytes())
    data[17] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("harm", [cut_short, flipped, Path.unlink])
def test_a_block_that_was_harmed_is_computed_again_and_no_other(folder, harm):
    resume = part("dask_jax_resumable")
    resume(folder)
    before = maps_in(folder)
    harm(chunk_file(folder, 3))
    assert resume(folder) == [3]
    np.testing.assert_array_equal(maps_in(folder), before)


def test_a_block_without_its_mark_is_computed_again(folder):
    resume = part("dask_jax_resumable")
    resume(folder)
    (folder / "marks" / "5").unlink()
    (folder / "marks" / "6").write_text("", "utf-8")
    assert sorted(resume(folder)) == [5, 6]


def test_results_of_another_job_are_not_mixed_in(folder):
    resume = part("dask_jax_resumable")
    resume(folder)
    with pytest.raises(ValueError, match="of another job, dtype differ"):
        resume(folder, "float64")
    job = json.loads((folder / "job.json").read_text("utf-8"))
    (folder / "job.json").write_text(json.dumps(job | {"code": "older"}), "utf-8")
    with pytest.raises(ValueError, match="code differ"):
        resume(folder)


def test_a_folder_without_a_scene_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        part("dask_jax_resumable")(tmp_path)


COUNTED = """
import jax, sys, tempfile
from pathlib import Path
compiled = []
jax.monitoring.register_event_duration_secs_listener(
    lambda name, seconds, **_: compiled.append(name)
)
from case_studies.pipeline.dask_jax_resumable import resume
resume(sys.argv[1], threads=2)
print(sum("backend_compile" in name for name in compiled))
"""


def test_the_fit_is_compiled_once_though_the_last_block_is_short(folder):
    command = [sys.executable, "-W", "error", "-c", COUNTED, str(folder)]
    done = ran(command, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.stdout.strip() == "1", done.stderr


def test_jax_works_in_the_memory_of_numba_and_hands_out_its_own(folder):
    import jax

    raw, times = on_disk(folder)
    counts = part("numba_clean")(raw, 50)
    lent = jax.dlpack.from_dlpack(counts, copy=False)
    assert lent.unsafe_buffer_pointer() == counts.ctypes.data
    maps = part("jax_fit")(lent, times.astype("float32"))
    assert np.asarray(maps).ctypes.data == maps.unsafe_buffer_pointer()
