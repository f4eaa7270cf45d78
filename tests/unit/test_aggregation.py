"""Weights and scores of aggregates (P3.5), and GraphEraser's learnt weights (P4.3)."""

import pytest
import torch

from cragru.backbones.base import FactorModel, TrainingData
from cragru.backbones.sampling import NegativeSampler
from cragru.core.seeds import torch_stream
from cragru.unlearning import grapheraser, sisa
from cragru.unlearning.aggregation import combine, presence, user_weights
from cragru.unlearning.grapheraser import Options, learn_weights, score_differences
from cragru.unlearning.sharding import renew
from tests.deletion import ITEMS, USERS, a_context, a_request, with_user_shards

DOUBLE = torch.float64
OPTIONS = Options(shards=4, learning_rate=0.02)


def shard(users, items, seed):
    generator = torch.Generator().manual_seed(seed)
    tables = [torch.randn(rows, 3, generator=generator, dtype=DOUBLE) for rows in (users, items)]
    return FactorModel(*tables, *tables)


def data_of(pairs):
    return TrainingData(tuple(torch.tensor(pairs).T), tuple(torch.tensor(pairs).T), 3, 4)


@pytest.fixture
def shards():
    """User 0 in both shards, user 1 in the second, user 2 in none; item 3 in the first only."""
    data = [data_of([(0, 0), (0, 1), (0, 2), (0, 3)]), data_of([(0, 0), (1, 1), (1, 2)])]
    return [shard(3, 4, 1), shard(3, 4, 2)], data


def test_weights_by_hand(shards):
    users, items = presence(shards[1])
    assert users.tolist() == [[True, False, False], [True, True, False]]
    assert items.tolist() == [[True] * 4, [True, True, True, False]]
    weights = torch.tensor([3.0, 1.0])
    assert user_weights(users, "mask").tolist() == [[0.5, 0.5], [0, 1], [0.5, 0.5]]
    assert user_weights(users, "mask", weights).tolist() == [[0.75, 0.25], [0, 1], [0.75, 0.25]]
    assert user_weights(users, "mean", weights).tolist() == [[0.75, 0.25]] * 3
    assert user_weights(users, "zero").tolist() == [[0.5, 0.5], [0, 0.5], [0, 0]]
    only_second = torch.tensor([0.0, 1.0])
    assert user_weights(torch.tensor([[True], [False]]), "mask", only_second).tolist() == [[1, 0]]


def test_scores_by_hand(shards):
    models, data = shards
    users, _ = presence(data)
    everyone = torch.arange(3)
    first, second = (model.score(everyone) for model in models)
    mask = combine(models, data, user_weights(users, "mask"), "mask").score(everyone)
    assert torch.allclose(mask[0, :3], (first[0, :3] + second[0, :3]) / 2)
    assert torch.allclose(mask[1, :3], second[1, :3])
    assert mask[1, 3].item() == pytest.approx(
        second[1, 3].item()
    )  # an item that was a mere negative there
    zero = combine(models, data, user_weights(users, "zero"), "zero").score(everyone)
    assert zero[1, 3].item() == 0
    assert zero[2].abs().max() == 0
    mean = combine(models, data, user_weights(users, "mean"), "mean").score(everyone)
    assert torch.allclose(mean, (first + second) / 2)


def test_equal_shards_give_their_scores_and_their_order_does_not_matter(shards):
    """P3.5."""
    models, data = shards
    users = torch.ones(2, 3, dtype=torch.bool)
    whole = [data_of([(u, i) for u in range(3) for i in range(4)])] * 2
    same = combine([models[0], models[0]], whole, user_weights(users, "mask"), "mask").score(
        torch.arange(3)
    )
    assert torch.allclose(same, models[0].score(torch.arange(3)))
    there, _ = presence(data)
    forward = combine(models, data, user_weights(there, "mask"), "mask").score(torch.arange(3))
    backward = combine(models[::-1], data[::-1], user_weights(there.flip(0), "mask"), "mask").score(
        torch.arange(3)
    )
    assert torch.allclose(forward, backward)


def differences(signals, pairs=4000):
    """Score differences of shards: the truth (always positive) times a signal, and noise."""
    generator = torch.Generator().manual_seed(2)
    truth = torch.rand(pairs, 1, generator=generator, dtype=DOUBLE) + 0.5
    noise = torch.randn(pairs, len(signals), generator=generator, dtype=DOUBLE)
    return torch.tensor(signals, dtype=DOUBLE) * truth + noise * (
        1 - torch.tensor(signals, dtype=DOUBLE).clamp(max=1)
    )


def loss(scaled, weights):
    return torch.nn.functional.softplus(
        -(scaled @ weights)
    ).mean() + OPTIONS.penalty * torch.linalg.vector_norm(weights)


def test_weights_of_shards():
    """P4.3: not negative, sum 1, on the shard that knows, and better than equal weights."""
    made = differences([0.0, 1.0, 0.0, 0.0])
    weights = learn_weights(made, OPTIONS)
    assert (weights >= 0).all()
    assert weights.sum().item() == pytest.approx(1)
    assert weights[1] > 0.9
    equal = torch.full((4,), 0.25, dtype=DOUBLE)
    assert loss(made, weights) < loss(made, equal)


def test_identical_shards_get_equal_weights():
    made = differences([0.5]).expand(-1, 4)
    assert torch.allclose(
        learn_weights(made, OPTIONS), torch.full((4,), 0.25, dtype=DOUBLE), atol=1e-9
    )


def test_a_shard_that_is_always_wrong_gets_no_weight():
    made = torch.cat([differences([1.0]), -differences([1.0])], dim=1)
    weights = learn_weights(made, OPTIONS)
    assert weights.tolist() == [1, 0]


def test_the_scale_of_a_shard_is_taken_out():
    """A shard whose inner products are a hundred times larger counts for no more."""
    made = differences([0.5, 0.5])
    scale = torch.tensor([1.0, 100.0], dtype=DOUBLE)
    plain, scaled = (learn_weights(its, OPTIONS) for its in (made, made * scale))
    assert torch.allclose(scaled * scale / (scaled * scale).sum(), plain, atol=1e-6)


@pytest.mark.parametrize("missing", ["mask", "mean", "zero"])
def test_differences_by_hand(missing):
    """⟨u, i - j⟩ for each pair and shard, of the triplets that the method's stream draws."""
    request = with_user_shards(a_request(), 3)
    options = Options(shards=3, learning_rate=0.02, least_batch=16, pairs=50, missing=missing)
    context = a_context(request, "bpr", {})
    renewed = renew(context, options)
    made = score_differences(renewed, context.remain, options, seed=1)
    assert (made.shape, made.dtype) == ((50, 3), DOUBLE)
    users, items = request.remain().train
    stream = torch_stream(1, "grapheraser", "pairs")
    drawn = torch.randint(len(users), (50,), generator=stream).tolist()
    negatives = NegativeSampler((users, items), USERS, ITEMS).sample(users[drawn], stream).tolist()
    known = set(zip(users.tolist(), items.tolist(), strict=True))
    for row, negative, got in zip(drawn, negatives, made.tolist(), strict=True):
        user, item = int(users[row]), int(items[row])
        assert (user, negative) not in known
        for shard, model in enumerate(renewed.models):
            u, i, j = (
                model.user_factors[user],
                model.item_factors[item],
                model.item_factors[negative],
            )
            wanted = sum(float(a) * (float(b) - float(c)) for a, b, c in zip(u, i, j, strict=True))
            own = shard == user // 2 % 3
            share = {"mask": float(own), "mean": 1 / 3, "zero": own / 3}[missing]
            assert got[shard] == pytest.approx(share * wanted, abs=1e-6)
            assert own or missing == "mean" or got[shard] == 0
    assert made.max(dim=1).values.mean() > 0  # the shards rank what the users like first


def test_masked_weights_do_not_change_a_users_order():
    """Why LBAggr does not show where each user is in one shard, as the module says."""
    request = with_user_shards(a_request(), 3)
    own = {"shards": 3, "learning_rate": 0.02, "least_batch": 16}
    learnt = grapheraser.unlearn(a_context(request, "bpr", own))
    plain = sisa.unlearn(a_context(request, "bpr", own))
    users = torch.arange(USERS)
    assert torch.allclose(learnt.model.score(users), plain.model.score(users), atol=1e-6)
    assert learnt.cost.optimiser_steps == plain.cost.optimiser_steps + OPTIONS.rounds
    assert learnt.cost.stages["aggregate"].wall > 0
