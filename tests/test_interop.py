"""What `interop` says of libraries is what these do, and no pretence deceives it."""

import json

import array_api_strict as xp
import dask.array as da
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arraylab import interop
from arraylab.interop import MEMORY, World, address, conversions, share, values

CPU = jax.devices("cpu")[0]


@pytest.fixture(scope="module")
def found():
    """Every pair of the worlds of this machine."""
    return conversions()


# One array, two arrays


def test_a_view_is_shared_and_a_copy_is_not():
    x = values()
    assert share(x, x)
    assert share(x, x[:3])
    assert share(x, np.asarray(memoryview(x)))
    assert not share(x, x.copy())


def test_looking_leaves_the_values_as_they_are():
    x = values()
    share(x, x[:4])
    share(x, x.copy())
    np.testing.assert_array_equal(x, np.arange(8))


def test_memory_that_nobody_may_write_is_told_by_its_address():
    x = values("read-only")
    assert share(x, x[:3])
    assert not share(x, values("read-only"))


def test_jax_and_numpy_by_hand():
    with jax.default_device(CPU):
        x = jnp.arange(4.0)
    view = np.asarray(x)
    assert address(view) == x.unsafe_buffer_pointer() == address(x)
    assert share(x, view)
    assert not share(x, np.array(x))


def test_an_array_of_strict_lies_where_numpy_s_does():
    x = values()
    assert address(xp.asarray(x)) == x.ctypes.data
    assert share(xp.asarray(x), x)


def test_a_graph_has_no_address():
    with pytest.raises(TypeError, match="does not say where its memory is"):
        address(da.ones(3))


class Box:
    """An array of a library of its own, which says where it is as PyTorch's do."""

    def __init__(self, held, told=None):
        self.held = held
        self.told = held.ctypes.data if told is None else told
        self.dtype = held.dtype

    def data_ptr(self):
        return self.told

    def __array__(self, dtype=None, copy=None):
        return np.array(self.held, dtype)

    def __setitem__(self, at, value):
        self.held[at] = value

    def __getitem__(self, at):
        return self.held[at]


def boxes(take, views=True):
    """Return a world of boxes, which takes arrays of others by `take`."""
    return World("boxes", Box, {"asarray": take}, "test_interop", views=views)


NUMPY = World("NumPy", lambda x: x, {"asarray": np.asarray}, "NumPy", views=True)


def test_a_pretended_share_is_recognised_as_a_copy():
    copying = boxes(lambda x: Box(np.array(x)))
    assert conversions([NUMPY, copying])["NumPy", "boxes"].outcome == "copies"


def test_a_pretended_copy_is_recognised_as_shared():
    sharing = boxes(lambda x: Box(x[:]))
    assert conversions([NUMPY, sharing])["NumPy", "boxes"].outcome == "shares"


def test_a_wrong_address_is_found_out_by_writing():
    x = values()
    with pytest.raises(interop.Contradiction, match="addresses are equal"):
        share(x, Box(x.copy(), told=x.ctypes.data))
    with pytest.raises(interop.Contradiction, match="addresses are different"):
        share(x, Box(x, told=64))
    np.testing.assert_array_equal(x, np.arange(8))


def test_a_liar_among_the_pairs_is_called_unclear():
    lying = boxes(lambda x: Box(x.copy(), told=x.ctypes.data))
    row = conversions([NUMPY, lying])["NumPy", "boxes"]
    assert row.outcome == "unclear"
    assert not row.works
    assert "addresses are equal" in row.error


def test_other_values_are_no_conversion():
    wrong = boxes(lambda x: Box(np.array(x) + 1))
    row = conversions([NUMPY, wrong])["NumPy", "boxes"]
    assert (row.outcome, row.error[:15]) == ("refuses", "gave an array o")


def test_an_array_of_another_library_is_no_conversion():
    lazy = boxes(lambda x: x)
    row = conversions([NUMPY, lazy])["NumPy", "boxes"]
    assert (row.outcome, row.error) == ("refuses", "gave an array of NumPy")


def test_one_that_shares_only_what_is_aligned_is_told_apart():
    def take(x):
        return Box(x if x.ctypes.data % 64 == 0 else np.array(x))

    row = conversions([NUMPY, boxes(take)])["NumPy", "boxes"]
    expected = dict.fromkeys(MEMORY, "shares") | {"not aligned": "copies"}
    assert row.memory == expected
    assert row.words() == "shares, not always"


def test_a_lost_dtype_is_told():
    def take(x):
        return Box(x.astype(np.float32) if x.dtype == np.float64 else x)

    row = conversions([NUMPY, boxes(take)])["NumPy", "boxes"]
    assert row.changed == "float64 → float32"


def test_an_error_is_told():
    def take(x):
        raise BufferError("not to you")

    row = conversions([NUMPY, boxes(take)])["NumPy", "boxes"]
    assert (row.outcome, row.error) == ("refuses", "BufferError: not to you")
    assert (row.writable, row.device, row.dtypes) == (None, "", {})


# Kinds of memory, and protocols


@pytest.mark.parametrize("dtype", interop.DTYPES)
def test_memory_is_of_the_kind_that_is_asked_for(dtype):
    kinds = {kind: values(kind, dtype) for kind in MEMORY}
    assert all(x.dtype == dtype and x.size == 8 for x in kinds.values())
    assert kinds["aligned"].ctypes.data % 64 == 0
    assert kinds["not aligned"].ctypes.data % 64 == 16
    assert kinds["strided"].strides == (2 * np.dtype(dtype).itemsize,)
    assert [k for k, x in kinds.items() if not x.flags.writeable] == ["read-only"]


def test_one_protocol_alone_is_shown():
    x = values()
    for protocol in interop.offers(x):
        assert interop.offers(interop.only(x, protocol))[:1] == (protocol,)


def test_numpy_speaks_all_of_the_host_s_protocols():
    host = [p for p in interop.PROTOCOLS if "cuda" not in p]
    assert list(interop.offers(values())) == host
    assert interop.reads(np.asarray) == ("buffer", "__array__", "__array_interface__")
    assert interop.reads(np.from_dlpack) == ("__dlpack__",)


def test_an_offer_that_only_raises_is_none():
    class Closed:
        def __array__(self, dtype=None, copy=None):
            raise TypeError("say get()")

    assert interop.offers(Closed()) == ()


# The libraries themselves


def test_every_ordered_pair_is_there_each_way(found):
    here = interop.worlds()
    assert len(found.rows) == len(here) ** 2 * len(interop.WAYS)
    assert {row.outcome for row in found} <= {
        *("shares", "copies", "refuses"),
        *(interop.ITSELF, interop.NO_WAY, interop.NOT_HERE),
    }


def test_every_pair_of_what_is_here_was_tried(found):
    names = [w.name for w in interop.worlds() if not w.absent]
    assert {"NumPy", "Numba", "JAX", "Dask", "array-api-strict"} <= set(names)
    for source in names:
        for target in names:
            row = found[source, target]
            tried = row.works or row.error or source == target
            assert tried, row


def test_what_the_course_counts_on(found):
    assert found["JAX", "NumPy"].words() == "shares, read-only"
    assert found["NumPy", "Numba"].words() == "shares"
    assert found["NumPy", "JAX", "from_dlpack"].memory["aligned"] == "shares"
    assert found["NumPy", "JAX", "from_dlpack"].memory["not aligned"] == "copies"
    assert found["Dask", "NumPy"].protocols == ("__array__",)
    assert found["Dask", "Numba"].outcome == "refuses"
    assert "Numba type" in found["Dask", "Numba"].error


def test_dtypes_are_kept_or_their_loss_is_told(found):
    lost = {"float64": "float32", "complex128": "complex64"}
    kept = {dtype: dtype for dtype in interop.DTYPES}
    x64 = jax.config.jax_enable_x64
    assert found["NumPy", "JAX"].dtypes == kept | ({} if x64 else lost)
    assert found["NumPy", "array-api-strict"].dtypes == kept


def test_what_numpy_says_of_itself(found):
    rows = [row for row in found if row.target == "NumPy" and row.works]
    assert {row.device for row in rows} == {"cpu"}
    assert found["JAX", "NumPy"].writable is False
    assert found["Numba", "NumPy"].writable is True
    assert found["NumPy", "Dask"].writable is None


def test_what_is_absent_stands_there_with_its_reason():
    gone = World("CuPy", lambda x: None, {}, "CuPy", absent="needs a GPU")
    result = conversions([NUMPY, gone])
    assert result["NumPy", "CuPy"].words() == interop.NOT_HERE
    assert result.matrix()["CuPy", "NumPy"] == interop.NOT_HERE
    assert "CuPy: not yet measured, needs a GPU." in result._repr_html_()


def test_a_pair_that_is_not_there_is_an_error_that_helps(found):
    with pytest.raises(KeyError, match="there are NumPy, Numba"):
        found["NumPy", "Fortran"]


# How it is shown


def test_the_matrix_is_a_table_with_names(found):
    page = found._repr_html_()
    assert page.count("<table") == 2
    assert page.count("<caption>") == 2
    assert '<th scope="row">NumPy</th>' in page
    assert 'data-head="NumPy"' in page  # what a phone puts before a cell


def test_a_long_cell_may_break_and_a_short_one_stays():
    grid = interop.Grid("c", ("a", "b"), (("x", "shares"), ("y", "not yet measured")))
    page = grid._repr_html_()
    assert "<td>shares</td>" in page
    assert page.count("white-space:normal;max-width") == 1


def test_what_a_cell_says_is_no_html():
    grid = interop.Grid("c", ("a", "b", "d"), (("<i>", "<b>", "<class 'numpy.x'>"),))
    page = grid._repr_html_()
    assert not [tag for tag in ("<i>", "<b>", "<class") if tag in page]
    assert "&lt;class" in page


def test_the_text_is_a_table_as_well(found):
    lines = repr(found).splitlines()
    assert lines[1].split()[:4] == ["array", "of", "NumPy", "Numba"]


def test_plain_data_can_be_written(found):
    plain = json.loads(json.dumps(found.json()))
    assert len(plain["rows"]) == len(found.rows)
    assert plain["versions"]["numpy"] == np.__version__
    assert {"Python", "jax", "dask"} <= set(plain["versions"])


def test_details_leave_out_what_is_empty(found):
    grid = found.details("Dask")
    assert all(row[0].startswith("Dask →") for row in grid.rows)
    assert "error" in grid.head
    assert "if strided" not in grid.head


# Who answers


def test_who_answers_a_function_of_numpy_s():
    grid = interop.answers()
    assert grid["np.sin(x)", "Dask"] == "Dask"  # NEP 13
    assert grid["np.einsum('i,i->', x, x)", "Dask"] == "Dask"  # NEP 18
    assert grid["np.sin(x)", "JAX"] == "NumPy"
    assert grid["np.sum(x)", "JAX"] == "JAX"  # its own method
    assert grid["np.asarray(x)", "Dask"] == "NumPy"
    assert {name for name, *_ in grid.rows} == set(interop.CALLS)


def test_who_wins_a_sum():
    grid = interop.sums()
    assert grid["NumPy", "JAX"] == grid["JAX", "NumPy"] == "JAX"
    assert grid["NumPy", "Dask"] == grid["Dask", "NumPy"] == "Dask"
    assert grid["array-api-strict", "JAX"] == "TypeError"
    assert "Numba" not in grid.head  # its arrays are NumPy's
