"""Which library takes whose arrays, and is it the same memory: found by running.

Every answer is a try: an array is handed over, written to on one side and read on the
other, and the addresses are compared.  What a library's manual says is not asked.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from arraylab import arrays
from arraylab.hardware import machine
from arraylab.pairs import (
    ITSELF,
    MEMORY,
    NO_WAY,
    NOT_HERE,
    WAYS,
    Conversion,
    Conversions,
    Grid,
)
from arraylab.words import said

PROTOCOLS = (
    "buffer",
    "__array__",
    "__array_interface__",
    "__cuda_array_interface__",
    "__dlpack__",
)
DTYPES = ("float32", "float64", "bool", "complex64", "complex128")
_NAMES = {
    "numpy": "NumPy",
    "jaxlib": "JAX",
    "jax": "JAX",
    "dask": "Dask",
    "array_api_strict": "array-api-strict",
    "cupy": "CuPy",
    "torch": "PyTorch",
    "numba_cuda": "numba.cuda",
    "numba": "numba.cuda",  # hosts have none: Numba's own arrays live on GPUs
}


class Contradiction(Exception):
    """Two proofs of whether memory is shared disagree."""


@dataclass(frozen=True)
class World:
    """The arrays of one library on one kind of device.

    Attributes
    ----------
    name : str
        Such as "NumPy", or "JAX on a GPU".
    make : callable
        Turns a one-dimensional NumPy array into an array of this world.
    ways : Mapping of str to callable
        How this world takes arrays of others, by the names in `WAYS`.
    library : str
        Who its arrays belong to, as `library_of` says.
    views : bool
        Whether `make` keeps the memory it is given, of whatever kind that is.
    absent : str
        Why nothing of this can run here, or "".
    """

    name: str
    make: Callable[[np.ndarray], Any]
    ways: Mapping[str, Callable[[Any], Any]]
    library: str
    views: bool = False
    absent: str = ""


# One array, two arrays


def library_of(array: Any) -> str:
    """Return the name of the library that an array belongs to: "JAX"."""
    top = type(array).__module__.partition(".")[0]
    return _NAMES.get(top, top)


def address(array: Any) -> int:
    """Return where the first element of `array` lies, in bytes.

    Raises
    ------
    TypeError
        If the array has no memory of its own, as a graph of Dask's.
    """
    if hasattr(array, "unsafe_buffer_pointer"):  # JAX
        return array.unsafe_buffer_pointer()
    if hasattr(array, "data_ptr"):  # PyTorch
        return array.data_ptr()
    array = _unwrapped(array)
    for protocol in ("__cuda_array_interface__", "__array_interface__"):
        if found := getattr(array, protocol, None):
            return found["data"][0]
    raise TypeError(f"a {type(array).__name__} does not say where its memory is")


def share(one: Any, other: Any) -> bool:
    """Return whether two arrays of numbers start in the same memory.

    Proven twice: their addresses are equal, and what is written to one is read in the
    other, whichever may be written.  A graph of Dask's is computed: what it hands out
    is looked at.  Writing is undone.

    Raises
    ------
    Contradiction
        If address and writing disagree.
    """
    one, other = _computed(one), _computed(other)  # kept, so that no address is reused
    same = address(one) == address(other)
    for written, read in ((one, other), (other, one)):
        seen = _is_seen(written, read)
        if seen is not None and seen != same:
            raise Contradiction(
                f"{library_of(written)} and {library_of(read)}: the addresses are "
                f"{'equal' if same else 'different'}, and what the first writes is "
                f"{'read' if seen else 'not read'} by the second"
            )
    return same


def _is_seen(written: Any, read: Any) -> bool | None:
    """Return whether `read` shows what `written` is given; None if that is closed."""
    before = _first(written)
    try:
        written[0] = before + 1
    except Exception:
        return None
    arrays.wait(written)
    try:
        return _first(read) == before + 1
    finally:
        written[0] = before


def _first(array: Any) -> Any:
    return on_host(array).ravel()[0].item()


def on_host(array: Any) -> np.ndarray:
    """Return the values of an array of any world, as they are now, as a NumPy array."""
    if library_of(array) == "JAX":  # which remembers what it has handed out before
        array = array.copy()
    return np.asarray(arrays.finish(_unwrapped(array)))


def _computed(array: Any) -> Any:
    return array.compute() if library_of(array) == "Dask" else array


def _unwrapped(array: Any) -> Any:
    """Return the NumPy array inside one of array-api-strict."""
    return array._array if library_of(array) == "array-api-strict" else array


def is_writable(array: Any) -> bool | None:
    """Return whether an element of `array` can be assigned; None for a graph."""
    if library_of(array) == "Dask":
        return None  # it takes an assignment as one more task
    try:
        array[0] = array[0]
    except Exception:
        return False
    return True


def only(array: Any, protocol: str) -> Any:
    """Return an object that offers the memory of `array` through one protocol alone.

    `protocol` is one of `PROTOCOLS`; AttributeError or TypeError if the array lacks it.
    """
    if protocol == "buffer":
        return memoryview(array)
    names = [protocol, "__dlpack_device__"][: 2 if protocol == "__dlpack__" else 1]
    for name in names:
        getattr(array, name)
    if protocol.endswith("_interface__"):
        body: dict[str, Any] = {protocol: property(lambda _: getattr(array, protocol))}
    else:
        body = {
            name: lambda _, *args, _name=name, **options: getattr(array, _name)(
                *args, **options
            )
            for name in names
        }
    return type("Only", (), body)()


def offers(array: Any) -> tuple[str, ...]:
    """Return the `PROTOCOLS` through which an array gives its memory or its values.

    Each is used: CuPy has an `__array__` that only raises.
    """
    return tuple(protocol for protocol in PROTOCOLS if _has(array, protocol))


def _has(array: Any, protocol: str) -> bool:
    try:
        only(array, protocol)
        offer = None if protocol == "buffer" else getattr(array, protocol)
        if callable(offer):
            offer()
    except Exception:
        return False
    return True


# Worlds


def worlds() -> tuple[World, ...]:
    """Return the worlds of this machine, and with a reason those it lacks.

    PyTorch, and JAX on a GPU, are named only where they are.
    """
    found = [
        _world("NumPy", "numpy", _numpy),
        _world("Numba", "numba", _numba),
        _world("JAX", "jax", lambda: _jax("cpu", "JAX")),
        _world("Dask", "dask", _dask),
        _world("array-api-strict", "array_api_strict", _strict),
        _world("CuPy", "cupy", _cupy),
        _world("numba.cuda", "numba_cuda", _numba_cuda),
    ]
    if find_spec("torch"):
        found.append(_world("PyTorch", "torch", _torch))
    if find_spec("jax") and _jax_has_gpu():
        found.append(_world("JAX on a GPU", "jax", lambda: _jax("gpu", "JAX on a GPU")))
    return tuple(found)


def _world(name: str, package: str, build: Callable[[], World]) -> World:
    try:
        why = arrays.missing(package)
        if not why:
            return build()
    except Exception as error:  # installed, and cannot start
        why = f"{type(error).__name__}: {said(error, 1)}"
    return World(name, lambda _: None, {}, "", absent=why)


def _numpy() -> World:
    ways = {"asarray": np.asarray, "from_dlpack": np.from_dlpack}
    return World("NumPy", lambda values: values, ways, "NumPy", views=True)


def _numba() -> World:
    """Return the host's side of Numba: what a compiled function gets and returns."""
    from numba import njit

    @njit
    def returned(x):
        return x

    @njit
    def seen(x, dtype):
        return np.frombuffer(x, dtype)

    def compiled(x: Any) -> np.ndarray:
        """Return what compiled code sees: buffers go in, and only arrays come out."""
        if isinstance(x, np.ndarray):
            return returned(x)
        dtype = np.asarray(memoryview(x)).dtype if _has(x, "buffer") else None
        return seen(x, dtype)

    return World("Numba", returned, {"asarray": compiled}, "NumPy", views=True)


def _jax(platform: str, name: str) -> World:
    import jax
    import jax.numpy as jnp

    device = jax.devices(platform)[0]

    def there(take: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def taken(array: Any) -> Any:
            with jax.default_device(device):
                return take(array)

        return taken

    ways = {"asarray": there(jnp.asarray), "from_dlpack": there(jnp.from_dlpack)}
    return World(name, there(jnp.array), ways, "JAX")


def _jax_has_gpu() -> bool:
    import jax

    try:
        return bool(jax.devices("gpu"))
    except RuntimeError:
        return False


def _dask() -> World:
    import dask.array as da

    return World("Dask", da.from_array, {"asarray": da.asarray}, "Dask")


def _strict() -> World:
    import array_api_strict as xp

    ways = {"asarray": xp.asarray, "from_dlpack": xp.from_dlpack}
    return World("array-api-strict", xp.asarray, ways, "array-api-strict", views=True)


def _cupy() -> World:
    import cupy

    ways = {"asarray": cupy.asarray, "from_dlpack": cupy.from_dlpack}
    return World("CuPy", cupy.array, ways, "CuPy")


def _numba_cuda() -> World:
    from numba import cuda

    def taken(array: Any) -> Any:
        """Return a view of what is on the GPU; what is not goes there by a copy."""
        on_gpu = cuda.is_cuda_array(array)
        return cuda.as_cuda_array(array) if on_gpu else cuda.to_device(array)

    return World("numba.cuda", cuda.to_device, {"asarray": taken}, "numba.cuda")


def _torch() -> World:
    import torch

    ways = {"asarray": torch.asarray, "from_dlpack": torch.from_dlpack}
    return World("PyTorch", torch.tensor, ways, "PyTorch")


# Every pair


def conversions(among: Iterable[World] | None = None) -> Conversions:
    """Hand arrays from every world to every other, each way, and look at what comes.

    Parameters
    ----------
    among : iterable of World, optional
        By default those of `worlds`.  Absent ones stand in the result, not measured.
    """
    everyone = tuple(worlds() if among is None else among)
    offered = {w.name: offers(_given(w)) for w in everyone if not w.absent}
    read = {
        (w.name, way): reads(take, everyone)
        for w in everyone
        for way, take in w.ways.items()
    }
    rows = [
        _conversion(source, target, way, offered, read)
        for source in everyone
        for target in everyone
        for way in WAYS
    ]
    absent = {world.name: world.absent for world in everyone if world.absent}
    return Conversions(tuple(rows), absent, machine().title, _versions())


def _versions() -> dict[str, str]:
    """Return the versions that the answers depend on, Python's first."""
    found = {"Python": machine().python, **machine().versions}
    owners = (*_NAMES, "Python", "array-api-strict", "numba-cuda")
    named = {name: name.removesuffix("12x").removesuffix("13x") for name in found}
    return {k: v for k, v in found.items() if named[k].removesuffix("-cuda") in owners}


def reads(
    take: Callable[[Any], Any], givers: Iterable[World] | None = None
) -> tuple[str, ...]:
    """Return the `PROTOCOLS` that a conversion understands when it is shown one alone.

    Shown is an array of each of the `givers` (by default, NumPy's).
    """
    givers = (_numpy(),) if givers is None else givers
    given = [_given(world) for world in givers if not world.absent]
    return tuple(
        protocol
        for protocol in PROTOCOLS
        if any(_understands(take, array, protocol) for array in given)
    )


def _understands(take: Callable[[Any], Any], array: Any, protocol: str) -> bool:
    if not _has(array, protocol):
        return False
    result, _ = _tried(take, only(array, protocol))
    return result is not None and _same_values(result, array)


def _given(world: World, kind: str = MEMORY[0], dtype: str = "float32") -> Any:
    return world.make(values(kind, dtype))


def values(kind: str = MEMORY[0], dtype: str = "float32", n: int = 8) -> np.ndarray:
    """Return `n` numbers in memory of one of the kinds in `MEMORY`."""
    raw = np.zeros(32 * n + 128, np.uint8)
    begin = -raw.ctypes.data % 64 + (16 if kind == "not aligned" else 0)
    step = 2 if kind == "strided" else 1
    whole = raw[begin : begin + n * step * np.dtype(dtype).itemsize].view(dtype)
    numbers = whole[::step]
    numbers[:] = np.arange(n) % 2 if dtype == "bool" else np.arange(n)
    numbers.flags.writeable = kind != "read-only"
    return numbers


def _conversion(
    source: World,
    target: World,
    way: str,
    offered: Mapping[str, tuple[str, ...]],
    read: Mapping[tuple[str, str], tuple[str, ...]],
) -> Conversion:
    """Return what came of one pair, one way."""
    pair = source.name, target.name, way
    if source is target or source.name == target.name:
        return Conversion(*pair, ITSELF)
    if not target.absent and way not in target.ways:
        return Conversion(*pair, NO_WAY)
    if source.absent or target.absent:
        return Conversion(*pair, NOT_HERE)
    take, library = target.ways[way], target.library
    memory: dict[str, str] = {}
    kept, first_error = None, ""
    for kind in MEMORY if source.views else MEMORY[:1]:
        array = _given(source, kind)
        result, error = _tried(take, array)
        memory[kind], error = _outcome(array, result, library, error)
        if kind == MEMORY[0]:
            first_error = error
            kept = result if memory[kind] in ("shares", "copies") else None
    both = set(offered[source.name]) & set(read[target.name, way])
    return Conversion(
        *pair,
        memory[MEMORY[0]],
        memory=memory,
        writable=None if kept is None else is_writable(kept),
        device="" if kept is None else arrays.device_of(kept),
        dtypes={} if kept is None else {d: _came(source, take, d) for d in DTYPES},
        protocols=tuple(p for p in PROTOCOLS if p in both),
        error=first_error,
    )


def _outcome(array: Any, result: Any, library: str, error: str) -> tuple[str, str]:
    """Return "shares", "copies" or "refuses", and what is wrong if something is."""
    if error:
        return "refuses", error
    if library_of(result) != library:
        return "refuses", f"gave an array of {library_of(result)}"
    if not _same_values(result, array):
        return "refuses", "gave an array of other values, or of one object"
    try:
        return ("shares" if share(array, result) else "copies"), ""
    except Contradiction as both:
        return "unclear", str(both)


def _tried(take: Callable[[Any], Any], array: Any) -> tuple[Any, str]:
    """Return what a conversion gives once it is there, and the error if it fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = take(array)
            if library_of(result) != "Dask":
                arrays.wait(result)
        except Exception as error:
            return None, f"{type(error).__name__}: {_reason(error)}"
    return result, ""


def _reason(error: Exception) -> str:
    """Return the line of a message that says why: Numba's last, the first of others."""
    *_, last = str(error).strip().splitlines() or [""]
    found = last.strip(" -").removeprefix("argument 0: ")
    return found if "Numba type" in found else said(error, 1)


def _same_values(result: Any, array: Any) -> bool:
    try:
        there, here = on_host(result), on_host(array)
    except Exception:
        return False
    return there.dtype != object and np.array_equal(there, here)


def _came(source: World, take: Callable[[Any], Any], dtype: str) -> str:
    """Return the dtype in which an array of `dtype` comes, "" if it is refused."""
    try:
        array = _given(source, dtype=dtype)
    except Exception:
        return ""
    sent = _dtype(array)  # the source may have changed it already
    result, error = _tried(take, array)
    came = "" if error else _dtype(result)
    return dtype if came == sent else came


def _dtype(array: Any) -> str:
    return str(array.dtype).rpartition(".")[2]  # "torch.float32"


# Who answers

CALLS: Mapping[str, Callable[[Any], Any]] = {
    "np.sin(x)": np.sin,
    "np.add(x, 1)": lambda x: np.add(x, 1),
    "np.add.reduce(x)": np.add.reduce,
    "np.sum(x)": np.sum,
    "np.where(x > 0, x, 0)": lambda x: np.where(x > 0, x, 0),
    "np.concatenate([x, x])": lambda x: np.concatenate([x, x]),
    "np.einsum('i,i->', x, x)": lambda x: np.einsum("i,i->", x, x),
    "np.linalg.norm(x)": np.linalg.norm,
    "np.fft.fft(x)": np.fft.fft,
    "np.sort(x)": np.sort,
    "np.zeros_like(x)": np.zeros_like,
    "np.asarray([1], like=x)": lambda x: np.asarray([1], like=x),
    "np.asarray(x)": np.asarray,
}
"""Calls of NumPy's functions that `answers` tries: NEP 13, NEP 18, NEP 35, and none."""


def answers(
    calls: Mapping[str, Callable[[Any], Any]] = CALLS,
    among: Iterable[World] | None = None,
) -> Grid:
    """Return which library each call of NumPy's is answered by, or the error's name."""
    present = _libraries(among)
    rows = [
        (
            name,
            *(
                _answer(lambda x=array, call=call: call(x))
                for array in present.values()
            ),
        )
        for name, call in calls.items()
    ]
    caption = f"Whose array comes back, on {machine().title}."
    return Grid(caption, ("call", *present), tuple(rows))


def sums(among: Iterable[World] | None = None) -> Grid:
    """Return whose array ``x + y`` is, with x by row and y by column."""
    present = _libraries(among)
    rows = [
        (name, *(_answer(lambda x=x, y=y: x + y) for y in present.values()))
        for name, x in present.items()
    ]
    return Grid("Whose array x + y is.", ("x, then y", *present), tuple(rows))


def _libraries(among: Iterable[World] | None) -> dict[str, Any]:
    """Return an array of each library that is here, by the library's name."""
    chosen = worlds() if among is None else among
    present = [w for w in chosen if not w.absent and w.name != "Numba"]  # NumPy's
    return {world.name: _given(world) for world in present}


def _answer(call: Callable[[], Any]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return library_of(call())
        except Exception as error:
            return type(error).__name__
