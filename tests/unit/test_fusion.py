"""Two scores made one: z-scores within a list, and a weight that is 0 unless the gain is real."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cragru.ranking.fusion import WEIGHTS, Lists, choose_weight, fused, orders
from tests.refusals import refused

CANDIDATES = pd.DataFrame(
    {"user": [4, 4, 4, 2, 2], "rank": [1, 2, 3, 2, 1], "item": [7, 8, 9, 7, 5]}
)


def test_lists_are_in_the_backbones_order_and_filled_up():
    lists = Lists.of(CANDIDATES, one=pd.Series([3.0, 2.0, 1.0, 4.0, 6.0]))
    assert lists.users.tolist() == [2, 4]
    assert lists.items.tolist() == [[5, 7, -1], [7, 8, 9]]
    np.testing.assert_array_equal(lists.scores["one"], [[6, 4, np.nan], [3, 2, 1]])


def test_scores_are_standardised_within_a_list():
    lists = Lists.of(
        CANDIDATES, one=pd.Series([3.0, 2.0, 1.0, 4.0, 6.0]), same=pd.Series([1.0] * 5)
    )
    deviation = np.sqrt(2 / 3)  # of 3, 2, 1
    wanted = [[1, -1, np.nan], [1 / deviation, 0, -1 / deviation]]
    np.testing.assert_allclose(lists.standardised("one"), wanted)
    np.testing.assert_array_equal(lists.standardised("same"), [[0, 0, np.nan], [0, 0, 0]])


def test_what_is_relevant_is_of_the_same_user():
    lists = Lists.of(CANDIDATES)
    judged = pd.DataFrame({"user": [4, 4, 2, 3], "item": [7, 1, 8, 5]})
    relevant, counts = lists.is_relevant(judged)
    assert relevant.tolist() == [[False, False, False], [True, False, False]]
    assert counts.tolist() == [1, 2]


def test_ties_keep_the_order_and_what_has_ended_comes_last():
    scores = np.array([[1.0, 2.0, 2.0, np.nan], [0.0, 0.0, 0.0, 0.0]])
    assert orders(scores).tolist() == [[1, 2, 0, 3], [0, 1, 2, 3]]


def made_up(users, second_is_right):
    """Lists of four: the backbone has the one relevant item second; the other score first, for some users."""
    first = np.tile([1.5, 0.5, -0.5, -1.5], (users, 1))
    second = np.tile([-1.0, 1.0, 0.0, 0.0], (users, 1))
    second[second_is_right:] = [0.0, -1.0, 1.0, 0.0]
    relevant = np.tile([False, True, False, False], (users, 1))
    return first, second, relevant, np.ones(users, dtype=np.int64)


def test_a_real_gain_has_the_smallest_weight_that_gets_it():
    """Order 2, 1 needs (1 - w) · 1.5 - w < (1 - w) · 0.5 + w, that is w > 1/3: .35 of the grid."""
    choice = choose_weight(*made_up(50, 50))
    assert choice.weight == 0.35
    second_place = 1 / np.log2(3)
    assert choice.gain == pytest.approx(1 - second_place)
    assert choice.error == 0
    assert choice.users == 50
    assert choice.curve[0] == pytest.approx(second_place)
    assert choice.record()["curve"]["0.35"] == 1


def test_a_gain_within_one_standard_error_is_none():
    """From w = .35, 14 users gain 1 - .631, 36 lose .631 - .5: .009 on average, with an error of .03."""
    choice = choose_weight(*made_up(50, 14))
    assert choice.weight == 0
    assert choice.gain == choice.error == 0


def test_users_without_a_relevant_row_are_left_out():
    first, second, relevant, counts = made_up(50, 50)
    counts[10:] = 0
    assert choose_weight(first, second, relevant, counts).users == 10
    with refused(place="fusion"):
        choose_weight(first, second, relevant, counts * 0)


@given(st.sampled_from(WEIGHTS), st.lists(st.floats(-3, 3), min_size=2, max_size=6))
def test_no_weight_is_the_backbones_score_and_full_weight_the_other(weight, values):
    first, second = np.array([values]), np.array([values[::-1]])
    np.testing.assert_array_equal(fused(first, second, 0), first)
    np.testing.assert_array_equal(fused(first, second, 1), second)
    low, high = np.minimum(first, second), np.maximum(first, second)
    both = fused(first, second, weight)
    assert np.all((both >= low - 1e-12) & (both <= high + 1e-12))
