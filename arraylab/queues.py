"""Count how often a host has to wait for its device, with no device at hand.

On a GPU, array code only queues work; the host goes on at once.  It waits where it
needs a value: `float(a)`, `if a:`, `a.item()`, `a.get()`, printing, a loop.
`host_waits` runs a function with arrays that compute with NumPy and count these places.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin


def host_waits(fn: Callable[..., Any], *args: Any) -> tuple[Any, int]:
    """Return what `fn` returns for `args`, and how often the host had to wait.

    NumPy arrays among the arguments, and in what is returned, stand for arrays on the
    device.  The function may use operators, methods and functions of NumPy.
    """
    counter = Counter()
    given = [queued(a, counter) if isinstance(a, np.ndarray) else a for a in args]
    result = fn(*given)
    return fetched(result), counter.waits


class Counter:
    """How often the host has waited."""

    waits = 0


class Queued(NDArrayOperatorsMixin):
    """An array whose values the host can have, if it waits."""

    def __init__(self, array: Any, counter: Counter) -> None:
        """Take a NumPy array or scalar, which nobody looks at from now on."""
        self._array, self._counter = np.asarray(array), counter

    def _wait(self) -> np.ndarray:
        self._counter.waits += 1
        return self._array

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, **options: Any
    ) -> Any:
        """Queue a universal function."""
        return self._queue(getattr(ufunc, method), inputs, options)

    def __array_function__(self, fn: Any, types: Any, args: Any, options: Any) -> Any:
        """Queue any other function of NumPy."""
        return self._queue(fn, args, options)

    def _queue(self, fn: Any, args: Any, options: Any) -> Any:
        told = {name: fetched(value) for name, value in options.items()}
        return queued(fn(*map(fetched, args), **told), self._counter)

    def __getattr__(self, name: str) -> Any:
        """Return what NumPy's array has, queued: `shape`, `sum`, `max`, `astype`."""
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self._array, name)
        if not callable(found):
            return queued(found, self._counter)
        return lambda *args, **options: self._queue(found, args, options)

    def __getitem__(self, key: Any) -> Any:
        """Queue a view."""
        return queued(self._array[fetched(key)], self._counter)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Queue a copy into the array."""
        self._array[fetched(key)] = fetched(value)

    def __len__(self) -> int:
        """Return the length, which is known without the values."""
        return len(self._array)

    def __iter__(self) -> Any:
        """Go through the rows, which takes a launch and a wait each."""
        return (queued(row, self._counter) for row in self._wait())

    def __array__(self, *args: Any, **options: Any) -> np.ndarray:
        """Copy to the host."""
        return np.array(self._wait(), *args, **options)

    def __float__(self) -> float:
        """Return the value."""
        return float(self._wait())

    def __int__(self) -> int:
        """Return the value as a whole number."""
        return int(self._wait())

    def __bool__(self) -> bool:
        """Return whether the value is true, as `if` and `while` ask."""
        return bool(self._wait())

    def __repr__(self) -> str:
        """Return the values as text."""
        return repr(self._wait())

    def item(self, *place: int) -> Any:
        """Return one value."""
        return self._wait().item(*place)

    def tolist(self) -> Any:
        """Return all values."""
        return self._wait().tolist()

    def get(self) -> np.ndarray:
        """Copy to the host, as CuPy calls it."""
        return self._wait().copy()


def queued(value: Any, counter: Counter) -> Any:
    """Return what comes out of a queued function as it would be on a device."""
    if isinstance(value, np.ndarray | np.generic):
        return Queued(value, counter)
    if isinstance(value, tuple | list) and any(
        isinstance(part, np.ndarray | np.generic) for part in value
    ):
        return type(value)(queued(part, counter) for part in value)
    return value


def fetched(value: Any) -> Any:
    """Return a value with the arrays that NumPy computes with, without a wait."""
    if isinstance(value, Queued):
        return value._array
    if isinstance(value, tuple | list):
        return type(value)(fetched(part) for part in value)
    return value
