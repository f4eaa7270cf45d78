"""What every unlearning method of params.yaml must hold to; a new entry there is tested without a change here."""

import dataclasses
import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from cragru.config.base import load_yaml, parse
from cragru.config.models import Params
from cragru.ranking import ndcg, pair_mask, top_items
from cragru.unlearning.partition.base import Problem
from tests.deletion import (
    ITEMS,
    MODULES,
    USERS,
    ForbiddenReadError,
    a_context,
    a_request,
    with_original,
)

ROOT = Path(__file__).parents[2]
PARAMS = parse(Params, load_yaml(ROOT / "config" / "params.yaml"), "params.yaml")
NEVER_MEET_FORGOTTEN = [name for name, entry in PARAMS.methods.items() if "forget" not in entry.reads]
SMALL = {"shards": 3, "least_batch": 16, "attention_epochs": 15, "attention_rate": 0.02, "attention_batch": 64}
ROOMY = {"slack": 0.1}  # three shards of forty users cannot be as even as the shipped slack asks
EACH = pytest.mark.parametrize(("name", "backbone"), [(name, b) for name in PARAMS.methods for b in MODULES])


def own_options(name):
    """The shipped options, and toy sizes of those that the method has."""
    entry = PARAMS.methods[name]
    known = getattr(importlib.import_module(entry.module), "Options", None)
    names = {field.name for field in dataclasses.fields(known)} if known else set()
    return {**entry.options, **{key: value for key, value in SMALL.items() if key in names}}


def request_for(name, backbone, request):
    """What the method's entry says that it may read."""
    entry = PARAMS.methods[name]
    request = dataclasses.replace(request, allowed=frozenset(entry.reads))
    if "original" in entry.reads or entry.partition:
        request = with_original(request, backbone)
    return with_partition(entry, request) if entry.partition else request


def with_partition(entry, request):
    partition = PARAMS.partitions[entry.partition]
    problem = Problem(
        train=tuple(side.numpy() for side in request.train),
        valid=tuple(side.numpy() for side in request.valid),
        users=USERS,
        items=ITEMS,
        shards=3,
        options={**partition.options, **(ROOMY if "graph" in entry.module else {})},
        rng=np.random.default_rng(1),
        embeddings=(request.model.user_factors.numpy(), request.model.item_factors.numpy()),
    )
    made = importlib.import_module(partition.module).partition(problem)
    shards = (torch.from_numpy(made.train), torch.from_numpy(made.valid))
    return dataclasses.replace(request, shards=shards, count=3, allowed=request.allowed | {"deployed"})


def serve(name, backbone, request=None):
    request = request_for(name, backbone, request or a_request())
    module = importlib.import_module(PARAMS.methods[name].module)
    return request, module.unlearn(a_context(request, backbone, own_options(name)))


@EACH
def test_it_gives_a_model_of_everyone_and_its_cost(name, backbone):
    request, done = serve(name, backbone)
    scores = done.model.score(torch.arange(USERS))
    assert scores.shape == (USERS, ITEMS)
    assert torch.isfinite(scores).all()
    cost = done.cost
    assert cost.seconds_sequential > 0
    assert cost.seconds_parallel is None or 0 < cost.seconds_parallel <= cost.seconds_sequential
    assert sum(cost.stages.values()) <= cost.seconds_sequential + 1e-6
    assert (cost.optimiser_steps > 0) or (cost.hessian_products > 0) or not cost.shards_touched
    assert cost.device == "cpu"
    json.dumps([cost.as_dict(), done.facts])
    if PARAMS.methods[name].partition:
        assert cost.shards_touched == 3
        assert sorted(done.shards) == [0, 1, 2]
    assert set(request.asked) <= request.allowed


@EACH
def test_it_still_recommends(name, backbone):
    """Each keeps the two tastes apart: better than chance on validation rows by far."""
    request, done = serve(name, backbone)
    remain = request.remain()
    seen, relevant = (pair_mask(pairs, USERS, ITEMS) for pairs in (remain.train, remain.valid))
    users = torch.unique(remain.valid[0])

    def value(scores):
        best, ranked = top_items(scores[users].clone(), seen[users], 10)
        hits = relevant[users].gather(1, best) & ranked
        return ndcg(hits, relevant[users].sum(dim=1), 10).mean().item()

    chance = np.mean([value(torch.rand(USERS, ITEMS, generator=torch.Generator().manual_seed(k))) for k in range(5)])
    assert value(done.model.score(torch.arange(USERS))) > chance + 0.1


@EACH
def test_a_seed_repeats_to_the_bit_and_touches_no_global_stream(name, backbone):
    before = torch.random.get_rng_state()
    one, other = (serve(name, backbone)[1].model for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one.user_factors, other.user_factors)
    assert torch.equal(one.item_factors, other.item_factors)


@EACH
def test_it_reads_nothing_that_its_entry_does_not_declare(name, backbone):
    """The reader raises; and a method that declares a thing reads it."""
    request, _ = serve(name, backbone)
    assert {what.partition(" ")[0] for what in request.asked} >= request.allowed - {"original"}
    module = importlib.import_module(PARAMS.methods[name].module)
    for thing in request.allowed:
        less = dataclasses.replace(request, allowed=request.allowed - {thing}, asked=[])
        if thing in request.asked:
            with pytest.raises(ForbiddenReadError):
                module.unlearn(a_context(less, backbone, own_options(name)))


@pytest.mark.parametrize("backbone", MODULES)
@pytest.mark.parametrize("name", NEVER_MEET_FORGOTTEN)
def test_no_forgotten_row_reaches_a_sampler_a_graph_a_mask_or_a_step(name, backbone, monkeypatch):
    """Section 12.6: whoever is handed a forgotten pair after the request raises."""
    from cragru.backbones import bpr, lightgcn, sampling, trainer

    request = request_for(name, backbone, a_request())
    forgotten = request.forgotten_pairs()
    looked = []

    def refuse(users, items, where):
        met = forgotten & set(zip(users.tolist(), items.tolist(), strict=True))
        looked.append(where)
        if met:
            raise ForbiddenReadError(f"{where} met {len(met)} forgotten rows")

    def watch(owner, attribute, pick):
        original = getattr(owner, attribute)

        def watched(*args, **kwargs):
            refuse(*pick(*args, **kwargs), attribute)
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, attribute, watched)

    nodes = USERS + ITEMS
    watch(sampling.NegativeSampler, "__init__", lambda self, pairs, *sizes: pairs)
    watch(trainer, "pair_mask", lambda pairs, *sizes: pairs)
    watch(lightgcn, "NormalisedGraph", lambda left, right, *rest, **more: (left % nodes, right % nodes - USERS))
    for owner in (bpr, lightgcn):
        watch(owner, "bpr_gradient", lambda factors, it, models: (it.users % nodes, it.positives % nodes - USERS))
    module = importlib.import_module(PARAMS.methods[name].module)
    module.unlearn(a_context(request, backbone, own_options(name)))
    assert {"__init__", "pair_mask", "bpr_gradient"} <= set(looked)
    assert ("NormalisedGraph" in looked) == (backbone == "lightgcn")
    leaking = dataclasses.replace(request, forgotten=torch.zeros_like(request.forgotten))
    with pytest.raises(ForbiddenReadError):  # the watch itself works
        module.unlearn(a_context(leaking, backbone, own_options(name)))


@pytest.mark.parametrize("name", [name for name in PARAMS.methods if name not in NEVER_MEET_FORGOTTEN])
@pytest.mark.parametrize("backbone", MODULES)
def test_an_approximate_method_with_nothing_to_forget_changes_nothing(name, backbone):
    """Section 12.5: null deletion."""
    request, done = serve(name, backbone, a_request(forget=0))
    assert torch.equal(done.model.user_factors, request.model.user_factors)
    assert torch.equal(done.model.item_factors, request.model.item_factors)
