"""Shards and SISA: who is trained anew, on what, and that nothing else moves (properties P3.1 to P3.6)."""

import dataclasses

import pytest
import torch

from cragru.backbones import training
from cragru.backbones.learner import Learner
from cragru.backbones.training import train_backbone
from cragru.core.clock import total
from cragru.core.errors import CragruError
from cragru.plugins.options import read_options
from cragru.unlearning import retrain, sharding, sisa
from cragru.unlearning.options import ShardOptions
from cragru.unlearning.sharding import cut, deploy, renew, shard_task, train_shards
from tests.deletion import (
    ITEMS,
    MODULES,
    OPTIONS,
    USERS,
    a_context,
    a_request,
    of_one_user,
    refused_option,
    with_user_shards,
)
from tests.refusals import refused

SHARDS = {"shards": 3, "learning_rate": 0.02, "least_batch": 16}
CPU = torch.device("cpu")
FIELDS = ("user_factors", "item_factors", "user_embeddings", "item_embeddings")


def same(one, other):
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in FIELDS)


def deployed(request, backbone="bpr"):
    """The request with its shards trained ahead of it."""
    nothing = dataclasses.replace(request, forgotten=torch.zeros_like(request.forgotten))
    trained = deploy(a_context(nothing, backbone, SHARDS))
    return dataclasses.replace(request, models=[training.model for training in trained], asked=[])


def shard_data(request, shard):
    """What is left of a shard, by a loop over rows."""
    rows = zip(*request.train, request.shards[0].tolist(), request.forgotten.tolist(), strict=True)
    return [(int(u), int(i)) for u, i, s, gone in rows if s == shard and not gone]


def alone(request, shard, backbone="bpr"):
    """The training of a shard by itself, on data picked by hand under the ids of everything."""
    pairs = torch.tensor(shard_data(request, shard)).T
    valid = tuple(side[request.shards[1] == shard] for side in request.valid)
    data = dataclasses.replace(request.before(), train=tuple(pairs), valid=valid)
    options = OPTIONS[backbone].model_copy(update={"batch_size": 16})
    name = f"{backbone}-shard-{shard}" if shard else backbone
    return train_backbone(MODULES[backbone], name, data, options, 1, "cpu")[0]


def three_epochs(learner):
    """Users, items and negatives of a learner's first epochs."""
    drawn = torch.empty(3, 3, len(learner.data.train[0]), dtype=torch.int64)
    for epoch in drawn:
        learner.draw(epoch)
    return drawn


@pytest.mark.parametrize("backbone", MODULES)
def test_one_shard_is_retrain_to_the_bit(backbone):
    """P3.1; scores are the model's."""
    request = with_user_shards(a_request(), 1)
    options = {"shards": 1, "learning_rate": OPTIONS[backbone].learning_rate}
    done = sisa.unlearn(a_context(request, backbone, options))
    wanted = retrain.unlearn(a_context(request, backbone, {})).model
    assert same(done.shards[0], wanted)
    users = torch.arange(USERS)
    assert torch.equal(done.model.score(users), wanted.score(users))


@pytest.mark.parametrize("backbone", MODULES)
def test_only_the_shard_of_the_forgotten_is_trained(backbone):
    """P3.2, P3.3: a touched shard is what its remaining rows alone make, an untouched one is what was deployed."""
    request = deployed(of_one_user(with_user_shards(a_request(), 3), 5), backbone)  # 5 // 2 % 3 = 2
    renewed = renew(a_context(request, backbone, SHARDS), read_options(ShardOptions, SHARDS))
    assert (list(renewed.new), renewed.cost.shards_touched) == ([2], 1)
    spared = [model is before for model, before in zip(renewed.models, request.models, strict=True)]
    assert spared == [True, True, False]
    assert request.asked == ["deployed", "shard 0", "shard 1"]
    wanted = alone(request, 2, backbone)
    assert same(renewed.new[2], wanted.model)
    assert renewed.cost.optimiser_steps == wanted.steps
    assert {epoch.model for epoch in renewed.curve} == {f"{backbone}-shard-2"}


def test_forgetting_nothing_trains_nothing():
    request = deployed(with_user_shards(a_request(forget=0), 3))
    renewed = renew(a_context(request, "bpr", SHARDS), read_options(ShardOptions, SHARDS))
    assert renewed.new == {}
    assert renewed.cost.shards_touched == renewed.cost.optimiser_steps == 0
    assert all(
        model is before for model, before in zip(renewed.models, request.models, strict=True)
    )


def test_a_validation_row_that_leaves_touches_its_shard():
    """Its early stop had looked at it."""
    request = deployed(with_user_shards(a_request(forget=0), 3))
    kept = request.valid[0] != 5

    class Left(type(request)):
        def remain(self):
            return dataclasses.replace(
                self.before(), valid=tuple(side[kept] for side in self.valid)
            )

        def rows(self):
            train, valid = super().rows()
            return train, valid[kept]

    values = {field.name: getattr(request, field.name) for field in dataclasses.fields(request)}
    renewed = renew(a_context(Left(**values), "bpr", SHARDS), read_options(ShardOptions, SHARDS))
    assert list(renewed.new) == [2]


def test_one_by_one_the_longest_counts_and_together_there_is_no_longest(monkeypatch):
    request = with_user_shards(a_request(), 3)
    one_by_one = sisa.unlearn(a_context(request, "bpr", SHARDS)).cost
    for module in (sharding, training):
        monkeypatch.setattr(module, "train_side_by_side", lambda device: True)  # as on a GPU
    together = sisa.unlearn(a_context(request, "bpr", SHARDS)).cost
    assert (together.parallel, together.shards_touched) == (None, 3)
    longest, whole = one_by_one.parallel, one_by_one.sequential
    assert 0 < longest.wall < whole.wall and 0 < longest.cpu < whole.cpu
    assert one_by_one.optimiser_steps == together.optimiser_steps
    assert whole == total(one_by_one.stages.values())


def test_more_shards_touched_more_steps():
    """Section 12.8."""
    request = deployed(with_user_shards(a_request(forget=0), 3))
    steps = []
    for users in ([0], [0, 2], [0, 2, 4]):
        forgotten = torch.isin(request.train[0], torch.tensor(users))
        now = dataclasses.replace(request, forgotten=forgotten)
        steps.append(sisa.unlearn(a_context(now, "bpr", SHARDS)).cost.optimiser_steps)
    assert steps == sorted(set(steps))


@pytest.mark.parametrize("backbone", MODULES)
def test_a_row_of_one_shard_moves_no_other(backbone):
    """Section 12.7: another row in shard 0, and shards 1 and 2 are the same to the bit, their negatives too."""
    request = with_user_shards(a_request(forget=0), 3)
    place = int((request.shards[0] == 0).nonzero()[0])
    items = request.train[1].clone()
    taken = set(items[request.train[0] == request.train[0][place]].tolist())
    items[place] = next(item for item in range(ITEMS) if item not in taken)
    moved = dataclasses.replace(request, train=(request.train[0], items))
    options = read_options(ShardOptions, SHARDS)
    draws, models = [], []
    for state in (request, moved):
        context, pieces = a_context(state, backbone, SHARDS), cut(state.before(), state.shards, 3)
        learners = [
            Learner(shard_task(own, backbone, shard, options, 64), 1, CPU)
            for shard, own in enumerate(pieces)
        ]
        draws.append([three_epochs(learner) for learner in learners])
        models.append(
            [train_shards(pieces, [shard], context, options)[shard].model for shard in range(3)]
        )
    assert [torch.equal(*pair) for pair in zip(*draws, strict=True)] == [False, True, True]
    assert [same(*pair) for pair in zip(*models, strict=True)] == [False, True, True]


@pytest.mark.parametrize("backbone", MODULES)
def test_a_shard_is_what_it_would_have_become_alone(backbone):
    """On a CPU to the bit; side by side up to rounding, which tests/unit/test_trainer.py holds."""
    request = with_user_shards(a_request(forget=0), 3)
    for shard, model in enumerate(deployed(request, backbone).models):
        assert same(model, alone(request, shard, backbone).model)


def test_shards_partition_the_data():
    """P3.4."""
    request = with_user_shards(a_request(), 3)
    pieces = cut(request.before(), request.shards, 3)
    for part in ("train", "valid"):
        sides = [
            torch.cat([getattr(piece, part)[side] for piece in pieces]).tolist() for side in (0, 1)
        ]
        wanted = [side.tolist() for side in getattr(request, part)]
        assert sorted(zip(*sides, strict=True)) == sorted(zip(*wanted, strict=True))
    assert all((piece.users, piece.items) == (40, 30) for piece in pieces)


@pytest.mark.parametrize("rule", ["mask", "mean", "zero"])
def test_scores_are_the_shards_scores_by_id(rule):
    """P3.6: id by id from models of each shard's rows alone; a shard that numbered its users anew would fail."""
    request = with_user_shards(a_request(), 3)
    got = sisa.unlearn(a_context(request, "bpr", SHARDS | {"missing": rule})).model.score(
        torch.arange(USERS)
    )
    own = torch.stack(
        [alone(request, shard).model.score(torch.arange(USERS)) for shard in range(3)]
    )
    for user in range(USERS):
        shard = user // 2 % 3
        wanted = {"mask": own[shard, user], "mean": own[:, user].mean(dim=0)}
        wanted["zero"] = torch.zeros(ITEMS)
        for item in {item for _, item in shard_data(request, shard)}:
            wanted["zero"][item] = own[shard, user, item] / 3
        assert torch.allclose(got[user], wanted[rule], atol=1e-5)


def test_partition_of_other_rows_is_an_error():
    request = with_user_shards(a_request(), 3)

    class Other(type(request)):
        def rows(self):
            train, valid = super().rows()
            return train + 1000, valid

    values = {field.name: getattr(request, field.name) for field in dataclasses.fields(request)}
    with refused(place="partition", got=1000):
        sisa.unlearn(a_context(Other(**values), "bpr", SHARDS))


def test_a_request_that_empties_a_shard_is_an_error():
    request = with_user_shards(a_request(), 20)
    gone = torch.isin(request.train[0], torch.tensor([6, 7]))
    emptied = dataclasses.replace(request, forgotten=gone)
    with pytest.raises(CragruError, match=r"^bpr-shard-3:"):
        sisa.unlearn(a_context(emptied, "bpr", {"shards": 20, "learning_rate": 0.02}))


def test_a_user_without_rows_is_scored_by_all_shards_and_spoils_nobody():
    request = with_user_shards(a_request(), 3)
    left = sisa.unlearn(a_context(of_one_user(request, 5), "bpr", SHARDS)).model
    assert torch.isfinite(left.score(torch.arange(USERS))).all()


def test_batches_of_shards():
    options = ShardOptions(shards=10, learning_rate=0.005)
    data = a_request().before()
    assert shard_task(data, "bpr", 0, options, 2048).name == "bpr"
    assert shard_task(data, "bpr", 4, options, 2048).name == "bpr-shard-4"
    sizes = {2_560: 256, 60_000: 2_000, 90_000: 2_048}
    for rows, wanted in sizes.items():
        long = dataclasses.replace(data, train=(torch.zeros(rows, dtype=torch.int64),) * 2)
        assert shard_task(long, "bpr", 0, options, 2048).batch_size == wanted


@pytest.mark.parametrize(
    ("wrong", "name", "facts"),
    [
        ({"shard": 3}, "shard", ["shards", "allowed:"]),
        ({"steps": 2.5}, "steps", [2.5, "Input should be a valid integer"]),
        ({"missing": "median"}, "missing", ["median", "'mean'?", "allowed: mask, mean, zero"]),
    ],
)
def test_bad_options(wrong, name, facts):
    with refused_option("sisa", name, *facts):
        sisa.unlearn(a_context(with_user_shards(a_request(), 3), "bpr", SHARDS | wrong))


def test_a_missing_option():
    with pytest.raises(CragruError, match=r"^cragru.unlearning.sisa:\s+shards:"):
        sisa.unlearn(a_context(with_user_shards(a_request(), 3), "bpr", {"learning_rate": 0.1}))
