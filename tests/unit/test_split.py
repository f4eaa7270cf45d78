"""Counts as RecBole's, nothing lost, and one user's request leaves the others alone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cragru.data.split import (
    draw_user,
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
    """30 users with 5 to 34 rows each."""
    users = np.repeat(np.arange(30), np.arange(5, 35))
    return pd.DataFrame({"user": users, "item": np.arange(len(users)) % 50})


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


@pytest.mark.parametrize("forget", [forget_interactions, forget_users])
def test_forgetting_first_loses_nothing(interactions, forget):
    parts = forget(interactions, 0.1, RATIOS, seed=5)
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
