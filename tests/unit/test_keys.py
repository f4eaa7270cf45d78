import numpy as np
import pytest

from cragru.data.keys import are_distinct, packed


def columns(*values):
    return [np.array(one, dtype=np.int64) for one in values]


def test_keys_order_rows_as_their_columns_do():
    first, second, third = columns([2, -5, 2, 2, -5], [9, 7, 9, -9, 8], [0, 0, -1, 5, 0])
    key = packed(first, second, third)
    assert np.argsort(key).tolist() == [1, 4, 3, 2, 0]  # by hand


def test_keys_of_small_integers_do_not_overflow():
    first, second = np.array([-100, 100], dtype=np.int8), np.array([0, 127], dtype=np.int8)
    assert packed(first, second).tolist() == [0, 200 * 128 + 127]


@pytest.mark.parametrize(
    "values",
    [
        [[1.0, 2.0]],
        [np.array(["a", "b"], dtype=object)],
        [np.array([1, 2], dtype=np.uint64)],
        [np.empty(0, dtype=np.int64)],
        columns([0, 2**62], [0, 1]),
        columns([-(2**63), 2**63 - 1]),
    ],
)
def test_what_has_no_key(values):
    values = [np.asarray(one) for one in values]
    assert packed(*values) is None
    assert not are_distinct(*values)


def test_rows_that_are_alike_in_every_column():
    assert are_distinct(*columns([1, 1, 2], [1, 2, 1]))
    assert not are_distinct(*columns([1, 2, 1], [5, 5, 5]))
    assert are_distinct(*columns([2**62 - 1, 0]))
