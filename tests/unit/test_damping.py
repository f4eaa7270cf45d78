"""The choice of damping: what it measures, by hand; what it shares; what it refuses."""

import dataclasses

import pandas as pd
import pytest
import torch
from influence_world import ITEMS, LAYERS, USERS, without_forgetting, world
from masks import set_of

from cragru.backbones.base import FactorModel
from cragru.evaluation.percentiles import percentiles
from cragru.unlearning import damping, ifru, scif
from cragru.unlearning.damping import Judge, choose, search
from tests.refusals import refused


def shadows(count=2):
    """Retrains, at random."""
    generator = torch.Generator().manual_seed(41)
    return [
        model_of(torch.randn(USERS, ITEMS, generator=generator, dtype=torch.float64))
        for _ in range(count)
    ]


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
    got = percentiles(model_of(scores), (users[order], items[order]), set_of(masked))
    stable = order[torch.argsort(users[order], stable=True)]
    for value, user, item in zip(got, users[stable], items[stable], strict=True):
        rivals = scores[user][~masked[user]]
        assert value.item() == pytest.approx(
            (rivals < scores[user, item]).sum().item() / (len(rivals) - 1)
        )
    assert len(percentiles(model_of(scores), (users[:0], items[:0]), set_of(masked))) == 0
    assert context.reader.asked == []


def test_percentiles_of_ties_are_in_the_middle():
    nothing = set_of(torch.zeros(USERS, ITEMS, dtype=torch.bool))
    got = percentiles(
        model_of(torch.zeros(USERS, ITEMS)), (torch.tensor([0, 5]), torch.tensor([3, 4])), nothing
    )
    assert got.tolist() == [0.5, 0.5]


def test_judge_by_brute_force(scores):
    """NDCG@10 hides forgotten rows as well; what is known compares rows of users who have both kinds."""
    request, others = ifru.read(world()), shadows()
    found = Judge(request, others)(model_of(scores))
    known = [set() for _ in range(USERS)]
    remaining, valid, forgotten = ([set() for _ in range(USERS)] for _ in range(3))
    for sets, (users, items) in zip(
        (known, remaining, valid, forgotten),
        (request.deployed, request.remain.train, request.remain.valid, request.forget),
        strict=True,
    ):
        for user, item in zip(users.tolist(), items.tolist(), strict=True):
            sets[user].add(item)
    of_shadows = [
        model.user_factors for model in others
    ]  # their scores, for items' are unit vectors
    gains, scored = [], {True: [], False: []}
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
            z = []
            for table in (scores, *of_shadows):
                left = table[user][rivals]
                z.append((table[user] - left.mean()) / left.std(correction=0))
            calibrated = z[0] - (z[1] + z[2]) / 2
            for member, own in ((True, forgotten[user]), (False, valid[user])):
                scored[member] += [calibrated[item].item() for item in own]
    assert found["ndcg"] == pytest.approx(sum(gains) / len(gains))
    sizes = {kind: list(map(abs, own)) for kind, own in scored.items()}
    for name, values in (("calibrated", scored), ("two_sided", sizes)):
        wins = [(a > b) + (a == b) / 2 for a in values[True] for b in values[False]]
        assert found[name] == pytest.approx(sum(wins) / len(wins)), name
    means = [sum(own) / len(own) for own in (sizes[True], sizes[False])]
    assert found["shift"] == pytest.approx(means[0] - means[1])
    assert list(found) == list(damping.JUDGED)


def test_the_null_holds_each_shadow_against_the_others():
    request, retrains = ifru.read(world()), shadows(3)
    expected = []
    for own in retrains:
        others = [model for model in retrains if model is not own]
        expected.append(Judge(request, others)(own)["two_sided"])
    assert Judge(request, retrains).null() == pytest.approx(expected)
    assert len(set(expected)) == 3
    assert Judge(request, shadows(1)).null() == [0.5]


@METHODS
@pytest.mark.parametrize("backbone", LAYERS)
def test_search_agrees_with_serving_each_damping(backbone, method):
    context, retrains = world(backbone), shadows(3)
    frame = search(context, method, retrains, (1.0, 10.0))
    judge = Judge(method.read(context), retrains)
    null, original = judge.null(), judge(context.reader.model)
    for row in frame.itertuples():
        done = method.unlearn(dataclasses.replace(context, method_options={"damping": row.damping}))
        own = judge(done.model)
        assert {name: getattr(row, name) for name in damping.JUDGED} == pytest.approx(own)
        assert row.hessian_products == done.cost.hessian_products
        assert row.residual == pytest.approx(done.facts["residual"])
        assert row.loss == pytest.approx(1 - row.ndcg / row.original_ndcg)
        before = {name: getattr(row, f"original_{name}") for name in damping.JUDGED}
        assert before == pytest.approx(original)
        assert row.null == pytest.approx(sum(null) / 3)
        assert (row.null_low, row.null_high) == pytest.approx((min(null), max(null)))
        assert row.distance == pytest.approx(abs(row.two_sided - row.null))
        assert row.left == pytest.approx(row.shift / row.original_shift)
        assert row.seconds > 0
        assert row.failure == ""


@METHODS
def test_search_prepares_once(method, monkeypatch):
    times = []
    monkeypatch.setattr(
        method, "linearise", lambda *given, real=method.linearise: times.append(1) or real(*given)
    )
    assert list(search(world(), method, shadows(1))["damping"]) == list(damping.GRID)
    assert times == [1]


def test_search_notes_a_solve_that_broke_down():
    frame = search(world(iterations=1), ifru, shadows(), (1e-6, 1000.0))
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
        search(dataclasses.replace(context, reader=reader), ifru, shadows())


def test_of_nothing_nothing_is_known():
    frame = search(without_forgetting(world()), ifru, shadows(), (1.0,))
    assert frame[["calibrated", "two_sided", "shift", "distance", "left"]].isna().all(axis=None)
    assert frame["ndcg"].notna().all()
    with refused(place="damping", what="no user has rows of both kinds"):
        choose(frame)


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "damping": [0.3, 1.0, 3.0, 10.0],
            "loss": [0.2, 0.05, 0.01, -0.01],
            "two_sided": [0.52, 0.47, 0.58, 0.61],
            "distance": [0.01, 0.04, 0.07, 0.10],  # from a null of .51
        }
    )


def test_choose_takes_the_nearest_to_the_null_within_the_allowed_loss(frame):
    """Below the null is as far as above it."""
    assert choose(frame) == 1.0
    assert choose(frame, 0.3) == 0.3
    assert choose(frame, 0.02) == 3.0
    assert choose(frame.assign(distance=[0.01, 0.2, 0.2, 0.1])) == 10.0


def test_choose_passes_over_solves_that_broke_down(frame):
    frame.loc[1, ["loss", "two_sided", "distance"]] = float("nan")
    assert choose(frame) == 3.0


def test_choose_refuses_a_grid_that_breaks_the_model(frame):
    with refused(place="damping", got=dict.fromkeys(frame["damping"], 0.4)):
        choose(frame.assign(loss=0.4))
