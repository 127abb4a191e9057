"""The building blocks of an exercise's checks: each says what it saw, or `NotYet`.

A check that fails says what happened, what was expected, what came, and one tip.
Where counting can judge (compilations, tasks, chunks, loops), nothing is timed.
"""

import builtins
import dis
import gc
import math
import statistics
import sys
import tracemalloc
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from arraylab import arrays, units
from arraylab.clock import Clock
from arraylab.compilations import compilations
from arraylab.inputs import copied, same
from arraylab.words import counted, listed, said

WIDEST = 60  # characters of a value that are shown
LONGEST = 28  # of an argument among many
LOOPING = {  # names of functions that loop in Python over what they are given
    "apply_along_axis",
    "apply_over_axes",
    "frompyfunc",
    "fromiter",
    "fromfunction",
    "ndenumerate",
    "ndindex",
    "nditer",
    "vectorize",
}
LOOPING_BUILTINS = {all, any, filter, map, max, min, sorted, sum}
_CLOCK = Clock()


class NotYet(AssertionError):
    """A check that does not hold yet.

    Attributes
    ----------
    what, expected, got, tip : str
        What happened, what was expected in its place, what came, and what to try.
    """

    state = "not yet"

    def __init__(self, what: str, expected: str = "", got: str = "", tip: str = ""):
        super().__init__(what)
        self.what, self.expected, self.got, self.tip = what, expected, got, tip

    def __str__(self) -> str:
        rows = [("expected", self.expected), ("got", self.got), ("tip", self.tip)]
        lines = [f"{name + ':':10}{text}" for name, text in rows if text]
        return "\n".join([self.what, *lines])


class NotStarted(NotYet):
    """The answer is still the stub, or not there at all."""

    state = "not started"


class NeedsGpu(NotYet):
    """This machine has no GPU to judge the answer with."""

    state = "needs a GPU"


class Passed(str):
    """What a check saw that passed; `headroom` says how far above its bar."""

    headroom: float | None = None


# -- words ----------------------------------------------------------------------------


def name_of(fn: Any) -> str:
    """Return what a learner calls a function."""
    return getattr(fn, "__name__", "") or type(fn).__name__


def shown(value: Any) -> str:
    """Return a value in a few characters."""
    if isinstance(value, np.ndarray):
        text = np.array2string(value, threshold=6, edgeitems=2, precision=5)
        text = " ".join(text.split())
        if value.ndim:
            text = f"{text} ({value.dtype}, shape {value.shape})"
    elif isinstance(value, np.number | np.bool):
        text = str(value)
    else:
        text = " ".join(repr(value).split())
        if type(value) is float and float(f"{value:g}") == value:
            text = min(text, f"{value:g}", key=len) if len(text) > 8 else text
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def call_of(name: str, args: Iterable[Any]) -> str:
    """Return a call in words: "mean(array of shape (3,), 2)"."""
    told, args = [], tuple(args)
    longest = max(LONGEST, WIDEST // max(1, len(args)))
    for value in args:
        if isinstance(value, types.FunctionType):
            told.append(name_of(value))
            continue
        small = np.size(value) <= 4 if isinstance(value, np.ndarray) else True
        plain = isinstance(value, np.ndarray)
        if plain and small and value.ndim:
            told.append(" ".join(np.array2string(value, precision=4).split()))
        elif plain and value.ndim:
            told.append(f"<{value.dtype} of shape {value.shape}>")
        elif library_of(value) and getattr(value, "ndim", 0):
            library = library_of(value)
            told.append(f"<{library} {value.dtype} of shape {value.shape}>")
        else:
            text = shown(value)
            told.append(text if len(text) <= longest else f"{text[: longest - 1]}…")
    return f"{name}({', '.join(told)})"


def raised(error: BaseException) -> str:
    """Return an error in a line or two that help: its name, message and own line."""
    lines = (str(error).strip() or type(error).__name__).splitlines()
    where = ""
    if type(error).__module__.startswith("numba"):
        marks = [i for i, line in enumerate(lines) if set(line.strip()) == {"^"}]
        told = [line for line in lines if line.strip() and "Failed in" not in line]
        text = " ".join(told[0].split()) if told else type(error).__name__
        if marks and marks[-1]:
            where = f" at the line `{lines[marks[-1] - 1].strip()}`"
    else:
        text = said(error, 2)
        trace = error.__traceback__
        own = ""
        while trace:
            file = trace.tb_frame.f_code.co_filename
            if "ipykernel" in file or "ipython-input" in file or file.startswith("<"):
                own = line_of(file, trace.tb_lineno) or own
            trace = trace.tb_next
        where = f" at the line `{own}`" if own else ""
    return f"{type(error).__name__}{where}: {text[:240]}"


def line_of(file: str, number: int) -> str:
    """Return a line of a cell, "" where its text is not known."""
    import linecache

    return linecache.getline(file, number).strip()


# -- asking directly ------------------------------------------------------------------


def expect(
    holds: Any, what: str, *, expected: Any = "", got: Any = "", tip: str = ""
) -> None:
    """Fail with these words unless `holds`; `expected` and `got` are shown as values.

    Text is shown as it is.
    """
    if not bool(np.all(holds)):
        words = [v if isinstance(v, str) else shown(v) for v in (expected, got)]
        raise NotYet(what, *words, tip)


def started(value: Any, name: str = "") -> None:
    """Fail as "not started" for a stub: ``...``, or a function that does nothing."""
    name = name or name_of(value)
    if value is ... or value is None:
        raise NotStarted(
            f"`{name}` is still `{'...' if value is ... else value}`.",
            tip="Replace the `...` by your answer, and run its cell again.",
        )
    code = getattr(plain_function(value), "__code__", None)
    if code is not None and does_nothing(code):
        raise NotStarted(
            f"`{name}` is still the stub: it does nothing, and returns nothing.",
            tip="Replace the `...` by your answer, and run its cell again.",
        )


def plain_function(fn: Any) -> Any:
    """Return the Python function inside a compiled or wrapped one."""
    for _ in range(10):
        inner = getattr(fn, "py_func", None) or getattr(fn, "__wrapped__", None)
        inner = inner or getattr(fn, "func", None)  # functools.partial
        if inner is None or inner is fn:
            return fn
        fn = inner
    return fn


def does_nothing(code: types.CodeType) -> bool:
    """Return whether a function's body is ``...`` or ``pass``."""
    idle = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    for step in dis.get_instructions(code):
        if step.opname not in idle:
            return False
        if "CONST" in step.opname and step.argval not in (None, ...):
            return False
    return True


# -- right values ---------------------------------------------------------------------


def matches(
    fn: Callable[..., Any],
    reference: Callable[..., Any],
    cases: Sequence[tuple],
    *,
    rtol: float | None = None,
    atol: float = 0.0,
    libraries: Sequence[str] = ("numpy",),
    same_library: bool = True,
    same_dtype: bool = True,
    tip: str = "",
) -> Passed:
    """Compare ``fn(*case)`` with ``reference(*case)`` for every case.

    The result has to have the shape, the values and the dtype of the reference, to be
    an array of the library that the inputs came from, and the inputs have to stay as
    they were.

    Parameters
    ----------
    cases : sequence of tuple
        The arguments of each call, with NumPy arrays; shapes that are awkward first.
    rtol, atol : float
        Left out, half of the digits of the result's dtype, with as much for numbers
        near 0 as the largest has.
    libraries : sequence of str
        "numpy", "jax", "cupy", "dask": the same cases with arrays of each.  One that is
        not usable here is left out; if none is left for want of a GPU, `NeedsGpu`.
    same_library, same_dtype : bool
        False allows a result of another library, or dtype.
    tip : str
        In place of the tips for wrong values and shapes.
    """
    started(fn)
    absent = {library: arrays.missing(library) for library in libraries}
    usable = [library for library in libraries if not absent[library]]
    if not usable:
        reason = "; ".join(absent.values())
        if "GPU" in reason:
            raise NeedsGpu(f"Nothing was judged: {reason}.", tip=GPU_TIP)
        raise NotYet(f"Nothing could be judged: {reason}.", tip="Install it first.")
    comparison = _Comparison(fn, rtol, atol, same_library, same_dtype, tip)
    for library in usable:
        for case in cases:
            comparison.one(library, case, reference(*map(copied, case)))
    left_out = [library for library in libraries if absent[library]]
    words = f"right in {counted(len(cases), 'case')}"
    if len(libraries) > 1 or "numpy" not in libraries:
        words += f" with {listed(usable)}"
    return Passed(words + (f" ({', '.join(left_out)} left out)" if left_out else ""))


GPU_TIP = "Open the notebook on a machine with one, such as Google Colab."


class _Comparison:
    """One function on its way through the cases of `matches`."""

    def __init__(
        self,
        fn: Any,
        rtol: float | None,
        atol: float,
        same_library: bool,
        same_dtype: bool,
        tip: str,
    ):
        self.fn, self.rtol, self.atol, self.tip = fn, rtol, atol, tip
        self.same_library, self.same_dtype = same_library, same_dtype
        self.name = name_of(fn)

    def one(self, library: str, case: tuple, wanted: Any) -> None:
        """Judge one call."""
        placed = tuple(map(copied, case))
        if library != "numpy":
            placed = tuple(placed_in(library, value) for value in placed)
        call = call_of(self.name, case) + (
            f" with {library}" if library != "numpy" else ""
        )
        result = called(self.fn, placed, call)
        if result is None or result is ...:
            raise NotYet(
                f"`{call}` returned {result!r}.",
                expected=shown(wanted),
                tip="Does the function end in `return` with the result behind it?",
            )
        self.unchanged(library, case, placed, call)
        pairs = self.pairs(result, wanted, call)
        for number, (got, want) in enumerate(pairs, 1):
            part = f"part {number} of `{call}`" if len(pairs) > 1 else f"`{call}`"
            self.values(library, got, want, part)

    def unchanged(self, library: str, case: tuple, placed: tuple, call: str) -> None:
        """Refuse a function that wrote into what it was given."""
        if library not in ("numpy", "cupy"):
            return  # their arrays cannot be changed, or not in place
        for number, (before, now) in enumerate(zip(case, placed, strict=True), 1):
            after = arrays.finish(now)
            if not same(before, after):
                raise NotYet(
                    f"`{call}` changed its argument number {number}.",
                    expected=shown(before),
                    got=shown(after),
                    tip="`x -= y` and `x[...] = y` write into what the caller handed "
                    "in; `x = x - y` makes something new.",
                )

    def pairs(self, result: Any, wanted: Any, call: str) -> list[tuple[Any, Any]]:
        """Return the arrays to compare, from tuples too."""
        if not isinstance(wanted, tuple | list):
            return [(result, wanted)]
        if not isinstance(result, tuple | list) or len(result) != len(wanted):
            got = (
                f"{type(result).__name__} of {len(result)}"
                if (isinstance(result, tuple | list))
                else type(result).__name__
            )
            raise NotYet(
                f"`{call}` has to return {counted(len(wanted), 'result')}.",
                expected=f"a tuple of {len(wanted)}",
                got=got,
                tip="Return them with commas between: `return a, b`.",
            )
        return list(zip(result, wanted, strict=True))

    def values(self, library: str, result: Any, wanted: Any, call: str) -> None:
        """Compare library, shape, dtype and values of one result."""
        want = np.asarray(wanted)
        kind = library_of(result)
        if self.same_library and want.ndim and kind != library:
            raise NotYet(
                f"{call} was given arrays of {library} and returned something else.",
                expected=f"an array of {library}",
                got=f"{type(result).__module__}.{type(result).__name__}",
                tip="Use functions of the library that the arrays come from; "
                "`np.asarray(x)` and `list(x)` bring them away from it.",
            )
        try:
            got = np.asarray(arrays.finish(result))
        except Exception as error:
            raise NotYet(f"{call} cannot be computed: {raised(error)}") from None
        if got.shape != want.shape:
            raise NotYet(
                f"{call} has the wrong shape.",
                expected=str(want.shape),
                got=str(got.shape),
                tip=self.tip
                or "Print the shapes of what you combine, line by line; "
                "`keepdims=True` and `[:, None]` keep axes where they belong.",
            )
        self.dtypes(library, got, want, isinstance(wanted, int | float), call)
        self.numbers(got, want, call)

    def dtypes(
        self, library: str, got: np.ndarray, want: np.ndarray, plain: bool, call: str
    ) -> None:
        """Compare dtypes, as far as the reference has one."""
        expected = want.dtype
        if library == "jax":
            import jax

            expected = np.dtype(jax.dtypes.canonicalize_dtype(expected))
        if plain or not self.same_dtype or got.dtype == expected:
            return
        raise NotYet(
            f"{call} has the wrong dtype.",
            expected=str(expected),
            got=str(got.dtype),
            tip="What made it so? A constant array of another dtype, a division of "
            "integers, or `np.zeros(n)`, which is float64 unless told.",
        )

    def numbers(self, got: np.ndarray, want: np.ndarray, call: str) -> None:
        """Compare the values, to a tolerance that follows the dtypes."""
        if want.dtype.kind not in "fc" and got.dtype.kind not in "fc":
            wrong = got != want
        else:
            kinds = [a.dtype for a in (got, want) if a.dtype.kind in "fc"]
            loosest = max(float(np.finfo(kind).eps) for kind in kinds)
            rtol = math.sqrt(loosest) if self.rtol is None else self.rtol
            atol = self.atol
            if self.rtol is None and not atol and want.size:
                largest = np.abs(want[np.isfinite(want)]).max(initial=0.0)
                atol = 16 * loosest * float(largest)
            wrong = ~np.isclose(got, want, rtol=rtol, atol=atol, equal_nan=True)
        count = int(np.count_nonzero(wrong))
        if not count:
            return
        place, where = (), ""
        if want.ndim:
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            first = place if len(place) > 1 else place[0]
            amount = f"{count} of {counted(want.size, 'element')}"
            where = f" in {amount}, first at index {first}"
        raise NotYet(
            f"{call} is wrong{where}.",
            *apart(want[place], got[place]),
            self.tip
            or f"Work {'that one element' if want.ndim else 'this call'} out by hand, "
            "and follow it through your lines.",
        )


def apart(wanted: Any, got: Any) -> tuple[str, str]:
    """Return two numbers with as many digits as it takes to tell them apart."""
    texts = (str(wanted), str(got))
    if np.asarray(wanted).dtype.kind == np.asarray(got).dtype.kind == "f":
        for digits in range(5, 18):
            texts = (f"{wanted:.{digits}g}", f"{got:.{digits}g}")
            if texts[0] != texts[1]:
                break
    return texts


def library_of(value: Any) -> str:
    """Return the library that an array is of: "numpy", "jax", "cupy", "dask" or ""."""
    top = type(value).__module__.partition(".")[0]
    return {"jaxlib": "jax"}.get(top, top if top in PLACES else "")


PLACES = ("numpy", "jax", "cupy", "dask")


def placed_in(library: str, value: Any) -> Any:
    """Return a NumPy array as one of `library`; for Dask, in several chunks."""
    if not isinstance(value, np.ndarray):
        return value
    if library == "dask":
        import dask.array

        chunks = tuple(max(1, -(-length // 2)) for length in value.shape)
        return dask.array.from_array(value, chunks=chunks)
    if library == "jax":
        import jax.numpy

        return jax.numpy.asarray(value)
    return arrays.place(library, value)[0]


def called(fn: Any, args: tuple, call: str) -> Any:
    """Return ``fn(*args)``, waited for unless lazy; an error becomes `NotYet`."""
    try:
        result = fn(*args)
        if library_of(result) not in ("dask", "numpy"):
            arrays.wait(result) if library_of(result) else None
        return result
    except NotYet:
        raise
    except NotImplementedError:
        raise NotStarted(
            f"`{call}` raises NotImplementedError.",
            tip="Replace that line by your answer, and run its cell again.",
        ) from None
    except RecursionError:
        raise NotYet(
            f"`{call}` calls itself without an end.",
            expected="a result",
            got="RecursionError",
            tip="Which call is the last one, and does it come?",
        ) from None
    except Exception as error:
        raise NotYet(
            f"`{call}` stopped with an error.",
            expected="a result",
            got=raised(error),
            tip="Run that call in a cell of its own, and read the error from its end.",
        ) from None


def result_of(fn: Any, *args: Any) -> Any:
    """Return ``fn(*args)``; where that raises, say so, with the call in words."""
    return called(fn, args, call_of(name_of(fn), args))


def same_value(
    got: Any,
    expected: Any,
    what: str = "The value",
    *,
    rtol: float = 1e-9,
    atol: float = 0.0,
    secret: bool = False,
    tip: str = "",
) -> Passed:
    """Compare a value: a number, a text, a tuple, an array.

    Where the value itself is the answer, keep it `secret`, or the check would tell it.
    """
    if got is ...:
        raise NotStarted(f"{what} is still `...`.", tip="Put your answer there.")
    if isinstance(expected, bool):
        right = isinstance(got, bool | np.bool) and bool(got) == expected
    elif isinstance(expected, str | tuple | list | dict | set | type(None)):
        right = type(got) is type(expected) and got == expected
        if isinstance(expected, tuple | list) and isinstance(got, tuple | list):
            right = list(got) == list(expected)
    else:
        try:
            right = np.shape(got) == np.shape(expected) and np.allclose(
                got, expected, rtol=rtol, atol=atol, equal_nan=True
            )
        except TypeError:
            right = False
    if not right:
        wanted = "another value" if secret else shown(expected)
        raise NotYet(f"{what} is not right yet.", wanted, shown(got), tip)
    return Passed("right")


# -- speed ----------------------------------------------------------------------------


def speedup(
    fn: Callable[..., Any],
    baseline: Callable[..., Any],
    args: tuple,
    *,
    at_least: float,
    rounds: int = 5,
    rtol: float | None = None,
    atol: float = 0.0,
    tip: str = "",
) -> Passed:
    """Compare the times of two functions: the median of `rounds` ratios, interleaved.

    Their results have to agree first.  Below the bar, the best of three tries counts,
    so that a neighbour on the machine fails nobody; set `at_least` to a third of what
    the solution reaches, or lower (`verify` asks for that).
    """
    started(fn)
    call = call_of(name_of(fn), args)
    first = called(fn, tuple(map(copied, args)), call)
    judge = _Comparison(fn, rtol, atol, False, False, "")
    wanted = arrays.finish(arrays.wait(baseline(*map(copied, args))))
    for got, want in judge.pairs(first, wanted, call):
        judge.values("", got, want, f"`{call}`")
    waiter = arrays.waiter(first)
    del first, wanted
    best = 0.0
    for _ in range(3):
        gc.collect()
        ratios = [
            _seconds(baseline, args, None) / _seconds(fn, args, waiter)
            for _ in range(rounds)
        ]
        best = max(best, statistics.median(ratios))
        if best >= at_least:
            break
    if best < at_least:
        raise NotYet(
            f"`{name_of(fn)}` is right, and not yet fast enough.",
            expected=f"at least {at_least:g} times as fast as `{name_of(baseline)}`",
            got=f"{units.rounded(best, 2)} times as fast",
            tip=tip or "What does the interpreter still do once for each element?",
        )
    words = f"{units.rounded(best, 2)} times as fast as `{name_of(baseline)}`"
    passed = Passed(f"{words} (asked: {at_least:g})")
    passed.headroom = best / at_least
    return passed


def _seconds(fn: Any, args: tuple, waiter: Any, shortest: float = 0.005) -> float:
    """Return the seconds of a call, from as many as take `shortest` together."""
    number = 1
    while True:
        start = _CLOCK.wall()
        for _ in range(number):
            result = fn(*args)
            if waiter:
                waiter(result)
        seconds = _CLOCK.wall() - start
        if seconds >= shortest or number >= 1 << 20:
            return max(seconds, 1e-9) / number
        number = int(number * min(100, max(2, 1.5 * shortest / max(seconds, 1e-9))))


# -- counting -------------------------------------------------------------------------


def compiles_once(fn: Callable[..., Any], *calls: tuple, tip: str = "") -> Passed:
    """See that calls of a compiled function share one compilation, the first call's."""
    return compilations_at_most(fn, 0, calls[0], *calls[1:], tip=tip)


def compilations_at_most(
    fn: Callable[..., Any], extra: int, first: tuple, *calls: tuple, tip: str = ""
) -> Passed:
    """See that after the `first` call, the other `calls` compile at most `extra` times.

    Compilations of JAX and Numba are counted wherever they happen, also inside.
    """
    started(fn)
    before = compilations()
    compilations_seen = _call(fn, first)
    if compilations() == before and not has_compiled(fn):
        raise NotYet(
            f"`{name_of(fn)}` runs in the interpreter: nothing was compiled.",
            expected="a function compiled by Numba or JAX",
            got=type(fn).__name__,
            tip="Put `@njit` (Numba) or `@jax.jit` (JAX) above it.",
        )
    del compilations_seen
    settled = compilations()
    for call in calls:
        _call(fn, call)
    count = compilations() - settled
    if count > extra:
        raise NotYet(
            f"`{name_of(fn)}` was compiled anew by calls that could share one "
            "compilation.",
            expected=f"at most {counted(extra, 'further compilation')}"
            if extra
            else "no further compilation",
            got=f"{count} in {counted(len(calls), 'call')}",
            tip=tip
            or "What differs between the calls: a dtype, a shape, a Python "
            "value marked static? Or is the compiled function made inside another?",
        )
    return Passed(f"{counted(count, 'further compilation')} in {len(calls)} calls")


def _call(fn: Any, args: tuple) -> Any:
    args = tuple(map(copied, args))
    return arrays.wait(called(fn, args, call_of(name_of(fn), args)))


def has_compiled(fn: Any) -> bool:
    """Return whether a function is compiled, or calls one that is."""
    kinds = ("signatures", "_cache_size", "lower")
    if any(hasattr(fn, kind) for kind in kinds):
        return True
    code = getattr(fn, "__code__", None)
    known = getattr(fn, "__globals__", {})
    names = code.co_names if code else ()
    return any(hasattr(known.get(n), kind) for n in names for kind in kinds)


def no_python_loops(
    fn: Callable[..., Any], small: tuple = (), large: tuple = (), *, tip: str = ""
) -> Passed:
    """See that a function has no loop of the interpreter, nor its helpers.

    Its code is read: loops, comprehensions, recursion, and functions that loop in
    Python (`np.vectorize`, `map`).  With the arguments of a `small` and a `large` call,
    the steps of the interpreter are counted too, and must not grow with the size.
    """
    started(fn)
    tip = tip or "Think in whole arrays: slices, broadcasting, sums along an axis."
    for what, line in loops(fn):
        raise NotYet(
            f"`{name_of(fn)}` has {what}" + (f": `{line}`." if line else "."),
            expected="no loop of the Python interpreter",
            got=what,
            tip=tip,
        )
    if small and large:
        few, many = (steps(fn, args) for args in (small, large))
        if many > few + max(20, few // 4):
            raise NotYet(
                f"`{name_of(fn)}` does more in the interpreter for larger arrays.",
                expected=f"about {few} steps for any size",
                got=f"{few} for the small call, {many} for the large one",
                tip=tip,
            )
    return Passed("")


def loops(fn: Any, seen: tuple = ()) -> Iterator[tuple[str, str]]:
    """Yield each loop of a function and its helpers: what it is, and its line."""
    if hasattr(fn, "signatures"):  # compiled by Numba: these loops are machine code
        return
    plain = plain_function(fn)
    if type(plain).__name__ in ("vectorize",):
        yield "a Python function in `np.vectorize`", ""
        return
    code = getattr(plain, "__code__", None)
    if code is None:
        return
    if code in seen:
        yield "a call of itself", ""
        return
    yield from loops_in(code)
    known = {**vars(builtins), **getattr(plain, "__globals__", {})}
    for name, cell in zip(code.co_freevars, plain.__closure__ or (), strict=True):
        known[name] = cell.cell_contents
    for part, step in names_in(code):
        value = known.get(step.argval)
        whole = step.opname.startswith(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"))
        if step.argval in LOOPING or (whole and is_one_of(value, LOOPING_BUILTINS)):
            line = line_of(part.co_filename, step.positions.lineno or 0)
            yield f"`{step.argval}`, a loop in disguise", line
        elif whole and is_own(value, plain):
            yield from loops(value, (*seen, code))


def is_one_of(value: Any, functions: Iterable[Any]) -> bool:
    """Return whether `value` is one of `functions`, asked without comparing arrays."""
    return any(value is function for function in functions)


def is_own(value: Any, fn: Any) -> bool:
    """Return whether `value` is a function from where `fn` is from."""
    inner = plain_function(value) if callable(value) else None
    if type(value).__name__ == "vectorize":
        return True
    return isinstance(inner, types.FunctionType) and (
        inner.__module__ == fn.__module__
        or inner.__globals__ is getattr(fn, "__globals__", None)
    )


def codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield a code and those inside it: comprehensions, lambdas, inner functions."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_in(constant)


def names_in(code: types.CodeType) -> Iterator[tuple[types.CodeType, Any]]:
    """Yield the instructions that look a name up."""
    for part in codes_in(code):
        for step in dis.get_instructions(part):
            if step.opname.startswith("LOAD_") and isinstance(step.argval, str):
                yield part, step


def loops_in(code: types.CodeType) -> Iterator[tuple[str, str]]:
    """Yield the loops that stand in a code."""
    for part in codes_in(code):
        steps = {step.offset: step for step in dis.get_instructions(part)}
        lines = set()
        for step in steps.values():
            if "JUMP_BACKWARD" in step.opname and "NO_INTERRUPT" not in step.opname:
                ends = (step, steps.get(step.argval, step))
                lines.add(min(end.positions.lineno or 0 for end in ends))
        if lines:
            texts = [line_of(part.co_filename, n) for n in sorted(lines)]
            kinds = {"<listcomp>", "<genexpr>", "<setcomp>", "<dictcomp>"}
            what = "a comprehension" if part.co_name in kinds else "a loop"
            yield what, next(filter(None, texts), "")


def steps(fn: Any, args: tuple) -> int:
    """Return how many lines and calls the interpreter does for a call."""
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        count += event in ("line", "call")
        return trace

    def profile(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        count += event == "c_call"

    args = tuple(map(copied, args))
    arrays.wait(called(fn, args, call_of(name_of(fn), args)))  # caches are filled
    before = sys.gettrace(), sys.getprofile()
    sys.settrace(trace)
    sys.setprofile(profile)
    try:
        fn(*args)
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1])
    return count


def peak_memory(
    fn: Callable[..., Any], args: tuple, *, at_most: int, tip: str = ""
) -> Passed:
    """See that a call allocates at most `at_most` bytes beyond its arguments.

    What Python and NumPy allocate is counted, the result included, in all threads;
    Numba's arrays and those of XLA are not seen.
    """
    started(fn)
    call = call_of(name_of(fn), args)
    arrays.wait(called(fn, args, call))
    gc.collect()
    outside = tracemalloc.is_tracing()
    if not outside:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        start = tracemalloc.get_traced_memory()[0]
        arrays.wait(fn(*args))
        peak = tracemalloc.get_traced_memory()[1] - start
    finally:
        if not outside:
            tracemalloc.stop()
    if peak > at_most:
        raise NotYet(
            f"`{call}` takes too much memory at its worst moment.",
            expected=f"at most {units.size(at_most)}",
            got=units.size(peak),
            tip=tip
            or "Which line makes an array larger than its operands, and how "
            "many are alive at once?",
        )
    passed = Passed(f"{units.size(peak)} at the worst moment")
    return passed


def chunks_within(
    array: Any, at_most: int, *, at_least: int = 0, tip: str = ""
) -> Passed:
    """See that no chunk of a Dask array has more than `at_most` bytes.

    With `at_least`, the typical chunk must not be smaller than that either.
    """
    is_dask(array)
    sizes = [math.prod(shape) * array.dtype.itemsize for shape in chunk_shapes(array)]
    largest, typical = max(sizes), statistics.median_high(sizes)
    if largest > at_most:
        raise NotYet(
            f"A chunk is too large: its blocks are {array.chunksize}.",
            expected=f"at most {units.size(at_most)} a chunk",
            got=units.size(largest),
            tip=tip or "Which axis can be cut without cutting what is used together?",
        )
    if typical < at_least:
        raise NotYet(
            f"The chunks are too small: {counted(len(sizes), 'chunk')}.",
            expected=f"at least {units.size(at_least)} a chunk",
            got=units.size(typical),
            tip=tip or "Every chunk costs a task at each step of the graph.",
        )
    return Passed(f"{counted(len(sizes), 'chunk')}, the largest {units.size(largest)}")


def chunk_shapes(array: Any) -> Iterator[tuple[int, ...]]:
    """Yield the shapes of a Dask array's chunks."""
    import itertools

    yield from itertools.product(*array.chunks)


def tasks_at_most(
    value: Any, number: int, *, optimised: bool = False, tip: str = ""
) -> Passed:
    """See that the graph of a Dask collection has at most `number` tasks."""
    is_dask(value)
    if optimised:
        import dask

        (value,) = dask.optimize(value)
    count = len(dict(value.__dask_graph__()))
    if count > number:
        raise NotYet(
            "The graph has too many tasks.",
            expected=f"at most {number}",
            got=str(count),
            tip=tip
            or "Larger chunks, fewer steps, or one call for all blocks "
            "(`map_blocks`, `blockwise`) make fewer.",
        )
    return Passed(counted(count, "task"))


def is_dask(value: Any) -> None:
    """Refuse what is no lazy Dask collection."""
    if value is ... or value is None:
        raise NotStarted("There is no array yet.", tip="Replace the `...`.")
    if not hasattr(value, "__dask_graph__"):
        raise NotYet(
            "This is no Dask collection.",
            expected="a lazy Dask array",
            got=f"{type(value).__module__}.{type(value).__name__}",
            tip="Leave `.compute()` away: the check looks at the graph.",
        )
