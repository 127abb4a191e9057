"""Where arrays live: put them there, wait for results, bring results back.

Every library is asked in its own words; none is imported unless an array of it, or a
variant named after it, turns up.
"""

import dataclasses
import importlib.util
import inspect
import re
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

LIBRARIES = (
    "python",
    "numpy",
    "numba",
    "numba_cuda",
    "cupy",
    "jax",
    "dask",
    "array_api",
)
_PACKAGE = {"numba_cuda": "numba", "array_api": "array_api_compat"}
_TOKEN = np.float32(0)
_NUMBERS = {bool, int, float, complex}
# Whose values are no containers: JAX is not asked about them.
_KNOWN = ("builtins", "numpy", "jax", "jaxlib", "cupy", "dask", "torch", "numba")
_PREFIX = re.compile(
    f"(?:{'|'.join(sorted(LIBRARIES, key=len, reverse=True))})(?![a-z0-9])"
)


class LazyResult(TypeError):
    """A function returned a promise of a result in place of the result."""


def library_of(name: str) -> str:
    """Return the library that `name` starts with, or "" if it names none.

    >>> library_of("numba_cuda_grid_stride"), library_of("JAX, jitted"), library_of("f")
    ('numba_cuda', 'jax', '')
    """
    found = _PREFIX.match(re.sub(r"[ .\-]", "_", name.lower()))
    return found.group() if found else ""


def missing(library: str) -> str:
    """Return why `library` cannot be used on this machine, or "" if it can."""
    package = _PACKAGE.get(library, library)
    if library in ("", "python", "numpy"):
        return ""
    if importlib.util.find_spec(package) is None:
        return f"{package} is not installed: pip install {package.replace('_', '-')}"
    if library == "cupy":
        import cupy

        if not cupy.cuda.is_available():
            return "CuPy needs a CUDA GPU, and finds none here"
    if library == "numba_cuda":
        from numba import config, cuda

        if getattr(config, "ENABLE_CUDASIM", 0):
            return (
                "Numba simulates a CUDA GPU here, with Python threads on the CPU "
                "(NUMBA_ENABLE_CUDASIM=1)"
            )
        if not cuda.is_available():
            return "numba.cuda needs a CUDA GPU, and finds none here"
    return ""


def place(library: str, *inputs: Any) -> tuple[Any, ...]:
    """Return `inputs` as `library` takes them, dtypes unchanged, transfers done.

    NumPy arrays become arrays of the library; everything else is passed through.

    Raises
    ------
    TypeError
        If the library would change a dtype (JAX without x64 turns float64 to float32).
    """
    placed = tuple(
        _placer(library)(a) if isinstance(a, np.ndarray) else a for a in inputs
    )
    for before, after in zip(inputs, placed, strict=True):
        wanted = getattr(before, "dtype", None)
        got = getattr(after, "dtype", None)
        if wanted is not None and got != wanted:
            raise TypeError(
                f"{library} turned {wanted} into {got} when it took the input; "
                "a comparison needs the same dtype on both sides. For JAX, say "
                'jax.config.update("jax_enable_x64", True) before the first array'
            )
    synchronise = waiter(placed) if library != "dask" else None
    if synchronise:
        synchronise(placed)
    return placed


def _placer(library: str) -> Callable[[np.ndarray], Any]:
    if library == "jax":
        import jax

        return jax.device_put
    if library == "cupy":
        import cupy

        return cupy.asarray
    if library == "numba_cuda":
        from numba import cuda

        return cuda.to_device
    if library == "dask":
        import dask.array

        return dask.array.from_array
    return lambda array: array


def wait(result: Any) -> Any:
    """Return `result` once it is really there: synchronised, Dask graphs computed.

    Raises
    ------
    LazyResult
        If nothing can be waited for: a generator, a coroutine, a future.
    """
    synchronise = waiter(result)
    return synchronise(result) if synchronise else result


def waiter(result: Any) -> Callable[[Any], Any] | None:
    """Return the function that waits for results like `result`; None if none need it.

    Decided by what came back, once, so that a timed loop does not pay for the decision.
    """
    owners = {_owner(leaf) for leaf in leaves(result)}
    waiters = [_WAITERS[owner] for owner in sorted(owners) if owner in _WAITERS]
    if "jax" in owners and _owner(result) != "jax":
        waiters[waiters.index(_wait_jax)] = _wait_jax_inside
    if len(waiters) > 1:
        return lambda out: [w(out) for w in waiters][-1]
    return waiters[0] if waiters else None


def finish(result: Any) -> Any:
    """Return `result` on the host: NumPy arrays or scalars, containers kept."""
    if _is_plain(result):
        return result
    if isinstance(result, tuple | list):
        items = [finish(item) for item in result]
        return type(result)(*items) if _is_namedtuple(result) else type(result)(items)
    if isinstance(result, dict):
        return {key: finish(value) for key, value in result.items()}
    owner = _owner(result)
    if owner == "jax":
        return np.asarray(result)
    if owner == "cupy":
        return result.get()
    if owner == "numba_cuda":
        return result.copy_to_host()
    if owner == "dask":
        return result.compute()
    if owner == "torch":
        return result.numpy(force=True)
    if owner == "array_api_strict":
        return np.from_dlpack(result)
    return result


def drain() -> None:
    """Wait for all work that loaded libraries still have queued from before."""
    if jax := sys.modules.get("jax"):
        for device in jax.local_devices():  # each device works its queue in order
            jax.block_until_ready(jax.device_put(_TOKEN, device) + _TOKEN)
    cupy = sys.modules.get("cupy")
    if cupy and cupy.cuda.is_available():
        cupy.cuda.Device().synchronize()
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()


def device_of(result: Any) -> str:
    """Return "cpu", or the name of the GPU that holds `result`."""
    for leaf in leaves(result):
        owner = _owner(leaf)
        if owner == "jax":
            device = next(iter(leaf.devices()))
            return "cpu" if device.platform == "cpu" else device.device_kind
        if owner == "cupy":
            import cupy

            return cupy.cuda.runtime.getDeviceProperties(leaf.device.id)[
                "name"
            ].decode()
        if owner == "numba_cuda":
            return _numba_cuda_device()
        if owner == "torch" and leaf.is_cuda:
            import torch

            return torch.cuda.get_device_name(leaf.device)
    return "cpu"


def dtype_of(result: Any) -> str:
    """Return the dtype of `result` ("float32, int64" for several), "" if it has none.

    Python's own numbers have none: Numba, for one, hands float32 scalars back as them.
    """
    found = {str(a.dtype) for a in leaves(result) if hasattr(a, "dtype")}
    return ", ".join(sorted(found))


def _numba_cuda_device() -> str:
    from numba import config, cuda

    if config.ENABLE_CUDASIM:
        return "cpu"  # the simulator: Python threads, whatever it calls itself
    name = cuda.get_current_device().name
    return name.decode() if isinstance(name, bytes) else name


def leaves(value: Any) -> Iterator[Any]:
    """Yield what a result is made of: the items of its containers, also JAX's own."""
    items = None if _is_plain(value) else _items(value)
    if items is None:
        yield value
        return
    for item in items:
        yield from leaves(item)


def _items(value: Any) -> list[Any] | None:
    """Return what is in a container, None if `value` is none."""
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, tuple | list):
        return list(value)
    if isinstance(value, np.ndarray):
        return list(value.flat) if value.dtype.hasobject else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, f.name) for f in dataclasses.fields(value)]
    if isinstance(value, types.SimpleNamespace):
        return list(vars(value).values())
    jax = sys.modules.get("jax")
    if jax and type(value).__module__.partition(".")[0] not in _KNOWN:
        leaves = jax.tree.leaves(value)
        return None if len(leaves) == 1 and leaves[0] is value else leaves
    return None


def _is_plain(value: Any) -> bool:
    """Return whether `value` is a list of nothing but Python's numbers, often long."""
    return isinstance(value, list | tuple) and {*map(type, value)} <= _NUMBERS


def _is_namedtuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _owner(value: Any) -> str:
    """Return the library `value` belongs to, "" if its value is there already."""
    module = type(value).__module__
    top = module.partition(".")[0]
    if top in ("jax", "jaxlib"):
        return "jax"
    if top in ("cupy", "dask", "torch", "array_api_strict"):
        return top
    if top in ("numba", "numba_cuda") and "cuda" in module:
        return "numba_cuda"
    _refuse_promises(value)
    return ""


def _refuse_promises(value: Any) -> None:
    promise = (
        inspect.isawaitable(value)
        or isinstance(value, Iterator)
        or callable(getattr(value, "add_done_callback", None))
        or callable(getattr(value, "compute", None))
        or callable(getattr(value, "collect", None))
    )
    if promise:
        kind = type(value).__name__
        raise LazyResult(
            f"the function returned a {kind}, a promise of a result: timing it "
            "would time the promising. Return the result itself (list(…), .result(), "
            ".compute(), .collect())"
        )


def _wait_jax(result: Any) -> Any:
    import jax

    return jax.block_until_ready(result)


def _wait_jax_inside(result: Any) -> Any:
    for leaf in leaves(result):
        if hasattr(leaf, "block_until_ready"):
            leaf.block_until_ready()
    return result


def _wait_cupy(result: Any) -> Any:
    import cupy

    cupy.cuda.Device().synchronize()  # all of its streams
    return result


def _wait_numba_cuda(result: Any) -> Any:
    from numba import cuda

    cuda.synchronize()
    return result


def _wait_dask(result: Any) -> Any:
    import dask

    done = dask.compute(result)[0]
    if any(_owner(leaf) == "dask" for leaf in leaves(done)):
        raise LazyResult(
            f"Dask cannot compute what is inside a {type(result).__name__}: return its "
            "collections themselves, or in a tuple, list or dictionary"
        )
    return done


def _wait_torch(result: Any) -> Any:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return result


_WAITERS = {
    "jax": _wait_jax,
    "cupy": _wait_cupy,
    "numba_cuda": _wait_numba_cuda,
    "dask": _wait_dask,
    "torch": _wait_torch,
}
