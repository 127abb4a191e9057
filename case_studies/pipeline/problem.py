"""The season of every pixel, fitted to a long series of images with clouds and stripes.

A scanner looks at the same ground T times.  Line i of an image arrives as counts: DARK
pixels that see nothing, then n that see the ground, uint16.  So raw has the shape
(T, m, DARK + n), and times (T,), in years, a floating dtype.

Clean.  The median of a line's dark pixels is its offset, taken off all others.  Then a
pixel is missing in an image where it is more than SPIKE away from the median of the
five around it in its line (at the ends: of the first or last five), above CLOUD, or
more than SPIKE below zero.  All in whole numbers, so that there is one right answer.

Fit.  What is left, times SCALE, is a reflectance y(t), and for each pixel

    level + trend t + amplitude exp(WIDTH (cos 2π (t - peak) - 1))

is fitted by least squares.  The result is (4, m, n): level, trend, amplitude > 0 and
peak, the time of the year in [0, 1); nan where fewer than LEAST images are left.

The scene is given by a rule, line by line, so that it can be made in any blocks, and
what was planted is known.
"""

import functools
import math
import statistics

import numpy as np

from case_studies.work import Work

SEED = 1972
IMAGES, YEARS = 48, 4
DARK = 15  # odd, so that the median is one of them
SPIKE, CLOUD = 400, 6_800  # counts
SCALE, WIDTH, LEAST = 1e-4, 2.0, 12
MISSING = -32_768  # in int16, a count that no good pixel has
NOISE = 40.0  # counts, standard deviation
PATCH, CELL = 16, 4  # pixels: a field on the ground, a piece of a cloud
NAMES = ("level", "trend", "amplitude", "peak")
SHARED = math.pi / 2 / DARK  # of the noise's square: what an offset brings
LINES = 24  # of a large scene that `check` looks at
LIMIT = {"float32": 0.05, "float64": 0.01}  # in standard errors; `check` says why


# The scene


def inputs(n, dtype="float64"):
    """Return raw (48, n, 15 + n), uint16, and times (48,): n lines of n pixels."""
    return observed(np.arange(n), n), dates().astype(dtype)


def dates():
    """Return when the images were taken, (48,), in years: one a month, more or less."""
    months = np.arange(IMAGES) + np.random.default_rng(SEED).uniform(-0.4, 0.4, IMAGES)
    return (months / 12 - YEARS / 2).astype("float32").astype("float64")


def planted(lines, n):
    """Return the truth of some lines, integers (k,), of n pixels: (4, k, n)."""
    patches = max(n // PATCH, 1)
    patch = np.minimum(np.arange(n) // PATCH, patches - 1)  # the last one is wider
    fields = [
        np.random.default_rng((SEED, 1, int(i) // PATCH)).random((4, patches))
        for i in lines
    ]
    truth = np.stack(fields, axis=1)[:, :, patch]
    low, high = np.array([[0.10, -0.012, 0.06, 0.35], [0.24, 0.012, 0.24, 0.65]])
    truth = low[:, None, None] + (high - low)[:, None, None] * truth
    truth[3] += 0.1 * np.linspace(0, 1, n)  # spring comes later in the east
    return truth


def season(t, peak):
    """Return the season's course, at most 1, at the times t and for the peaks given."""
    return np.exp(WIDTH * (np.cos(2 * math.pi * (t - peak)) - 1))


def model(maps, t):
    """Return the reflectance of maps (4, ...) at the times t, (T, ...)."""
    level, trend, amplitude, peak = maps
    t = t.reshape(-1, *(1,) * level.ndim)
    return level + trend * t + amplitude * season(t, peak)


def observed(lines, n):
    """Return the counts of some lines, integers (k,): (48, k, 15 + n), uint16."""
    raw = np.empty((IMAGES, len(lines), DARK + n), np.uint16)
    for k, i in enumerate(lines):
        raw[:, k] = _observed(int(i), n)
    return raw


def spoiled(line, n):
    """Return which pixels of a line are under clouds, and which are defect: (48, n).

    Of eight neighbours at most one is defect, and so at most two of any five.
    """
    cloud = _clouds(line // CELL, n)
    rng = np.random.default_rng((SEED, 3, line))
    eighths = -(-n // 8)
    at = 8 * np.arange(eighths) + rng.integers(0, 8, (IMAGES, eighths))
    defect = np.zeros((IMAGES, 8 * eighths), bool)
    np.put_along_axis(defect, at, rng.random((IMAGES, eighths)) < 0.02, axis=1)
    return cloud, defect[:, :n]


def _observed(line, n):
    """Return the counts of one line in all images, (48, 15 + n)."""
    rng = np.random.default_rng((SEED, 2, line))
    counts = rng.standard_normal((IMAGES, DARK + n), dtype="float32")
    counts *= np.float32(NOISE)
    truth = planted([line], n)[:, 0].astype("float32")
    ground = model(truth, dates().astype("float32"))
    ground *= np.float32(1 / SCALE)
    cloud, defect = spoiled(line, n)
    np.copyto(ground, 7_500 + ground / 10, where=cloud)  # bright, a little see-through
    np.copyto(ground, 0, where=defect)  # dead: as if it were dark
    counts[:, DARK:] += ground
    counts += 1_000 + 60 * rng.standard_normal((IMAGES, 1), dtype="float32")
    broken = rng.random(IMAGES) < 0.2
    counts[broken, rng.integers(DARK)] += 4_000
    return np.rint(counts, out=counts).astype(np.uint16)


@functools.lru_cache(maxsize=4)
def _clouds(row, n):
    """Return where clouds are over a row of cells: the sum of three waves is high."""
    rng = np.random.default_rng((SEED, 4))
    across, along = rng.normal(0, 1 / 120, (2, IMAGES, 3, 1))
    phase, clear = rng.random((IMAGES, 3, 1)), rng.uniform(-0.4, 1.8, (IMAGES, 1))
    cells = np.arange(-(-n // CELL))
    waves = np.sin(2 * np.pi * (phase + CELL * (along * row + across * cells)))
    return np.repeat(waves.sum(axis=1) > clear, CELL, axis=1)[:, :n]


# What is right


def oracle(raw, times):
    """Return the maps by their definition, a pixel at a time in Python: slow.

    For a given peak the other three are linear: so the best peak of 40 is bracketed,
    and refined by golden sections.
    """
    n_images, m, width = raw.shape
    maps = np.full((4, m, width - DARK), np.nan)
    t = times.astype("float64")
    for i in range(m):
        lines = [_plain_line(raw[k, i].tolist()) for k in range(n_images)]
        for j in range(width - DARK):
            seen = [k for k in range(n_images) if lines[k][j] is not None]
            if len(seen) >= LEAST:
                y = np.array([lines[k][j] for k in seen]) * SCALE
                maps[:, i, j] = _plain_fit(y, t[seen])
    return maps.astype(times.dtype)


def check(result, raw, times):
    """Raise AssertionError unless `result` holds the maps, (4, m, n), to rounding.

    At the least squares a Gauss-Newton step is zero.  It is taken here, in float64, and
    each entry of it is held against that parameter's standard error, what noise alone
    makes uncertain: to come nearer than a hundredth of it would be for nothing.  In
    float32 it may be five times as far: of its seven digits, sums of products and the
    solution lose three or four.  As a step is also zero at wrong minima, the residuals
    must be of the size of the noise.

    Of more than LINES lines, that many are looked at, the first and the last included;
    everywhere numbers must be finite, or nan, and within their bounds.
    """
    maps = _maps(result, raw, times)
    lines = np.unique(np.linspace(0, raw.shape[1] - 1, LINES).astype(int))
    lines = np.arange(raw.shape[1]) if raw.shape[1] <= LINES else lines
    some = raw[:, lines]
    counts = _expected(some.tobytes(), some.shape)
    maps = maps[:, lines].astype("float64")
    few = (counts != MISSING).sum(axis=0) < LEAST
    if not np.array_equal(np.isnan(maps).any(axis=0), few):
        raise AssertionError(
            f"expected nan in {few.sum()} pixels with fewer than {LEAST} good images, "
            f"got it in {np.isnan(maps).any(axis=0).sum()}; tip: is a pixel lost where "
            "a line ends, or one with nothing left fitted all the same?"
        )
    far = _far(maps, counts, times)
    limit = LIMIT[str(times.dtype)]
    if far.max(initial=0) <= limit:
        return
    p, i, j = map(int, np.unravel_index(far.argmax(), far.shape))
    raise AssertionError(
        f"not the least squares: {NAMES[p]} in line {lines[i]}, pixel {j} is "
        f"{maps[p, i, j]:.6g}, {far[p, i, j]:.2g} standard errors from the minimum, "
        f"where {times.dtype} allows {limit}; {(far.max(axis=0) > limit).sum()} of "
        f"{far[0].size} pixels are off; tip: {_tip(maps, some, times)}"
    )


def work(raw, times):
    """Return the least work: 20 operations a sample to clean, 45 for one step of a fit.

    Of the step, 4 derivatives take 13, the residual 4, ten sums of products 20 and four
    more 8; an exponential counts as one.  Raw is read once, the maps are written.
    """
    n_images, m, width = raw.shape
    pixels = m * (width - DARK)
    return Work(65 * n_images * pixels, raw.nbytes + 4 * pixels * times.dtype.itemsize)


def errors(maps, lines):
    """Return errors (4, k, n) of maps of some lines, each over its standard error.

    A standard error follows from the images that are good in that pixel, and from the
    noise of its counts and of its line's offset, a median: π/2 of it over DARK.  It is
    nan where fewer than LEAST are good.
    """
    n = maps.shape[-1]
    good = np.stack([~np.logical_or(*spoiled(int(i), n)) for i in lines], axis=1)
    wrong = maps.astype("float64") - planted(lines, n)
    wrong[3] = (wrong[3] + 0.5) % 1 - 0.5
    noise = NOISE * SCALE * math.sqrt(1 + SHARED)
    _, inverse = _normal(planted(lines, n), good, dates())
    return wrong / (noise * np.sqrt(np.einsum("...pp->p...", inverse)))


def recovered(maps, lines):
    """Raise AssertionError unless maps (4, k, n) of some lines are what was planted.

    Of a right chain, `errors` are noise with mean square 1.  The noise of an offset is
    shared by a line's pixels, which therefore wander together.  Allowed are five
    standard deviations of such a mean square and 2 % for what the model bends, and 7
    for any one error: chance takes one in 10¹¹ so far.

    Returns
    -------
    tuple of float
        The mean square of each parameter's errors, and the largest error of all.
    """
    k, n = len(lines), maps.shape[-1]
    z = errors(maps, lines)
    good = [(~np.logical_or(*spoiled(int(i), n))).sum(axis=0) for i in lines]
    enough = np.array(good) >= LEAST
    if not np.isfinite(z[:, enough]).all():
        raise AssertionError("expected a number in every pixel that was seen, got nan")
    squares = [float((one[enough] ** 2).mean()) for one in z]
    spread = math.sqrt(2 / (k * n) + 2 * (SHARED / (1 + SHARED)) ** 2 / k)
    worst = float(np.abs(z[:, enough]).max())
    bound = 0.02 + 5 * spread
    for name, square in zip(NAMES, squares, strict=True):
        if abs(square - 1) > bound:
            raise AssertionError(
                f"not what was planted: the mean square error of {name} is "
                f"{square:.3g} times what noise explains, expected 1 ± {bound:.2g}"
            )
    if worst > 7:
        raise AssertionError(
            f"not what was planted: one pixel is {worst:.3g} standard errors away, "
            "where chance takes none beyond 7"
        )
    return (*squares, worst)


def _plain_line(counts):
    """Return the counts of one line without its offset, None where one is missing."""
    offset = statistics.median(counts[:DARK])
    line = [c - offset for c in counts[DARK:]]
    n = len(line)
    kept = []
    for j, y in enumerate(line):
        left = min(max(j - 2, 0), n - 5)
        spike = abs(y - statistics.median(line[left : left + 5])) > SPIKE
        kept.append(None if spike or y > CLOUD or y < -SPIKE else y)
    return kept


def _plain_fit(y, t):
    """Return level, trend, amplitude and peak of the least squares for one pixel."""

    def linear(peak):
        columns = np.stack([np.ones_like(t), t, season(t, peak)], axis=1)
        (level, trend, amplitude), *_ = np.linalg.lstsq(columns, y)
        rest = y - columns @ (level, trend, amplitude)
        return rest @ rest if amplitude > 0 else np.inf, (level, trend, amplitude)

    best = min(range(40), key=lambda k: linear(k / 40)[0]) / 40
    low, high = best - 1 / 40, best + 1 / 40
    golden = (5**0.5 - 1) / 2
    while high - low > 1e-9:
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, b) if linear(a)[0] < linear(b)[0] else (a, high)
    peak = (low + high) / 2
    return [*linear(peak)[1], peak % 1]


@functools.lru_cache(maxsize=2)
def _expected(data, shape):
    return _cleaned(np.frombuffer(data, np.uint16).reshape(shape))


def _cleaned(raw, offsets=True, spikes=True, clouds=True):
    """Return the counts, int16, MISSING where one is: by NumPy's own median."""
    whole = raw.astype("int32")
    offset = np.median(whole[..., :DARK], axis=-1, keepdims=True).astype("int32")
    y = whole[..., DARK:] - (offset if offsets else 1_000)
    bad = y < -SPIKE
    if spikes:
        windows = np.lib.stride_tricks.sliding_window_view(y, 5, axis=-1)
        middle = np.median(windows, axis=-1)
        middle = np.pad(middle, [(0, 0)] * (y.ndim - 1) + [(2, 2)], mode="edge")
        bad |= np.abs(y - middle) > SPIKE
    if clouds:
        bad |= y > CLOUD
    return np.where(bad, MISSING, np.minimum(y, 32_767)).astype("int16")


def _normal(maps, good, times):
    """Return derivatives (4, T, ...) and (JᵀJ)⁻¹ (..., 4, 4) of the good samples."""
    level, _, amplitude, peak = maps
    t = times.astype("float64").reshape(-1, *(1,) * level.ndim)
    course = season(t, peak)
    turn = 2 * np.pi * WIDTH * np.sin(2 * np.pi * (t - peak))
    rows = np.stack(
        np.broadcast_arrays(np.ones_like(t), t, course, amplitude * course * turn)
    )
    rows = np.where(good, rows, 0)
    products = np.einsum("pt...,qt...->...pq", rows, rows)
    enough = (good.sum(axis=0) >= LEAST)[..., None, None]
    inverse = np.linalg.inv(np.where(enough, products, np.eye(4)))
    return rows, np.where(enough, inverse, np.nan)


def _far(maps, counts, times, most=4):
    """Return how far maps (4, k, n) are from the least squares, in standard errors.

    Where the residuals' mean square is over `most` times the noise's: very far.
    """
    good = counts != MISSING
    filled = np.where(np.isnan(maps), 1, maps)
    rows, inverse = _normal(filled, good, times)
    rest = counts * SCALE - model(filled, times.astype("float64"))
    rest = np.where(good, rest, 0)
    step = np.einsum("...pq,qt...,t...->p...", inverse, rows, rest, optimize=True)
    error = NOISE * SCALE * np.sqrt(np.einsum("...pp->p...", inverse))
    far = np.abs(step) / error
    n_good = good.sum(axis=0)
    square = (rest**2).sum(axis=0) / np.maximum(n_good - 4, 1)
    far = np.where(square > most * (NOISE * SCALE) ** 2, np.maximum(far, 1e3), far)
    return np.where(np.isnan(far), 0, far)


def _maps(result, raw, times):
    """Return `result` as an array, if it is one that could hold the maps."""
    wanted = (4, raw.shape[1], raw.shape[2] - DARK)
    dtype, shape = getattr(result, "dtype", None), getattr(result, "shape", None)
    if dtype is None or shape is None:
        kind = type(result).__name__
        raise AssertionError(f"expected an array of shape {wanted}, got {kind}")
    if tuple(shape) != wanted:
        raise AssertionError(f"expected an array of shape {wanted}, got {shape}")
    if dtype != times.dtype:
        raise AssertionError(f"expected {times.dtype}, as times, got {dtype}")
    maps = np.asarray(result)
    if np.isinf(maps).any():
        raise AssertionError("expected finite numbers, or nan, got inf among them")
    _, _, amplitude, peak = maps
    if (amplitude <= 0).any() or (peak < 0).any() or (peak >= 1).any():
        raise AssertionError(
            "expected amplitudes above 0 and peaks in [0, 1), got "
            f"{np.nanmin(amplitude):.3g} and {np.nanmin(peak):.3g} to "
            f"{np.nanmax(peak):.3g}; tip: are the four maps in their order?"
        )
    return maps


def _tip(maps, raw, times):
    """Return a guess what went wrong."""
    known = {
        "offsets": "the stripes are still there: does each line take off its own?",
        "spikes": "defect pixels are still in it",
        "clouds": "clouds are still in it",
    }

    def off(**left_in):
        far = _far(maps, _cleaned(raw, **left_in), times, np.inf)
        return np.minimum(far, 1).mean()

    without = {name: off(**{name: False}) for name in known}
    best = min(without, key=without.get)
    if without[best] < 0.7 * off():
        return known[best]
    return "does each pixel get its own line, and each image its own time?"
