"""Find races without waiting for one: who touches which element of a parallel loop?

A race shows in a result only now and then.  So the Python of a compiled function is run
here, slowly: its `prange` goes through the turns one by one, and its arrays remember
which turn wrote and which read each element.  What one turn writes, no other may touch.
"""

import itertools
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from arraylab.inputs import copied
from arraylab.judging import NotYet, Passed, call_of, called, name_of, started

# what Numba puts together by itself, `total += x`, also where total is an array
TOGETHER = (np.add, np.subtract, np.multiply, np.true_divide)
MADE = ("empty", "full", "ones", "zeros")  # NumPy's makers of arrays; also with _like
TIP = "Give each turn elements of its own, and put them together after the loop."


def race_free(fn: Callable[..., Any], args: tuple, *, tip: str = "") -> Passed:
    """See that no two turns of a `prange` loop touch what one of them writes.

    `fn` is compiled by Numba with ``parallel=True``.  Its Python is run with `args`,
    which should be small.  Seen are elements of its arguments and of the arrays that
    it makes with NumPy, through slices too; sums into a whole variable are Numba's to
    put together.  Only the outermost `prange` is parallel.
    """
    log = watch(fn, args, tip or TIP)
    return Passed(f"no two of {log.turns} turns touch what one of them writes")


def turns_of(fn: Callable[..., Any], args: tuple) -> int:
    """Return how many turns the `prange` loops of a call have; it may not race."""
    return watch(fn, args, TIP).turns


def watch(fn: Callable[..., Any], args: tuple, tip: str) -> "Log":
    """Run the Python of a parallel function; return what was seen, or say `NotYet`."""
    started(fn)
    if not getattr(fn, "targetoptions", {}).get("parallel"):
        raise NotYet(
            f"`{name_of(fn)}` is not compiled as a parallel function.",
            expected="a function under `@njit(parallel=True)`",
            got=f"{type(fn).__name__}",
            tip="Put `@njit(parallel=True)` above it, and loop with `prange`.",
        )
    log = Log(tip)
    given = tuple(
        watched(copied(a), log) if isinstance(a, np.ndarray) else a for a in args
    )
    called(in_python(fn, log, {}), given, call_of(name_of(fn), args))
    if not log.loops:
        raise NotYet(
            f"`{name_of(fn)}` has no parallel loop.",
            expected="a loop over `prange(...)`",
            got="a function without one, or one that was not reached",
            tip="Only loops over `prange` are shared out among cores.",
        )
    return log


class Log:
    """Which turn of the parallel loop wrote, and which read, each element."""

    def __init__(self, tip: str) -> None:
        """Start outside of any loop."""
        self.tip = tip
        self.turn: int | None = None
        self.loops = self.turns = 0
        self.elements = itertools.count()
        self.wrote: dict[int, int] = {}
        self.read: dict[int, set[int]] = {}

    def prange(self, *bounds: int) -> Iterator[int]:
        """Go through the turns of a loop; loops inside it are plain ones."""
        if self.turn is not None:
            yield from range(*bounds)
            return
        self.loops += 1
        self.wrote, self.read = {}, {}
        for self.turn in range(*bounds):
            self.turns += 1
            yield self.turn
        self.turn = None

    def reads(self, array: "Watched", ids: Any) -> None:
        """Note that the present turn reads elements."""
        if self.turn is None:
            return
        for i in np.ravel(ids).tolist():
            writer = self.wrote.get(i, self.turn)
            if writer != self.turn:
                self.refuse(array, i, "writes", writer, "reads")
            self.read.setdefault(i, set()).add(self.turn)

    def writes(self, array: "Watched", ids: Any) -> None:
        """Note that the present turn writes elements."""
        if self.turn is None:
            return
        for i in np.ravel(ids).tolist():
            writer = self.wrote.setdefault(i, self.turn)
            if writer != self.turn:
                self.refuse(array, i, "writes", writer, "writes")
            for reader in self.read.get(i, set()) - {self.turn}:
                self.refuse(array, i, "reads", reader, "writes")

    def refuse(self, array: "Watched", i: int, before: str, turn: int, now: str):
        """Say which element two turns touch."""
        place = np.unravel_index(i - array.first, array.whole)
        element = ", ".join(str(int(p)) for p in place)
        raise NotYet(
            "Two turns of the `prange` loop touch the same element, and one writes it: "
            "on two cores the outcome depends on who comes first.",
            expected="elements that no other turn touches",
            got=f"turn {turn} {before} element [{element}] of an array of shape "
            f"{array.whole}, turn {self.turn} {now} it",
            tip=self.tip,
        )


class Watched(np.ndarray):
    """An array that tells the log which of its elements are read and written.

    Attributes
    ----------
    log : Log
    ids : ndarray
        The number of each element, in the shape of the array.
    first, whole : int, tuple of int
        The number of the first element, and the shape, of the array this is a view of.
    """

    log: Log
    ids: Any = None
    first: int
    whole: tuple[int, ...]

    def __getitem__(self, key: Any) -> Any:
        """Return a view, which goes on telling, or what is read."""
        found = super().__getitem__(key)
        if self.ids is None:
            return found
        ids = self.ids[key]
        if isinstance(found, Watched) and np.shares_memory(found, self):
            found.log, found.ids = self.log, ids
            found.first, found.whole = self.first, self.whole
        else:
            self.log.reads(self, ids)
        return found

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write, and tell."""
        if self.ids is not None:
            self.log.writes(self, self.ids[key])
        super().__setitem__(key, plain(value))

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, **options: Any
    ) -> Any:
        """Compute with plain arrays, and tell what is read and written."""
        out = options.get("out", ())
        whole = ufunc in TOGETHER and len(out) == 1 and out[0] is inputs[0]
        if whole and out[0].shape == out[0].whole:
            ufunc(unwatched(out[0]), *map(plain, inputs[1:]), unwatched(out[0]))
            return out[0]
        told = [plain(a) for a in inputs]
        for array in out:
            if isinstance(array, Watched) and array.ids is not None:
                self.log.writes(array, array.ids)
        if out:
            options["out"] = tuple(np.asarray(array) for array in out)
        result = getattr(ufunc, method)(*told, **options)
        return out[0] if out else result


def plain(value: Any) -> Any:
    """Return a value without its watch; if it is an array, it is read."""
    if not isinstance(value, Watched):
        return value
    if value.ids is not None:
        value.log.reads(value, value.ids)
    return np.asarray(value)


def watched(array: np.ndarray, log: Log) -> Watched:
    """Return a view of an array that tells `log` of its elements."""
    view = array.view(Watched)
    numbers = [next(log.elements) for _ in range(array.size)]
    view.log, view.ids = log, np.array(numbers, int).reshape(array.shape)
    view.first, view.whole = min(numbers, default=0), array.shape
    return view


class _Watching:
    """A module whose makers of arrays make watched ones, and whose prange is ours."""

    def __init__(self, module: types.ModuleType, log: Log) -> None:
        self._module, self._log = module, log

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if name == "prange":
            return self._log.prange
        if self._module is np and name.removesuffix("_like") in MADE:
            return lambda *args, **options: watched(
                np.asarray(found(*map(unwatched, args), **options)), self._log
            )
        return found


def unwatched(value: Any) -> Any:
    """Return a value without its watch, and tell nobody: only its form is asked."""
    return np.asarray(value) if isinstance(value, Watched) else value


def in_python(fn: Any, log: Log, made: dict[int, Any]) -> Callable[..., Any]:
    """Return the Python of a compiled function, and of those it calls, watched."""
    import numba

    if id(fn) in made:
        return made[id(fn)]
    source = fn.py_func
    known = dict(source.__globals__)
    plain = types.FunctionType(
        source.__code__,
        known,
        source.__name__,
        source.__defaults__,
        source.__closure__,
    )
    made[id(fn)] = plain
    for name, value in known.items():
        if value is numba.prange:
            known[name] = log.prange
        elif value is np or value is numba:
            known[name] = _Watching(value, log)
        elif hasattr(value, "py_func"):
            known[name] = in_python(value, log, made)
    return plain
