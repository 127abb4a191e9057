"""Where a host would wait for its device is counted; queued work is not."""

import numpy as np
import pytest

from arraylab.queues import host_waits

WAITS = {
    "float": lambda x: float(x.max()),
    "int": lambda x: int(x[1]),
    "if": lambda x: "yes" if x.sum() > 1 else "no",
    "while": lambda x: [] if not (x > 9).any() else None,
    "item": lambda x: x.item(2),
    "tolist": lambda x: x.tolist(),
    "get": lambda x: x.get(),
    "asarray": np.asarray,
    "print": repr,
    "loop": lambda x: [row * 2 for row in x],
}
QUEUED = {
    "operators": lambda x: 2 * x + x / 3 - x**2,
    "comparison": lambda x: x > x.mean(),
    "method": lambda x: x.reshape(1, -1).sum(axis=1),
    "function": lambda x: np.roll(np.concatenate([x, x]), 1),
    "ufunc": lambda x: np.maximum(np.sin(x), 0.5),
    "slices": lambda x: x[1:] - x[:-1],
    "shape": lambda x: x * x.shape[0] + len(x) + x.ndim,
    "where": lambda x: np.where(x > 1, x, 0),
    "index": lambda x: x[np.argsort(x)],
}


@pytest.mark.parametrize("fn", WAITS.values(), ids=WAITS)
def test_a_value_for_the_host_is_one_wait(fn):
    assert host_waits(fn, np.arange(3.0))[1] == 1


@pytest.mark.parametrize("fn", QUEUED.values(), ids=QUEUED)
def test_work_that_stays_there_is_no_wait_and_right(fn):
    x = np.arange(4.0)
    result, waits = host_waits(fn, x)
    assert waits == 0
    np.testing.assert_array_equal(result, fn(x))


def test_writing_into_an_array_is_queued():
    def halved(x):
        x[1:] = x[1:] / 2
        x += 1
        return x

    result, waits = host_waits(halved, np.array([2.0, 4.0, 8.0]))
    assert waits == 0
    assert result.tolist() == [3, 3, 5]


def test_every_turn_of_a_loop_counts():
    def until_small(x):
        while float(x.max()) > 1:
            x = x / 2
        return x

    result, waits = host_waits(until_small, np.array([8.0, 4.0]))
    assert waits == 4
    assert result.tolist() == [1, 0.5]


def test_several_results_come_back_as_they_are():
    result, waits = host_waits(lambda x: (x + 1, 7), np.zeros(2))
    assert waits == 0
    assert result[0].tolist() == [1, 1]
    assert result[1] == 7
