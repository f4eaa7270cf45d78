"""Orders without an LLM, and what the candidates could give at worst and at best."""

import numpy as np
import pandas as pd
import pytest
import torch

from cragru.data.frames import NOBODYS
from cragru.evaluation.bounds import BEST_ORDER, RANDOM_ORDER, per_user_bounds
from cragru.evaluation.utility import per_user_utility
from cragru.retrieval.controls import Known, content_vectors, control_lists
from cragru.retrieval.drawing import draw_histories
from tests.refusals import refused

ITEMS = pd.DataFrame(
    {
        "genres": ["Drama", "Drama|War", "War", ""],
        "year": pd.array([1990, 2000, 1980, None], dtype="Int32"),
    }
)


def test_content_vectors_by_hand():
    """Each genre has 2 of 4 items, so it weighs log 2; years are 1990, 2000 and 1980."""
    half, deviation = np.log(2) / 2, np.sqrt(200 / 3)
    rows = [
        [half, -half, 0],
        [half, half, 10 / deviation],
        [-half, half, -10 / deviation],
        [-half, -half, 0],
    ]
    wanted = [row / np.linalg.norm(row) for row in rows]
    np.testing.assert_allclose(content_vectors(ITEMS), wanted, atol=1e-9)


def test_content_of_years_alone_and_of_nothing():
    years = content_vectors(ITEMS.assign(genres=""))
    np.testing.assert_allclose(years, [[0], [1], [-1], [0]])
    unknown = ITEMS.assign(genres="", year=pd.array([None] * 4, dtype="Int32"))
    assert content_vectors(unknown).size == 0 or not content_vectors(unknown).any()


def frame(users, items):
    """Candidates of users in the order of `items`, with falling scores."""
    rows = [
        (user, rank, item, -float(rank))
        for user in users
        for rank, item in enumerate(items[user], start=1)
    ]
    return pd.DataFrame(rows, columns=["user", "rank", "item", "score"])


def test_controls_by_counts_and_by_what_they_learn():
    """All validation rows are of item 2, the most popular, which the backbone has last."""
    known = Known(np.array([1, 3, 9]), np.eye(3))
    shown = {user: [0, 1, 2] for user in range(30)}
    history = pd.DataFrame({"user": [0], "item": [0]})
    lists = known.lists(frame(range(30), shown), history)
    judged = pd.DataFrame({"user": range(30), "item": 2})
    found, weights = control_lists(known, lists, judged, lists)
    of_user = found[found["user"] == 3].groupby("variant")["item"].agg(list)
    assert of_user["no-llm"] == [0, 1, 2]
    assert of_user["popularity"] == of_user["popularity-fused"] == [2, 1, 0]
    assert of_user["content"][0] == 2
    assert weights["content"]["popularity"] > 0 > weights["content"]["backbone"]
    assert found.groupby("variant").size().eq(90).all()


class Fixed:
    """A scorer with given scores."""

    def __init__(self, scores):
        self.scores = torch.tensor(scores)

    def score(self, users):
        return self.scores[users].clone()


def parts(**rows):
    """A split of given pairs."""
    names = ("train", "valid", "test", "forget")
    return {
        name: pd.DataFrame(rows.get(name, []), columns=["user", "item"]).astype("int64")
        for name in names
    }


def value(table, mask, k, metric="ndcg"):
    found = table.query("mask == @mask and k == @k")
    return found[metric].tolist()


def test_bounds_by_hand():
    """Three candidates of five items, the last of them relevant: it is first at best, and in each place in turn."""
    scorer = Fixed([[5.0, 4.0, 3.0, 2.0, 1.0]])
    split = parts(test=[(0, 2)], forget=[(0, 0)])
    bounds = per_user_bounds(scorer, split, 1, 5, candidates=3, seed=1)
    assert value(bounds[BEST_ORDER], "A", 1) == [1.0]
    gains = [1, 1 / np.log2(3), 1 / 2]
    assert value(bounds[RANDOM_ORDER], "A", 5)[0] == pytest.approx(np.mean(gains), abs=0.05)
    assert value(bounds[RANDOM_ORDER], "A", 1, "hr")[0] == pytest.approx(1 / 3, abs=0.1)
    # under mask B the forgotten item 0 leaves the list, and two candidates are left
    assert value(bounds[RANDOM_ORDER], "B", 5)[0] == pytest.approx(np.mean(gains[:2]), abs=0.05)
    own = per_user_utility(scorer, split, 1, 5)
    assert value(own, "A", 5) == [0.5]


def test_what_is_no_candidate_stays_where_it_is():
    scorer = Fixed([[5.0, 4.0, 3.0, 2.0, 1.0]])
    split = parts(test=[(0, 3)])
    bounds = per_user_bounds(scorer, split, 1, 5, candidates=2, seed=1)
    for table in bounds.values():
        assert value(table, "A", 5) == [pytest.approx(1 / np.log2(5))]


# --- histories that are nobody's

SELECTION = pd.DataFrame({"user": [0, 0, 1], "row": [4, 5, 6], "item": [0, 1, 2]})
REMAINING = pd.DataFrame({"item": [0, 1, 2, 3, 3, 3, 4, 5, 6, 7]})


def test_a_drawn_history_is_as_long_and_has_nothing_of_the_users():
    left_out = pd.DataFrame({"user": [0, 0, 0, 1], "item": [0, 1, 7, 2]})
    for seed in range(20):
        drawn = draw_histories(SELECTION, REMAINING, left_out, 9, seed)
        assert drawn["user"].tolist() == [0, 0, 1]
        assert (drawn["row"] == NOBODYS).all()
        of_first = drawn.loc[drawn["user"] == 0, "item"]
        assert of_first.is_unique
        assert not set(of_first) & {0, 1, 7, 8}  # 8 has no row
    again = draw_histories(SELECTION, REMAINING, left_out, 9, 3)
    pd.testing.assert_frame_equal(again, draw_histories(SELECTION, REMAINING, left_out, 9, 3))


def test_items_are_drawn_as_often_as_they_have_rows():
    nothing = pd.DataFrame({"user": [], "item": []}).astype("int64")
    one_each = pd.DataFrame({"user": range(2000), "row": 0, "item": 0})
    drawn = draw_histories(one_each, REMAINING, nothing, 9, 1)
    assert (drawn["item"] == 3).mean() == pytest.approx(0.3, abs=0.04)


def test_too_few_items_are_refused():
    left_out = pd.DataFrame({"user": [0] * 7, "item": range(7)})
    with refused(place="user 0", got=2):
        draw_histories(SELECTION, REMAINING, left_out, 9, 1)
