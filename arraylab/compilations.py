"""Count what JAX and Numba compile, whoever asks for it and wherever it happens."""

import sys
from typing import Any

_COUNT = {"jax": 0, "numba": 0}
_LISTENING: set[str] = set()


def compilations() -> int:
    """Return how many compilations JAX and Numba have made since the first question.

    A function that is compiled anew inside a call is counted too, which asking a known
    function for the size of its cache would miss.
    """
    for library, listen in (("jax", _listen_to_jax), ("numba", _listen_to_numba)):
        if library in sys.modules and library not in _LISTENING:
            listen()
            _LISTENING.add(library)
    return sum(_COUNT.values())


def _listen_to_jax() -> None:
    import jax.monitoring

    def heard(name: str, *_: Any, **__: Any) -> None:
        if name == "/jax/core/compile/backend_compile_duration":
            _COUNT["jax"] += 1

    jax.monitoring.register_event_duration_secs_listener(heard)


def _listen_to_numba() -> None:
    from numba.core import event

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            _COUNT["numba"] += 1

        def on_end(self, event: Any) -> None:
            pass

    event.register("numba:compile", Listener())
