"""That every method of params.yaml forgets: what it may look at, what its answer may depend on, planted canaries.

`EXACT` methods read what remains alone; their answers must not know the forgotten rows, given the partition. The others
are held to forgetting something.
"""

import dataclasses
from functools import cache
from math import comb, sqrt

import pytest
import torch

from cragru.backbones import bpr, learner, lightgcn, sampling, trainer
from cragru.backbones.base import FactorModel
from cragru.backbones.training import train_backbone
from tests.deletion import (
    ITEMS,
    MODULES,
    OPTIONS,
    PARAMS,
    STATES,
    USERS,
    ForbiddenReadError,
    Request,
    a_request,
    as_declared,
    request_for,
    serve,
    served,
    with_original,
)

NEVER_MEET_FORGOTTEN = [
    name for name, entry in PARAMS.methods.items() if "forget" not in entry.reads
]
EXACT = [name for name, entry in PARAMS.methods.items() if not entry.reads]
APPROXIMATE = [name for name in PARAMS.methods if name not in EXACT]
FIELDS = ("user_factors", "item_factors", "user_embeddings", "item_embeddings")
EACH_BACKBONE = pytest.mark.parametrize("backbone", MODULES)
EACH_STATE = pytest.mark.parametrize("state", STATES)


@EACH_BACKBONE
@EACH_STATE
@pytest.mark.parametrize("name", PARAMS.methods)
def test_it_reads_nothing_that_its_entry_does_not_declare(name, backbone, state):
    """The reader raises; and a method that declares a thing reads it."""
    request, _ = served(name, backbone, state)
    asked = {what.partition(" ")[0] for what in request.asked} - {"shard"}
    assert request.allowed - {"original"} <= asked <= request.allowed
    for thing in asked:
        with pytest.raises(ForbiddenReadError):
            serve(
                name,
                backbone,
                dataclasses.replace(request, allowed=request.allowed - {thing}, asked=[]),
            )


class Watch:
    """Raises where a forgotten pair gets into a sampler, a graph, a mask or a training step."""

    PARTS = ("__init__", "PairSet", "NormalisedGraph", "bpr_gradient")

    def __init__(self, request, monkeypatch, parts=PARTS):
        nodes = request.users + request.items
        self.forgotten, self.met = request.forgotten_pairs(), set()
        picks = {
            "__init__": lambda self, pairs, *sizes: pairs,
            "PairSet": lambda pairs, *sizes: pairs,
            "NormalisedGraph": lambda left, right, *rest, **more: (
                left % nodes,
                right % nodes - request.users,
            ),
            "bpr_gradient": lambda factors, it, models: (
                it.users % nodes,
                it.positives % nodes - request.users,
            ),
        }
        owners = {
            "__init__": [sampling.NegativeSampler],
            "PairSet": [learner],
            "NormalisedGraph": [lightgcn],
        }
        # ids as in the data: the table of all users, of which a test of the trainer says that it changes nothing
        monkeypatch.setattr(
            trainer, "rows_with_data", lambda data: [torch.arange(own.users) for own in data]
        )
        for part in parts:
            for owner in owners.get(part, [bpr, lightgcn]):
                monkeypatch.setattr(
                    owner, part, self.watched(part, getattr(owner, part), picks[part])
                )

    def watched(self, part, original, pick):
        def looked_at(*args, **kwargs):
            self.met.add(part)
            found = self.forgotten & set(
                zip(*(side.tolist() for side in pick(*args, **kwargs)), strict=True)
            )
            if found:
                raise ForbiddenReadError(f"{part} met {len(found)} forgotten rows")
            return original(*args, **kwargs)

        return looked_at


@EACH_BACKBONE
@pytest.mark.parametrize("part", Watch.PARTS)
def test_each_part_of_the_watch_works(part, backbone, monkeypatch):
    """Who trains on the forgotten rows meets each of them; so a method that trains on none was watched."""
    request = a_request()
    watch = Watch(request, monkeypatch, [part])

    def train(data):
        return train_backbone(MODULES[backbone], backbone, data, OPTIONS[backbone], 1, "cpu")

    train(request.remain())
    used = part != "NormalisedGraph" or backbone == "lightgcn"
    assert watch.met == ({part} if used else set())
    if used:
        with pytest.raises(ForbiddenReadError, match=f"{part} met"):
            train(request.before())


def leaking(request):
    """One remaining row of each touched shard is forgotten instead: what had been forgotten is in what is trained."""
    shards = torch.zeros_like(request.train[0]) if request.shards is None else request.shards[0]
    others = torch.zeros_like(request.forgotten)
    for shard in shards[request.forgotten].unique():
        others[((shards == shard) & ~request.forgotten).nonzero()[0]] = True
    return dataclasses.replace(request, forgotten=others, asked=[])


@EACH_BACKBONE
@EACH_STATE
@pytest.mark.parametrize("name", NEVER_MEET_FORGOTTEN)
def test_no_forgotten_row_reaches_a_sampler_a_graph_a_mask_or_a_step(
    name, backbone, state, monkeypatch
):
    """Section 12.6: whoever is handed a forgotten pair after the request raises."""
    request = request_for(name, backbone, state)
    watch = Watch(request, monkeypatch)
    serve(name, backbone, request)
    if watch.met:  # a method may count instead of train
        with pytest.raises(ForbiddenReadError):
            serve(name, backbone, leaking(request))


@EACH_BACKBONE
@EACH_STATE
@pytest.mark.parametrize("name", NEVER_MEET_FORGOTTEN)
def test_what_the_forgotten_rows_say_does_not_matter(name, backbone, state):
    """P2.2: other users and items in them, the same rows left, the same partition: the same answer to the bit."""
    request, done = served(name, backbone, state)
    generator = torch.Generator().manual_seed(8)
    drawn = [
        torch.randint(size, request.forgotten.shape, generator=generator) for size in (USERS, ITEMS)
    ]
    train = tuple(
        torch.where(request.forgotten, *sides) for sides in zip(drawn, request.train, strict=True)
    )
    assert not torch.equal(train[0], request.train[0])
    other = serve(name, backbone, dataclasses.replace(request, train=train, asked=[]))
    for mine, its in [
        (done.model, other.model),
        *((done.shards[s], other.shards[s]) for s in done.shards),
    ]:
        assert all(torch.equal(getattr(mine, field), getattr(its, field)) for field in FIELDS)


@EACH_BACKBONE
@pytest.mark.parametrize(
    "name", [name for name in PARAMS.methods if name not in NEVER_MEET_FORGOTTEN]
)
def test_an_approximate_method_with_nothing_to_forget_changes_nothing(name, backbone):
    """Section 12.5: null deletion."""
    request = as_declared(name, backbone, a_request(forget=0))
    done = serve(name, backbone, request)
    assert torch.equal(done.model.user_factors, request.model.user_factors)
    assert torch.equal(done.model.item_factors, request.model.item_factors)


# Section 12.5: canaries. Twenty of sixty users have eight items each that their taste does not explain: drawn from the
# twenty of the other taste, none of which they have else. These rows are forgotten. For a model that depends on what
# remains alone, the eight are a random draw from the twenty: their AUC against the other twelve has mean 1/2 and the
# variance of Mann and Whitney, and the draws of the canaries are independent.
CANARIES, SIGNATURE, POOL = range(40, 60), 8, 20
DEVIATION = sqrt((POOL + 1) / (12 * SIGNATURE * (POOL - SIGNATURE)) / len(CANARIES))
BOUND = 3.29 * DEVIATION  # 99.9 %, for each of the tests


@cache
def canaries(draw):
    """The request, and each canary's signature and other items of its pool; draws differ in signatures alone."""
    tastes, signatures = (torch.Generator().manual_seed(seed) for seed in (4, draw))
    users, items = torch.meshgrid(torch.arange(60), torch.arange(2 * POOL), indexing="ij")
    liked = (users % 2 == items % 2) & (torch.rand(users.shape, generator=tastes) < 0.7)
    pairs = liked.nonzero()
    valid = torch.arange(len(pairs)) % 5 == 0
    pools = {
        user: torch.randperm(POOL, generator=signatures) * 2 + (user + 1) % 2 for user in CANARIES
    }
    planted = torch.tensor(
        [(user, item) for user, pool in pools.items() for item in pool[:SIGNATURE].tolist()]
    )
    train = torch.cat([pairs[~valid], planted])
    forgotten = torch.arange(len(train)) >= len(train) - len(planted)
    sides = (tuple(part.T.contiguous()) for part in (train, pairs[valid]))
    request = Request(*sides, forgotten, users=60, items=2 * POOL)
    return request, {
        user: pool.split([SIGNATURE, POOL - SIGNATURE]) for user, pool in pools.items()
    }


@cache
def with_canaries(backbone, draw):
    request, pools = canaries(draw)
    return with_original(request, backbone), pools


def membership(model, pools):
    """How each canary's signature is told from the rest of its pool, `[20]` each: AUC (a tie counts half), mean gap."""
    values = []
    for user, (signature, others) in pools.items():
        scores = model.score(torch.tensor([user]))[0].double()
        difference = scores[signature].unsqueeze(1) - scores[others]
        values.append([(difference.sign().mean().item() + 1) / 2, difference.mean().item()])
    return torch.tensor(values, dtype=torch.float64).T


@EACH_BACKBONE
def test_canaries_sing_before_the_request(backbone):
    request, pools = with_canaries(backbone, 1)
    assert membership(request.model, pools)[0].mean() > 0.5 + 1.5 * BOUND


@EACH_BACKBONE
@pytest.mark.parametrize("name", EXACT)
def test_exact_methods_silence_canaries(name, backbone):
    """The partition is given: it is learnt with another draw of the signatures, for a learnt one knows them."""
    placebo, _ = with_canaries(backbone, 2)
    request, pools = with_canaries(backbone, 1)
    request = dataclasses.replace(as_declared(name, backbone, placebo), train=request.train)
    assert abs(membership(serve(name, backbone, request).model, pools)[0].mean() - 0.5) < BOUND


@EACH_BACKBONE
@pytest.mark.parametrize("name", APPROXIMATE)
def test_approximate_methods_lower_canaries(name, backbone):
    """Sign tests over canaries at 1 % for two measures together: one falls, and none rises.

    SCIF on BPR moves a user so little at the shipped damping that its gap falls and its ranking stays.
    """
    request, pools = with_canaries(backbone, 1)
    done = serve(name, backbone, as_declared(name, backbone, request))
    changes = membership(done.model, pools) - membership(request.model, pools)
    assert min(chance_of((change < 0).sum(), (change != 0).sum()) for change in changes) < 0.01 / 2
    assert min(chance_of((change > 0).sum(), (change != 0).sum()) for change in changes) > 0.01 / 2


def chance_of(successes, trials):
    """The probability of so many heads or more."""
    return sum(comb(int(trials), k) for k in range(successes, trials + 1)) / 2 ** int(trials)


# Section 12.10 and P3.6: other names for users and items, and nothing else changes. Names matter to two draws alone,
# the first table and the negatives; both are renamed too. New modules may draw elsewhere: these are the shipped ones.
RENAMED = ("retrain", "sisa", "grapheraser", "receraser", "scif", "ifru")


class Renaming:
    """Permutations of user and item ids, for requests and models; in the draws that depend on ids once patched."""

    def __init__(self, monkeypatch):
        generator = torch.Generator().manual_seed(6)
        self.users, self.items = (
            torch.randperm(size, generator=generator) for size in (USERS, ITEMS)
        )
        self.old_users, self.old_items = self.users.argsort(), self.items.argsort()
        rows = torch.cat([self.old_users, self.old_items + USERS])
        for kind in (bpr.Bpr, lightgcn.LightGCN):
            draw = kind.initial_table
            monkeypatch.setattr(
                kind,
                "initial_table",
                lambda it, users, generator, draw=draw: draw(it, users, generator)[rows],
            )
        start, sample = sampling.NegativeSampler.__init__, sampling.NegativeSampler.sample

        def renamed_start(it, pairs, *sizes):
            start(it, (self.old_users[pairs[0]], self.old_items[pairs[1]]), *sizes)

        def renamed_sample(it, users, generator):
            return self.items[sample(it, self.old_users[users], generator)]

        monkeypatch.setattr(sampling.NegativeSampler, "__init__", renamed_start)
        monkeypatch.setattr(sampling.NegativeSampler, "sample", renamed_sample)

    def pairs(self, pairs):
        return self.users[pairs[0]], self.items[pairs[1]]

    def model(self, model):
        tables = {field: getattr(model, field) for field in FIELDS}
        old = {
            field: self.old_users if field.startswith("user") else self.old_items
            for field in FIELDS
        }
        return FactorModel(**{field: table[old[field]] for field, table in tables.items()})

    def request(self, request):
        models = None if request.models is None else [self.model(model) for model in request.models]
        model = None if request.model is None else self.model(request.model)
        train, valid = self.pairs(request.train), self.pairs(request.valid)
        return dataclasses.replace(
            request, train=train, valid=valid, model=model, models=models, asked=[]
        )


@EACH_BACKBONE
@EACH_STATE
@pytest.mark.parametrize(
    "name", [n for n, entry in PARAMS.methods.items() if entry.module.split(".")[-1] in RENAMED]
)
def test_other_names_change_nothing(name, backbone, state, monkeypatch):
    """A shard that numbered its users or items anew would fail, were it right by itself."""
    request, done = served(name, backbone, state)
    renaming = Renaming(monkeypatch)
    other = serve(name, backbone, renaming.request(request))
    for mine, its in [
        (done.model, other.model),
        *((done.shards[s], other.shards[s]) for s in done.shards),
    ]:
        wanted = renaming.model(mine)
        assert all(torch.allclose(getattr(its, f), getattr(wanted, f), atol=1e-5) for f in FIELDS)
