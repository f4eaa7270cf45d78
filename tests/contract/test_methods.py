"""What every unlearning method of params.yaml must hold to; a new entry there is tested without a change here.

What it may look at, and that it forgets, is in test_forgetting.py.
"""

import dataclasses
import json

import numpy as np
import pytest
import torch

from cragru.backbones import trainer
from cragru.core.clock import total
from cragru.ranking.full import pair_mask, top_items
from cragru.ranking.hits import ndcg
from tests.deletion import ITEMS, MODULES, PARAMS, STATES, USERS, request_for, serve, served

EACH = pytest.mark.parametrize(
    ("name", "backbone", "state"),
    [(name, b, state) for name in PARAMS.methods for b in MODULES for state in STATES],
)
SHARDED = [name for name, entry in PARAMS.methods.items() if entry.partition]
FIELDS = ("user_factors", "item_factors", "user_embeddings", "item_embeddings")


def touched_by(request):
    """Shards that hold a forgotten row, by a loop over rows."""
    rows = zip(request.shards[0].tolist(), request.forgotten.tolist(), strict=True)
    return sorted({shard for shard, gone in rows if gone})


def cuts_users(name):
    """Whether each user is in one shard."""
    return PARAMS.partitions[PARAMS.methods[name].partition].options.get("unit") != "interactions"


@EACH
def test_it_gives_a_model_of_everyone_and_its_cost(name, backbone, state):
    request, done = served(name, backbone, state)
    scores = done.model.score(torch.arange(USERS))
    assert scores.shape == (USERS, ITEMS)
    assert torch.isfinite(scores).all()
    cost = done.cost
    stages = total(cost.stages.values())
    for kind in ("wall", "cpu"):
        whole = getattr(cost.sequential, kind)
        assert whole > 0
        assert cost.parallel is None or 0 < getattr(cost.parallel, kind) <= whole
        assert getattr(stages, kind) <= whole + 1e-6
    assert (cost.optimiser_steps > 0) or (cost.hessian_products > 0) or not cost.shards_touched
    assert cost.device == "cpu"
    json.dumps([cost.as_dict(), done.facts])
    if PARAMS.methods[name].partition:
        assert cost.shards_touched == len(touched_by(request))
        assert sorted(done.shards) == touched_by(request)
        assert cost.parallel is not None


@EACH
def test_it_still_recommends(name, backbone, state):
    """Not worse than chance on validation rows; and who ranks for each user apart has learnt their tastes."""
    request, done = served(name, backbone, state)
    remain = request.remain()
    seen, relevant = (pair_mask(pairs, USERS, ITEMS) for pairs in (remain.train, remain.valid))
    users = torch.unique(remain.train[0])
    users = users[relevant[users].any(dim=1)]  # who left has nothing to be known by

    def value(scores):
        best, ranked = top_items(scores[users].clone(), seen[users], 10)
        hits = relevant[users].gather(1, best) & ranked
        return ndcg(hits, relevant[users].sum(dim=1), 10).mean().item()

    draws = [torch.rand(USERS, ITEMS, generator=torch.Generator().manual_seed(k)) for k in range(5)]
    chance = np.mean([value(scores) for scores in draws])
    scores = done.model.score(torch.arange(USERS))
    same_for_all = (scores == scores[:1]).all()
    assert value(scores) > chance + (-0.05 if same_for_all else 0.1)


@EACH
def test_a_seed_repeats_to_the_bit_and_touches_no_global_stream(name, backbone, state):
    _, first = served(name, backbone, state)
    before = torch.random.get_rng_state()
    again = serve(name, backbone, request_for(name, backbone, state))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.model.user_factors, again.model.user_factors)
    assert torch.equal(first.model.item_factors, again.model.item_factors)


@pytest.mark.parametrize("backbone", MODULES)
@pytest.mark.parametrize("name", SHARDED)
def test_what_a_request_spares_is_neither_trained_nor_changed(name, backbone, monkeypatch):
    """P3.2 where shards were deployed: each spared one is read once, as it was, and only touched ones see training."""
    request = request_for(name, backbone, "one-user")
    if not cuts_users(name):  # a user is in every shard; a row is in one
        first = request.forgotten & (request.forgotten.cumsum(0) == 1)
        request = dataclasses.replace(request, forgotten=first)
    touched, left = touched_by(request), ~request.forgotten
    spared = [shard for shard in range(request.count) if shard not in touched]
    before = [
        {field: getattr(model, field).clone() for field in FIELDS} for model in request.models
    ]
    trained, start = [], trainer.Learner.__init__

    def note(self, task, *how):
        trained.append(sorted(zip(*(side.tolist() for side in task.data.train), strict=True)))
        start(self, task, *how)

    monkeypatch.setattr(trainer.Learner, "__init__", note)
    done = serve(name, backbone, request)
    assert done.cost.shards_touched == len(touched) == 1
    assert done.cost.parallel.wall > 0
    rows = [left & (request.shards[0] == shard) for shard in touched]
    own = [
        sorted(zip(*(side[row].tolist() for side in request.train), strict=True)) for row in rows
    ]
    assert trained[: len(touched)] == own
    everything = sorted(zip(*(side.tolist() for side in request.remain().train), strict=True))
    assert all(other == everything for other in trained[len(touched) :])  # what joins the shards
    assert sorted(what for what in request.asked if what.startswith("shard")) == [
        f"shard {shard}" for shard in spared
    ]
    assert not set(done.shards) & set(spared)
    for model, was in zip(request.models, before, strict=True):
        assert all(torch.equal(getattr(model, field), was[field]) for field in FIELDS)


def test_what_is_deployed_decides_what_is_scored():
    """The spared shards serve: with another model in place of one of them, its users' scores are that model's."""
    request = request_for("sisa-users", "bpr", "one-user")
    spared = next(shard for shard in range(request.count) if shard not in touched_by(request))
    changed = dataclasses.replace(
        request.models[spared],
        **{field: 2 * getattr(request.models[spared], field) for field in FIELDS},
    )
    models = [changed if shard == spared else model for shard, model in enumerate(request.models)]
    done = serve("sisa-users", "bpr", dataclasses.replace(request, models=models))
    users = torch.unique(request.train[0][request.shards[0] == spared])
    assert torch.allclose(done.model.score(users), changed.score(users), atol=1e-6)
