"""Cohorts: prefixes of one order of a data set's users, cut to those who can be judged."""

import logging

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cragru.data.cohort import draw_cohort

people = st.sets(st.integers(0, 79))


def rows(users):
    """Two rows of each user."""
    return pd.DataFrame({"user": [user for user in users for _ in range(2)], "item": 0}).astype(
        "int32"
    )


def drawn(size, test=range(80), forget=None, users=80, dataset="mini"):
    forgotten = None if forget is None else rows(forget)
    return draw_cohort(dataset, users, rows(test), forgotten, size)


ORDER = drawn(None)["users"]


def test_the_order_is_random_and_of_all_users():
    assert sorted(ORDER) == list(range(80))
    assert list(range(80)) != ORDER
    assert all(type(user) is int for user in ORDER)
    assert drawn(None) == {"users": ORDER, "eligible": 80}


def test_another_data_set_has_another_order():
    assert drawn(None, dataset="maxi")["users"] != ORDER


@settings(deadline=None)
@given(people, st.none() | people, st.integers(1, 80), st.integers(1, 80))
def test_a_small_cohort_is_the_beginning_of_a_large_one(test, forget, one, two):
    small, large = (drawn(size, test, forget) for size in sorted((one, two)))
    everyone = drawn(None, test, forget)
    assert large["users"][: len(small["users"])] == small["users"]
    assert everyone["users"][: len(large["users"])] == large["users"]
    assert small["eligible"] == large["eligible"] == everyone["eligible"] == len(everyone["users"])
    assert len(small["users"]) == min(min(one, two), small["eligible"])


@settings(deadline=None)
@given(people, people)
def test_only_who_can_be_judged_is_taken(test, forget):
    assert set(drawn(None, test)["users"]) == test
    assert set(drawn(None, test, forget)["users"]) == test & forget
    assert drawn(3, test, forget)["eligible"] == len(test & forget)


@settings(deadline=None)
@given(people, people)
def test_two_splits_share_the_order_of_their_users(one, two):
    """Seeds of a split change who can be judged, not who comes first."""
    first, second = (drawn(None, test)["users"] for test in (one, two))
    assert [user for user in first if user in two] == [user for user in second if user in one]
    assert first == [user for user in ORDER if user in one]


def test_by_hand():
    test, forget = ORDER[2:10], [*ORDER[:4], *ORDER[6:80]]
    assert drawn(3, test)["users"] == ORDER[2:5]
    assert drawn(3, test, forget) == {"users": [ORDER[2], ORDER[3], ORDER[6]], "eligible": 6}
    assert drawn(6, test, forget)["users"] == [ORDER[2], ORDER[3], *ORDER[6:10]]


def test_a_cohort_that_is_too_large_is_everyone_and_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        assert drawn(9, range(8)) == {**drawn(None, range(8)), "eligible": 8}
    assert caplog.messages == ["cohort of mini: 9 users asked for, 8 can be judged; taking these"]


@pytest.mark.parametrize("size", [None, 7, 8])
def test_no_warning_where_there_are_enough(caplog, size):
    with caplog.at_level(logging.WARNING):
        drawn(size, range(8))
    assert not caplog.messages


def test_nobody_can_be_judged():
    assert drawn(None, []) == {"users": [], "eligible": 0}
