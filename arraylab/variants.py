"""What is compared: functions, with the library whose arrays they take."""

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from arraylab import arrays


@dataclass(frozen=True)
class Variant:
    """A function to time, and the library whose arrays it takes.

    Attributes
    ----------
    fn : callable or str
        A function, or an implementation of a case study: "grid_max.jax_vmap".
    library : str
        One of `arraylab.arrays.LIBRARIES`; "" leaves the inputs as they are.
    name, case, implementation : str
        For the table, and to find the case study it belongs to.
    """

    fn: Callable[..., Any] | str
    library: str = ""
    name: str = ""
    case: str = ""
    implementation: str = ""

    @property
    def address(self) -> str:
        """Where the implementation is, "grid_max.jax_vmap"; "" if it is of no case."""
        return f"{self.case}.{self.implementation}" if self.case else ""


def variants_of(given: Mapping[str, Any] | Iterable[Any] | ModuleType) -> list[Variant]:
    """Return what was given as variants, each with a name of its own."""
    if isinstance(given, ModuleType) and hasattr(given, "IMPLEMENTATIONS"):
        case = given.__name__.rpartition(".")[2]
        given = [f"{case}.{name}" for name in given.IMPLEMENTATIONS]
    if isinstance(given, Mapping):
        found = [_variant(value, str(name)) for name, value in given.items()]
    elif callable(given) or isinstance(given, ModuleType | Variant | str):
        raise TypeError("compare takes several variants: put this one in a list")
    else:
        found = [_variant(value, "") for value in given]
    names = [v.name for v in found]
    if not names:
        raise ValueError("there is nothing to compare: the variants are empty")
    if twice := {n for n in names if names.count(n) > 1}:
        raise ValueError(
            f"two variants are called {min(twice)!r}: give them as a dictionary, "
            "{name: function}, so that the rows can be told apart"
        )
    return found


def _variant(value: Any, name: str) -> Variant:
    library = ""
    if isinstance(value, Variant):
        if value.case:  # found before, or absent
            return replace(value, name=name or value.name)
        value, library, name = value.fn, value.library, name or value.name
    if isinstance(value, ModuleType):
        value = ".".join(value.__name__.split(".")[-2:])
    if isinstance(value, str):
        return _of_case(value, library, name)
    if not callable(value):
        raise TypeError(
            f"expected a function, an implementation of a case study or a Variant, got "
            f"{value!r}; to time f(x), give compare the function f and then x"
        )
    if place := _place_in_a_case(value):
        return _of_case(place, library, name)
    name = name or getattr(value, "__name__", type(value).__name__)
    compiler = type(value).__module__.replace("jaxlib", "jax")  # of a compiled function
    library = library or arrays.library_of(name) or arrays.library_of(compiler)
    return Variant(value, library, name)


def _place_in_a_case(value: Callable[..., Any]) -> str:
    """Return "case.implementation" of an implementation itself, "" for all else.

    What wraps one, as `jax.jit` does, carries its module too, and is another function.
    """
    name = getattr(value, "__module__", None) or ""
    package, *place = name.split(".")
    if package != "case_studies" or len(place) != 2:
        return ""
    own = getattr(sys.modules.get(name), place[0], None)
    return ".".join(place) if own is value else ""


def _of_case(address: str, library: str, name: str) -> Variant:
    """Return the implementation at "case.implementation", loaded if its library is."""
    case, _, implementation = address.partition(".")
    own = arrays.library_of(implementation)
    name, library = name or implementation, library or own
    fn = _absent
    if not arrays.missing(own):
        try:
            module = importlib.import_module(f"case_studies.{case}.{implementation}")
            fn = getattr(module, case)
        except (ImportError, AttributeError) as error:
            raise ValueError(
                f"{address!r} is no implementation of a case study: {error}. Expected "
                'something like "grid_max.numpy_broadcast"'
            ) from error
    return Variant(fn, library, name, case, implementation)


def _absent(*_: Any) -> None:
    raise RuntimeError("the library of this implementation cannot be used here")
