"""Every implementation of heat takes the same steps, to the bit."""

import importlib
from functools import partial

import numpy as np
import pytest

from case_studies import heat
from case_studies.heat import problem
from tests import solvers

DTYPES = ("float32", "float64")
SHAPES = ((1, 1), (1, 7), (2, 5), (7, 1), (3, 3), (3, 40), (65, 34), (129, 257))
R = problem.R

solver = partial(solvers.solver, heat)
solve = solvers.fixture_of(heat)


def plate(shape, dtype="float64", seed=0):
    """A plate as a lecture hands it out: nobody may write into it."""
    u = np.random.default_rng(seed).uniform(-1, 2, shape).astype(dtype)
    u.flags.writeable = False
    return u


def mode(shape, down, across, amplitude=1.0):
    """A product of sines that is zero on the border, and its factor in one step."""
    angles = (
        np.pi * k / (size - 1) * np.arange(size)
        for k, size in zip((down, across), shape, strict=True)
    )
    rows, columns = map(np.sin, angles)
    u = amplitude * np.outer(rows, columns)
    u[[0, -1]] = u[:, [0, -1]] = 0  # sin(kπ) is 1e-16 off
    halves = np.pi / 2 * down / (shape[0] - 1), np.pi / 2 * across / (shape[1] - 1)
    return u, 1 - 4 * R * sum(np.sin(h) ** 2 for h in halves)


def close(result, expected, u, n_steps):
    """Whether two plates differ by rounding only."""
    return np.abs(result - expected).max() <= problem._allowed(u, n_steps, u.dtype)


# What every implementation promises


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", heat.IMPLEMENTATIONS)
def test_takes_the_steps_of_numpy_to_the_bit(name, shape, dtype):
    u, solve = plate(shape, dtype), solver(name)
    for n_steps in (0, 1, 2, 7, 16, 33):  # 8 and 16 are taken at once somewhere
        result = solve(u, R, n_steps)
        problem.check(result, u, R, n_steps)
        if name.startswith("jax"):  # its compiler may fuse two roundings into one
            continue
        np.testing.assert_array_equal(
            result, solver("numpy_slicing")(u, R, n_steps), strict=True
        )


@pytest.mark.parametrize("r", [0.25, 0.1, 1e-3])
def test_obeys_r(solve, r):
    u = plate((40, 31))
    problem.check(solve(u, r, 12), u, r, 12)


def test_returns_an_array_of_its_own(solve):
    u = plate((12, 9))
    for n_steps in (0, 1, 2):
        first, second = solve(u, R, n_steps), solve(u, R, n_steps)
        assert not np.may_share_memory(first, u)
        assert not np.may_share_memory(first, second)


def test_takes_plates_that_are_views(solve):
    u = plate((50, 60))[::2, 5:-7]
    problem.check(solve(u, R, 20), u, R, 20)
    problem.check(solve(u.T, R, 20), u.T, R, 20)


def test_goes_on_where_it_stopped(solve):
    u = plate((70, 23))
    np.testing.assert_array_equal(solve(solve(u, R, 19), R, 23), solve(u, R, 42))


@pytest.mark.parametrize("waves", [(1, 1), (1, 40), (25, 2), (48, 62)], ids=str)
def test_a_sine_keeps_its_shape_and_decays_by_its_factor(solve, waves):
    u, factor = mode((50, 64), *waves)
    assert close(solve(u, R, 30), factor**30 * u, u, 30)


def test_keeps_a_slope_as_it_is(solve):
    u = np.linspace(0, 3, 37)[:, None] - np.linspace(1, 5, 52)
    assert close(solve(u, R, 50), u, u, 50)


def test_makes_no_point_hotter_or_colder_than_all_were(solve):
    u = plate((33, 47))
    result = solve(u, R, 40)
    assert u.min() <= result.min() < result.max() <= u.max()
    assert np.ptp(result[1:-1, 1:-1]) < 0.5 * np.ptp(u)


def test_is_linear(solve):
    u, v = plate((30, 41), seed=1), plate((30, 41), seed=2)
    sum_first = solve(2 * u - 3 * v, R, 25)
    assert close(sum_first, 2 * solve(u, R, 25) - 3 * solve(v, R, 25), 5 * u, 25)


def test_does_not_tell_left_from_right_nor_up_from_down(solve):
    u = plate((30, 41))
    result = solve(u, R, 25)
    for turn in (np.flipud, np.fliplr, np.transpose):
        assert close(solve(turn(u), R, 25), turn(result), u, 25)


@pytest.mark.parametrize("name", [n for n in heat.IMPLEMENTATIONS if "numba" in n])
def test_gives_the_same_bits_with_any_number_of_threads(name):
    numba = pytest.importorskip("numba")
    u, threads = plate((67, 45)), numba.get_num_threads()
    result = solver(name)(u, R, 37)
    try:
        numba.set_num_threads(1)
        np.testing.assert_array_equal(solver(name)(u, R, 37), result)
    finally:
        numba.set_num_threads(threads)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [n for n in heat.IMPLEMENTATIONS if "dask" in n])
@pytest.mark.parametrize("rows", [1, 3, 10, 11, 40])
def test_bands_meet_without_a_seam(monkeypatch, name, rows, dtype):
    """Also bands that are narrower than their halo, and a last one of a row."""
    module = importlib.import_module(f"case_studies.heat.{name}")
    monkeypatch.setattr(module, "ROWS", rows)
    for shape in ((41, 13), (12, 9), (23, 4)):
        u = plate(shape, dtype)
        for n_steps in (1, 12):
            expected = solver("numpy_slicing")(u, R, n_steps)
            result = solver(name)(u, R, n_steps)
            np.testing.assert_array_equal(result, expected, strict=True)


def test_a_wave_front_also_takes_rows_that_no_cache_holds():
    wide = plate((5, 40_000))  # too wide for the closed form's table of sines
    expected = solver("numpy_slicing")(wide, R, 3)
    np.testing.assert_array_equal(solver("numba_wavefront")(wide, R, 3), expected)


# The oracle and the closed form


@pytest.mark.parametrize("shape", SHAPES[:-1], ids=str)
def test_closed_form_and_definition_agree(shape):
    u = plate(shape)
    for n_steps in (0, 1, 20):
        expected = problem.oracle(u, R, n_steps)
        assert close(problem.modes(u, R, n_steps), expected, u, n_steps)
        problem.check(expected, u, R, n_steps)


def test_the_definition_gives_the_bits_of_numpy():
    u = plate((20, 30))
    expected = problem.oracle(u, R, 15)
    np.testing.assert_array_equal(solver("numpy_slicing")(u, R, 15), expected)


def test_the_closed_form_reaches_the_slope_in_the_end():
    u = np.linspace(0, 3, 17)[:, None] - np.linspace(1, 5, 22)
    start = u.copy()
    start[1:-1, 1:-1] += plate((15, 20))
    assert close(problem.modes(start, R, 5000), u, u, 1)


def test_the_closed_form_adds_modes():
    u, fast = mode((40, 40), 30, 3)
    v, slow = mode((40, 40), 1, 2, amplitude=0.5)
    expected = fast**9 * u + slow**9 * v
    assert close(problem.modes(u + v, R, 9), expected, u, 9)


def test_work_counts_inner_points_and_one_way_through_memory():
    u = plate((10, 20), "float32")
    assert problem.work(u, R, 3) == (6 * 8 * 18 * 3, 2 * 800)
    assert problem.work(plate((1, 9)), R, 3).operations == 0


# Answers that are nearly right


def stepped(change, n_steps=0):
    """Return what takes `change(new, now, r)` as a step, NumPy's as the rest."""

    def run(u, r, n):
        now = u.copy()
        for _ in range(n + n_steps):
            new = now.copy()
            new[1:-1, 1:-1] = inside(now, r)
            changed = change(new, now, r)
            now = new if changed is None else changed
        return now

    return run


def inside(u, r, centre=None, north=1.0):
    around = north * u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
    return (1 - 4 * r if centre is None else centre) * u[1:-1, 1:-1] + r * around


def nothing(new, now, r):
    pass


def wrapped(new, now, r):
    around = sum(np.roll(now, s, axis) for axis in (0, 1) for s in (1, -1))
    return (1 - 4 * r) * now + r * around


def wrapped_columns(new, now, r):
    full = wrapped(new, now, r)
    new[1:-1] = full[1:-1]


def insulated(new, now, r):
    new[0], new[-1], new[:, 0], new[:, -1] = new[1], new[-2], new[:, 1], new[:, -2]


def cold(new, now, r):
    new[0] = new[-1] = new[:, 0] = new[:, -1] = 0


def in_place(new, now, r):
    new[:] = now
    for i in range(1, len(now) - 1):  # a row sees the new row above it
        new[i, 1:-1] = inside(new[i - 1 : i + 2], r)


def diagonal(new, now, r):
    around = now[:-2, :-2] + now[2:, 2:] + now[:-2, 2:] + now[2:, :-2]
    new[1:-1, 1:-1] = (1 - 4 * r) * now[1:-1, 1:-1] + r * around


def same_neighbour_twice(new, now, r):
    around = 2 * now[:-2, 1:-1] + now[1:-1, :-2] + now[1:-1, 2:]
    new[1:-1, 1:-1] = (1 - 4 * r) * now[1:-1, 1:-1] + r * around


def half_the_centre(new, now, r):
    new[1:-1, 1:-1] = inside(now, r, 1 - 2 * r)


def no_centre(new, now, r):
    new[1:-1, 1:-1] = inside(now, 0.25, 0)


def no_last_row(new, now, r):
    new[-2] = now[-2]


def no_last_column(new, now, r):
    new[:, -2] = now[:, -2]


def a_seam(new, now, r):
    new[len(now) // 2] = now[len(now) // 2]


def a_point(new, now, r):
    new[-3, 5] = now[-3, 5]


def narrow_halo(u, r, n_steps, tile=32, at_once=8):
    now = u.copy()
    for done in range(0, n_steps, at_once):
        steps, new = min(at_once, n_steps - done), now.copy()
        for top in range(0, len(u), tile):
            i = max(top - steps + 1, 0)  # one row too few
            here = problem.modes(now[i : top + tile + steps], r, steps)
            new[top : top + tile] = here[top - i : top - i + tile]
        now = new
    return now


WRONG = {
    "nothing done": lambda u, r, n: u.copy(),
    "one step too few": stepped(nothing, -1),
    "one step too many": stepped(nothing, 1),
    "buffers never swapped": lambda u, r, n: solver("numpy_slicing")(u, r, 1),
    "in place": stepped(in_place),
    "wraps around": stepped(wrapped),
    "wraps around at the sides": stepped(wrapped_columns),
    "insulated border": stepped(insulated),
    "border of zeros": stepped(cold),
    "diagonal neighbours": stepped(diagonal),
    "one neighbour twice": stepped(same_neighbour_twice),
    "heat from nowhere": stepped(half_the_centre),
    "mean of the neighbours": stepped(no_centre),
    "last row left out": stepped(no_last_row),
    "last column left out": stepped(no_last_column),
    "a seam between blocks": stepped(a_seam),
    "one point left out": stepped(a_point),
    "halo one row too narrow": narrow_halo,
    "r slightly off": lambda u, r, n: solver("numpy_slicing")(u, r * 1.0001, n),
    "rounded for display": lambda u, r, n: problem.modes(u, r, n).round(3),
    "half precision": lambda u, r, n: problem.modes(u, r, n).astype("f2"),
    "upside down": lambda u, r, n: problem.modes(u, r, n)[::-1],
    "final state": lambda u, r, n: problem.modes(u, r, 10**6),
    "everywhere the mean": lambda u, r, n: np.full_like(u, u.mean()),
}

# So small that float32 may round as much, if every rounding goes the same way.
FINE = {"r slightly off", "halo one row too narrow"}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(n, d) for n in WRONG for d in DTYPES if d == "float64" or n not in FINE],
)
def test_the_check_rejects_wrong_answers(name, dtype):
    wrong = WRONG[name]
    u, r, n_steps = problem.inputs(200, dtype)
    u = u[:, :173]
    result = wrong(u, r, n_steps).astype(dtype)
    with pytest.raises(AssertionError, match=r"the border has changed|not the plate"):
        problem.check(result, u, r, n_steps)
    inner = u.copy()  # mend the border: what is inside has to be found as well
    inner[1:-1, 1:-1] = result[1:-1, 1:-1]
    with pytest.raises(AssertionError, match="not the plate after 100 steps"):
        problem.check(inner, u, r, n_steps)


def test_the_check_sees_what_happens_in_the_first_step_alone():
    """The largest plate is as good as a small one: a slip of one row, long ago."""
    u, r, n_steps = problem.inputs(heat.SIZES[-1], "float32")
    slipped = solver("numba_parallel")(u, r, 1)
    slipped[1_000] = u[1_000]
    result = solver("numba_parallel")(slipped, r, n_steps - 1)
    with pytest.raises(AssertionError, match="not the plate"):
        problem.check(result, u, r, n_steps)
    problem.check(solver("numba_parallel")(u, r, n_steps), u, r, n_steps)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda u: problem.modes(u, R, 9), "9 steps, one too few"),
        (lambda u: problem.modes(u, R, 11), "11 steps, one too many"),
        (lambda u: problem.modes(u, R, 10).astype("f4"), "got float32"),
        (lambda u: problem.modes(u, R, 10).astype("f4").astype("f8"), "single prec"),
        (lambda u: problem.modes(u, R, 10) * [1] * 0.9, "border has changed"),
        (lambda u: u, "four neighbours"),
        (lambda u: u.T, r"expected an array of shape \(20, 30\), got \(30, 20\)"),
        (lambda u: u.tolist(), "expected an array of shape .*, got list"),
        (lambda u: None, "got NoneType"),
        (lambda u: np.where(u > 1.9, np.nan, u), "expected finite numbers"),
        (lambda u: u.astype(complex), "expected float64, the dtype of u, got complex"),
    ],
)
def test_the_check_says_what_is_wrong(result, message):
    u = plate((20, 30))
    answer = result(u)
    if message == "single prec":  # rounded, but with the border as it was
        inner, answer = answer, u.copy()
        answer[1:-1, 1:-1] = inner[1:-1, 1:-1]
    with pytest.raises(AssertionError, match=message):
        problem.check(answer, u, R, 10)
