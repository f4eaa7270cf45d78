"""RecEraser's attention over shards (properties P5.3 to P5.7); its partitions are in test_partition.py."""

import math

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from cragru.backbones import lightgcn
from cragru.backbones.base import Batch, FactorModel
from cragru.core.seeds import torch_stream
from cragru.unlearning import receraser
from cragru.unlearning.receraser import Attention, AttentionTrainer, Options, SelfAdjoint
from tests.deletion import (
    ITEMS,
    MODULES,
    OPTIONS,
    USERS,
    a_context,
    a_request,
    of_one_user,
    with_user_shards,
)
from tests.refusals import refused

DOUBLE, CPU, D, S = torch.float64, torch.device("cpu"), 6, 3
OWN = {"shards": 3, "learning_rate": 0.02, "least_batch": 16}
OWN |= {"attention_epochs": 4, "attention_rate": 0.01, "attention_batch": 64}


def attention(seed=1, shards=S):
    fresh = Attention(shards, D, torch.Generator().manual_seed(seed), DOUBLE)
    with torch.no_grad():
        for parameter in fresh.parameters():  # none of them at its special start
            parameter.add_(
                0.3
                * torch.randn(
                    parameter.shape, generator=torch.Generator().manual_seed(7), dtype=DOUBLE
                )
            )
    return fresh


def tables(shards=S):
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(rows, shards, D, generator=generator, dtype=DOUBLE) for rows in (5, 4)]


def test_attention_by_loops():
    """``a_s = hᵀ relu(A e'_s + c)``, softmax over shards, weighted sum: node by node."""
    module, (users, _) = attention(), tables()
    got, weights = module.aggregate(users, module.users)
    side = module.users
    for node in range(5):
        mapped = [users[node, s] @ module.transfer[s] + module.shift[s] for s in range(S)]
        scores = torch.stack(
            [torch.relu(e @ side.weight + side.bias) @ side.read_out for e in mapped]
        )
        share = torch.softmax(scores, dim=0)
        assert torch.allclose(weights[node], share)
        assert torch.allclose(got[node], sum(a * e for a, e in zip(share, mapped, strict=True)))


def test_weights_sum_to_one_and_the_order_of_shards_does_not_matter():
    """P5.3."""
    module, (users, items) = attention(), tables()
    _, weights = module.aggregate(items, module.items)
    assert torch.allclose(weights.sum(dim=1), torch.ones(4, dtype=DOUBLE))
    wanted = module(users, items)
    order = [2, 0, 1]
    with torch.no_grad():
        module.transfer.copy_(module.transfer[order].clone())
        module.shift.copy_(module.shift[order].clone())
    for got, want in zip(module(users[:, order], items[:, order]), wanted, strict=True):
        assert torch.allclose(got, want)


def test_without_learning_it_is_the_mean():
    """P5.4: W_s = I, b = 0, h = 0."""
    module, (users, items) = attention(), tables()
    with torch.no_grad():
        module.transfer.copy_(torch.eye(D, dtype=DOUBLE).expand(S, D, D))
        for parameter in (module.shift, module.users.read_out, module.items.read_out):
            parameter.zero_()
    for got, table in zip(module(users, items), (users, items), strict=True):
        assert torch.allclose(got, table.mean(dim=1))


def test_one_shard_and_no_map_is_the_single_model():
    """P5.6."""
    module, (users, items) = attention(shards=1), tables(shards=1)
    with torch.no_grad():
        module.transfer.copy_(torch.eye(D, dtype=DOUBLE).unsqueeze(0))
        module.shift.zero_()
    first, second = module(users, items)
    assert torch.allclose(first @ second.T, users[:, 0] @ items[:, 0].T)


def test_each_map_starts_at_its_own_scale():
    """Xavier for each W_s by itself: an input keeps its length on average, however many shards there are."""
    fresh = Attention(50, 64, torch.Generator().manual_seed(1), DOUBLE)
    assert fresh.transfer.std().item() == pytest.approx(1 / 8, rel=0.02)
    assert fresh.users.weight.std().item() == pytest.approx((2 / 96) ** 0.5, rel=0.15)
    assert fresh.users.read_out.unique().tolist() == [0.01]


def a_trainer(backbone, request, options=OWN):
    generator = torch.Generator().manual_seed(5)
    shapes = [(USERS, 8), (ITEMS, 8)] * 2
    models = [
        FactorModel(*(torch.randn(*shape, generator=generator) for shape in shapes))
        for _ in range(3)
    ]
    context = a_context(request, backbone, {})
    return models, AttentionTrainer(context, Options(**options), models, CPU)


@pytest.mark.parametrize("backbone", MODULES)
def test_shards_are_frozen_and_the_attention_is_not(backbone):
    """P5.5."""
    models, trainer = a_trainer(backbone, a_request())
    before = [model.user_embeddings.clone() for model in models]
    start = [parameter.detach().clone() for parameter in trainer.attention.parameters()]
    curve, steps = trainer.fit()
    assert not trainer._users.requires_grad
    assert trainer._users.grad is None
    assert all(
        torch.equal(model.user_embeddings, was) for model, was in zip(models, before, strict=True)
    )
    moved = [
        not torch.equal(now, was)
        for now, was in zip(trainer.attention.parameters(), start, strict=True)
    ]
    assert all(moved)
    assert steps == len(curve) * -(-len(trainer.data.train[0]) // 64)


def test_on_lightgcn_the_aggregate_is_propagated_over_what_remains():
    request = a_request()
    _, trainer = a_trainer("lightgcn", request)
    made = trainer.model()
    table = torch.cat([made.user_embeddings, made.item_embeddings])
    graph = lightgcn.build([request.remain()], OPTIONS["lightgcn"], CPU)
    assert torch.allclose(torch.cat([made.user_factors, made.item_factors]), graph.factors(table))
    whole = lightgcn.build([request.before()], OPTIONS["lightgcn"], CPU).factors(table)
    assert not torch.allclose(torch.cat([made.user_factors, made.item_factors]), whole, atol=1e-3)


def test_gradient_through_the_propagation():
    options = OPTIONS["lightgcn"].in_double()
    backbone = lightgcn.build([a_request().remain()], options, CPU)
    table = torch.randn(
        USERS + ITEMS,
        2,
        dtype=DOUBLE,
        generator=torch.Generator().manual_seed(1),
        requires_grad=True,
    )
    assert torch.autograd.gradcheck(
        lambda leaf: SelfAdjoint.apply(leaf, backbone).sin().sum(), [table], atol=1e-6
    )


def test_dropout_keeps_the_expectation(monkeypatch):
    """With a loss that is linear in the user's factors: the mean over many draws is the value without dropout."""
    monkeypatch.setattr(receraser, "softplus", lambda margin: margin)
    count, losses = 40_000, {}
    for share in (0.0, 0.3, 0.6):
        _, trainer = a_trainer("bpr", a_request(), OWN | {"dropout": share})
        scores = trainer.model().score(torch.tensor([3]))[0]
        triplet = torch.tensor([3, USERS + scores.argmax(), USERS + scores.argmin()])
        rows = triplet.unsqueeze(1).expand(3, count)
        batch = Batch(*rows, torch.full((count,), 1 / count), torch.zeros(count, dtype=torch.int64))
        losses[share] = trainer._loss(batch).item()
        assert scores.max() - scores.min() > 1
    assert losses[0.3] == pytest.approx(losses[0.0], rel=0.02)
    assert losses[0.6] == pytest.approx(losses[0.0], rel=0.02)
    assert len(set(losses.values())) == 3  # something was dropped


@pytest.mark.parametrize("backbone", MODULES)
def test_it_learns_and_keeps_its_best_epoch(backbone):
    _, trainer = a_trainer(backbone, a_request(), OWN | {"attention_epochs": 15})
    curve, _ = trainer.fit()
    assert curve[-1].loss < curve[0].loss
    best = max(epoch.valid_ndcg for epoch in curve)
    assert trainer._learner.validator.ndcg(trainer.model()).item() == pytest.approx(best)


def test_no_forgotten_pair_is_drawn(monkeypatch):
    """P5.7: neither as a positive nor in the graph."""
    request = with_user_shards(a_request(), 3)
    forgotten, seen = request.forgotten_pairs(), set()
    drawn = receraser.Schedule.batches

    def spy(self, learners, like):
        made = drawn(self, learners, like)
        for batch in made:
            seen.update(zip(batch.users.tolist(), (batch.positives - USERS).tolist(), strict=True))
        return made

    monkeypatch.setattr(receraser.Schedule, "batches", spy)
    _, trainer = a_trainer("lightgcn", request)
    trainer.fit()
    remain = set(zip(*(side.tolist() for side in request.remain().train), strict=True))
    assert seen == remain
    assert not seen & forgotten


@pytest.mark.parametrize("backbone", MODULES)
def test_a_request_starts_from_fresh_weights(backbone):
    """Before training the attention knows the seed alone: no request, no shard, and no request before it."""
    stream = torch_stream(1, "train", f"{backbone}-attention", "parameters")
    wanted = parameters_to_vector(Attention(3, 8, stream, torch.float32).parameters())
    for request in (a_request(), of_one_user(a_request(), 5)):
        models, trainer = a_trainer(backbone, request)
        assert torch.equal(parameters_to_vector(trainer.attention.parameters()), wanted)
        trainer.fit()
        again = AttentionTrainer(a_context(request, backbone, {}), Options(**OWN), models, CPU)
        assert torch.equal(parameters_to_vector(again.attention.parameters()), wanted)


def test_a_request_leaves_nothing_to_the_next():
    """B alone, and B after A: the same to the bit, though A is another."""
    a, b = (with_user_shards(request, 3) for request in (a_request(), of_one_user(a_request(), 5)))
    alone, other, after = (
        receraser.unlearn(a_context(request, "bpr", OWN)).model for request in (b, a, b)
    )
    assert not torch.equal(alone.user_factors, other.user_factors)
    assert torch.equal(alone.user_factors, after.user_factors)
    assert torch.equal(alone.item_factors, after.item_factors)


def test_divergence_is_an_error():
    _, trainer = a_trainer("bpr", a_request())
    with torch.no_grad():
        trainer.attention.transfer.fill_(float("nan"))
    with refused(place="bpr-attention", what="the loss is no number in epoch 1") as caught:
        trainer.fit()
    assert math.isnan(caught.value.problems[0].got)
    assert "attention_rate" in caught.value.problems[0].advice
    assert "0.01" in caught.value.problems[0].advice
