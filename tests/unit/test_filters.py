"""Rules of an entry leave rows out, in their order, and count them."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cragru.config.datasets import Keep
from cragru.data.filters import kept_rows
from cragru.data.prepare import prepare
from cragru.kept.files import write_json
from tests.refusals import refused

ROWS = pd.DataFrame(
    [
        # user, item, rating, timestamp
        (1, 10, 5.0, 30),
        (1, 10, 2.0, 10),
        (1, 10, 3.0, 30),
        (1, 11, 1.0, 40),
        (2, 10, 4.0, 10),
        (2, 11, 4.0, 10),
        (3, 12, 4.0, 10),
    ],
    columns=["user", "item", "rating", "timestamp"],
).astype({"rating": "float32"})


def places(keep):
    return kept_rows(ROWS, Keep(**keep))[0].index.tolist()


def test_nothing_is_left_out_without_rules():
    rows, left_out = kept_rows(ROWS, Keep())
    assert rows is ROWS
    assert left_out == []
    assert Keep().rules == {}


def test_of_repeats_the_first_or_last_is_kept():
    assert places({"repeats": "first"}) == [1, 3, 4, 5, 6]
    assert places({"repeats": "last"}) == [2, 3, 4, 5, 6]  # of two at 30, the later line


def test_ratings_under_the_least_are_left_out():
    assert places({"least_rating": 4}) == [0, 4, 5, 6]
    rows = ROWS.assign(rating=np.float32(3.7))
    assert len(kept_rows(rows, Keep(least_rating=3.7))[0]) == len(rows)


def test_a_core_is_a_fixed_point():
    # item 12 has one row, so user 3 has none; users 1 and 2 have two items each
    assert places({"repeats": "last", "core": {"users": 2, "items": 2}}) == [2, 3, 4, 5]
    assert places({"core": {"users": 4}}) == [0, 1, 2, 3]


def test_rules_apply_in_their_order_and_are_counted():
    keep = Keep(repeats="last", least_rating=2, core={"items": 2}, users=1)
    rows, left_out = kept_rows(ROWS, keep)
    assert left_out[:3] == [
        {"rule": "repeats", "value": "last", "interactions": 2, "users": 0, "items": 0},
        {"rule": "least_rating", "value": 2.0, "interactions": 1, "users": 0, "items": 0},
        {"rule": "core", "value": {"items": 2}, "interactions": 2, "users": 1, "items": 2},
    ]
    assert left_out[3] == {"rule": "users", "value": 1, "interactions": 1, "users": 1, "items": 0}
    assert len(rows) == 1


def test_users_are_drawn_whatever_the_order_of_the_file():
    drawn = set(kept_rows(ROWS, Keep(users=2))[0]["user"])
    assert set(kept_rows(ROWS[::-1], Keep(users=2))[0]["user"]) == drawn
    assert len(drawn) == 2
    others = [set(kept_rows(ROWS, Keep(users=2, seed=seed))[0]["user"]) for seed in range(9)]
    assert any(one != drawn for one in others)


@pytest.mark.parametrize(
    ("keep", "place", "got"),
    [
        ({"least_rating": 6}, "keep.least_rating", 6.0),
        ({"core": {"users": 5}}, "keep.core", {"users": 5}),
        ({"users": 4}, "keep.users", 4),
    ],
)
def test_rules_that_leave_nothing_are_refused(keep, place, got):
    with refused(place=place, got=got):
        kept_rows(ROWS, Keep(**keep))


def peeled(rows, users, items):
    """The core, one row at a time."""
    rows = set(rows)
    while True:
        of_user = {u: sum(u == one for one, _ in rows) for u, _ in rows}
        of_item = {i: sum(i == one for _, one in rows) for _, i in rows}
        thin = {(u, i) for u, i in rows if of_user[u] < users or of_item[i] < items}
        if not thin:
            return rows
        rows -= thin


@settings(deadline=None)
@given(
    st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_a_core_is_what_peeling_leaves(pairs, users, items):
    pairs = sorted(pairs)
    rows = pd.DataFrame(pairs, columns=["user", "item"]).assign(rating=1.0, timestamp=0)
    expected = peeled(pairs, users, items)
    keep = Keep(core={"users": users, "items": items})
    if not expected:
        with refused(place="keep.core"):
            kept_rows(rows, keep)
        return
    found = kept_rows(rows, keep)[0][["user", "item"]]
    assert set(found.itertuples(index=False, name=None)) == expected


# --- in the job


@pytest.fixture
def prepared(tmp_path):
    """Prepares a table of one's own under some rules."""

    def made(text, **keep):
        (tmp_path / "raw").mkdir(exist_ok=True)
        (tmp_path / "raw/r.csv").write_text(text)
        write_json(
            tmp_path / "raw/source.json", {"source": "own", "dataset": "mine", "members": {}}
        )
        columns = {"user": "u", "item": "i", "rating": "r"}
        options = {"own": {"ratings": {"file": "r.csv", "columns": columns}}}
        loaders = {"own": "cragru.data.csv_tables"}
        prepare(tmp_path / "raw", tmp_path / "out", loaders, ["mine/r.csv"], options, Keep(**keep))
        return json.loads((tmp_path / "out/statistics.json").read_text())

    return made


def test_statistics_count_what_is_left_and_what_is_not(prepared):
    counted = prepared("u,i,r\na,x,1\na,x,5\nb,x,3\nb,y,2\n", repeats="last", least_rating=3)
    assert (counted["users"], counted["items"], counted["interactions"]) == (2, 1, 2)
    assert counted["missing"] == ["timestamp"]
    assert counted["first_timestamp"] is None
    assert counted["keep"] == {"repeats": "last", "least_rating": 3.0}
    assert [one["interactions"] for one in counted["left_out"]] == [1, 1]


def test_repeats_are_refused_unless_a_rule_keeps_one(prepared):
    with refused() as caught:
        prepared("u,i,r\na,x,1\na,x,5\n")
    assert str(caught.value) == (
        "mine/r.csv, line 3: line 2 has the same user and item, got 'a, x'; "
        "keep one, or let the entry say `keep: {repeats: last}`"
    )
