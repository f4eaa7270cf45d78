"""Per-user results under masks A and B, by hand."""

import math

import pandas as pd
import pytest
import torch

from cragru.evaluation.bias_columns import LISTS
from cragru.evaluation.metrics import CUTOFFS
from cragru.evaluation.utility import per_user_utility, recommended


class Fixed:
    """Scores that are given."""

    def __init__(self, scores):
        self.scores = torch.tensor(scores)

    def score(self, users):
        return self.scores[users].clone()


def frame(*pairs):
    return pd.DataFrame(pairs, columns=["user", "item"]).astype("int32")


@pytest.fixture
def table():
    """Scores fall from item 0 to item 5. User 0: train 0, valid 1, forget 2, test 3 and 5. User 1: test 0."""
    parts = {
        "train": frame((0, 0), (1, 4)),
        "valid": frame((0, 1)),
        "forget": frame((0, 2)),
        "test": frame((0, 3), (0, 5), (1, 0)),
    }
    scorer = Fixed([[6.0, 5, 4, 3, 2, 1]] * 3)
    return per_user_utility(scorer, parts, users=3, items=6).set_index(["user", "mask", "k"])


def test_users_without_test_rows_are_left_out(table):
    assert set(table.index.get_level_values("user")) == {0, 1}
    assert len(table) == 2 * 2 * len(CUTOFFS)
    assert table.loc[(0, "A", 1), "relevant"] == 2


def test_mask_a_lets_forgotten_items_compete(table):
    """User 0 ranks 2 (forgotten), 3 (test), 4, 5 (test)."""
    assert table.loc[(0, "A", 1), "hr"] == 0
    ideal = 1 + 1 / math.log2(3)
    assert table.loc[(0, "A", 3), "ndcg"] == pytest.approx(1 / math.log2(3) / ideal)
    assert table.loc[(0, "A", 5), "ndcg"] == pytest.approx(
        (1 / math.log2(3) + 1 / math.log2(5)) / ideal
    )


def test_mask_b_hides_them(table):
    """User 0 ranks 3 (test), 4, 5 (test)."""
    assert table.loc[(0, "B", 1), "hr"] == 1
    ideal = 1 + 1 / math.log2(3)
    assert table.loc[(0, "B", 1), "ndcg"] == 1
    assert table.loc[(0, "B", 20), "ndcg"] == pytest.approx((1 + 1 / math.log2(4)) / ideal)


def test_masks_differ_only_for_users_who_forgot(table):
    assert table.loc[(1, "A", 1), "ndcg"] == table.loc[(1, "B", 1), "ndcg"] == 1


def test_the_order_of_users_and_batches_does_not_matter(monkeypatch):
    import cragru.evaluation.utility as module
    from cragru.ranking.full import user_batches

    generator = torch.Generator().manual_seed(1)
    scorer = Fixed(torch.rand(9, 30, generator=generator).tolist())
    pairs = (torch.rand(9, 30, generator=generator) < 0.5).nonzero().tolist()
    roles = {
        name: frame(*map(tuple, pairs[start::4]))
        for start, name in enumerate(("train", "valid", "forget", "test"))
    }
    whole = per_user_utility(scorer, roles, 9, 30)
    monkeypatch.setattr(module, "user_batches", lambda users: user_batches(users, 2))
    pd.testing.assert_frame_equal(whole, per_user_utility(scorer, roles, 9, 30))


def test_lists_are_of_users_who_are_asked_for_and_leave_out_what_is_hidden():
    """User 0 has two items left, user 2 four; nobody asks for user 1."""
    parts = {
        "train": frame((0, 0), (0, 1)),
        "valid": frame((0, 2), (2, 0), (1, 3)),
        "forget": frame((0, 4), (2, 5)),
    }
    scorer, who = Fixed([[6.0, 5, 4, 3, 2, 1]] * 3), torch.tensor([0, 2])
    found = recommended(scorer, parts, who, 3, 6, length=3)
    assert dict(found.dtypes.astype(str)) == LISTS
    expected = [(0, 1, 3), (0, 2, 5), (2, 1, 1), (2, 2, 2), (2, 3, 3)]
    assert [*found.itertuples(index=False, name=None)] == expected


def test_lists_are_the_same_in_batches(monkeypatch):
    import cragru.evaluation.utility as module
    from cragru.ranking.full import user_batches

    scorer = Fixed(torch.rand(9, 30, generator=torch.Generator().manual_seed(1)).tolist())
    parts = {"train": frame((0, 1)), "valid": frame((5, 2)), "forget": frame((5, 3))}
    given = parts, torch.tensor([0, 2, 5, 8]), 9, 30
    whole = recommended(scorer, *given, 10)
    assert whole.groupby("user").size().to_dict() == {0: 10, 2: 10, 5: 10, 8: 10}
    monkeypatch.setattr(module, "user_batches", lambda users: user_batches(users, 3))
    pd.testing.assert_frame_equal(whole, recommended(scorer, *given, 10))
