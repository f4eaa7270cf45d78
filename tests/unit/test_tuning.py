"""The choice of learning rate and patience: what is trained with them, what judges, what is chosen."""

import dataclasses

import pandas as pd
import pytest
import torch

from cragru.backbones.learner import Validator
from cragru.unlearning import retrain, sisa, tuning
from cragru.unlearning.options import ShardOptions
from cragru.unlearning.tuning import choose, search
from tests.deletion import OPTIONS, a_context, a_request, with_user_shards

CPU = torch.device("cpu")
SHARDS = {"shards": 3, "least_batch": 16}
RATES, PATIENCES = (0.02, 0.2), (1, 4)


def asked(method, **shard_options):
    """A request on BPR, of up to forty epochs; SISA has three shards of it."""
    options = OPTIONS["bpr"].model_copy(update={"epochs": 40})
    request = a_request() if method is retrain else with_user_shards(a_request(), 3)
    own = {} if method is retrain else SHARDS | shard_options
    return a_context(request, "bpr", own, options)


def with_values(context, method, rate, patience):
    """The request with both as a person would set them: of the shards, or of the backbone."""
    values = {"learning_rate": rate, "patience": patience}
    if method is sisa:
        return dataclasses.replace(context, method_options=context.method_options | values)
    return dataclasses.replace(context, options=context.options.model_copy(update=values))


@pytest.mark.parametrize("method", [retrain, sisa], ids=["retrain", "sisa"])
def test_each_pair_is_served_and_judged_on_validation_rows(method):
    context = asked(method)
    frame = search(context, method, RATES, PATIENCES)
    assert [*frame.columns] == ["learning_rate", "patience", "ndcg", "steps", "cpu_seconds"]
    pairs = [(rate, patience) for rate in RATES for patience in PATIENCES]
    assert [*zip(frame["learning_rate"], frame["patience"], strict=True)] == pairs
    validator = Validator(context.remain, CPU)
    for row in frame.itertuples():
        done = method.unlearn(with_values(context, method, row.learning_rate, row.patience))
        assert row.ndcg == validator.ndcg(done.model).item()
        assert row.steps == done.cost.optimiser_steps
        assert row.cpu_seconds > 0
    assert frame["ndcg"].nunique() > 1
    patient = frame.groupby("patience")["steps"].sum()
    assert patient[4] > patient[1]


@pytest.mark.parametrize("method", [retrain, sisa], ids=["retrain", "sisa"])
def test_what_the_request_has_set_is_not_looked_at(method):
    plain = asked(method)
    other = with_values(plain, method, 0.5, 2)
    one, two = (
        search(context, method, (0.02,), (1,)).drop(columns="cpu_seconds")
        for context in (plain, other)
    )
    pd.testing.assert_frame_equal(one, two)


def test_shards_have_the_backbones_rate_and_patience_unless_given_their_own():
    backbone = OPTIONS["bpr"]
    plain = ShardOptions(shards=3).training(backbone)
    assert plain == backbone
    own = ShardOptions(shards=3, learning_rate=0.5, patience=2).training(backbone)
    assert (own.learning_rate, own.patience) == (0.5, 2)
    assert own.model_copy(update={"learning_rate": 0.02, "patience": 5}) == backbone
    assert ShardOptions(shards=3, patience=2).training(backbone).learning_rate == 0.02


def test_a_shards_patience_reaches_its_training():
    """A shard may go on for so many epochs without a better one; the next ends it, as in RecBole."""
    for patience in (1, 4):
        done = sisa.unlearn(asked(sisa, learning_rate=0.2, patience=patience))
        curve = pd.DataFrame([(epoch.model, epoch.epoch, epoch.valid_ndcg) for epoch in done.curve])
        curve.columns = ["model", "epoch", "ndcg"]
        assert curve["model"].nunique() == 3
        for _, own in curve.groupby("model"):
            best = own.loc[own["ndcg"] == own["ndcg"].max(), "epoch"].max()  # an equal one counts
            last = own["epoch"].max()
            assert last < 40
            assert last - best == patience + 1


def test_the_largest_ndcg_is_chosen_and_of_equal_ones_the_first():
    pairs = [(rate, patience) for rate in tuning.RATES for patience in tuning.PATIENCES]
    frame = pd.DataFrame(pairs, columns=["learning_rate", "patience"])
    assert len(frame) == 6
    chosen = choose(frame.assign(ndcg=[0.1, 0.2, 0.3, 0.2, 0.3, 0.1]))
    assert chosen == (0.002, 10)
    assert [*map(type, chosen)] == [float, int]
