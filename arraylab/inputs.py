"""The inputs of a comparison: what they were, and whether they still are."""

import copy
from typing import Any

import numpy as np

GLANCE = 1 << 20  # elements of an array that a look in passing compares


def copied(value: Any) -> Any:
    """Return a copy of what a function could change; `value` itself if it cannot."""
    if isinstance(value, np.ndarray):
        return value.copy() if value.flags.writeable else value
    if isinstance(value, list | dict | set | tuple):
        return copy.deepcopy(value)
    return value


def protected(value: Any) -> Any:
    """Return `value` for reading only, where that can be had."""
    if not isinstance(value, np.ndarray):
        return value
    view = value.view()
    view.flags.writeable = False
    return view


def same(a: Any, b: Any, thorough: bool = True) -> bool:
    """Return whether two inputs have the same bits, NaN included.

    Unless `thorough`, of a large array only evenly spread elements are compared.
    """
    if a is b:
        return True
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.shape != b.shape or a.dtype != b.dtype or a.dtype.hasobject:
            return a.dtype.hasobject and a.shape == b.shape  # objects cannot be judged
        if not thorough and a.size > GLANCE:
            step = -(-a.size // GLANCE)
            a, b = a.reshape(-1)[::step], b.reshape(-1)[::step]
        return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, int | float | complex | str | bytes | set):
        return a == b or a != a  # a NaN is no change
    return True  # of another kind: nobody can say


def put_back(now: Any, before: Any) -> None:
    """Give `now` the content that it had `before`."""
    if isinstance(now, np.ndarray):
        np.copyto(now, before)
    elif isinstance(now, list):
        now[:] = copy.deepcopy(before)
    elif isinstance(now, dict | set):
        now.clear()
        now.update(copy.deepcopy(before))
