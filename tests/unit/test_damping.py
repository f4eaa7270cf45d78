"""The choice of damping: what it measures, by hand; what it shares; what it refuses."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from influence_world import ITEMS, LAYERS, USERS, without_forgetting, world

from cragru.backbones.base import FactorModel
from cragru.evaluation.membership import auc
from cragru.evaluation.percentiles import percentiles
from cragru.unlearning import damping, ifru, scif
from cragru.unlearning.damping import Judge, choose, search
from tests.refusals import refused

METHODS = pytest.mark.parametrize("method", [ifru, scif], ids=["ifru", "scif"])


@pytest.fixture
def scores():
    return torch.randn(
        USERS, ITEMS, generator=torch.Generator().manual_seed(31), dtype=torch.float64
    )


def model_of(scores):
    """A model with these scores."""
    eye = torch.eye(ITEMS, dtype=scores.dtype)
    return FactorModel(scores, eye, scores, eye)


def test_percentiles_are_a_users_own(scores):
    context = world()
    masked = torch.rand(USERS, ITEMS, generator=torch.Generator().manual_seed(32)) < 0.3
    users, items = (~masked).nonzero().T
    order = torch.randperm(len(users), generator=torch.Generator().manual_seed(33))
    got = percentiles(model_of(scores), (users[order], items[order]), masked)
    stable = order[torch.argsort(users[order], stable=True)]
    for value, user, item in zip(got, users[stable], items[stable], strict=True):
        rivals = scores[user][~masked[user]]
        assert value.item() == pytest.approx(
            (rivals < scores[user, item]).sum().item() / (len(rivals) - 1)
        )
    assert len(percentiles(model_of(scores), (users[:0], items[:0]), masked)) == 0
    assert context.reader.asked == []


def test_percentiles_of_ties_are_in_the_middle():
    nothing = torch.zeros(USERS, ITEMS, dtype=torch.bool)
    got = percentiles(
        model_of(torch.zeros(USERS, ITEMS)), (torch.tensor([0, 5]), torch.tensor([3, 4])), nothing
    )
    assert got.tolist() == [0.5, 0.5]


def test_auc_counts_pairs():
    assert auc(np.array([3.0, 1.0]), np.array([2.0, 1.0, 0.0])) == pytest.approx((3 + 1.5) / 6)
    assert auc(np.array([1.0]), np.array([0.0])) == 1
    assert np.isnan(auc(np.array([1.0]), np.array([])))


def test_judge_by_brute_force(scores):
    """NDCG@10 hides forgotten rows as well; membership compares rows of users who have both kinds."""
    request = ifru.read(world())
    value, membership = Judge(request)(model_of(scores))
    known = [set() for _ in range(USERS)]
    remaining, valid, forgotten = ([set() for _ in range(USERS)] for _ in range(3))
    for sets, (users, items) in zip(
        (known, remaining, valid, forgotten),
        (request.deployed, request.remain.train, request.remain.valid, request.forget),
        strict=True,
    ):
        for user, item in zip(users.tolist(), items.tolist(), strict=True):
            sets[user].add(item)
    gains, ranks = [], {True: [], False: []}
    discount = [1 / torch.tensor(place + 2.0).log2().item() for place in range(10)]
    for user in range(USERS):
        order = [
            item
            for item in scores[user].argsort(descending=True).tolist()
            if item not in known[user]
        ][:10]
        if valid[user]:
            gained = sum(discount[place] for place, item in enumerate(order) if item in valid[user])
            gains.append(gained / sum(discount[: len(valid[user])]))
        if valid[user] and forgotten[user]:
            rivals = [item for item in range(ITEMS) if item not in remaining[user]]
            for member, own in ((True, forgotten[user]), (False, valid[user])):
                for item in own:
                    below = sum(bool(scores[user, rival] < scores[user, item]) for rival in rivals)
                    ranks[member].append(below / (len(rivals) - 1))
    assert value == pytest.approx(sum(gains) / len(gains))
    wins = [(a > b) + (a == b) / 2 for a in ranks[True] for b in ranks[False]]
    assert membership == pytest.approx(sum(wins) / len(wins))


@METHODS
@pytest.mark.parametrize("backbone", LAYERS)
def test_search_agrees_with_serving_each_damping(backbone, method):
    context = world(backbone)
    frame = search(context, method, (1.0, 10.0))
    judge = Judge(method.read(context))
    for row in frame.itertuples():
        done = method.unlearn(dataclasses.replace(context, method_options={"damping": row.damping}))
        assert (row.ndcg, row.membership) == pytest.approx(judge(done.model))
        assert row.hessian_products == done.cost.hessian_products
        assert row.residual == pytest.approx(done.facts["residual"])
        assert row.loss == pytest.approx(1 - row.ndcg / row.original_ndcg)
        assert (row.original_ndcg, row.original_membership) == pytest.approx(
            judge(context.reader.model)
        )
        assert row.seconds > 0
        assert row.failure == ""


@METHODS
def test_search_prepares_once(method, monkeypatch):
    times = []
    monkeypatch.setattr(
        method, "linearise", lambda *given, real=method.linearise: times.append(1) or real(*given)
    )
    assert list(search(world(), method)["damping"]) == list(damping.GRID)
    assert times == [1]


def test_search_notes_a_solve_that_broke_down():
    frame = search(world(iterations=1), ifru, (1e-6, 1000.0))
    assert frame["failure"][0].startswith("damping")
    assert "residual" in frame["failure"][0]
    assert pd.isna(frame["ndcg"][0])
    assert frame["failure"][1] == ""
    assert choose(frame, 1.0) == 1000.0


def test_search_refuses_a_split_without_validation_rows():
    context = world()
    empty = (torch.zeros(0, dtype=torch.int64),) * 2
    reader = dataclasses.replace(
        context.reader, data=dataclasses.replace(context.reader.data, valid=empty)
    )
    with refused(place="damping", what="the split has no validation row"):
        search(dataclasses.replace(context, reader=reader), ifru)


def test_membership_of_nothing_is_missing():
    frame = search(without_forgetting(world()), ifru, (1.0,))
    assert pd.isna(frame["membership"][0])
    with refused(place="damping", what="no user has rows of both kinds"):
        choose(frame)


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "damping": [0.3, 1.0, 3.0, 10.0],
            "loss": [0.2, 0.05, 0.01, -0.01],
            "membership": [0.48, 0.54, 0.58, 0.61],
            "original_membership": 0.62,
        }
    )


def test_choose_takes_the_largest_drop_within_the_allowed_loss(frame):
    assert choose(frame) == 1.0
    assert choose(frame, 0.3) == 0.3
    assert choose(frame, 0.02) == 3.0
    assert choose(frame.assign(membership=[0.7, 0.66, 0.65, 0.63])) == 10.0


def test_choose_refuses_a_grid_that_breaks_the_model(frame):
    with refused(place="damping", got=dict.fromkeys(frame["damping"], 0.4)):
        choose(frame.assign(loss=0.4))
