"""Counts as RecBole's, nothing lost, and one user's request leaves the others alone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cragru.core.names import SPLITS, TIME, TIME_PER_USER
from cragru.data.split import (
    LEFT_OUT,
    draw_user,
    forget_and_split,
    forget_interactions,
    forget_users,
    ratio_split,
    split_counts,
    split_first,
    take_rows,
    take_users,
)
from tests.refusals import refused

RATIOS = (0.7, 0.1, 0.2)

# worked by hand from RecBole's rule: train / valid / test for a user with so many rows
EIGHTY = {
    1: "1/0/0",
    2: "1/0/1",
    3: "1/1/1",
    4: "2/1/1",
    5: "3/1/1",
    9: "7/1/1",
    10: "8/1/1",
    19: "17/1/1",
    20: "16/2/2",
}
SEVENTY = {9: "7/1/1", 10: "7/1/2", 11: "8/1/2", 19: "15/1/3", 20: "14/2/4", 29: "22/2/5"}


@pytest.fixture
def interactions():
    """30 users with 5 to 34 rows each, at 200 times, many of them shared."""
    users = np.repeat(np.arange(30), np.arange(5, 35))
    times = np.random.default_rng(1).integers(200, size=len(users))
    return pd.DataFrame({"user": users, "item": np.arange(len(users)) % 50, "timestamp": times})


@pytest.mark.parametrize(
    ("ratios", "total", "wanted"),
    [((0.8, 0.1, 0.1), total, wanted) for total, wanted in EIGHTY.items()]
    + [((0.7, 0.1, 0.2), total, wanted) for total, wanted in SEVENTY.items()],
)
def test_counts_are_recboles(ratios, total, wanted):
    assert "/".join(map(str, split_counts(total, ratios))) == wanted


@given(st.integers(1, 3000), st.sampled_from([(0.8, 0.1, 0.1), (0.7, 0.1, 0.2), (0.5, 0.25, 0.25)]))
def test_counts_add_up_and_training_is_never_empty(total, ratios):
    counts = split_counts(total, ratios)
    assert sum(counts) == total
    assert counts[0] >= 1
    assert min(counts) >= 0


def test_ratio_split_gives_each_user_the_counts(interactions):
    rows = np.arange(len(interactions))
    users = interactions["user"].to_numpy()
    parts = ratio_split(users, rows, RATIOS, seed=3)
    assert np.array_equal(np.sort(np.concatenate(parts)), rows)
    for user in range(30):
        got = [int((users[part] == user).sum()) for part in parts]
        assert got == split_counts(5 + user, RATIOS)


def test_the_shuffle_of_a_user_does_not_depend_on_the_others(interactions):
    users = interactions["user"].to_numpy()
    rows = np.arange(len(interactions))
    whole = ratio_split(users, rows, RATIOS, seed=3)
    without = users != 7
    rest = ratio_split(users[without], rows[without], RATIOS, seed=3)
    for part, part_of_rest in zip(whole, rest, strict=True):
        assert np.array_equal(part[users[part] != 7], part_of_rest)


def test_seeds_differ_and_repeat(interactions):
    one, again, other = (split_first(interactions, RATIOS, seed) for seed in (1, 1, 2))
    assert np.array_equal(one["test"], again["test"])
    assert not np.array_equal(one["test"], other["test"])


@pytest.mark.parametrize("split_by", SPLITS)
@pytest.mark.parametrize("forget", [forget_interactions, forget_users])
def test_forgetting_first_loses_nothing(interactions, forget, split_by):
    parts = forget(interactions, 0.1, RATIOS, 5, split_by)
    together = np.sort(np.concatenate(list(parts.values())))
    assert np.array_equal(together, np.arange(len(interactions)))


def test_ten_percent_of_interactions(interactions):
    parts = forget_interactions(interactions, 0.1, RATIOS, seed=5)
    assert len(parts["forget"]) == round(0.1 * len(interactions))
    assert len(parts["forget-heldout"]) == 0


def test_ten_percent_of_users_leave_completely(interactions):
    parts = forget_users(interactions, 0.1, RATIOS, seed=5)
    users = interactions["user"].to_numpy()
    leaving = np.unique(users[parts["forget"]])
    assert len(leaving) == 3
    for name in ("train", "valid", "test"):
        assert not np.isin(users[parts[name]], leaving).any()
    # the original trains on their training rows; the rest is held out, seen by no model
    assert len(parts["forget"]) == sum(split_counts(5 + user, RATIOS)[0] for user in leaving)
    assert set(users[parts["forget-heldout"]]) == set(leaving)


def test_a_users_request_leaves_the_others_split_as_it_was(interactions):
    before = split_first(interactions, RATIOS, seed=5)
    users = interactions["user"].to_numpy()
    after = take_users(before, users, np.array([4]))
    for name in ("train", "valid", "test"):
        assert np.array_equal(before[name][users[before[name]] != 4], after[name])
    assert np.array_equal(after["forget"], before["train"][users[before["train"]] == 4])


def test_requested_rows_in_the_held_out_parts_are_kept_apart(interactions):
    before = split_first(interactions, RATIOS, seed=5)
    wanted = np.array([before["train"][0], before["valid"][0], before["test"][0]])
    after = take_rows(before, np.sort(wanted))
    assert after["forget"].tolist() == [before["train"][0]]
    assert sorted(after["forget-heldout"]) == sorted([before["valid"][0], before["test"][0]])
    assert np.array_equal(after["train"], before["train"][1:])


def test_draws_are_distinct_users(interactions):
    users = interactions["user"].to_numpy()
    drawn = [draw_user(users, number, seed=1) for number in range(1, 31)]
    assert sorted(drawn) == list(range(30))
    with refused(place="requests.one_user", got=31, what="only 30 users"):
        draw_user(users, 31, seed=1)


def test_forgetting_everything_or_nothing_is_refused(interactions):
    parts = split_first(interactions, RATIOS, 1)
    with refused(place="the split") as caught:
        take_rows(parts, np.arange(len(interactions)))
    assert str(caught.value) == "the split: nothing remains to train on; forget less"
    for forget, place in ((forget_interactions, "forget.fraction"), (forget_users, "the split")):
        with refused(place=place, what="nothing remains to train on"):
            forget(interactions, 1 - 1e-12, RATIOS, 1)
    with refused(place="forget.fraction", got=1e-12, what=f"no row of {len(interactions)}"):
        forget_interactions(interactions, 1e-12, RATIOS, 1)


# --- by time

KINDS = [
    {"kind": "interactions", "fraction": 0.1},
    {"kind": "users", "fraction": 0.1},
    {"kind": "one-user"},
    {"kind": "file"},
]
BY_TIME = pytest.mark.parametrize("split_by", [TIME_PER_USER, TIME])


def pairs_of(interactions, rows):
    """The pairs of each part, whatever rows they stand in."""
    columns = interactions[["user", "item"]]
    return {name: set(map(tuple, columns.iloc[own].to_numpy())) for name, own in rows.items()}


def span(interactions, rows, by):
    """The first and last time of some rows, by user or of all."""
    own = interactions.iloc[rows]
    return own.groupby("user" if by == TIME_PER_USER else own["user"] * 0)["timestamp"].agg(
        ["min", "max"]
    )


@BY_TIME
@pytest.mark.parametrize("forget", KINDS, ids=[kind["kind"] for kind in KINDS])
def test_nothing_is_earlier_than_what_stands_before_it(interactions, forget, split_by):
    parts = forget_and_split(interactions, forget, RATIOS, 5, split_by)
    for before, after in (("train", "valid"), ("train", "test"), ("valid", "test")):
        first, second = (span(interactions, parts[name], split_by) for name in (before, after))
        both = first.index.intersection(second.index)
        assert len(both)
        assert (first["max"][both] <= second["min"][both]).all()


@BY_TIME
@pytest.mark.parametrize("forget", KINDS, ids=[kind["kind"] for kind in KINDS])
def test_a_forgotten_row_is_in_no_part_that_is_used(interactions, forget, split_by):
    parts = forget_and_split(interactions, forget, RATIOS, 5, split_by)
    assert bool(len(parts["forget"])) == ("fraction" in forget)
    used = np.concatenate([parts[name] for name in ("train", "valid", "test")])
    assert not np.isin(parts["forget"], used).any()
    assert not np.isin(parts["forget-heldout"], used).any()


@BY_TIME
def test_the_order_of_rows_does_not_matter(interactions, split_by):
    shuffled = interactions.sample(frac=1, random_state=3, ignore_index=True)
    first, second = (split_first(frame, RATIOS, 5, split_by) for frame in (interactions, shuffled))
    assert pairs_of(interactions, first) == pairs_of(shuffled, second)


def test_each_user_has_the_counts_of_the_random_split(interactions):
    users = interactions["user"].to_numpy()
    parts = split_first(interactions, RATIOS, 5, TIME_PER_USER)
    for user in range(30):
        got = [int((users[parts[name]] == user).sum()) for name in ("train", "valid", "test")]
        assert got == split_counts(5 + user, RATIOS)
    assert not len(parts[LEFT_OUT])


def test_rows_of_one_time_are_in_the_order_of_their_items():
    rows = {"user": [0] * 5, "item": [9, 1, 7, 3, 5], "timestamp": [2, 1, 2, 2, 2]}
    parts = split_first(pd.DataFrame(rows), (0.6, 0.2, 0.2), 1, TIME_PER_USER)
    assert [parts[name].tolist() for name in ("train", "valid", "test")] == [[1, 3, 4], [2], [0]]


def test_two_points_in_time_by_hand():
    """Ten rows, 6/2/2, so rows 6 and 8 by time are the points, 60 and 70: what shares their time is with them.

    User 2 has nothing before 60, so they are left out of validation and test.
    """
    users = [0, 0, 1, 1, 0, 0, 1, 2, 0, 2]
    times = [10, 20, 30, 40, 50, 60, 60, 65, 70, 80]
    frame = pd.DataFrame({"user": users, "item": range(10), "timestamp": times})
    parts = split_first(frame, (0.6, 0.2, 0.2), 1, TIME)
    found = {name: rows.tolist() for name, rows in parts.items() if len(rows)}
    assert found == {"train": [0, 1, 2, 3, 4], "valid": [5, 6], "test": [8], LEFT_OUT: [7, 9]}


def test_two_points_in_time_cut_by_the_ratios_where_no_time_is_shared(interactions):
    total = len(interactions)
    times = np.random.default_rng(2).permutation(total)
    timed = interactions.assign(timestamp=times, user=interactions["user"] % 3)
    parts = split_first(timed, RATIOS, 5, TIME)
    assert [len(parts[name]) for name in ("train", "valid", "test")] == split_counts(total, RATIOS)


def test_users_who_leave_have_training_rows(interactions):
    """Of 6 users with rows at the end alone none is drawn: nothing of them was learnt that could be forgotten."""
    late = interactions["user"] % 5 == 1
    timed = interactions.assign(timestamp=interactions["timestamp"] + 1000 * late)
    parts = forget_users(timed, 0.5, (0.5, 0.2, 0.3), 5, TIME)
    leaving = np.unique(timed["user"].to_numpy()[parts["forget"]])
    assert len(leaving) == round(0.5 * 24)
    assert not (leaving % 5 == 1).any()


@BY_TIME
def test_a_users_request_leaves_a_split_by_time_as_it_was(interactions, split_by):
    before = split_first(interactions, RATIOS, 5, split_by)
    users = interactions["user"].to_numpy()
    after = take_users(before, users, np.array([4]))
    for name in ("train", "valid", "test", LEFT_OUT):
        assert np.array_equal(before[name][users[before[name]] != 4], after[name])


@BY_TIME
def test_data_without_times_are_refused(interactions, split_by):
    with refused(place="split_by", got=split_by, what="all timestamps are equal") as caught:
        split_first(interactions.assign(timestamp=0), RATIOS, 5, split_by)
    assert "\n" not in str(caught.value)


def test_too_few_times_for_three_parts_are_refused(interactions):
    """Nine in ten rows of one time: no row is before it."""
    times = np.where(np.arange(len(interactions)) % 10, 5, 6)
    with refused(place="split_by", got=TIME):
        split_first(interactions.assign(timestamp=times), RATIOS, 5, TIME)
