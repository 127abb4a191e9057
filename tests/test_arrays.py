"""Placing, waiting and fetching, with real libraries and with fakes of absent ones."""

import dataclasses
import itertools
import sys
from types import ModuleType, SimpleNamespace
from typing import NamedTuple

import array_api_strict
import dask.array as da
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arraylab import arrays, finish, place, wait
from arraylab.arrays import LazyResult, device_of, dtype_of, library_of, missing


class Pair(NamedTuple):
    left: object
    right: object


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("numba_cuda_grid_stride", "numba_cuda"),
        ("numba.cuda, shared memory", "numba_cuda"),
        ("numba_parallel", "numba"),
        ("Numba, parallel", "numba"),
        ("NumPy", "numpy"),
        ("array_api_broadcast", "array_api"),
        ("JAX on the CPU", "jax"),
        ("my_function", ""),
        ("pythonic", ""),
        ("daskless numpy", ""),
    ],
)
def test_a_name_tells_its_library(name, library):
    assert library_of(name) == library


@pytest.mark.parametrize("library", ["", "python", "numpy", "numba", "jax", "dask"])
def test_what_is_installed_is_not_missing(library):
    assert missing(library) == ""


def test_what_is_not_installed_is_missing_with_advice(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert missing("array_api") == (
        "array_api_compat is not installed: pip install array-api-compat"
    )


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("library", ["", "numpy", "numba", "jax", "dask"])
def test_placing_keeps_values_and_dtype_and_passes_the_rest_through(library, dtype):
    x = np.arange(6, dtype=dtype)
    placed, number, word = place(library, x, 3, "three")
    assert placed.dtype == dtype
    assert (number, word) == (3, "three")
    np.testing.assert_array_equal(finish(placed), x)


def test_finish_keeps_containers():
    nested = {"a": (jnp.ones(2), [1.5]), "b": Pair(jnp.zeros(1), None)}
    done = finish(nested)
    assert isinstance(done["a"][0], np.ndarray)
    assert done["a"][1] == [1.5]
    assert isinstance(done["b"], Pair)
    assert done["b"].right is None


def test_the_strict_namespace_hands_its_arrays_out():
    given = array_api_strict.asarray(np.arange(3.0))
    assert wait(given) is given
    assert isinstance(finish(given), np.ndarray)
    np.testing.assert_array_equal(finish((given, 1))[0], np.arange(3.0))


def test_waiting_for_containers_of_jax_arrays():
    result = wait((jnp.ones(3) + 1, {"x": jnp.ones(2)}))
    np.testing.assert_array_equal(result[0], 2)


def test_nothing_is_waited_for_on_the_host():
    for value in (1.0, np.ones(3), None, "word", [1, 2], (np.float32(1),)):
        assert arrays.waiter(value) is None


def test_an_unknown_promise_is_refused():
    class Frame:
        def collect(self):
            return 1

    with pytest.raises(LazyResult, match="returned a Frame"):
        wait(Frame())


def test_any_iterator_is_a_promise():
    with pytest.raises(LazyResult, match="returned a accumulate"):
        wait(itertools.accumulate([1, 2]))


@dataclasses.dataclass
class Holder:
    inside: object


@pytest.mark.parametrize(
    "wrap",
    [
        Holder,
        lambda a: SimpleNamespace(inside=a),
        lambda a: {"deep": [(a, 1)]},
        lambda a: np.array([a, None], dtype=object),
    ],
    ids=["dataclass", "namespace", "nested", "objects"],
)
def test_what_is_inside_a_container_is_waited_for_or_refused(wrap):
    with pytest.raises(LazyResult):
        wait(wrap(map(abs, [1])))
    waited = []

    class Pending:
        def block_until_ready(self):
            waited.append(self)
            return self

    Pending.__module__ = "jaxlib"
    arrays.waiter(wrap(Pending()))(wrap(Pending()))
    assert len(waited) == 1


def test_dask_inside_what_dask_does_not_open_is_refused():
    lazy = da.ones(3)
    with pytest.raises(LazyResult, match="Dask cannot compute what is inside"):
        wait(SimpleNamespace(inside=lazy))


def test_dtypes_of_results():
    assert dtype_of((np.ones(1, "f4"), {"a": np.ones(1)})) == "float32, float64"
    assert dtype_of(1.0) == ""


def test_the_cpu_is_called_cpu():
    assert device_of(np.ones(1)) == device_of(2.0) == "cpu"
    assert device_of((np.ones(1), jnp.ones(1))) == (
        "cpu" if jax.default_backend() == "cpu" else jax.devices()[0].device_kind
    )


class TestAGpuThatIsAFake:
    """A stand-in for CuPy that notes when it is asked to wait."""

    @pytest.fixture
    def cupy(self, monkeypatch):
        log = []

        class Array:
            def __init__(self, values):
                self.values, self.dtype = values, values.dtype
                self.device = SimpleNamespace(id=0)

            def get(self):
                log.append("get")
                return self.values

        Array.__module__ = "cupy"
        fake = ModuleType("cupy")
        fake.asarray = lambda a: log.append("asarray") or Array(a)
        device = SimpleNamespace(synchronize=lambda: log.append("drain"))
        fake.cuda = SimpleNamespace(
            is_available=lambda: True,
            Device=lambda: device,
            runtime=SimpleNamespace(
                getDeviceProperties=lambda i: {"name": b"Imaginary GPU"}
            ),
        )
        fake.log = log
        monkeypatch.setitem(sys.modules, "cupy", fake)
        return fake

    def test_transfers_are_waited_for(self, cupy):
        place("cupy", np.ones(2))
        assert cupy.log == ["asarray", "drain"]

    def test_results_are_waited_for_on_all_streams(self, cupy):
        (array,) = place("cupy", np.ones(2))
        cupy.log.clear()
        assert wait(array) is array
        assert cupy.log == ["drain"]

    def test_results_are_fetched_once(self, cupy):
        (array,) = place("cupy", np.ones(2))
        cupy.log.clear()
        np.testing.assert_array_equal(finish(array), np.ones(2))
        assert cupy.log == ["get"]

    def test_queued_work_is_drained_and_the_device_named(self, cupy):
        (array,) = place("cupy", np.ones(2))
        cupy.log.clear()
        arrays.drain()
        assert cupy.log == ["drain"]
        assert device_of((1, array)) == "Imaginary GPU"


def test_a_long_list_of_numbers_is_one_value():
    class Counted(list):
        """A list that counts how often its items are asked for."""

        asked = 0

        def __iter__(self):
            Counted.asked += 1
            return super().__iter__()

    numbers = Counted([0.5] * 100_000)
    assert arrays.waiter(numbers) is None
    assert arrays.finish(numbers) is numbers
    assert Counted.asked <= 3
