"""A request served several times: the median run, its spread, and the same model each time."""

import importlib
import json

import pytest
import torch

from cragru.core.clock import Seconds
from cragru.unlearning.base import Cost, Unlearned
from cragru.unlearning.repeats import unlearn_repeatedly
from tests.deletion import PARAMS, a_context, own_options, request_for

SPANS = [Seconds(1, 4.5), Seconds(4, 1.5), Seconds(2, 3)]


def of(spans, device="cpu"):
    """A method that takes these spans, one a call."""
    left = list(spans)

    def unlearn(context):
        span = left.pop(0)
        return Unlearned(None, Cost(span, span, 1, 1, 0, device, {"train": span}))

    return unlearn


@pytest.mark.parametrize(("device", "middle"), [("cpu", SPANS[2]), ("cuda", SPANS[2])])
def test_the_cost_is_the_median_runs(device, middle):
    cost = unlearn_repeatedly(of(SPANS, device), None, 3).cost
    assert cost.sequential == cost.parallel == cost.stages["train"] == middle
    assert cost.measured == tuple(SPANS)


def test_the_median_is_of_the_seconds_that_count():
    spans = [Seconds(1, 4.5), Seconds(2, 1.5), Seconds(3, 2)]
    assert unlearn_repeatedly(of(spans), None, 3).cost.sequential == spans[2]
    assert unlearn_repeatedly(of(spans, "cuda"), None, 3).cost.sequential == spans[1]


@pytest.mark.parametrize(
    ("first", "device", "runs"),
    [
        (Seconds(30, 4.9), "cpu", 3),
        (Seconds(5, 5), "cpu", 1),
        (Seconds(5, 1), "cuda", 1),
        (Seconds(4, 30), "cuda", 3),
    ],
)
def test_what_takes_long_is_measured_once(first, device, runs):
    cost = unlearn_repeatedly(of([first, *SPANS], device), None, 3).cost
    assert len(cost.measured) == runs


def test_one_run_is_enough_where_one_is_asked_for():
    assert unlearn_repeatedly(of(SPANS), None, 1).cost.sequential == SPANS[0]


def test_what_cost_json_holds():
    cost = unlearn_repeatedly(of(SPANS), None, 3).cost.as_dict()
    assert cost == json.loads(json.dumps(cost))
    assert cost == {
        "seconds_sequential": 2,
        "seconds_parallel": 2,
        "cpu_seconds_sequential": 3,
        "cpu_seconds_parallel": 3,
        "shards_touched": 1,
        "optimiser_steps": 1,
        "hessian_products": 0,
        "device": "cpu",
        "stages": {"train": 2},
        "cpu_stages": {"train": 3},
        "repeats": 3,
        "spread": {"seconds_sequential": [1, 4], "cpu_seconds_sequential": [1.5, 4.5]},
    }


def test_one_run_has_a_spread_without_width():
    cost = Cost(Seconds(2, 1), None, 3, 0, 0, "cpu").as_dict()
    assert (cost["repeats"], cost["seconds_parallel"], cost["cpu_seconds_parallel"]) == (
        1,
        None,
        None,
    )
    assert cost["spread"] == {"seconds_sequential": [2, 2], "cpu_seconds_sequential": [1, 1]}


@pytest.mark.parametrize("backbone", ["bpr", "lightgcn"])
@pytest.mark.parametrize("name", ["retrain", "sisa-users", "receraser-ubp", "scif", "ifru"])
def test_every_run_works_anew_and_has_the_same_model(name, backbone):
    """Equal steps, products and models each time: no run profits from one before."""
    request, method = request_for(name, backbone, "one-user"), PARAMS.methods[name]
    kept = []

    def unlearn(context):
        kept.append(importlib.import_module(method.module).unlearn(context))
        return kept[-1]

    context = a_context(request, backbone, own_options(name))
    done = unlearn_repeatedly(unlearn, context, 3)
    assert len(kept) == len(done.cost.measured) == 3
    for one in kept:
        for field in ("user_factors", "item_factors"):
            assert torch.equal(getattr(one.model, field), getattr(kept[0].model, field))
        assert one.cost.optimiser_steps == kept[0].cost.optimiser_steps
        assert one.cost.hessian_products == kept[0].cost.hessian_products
        assert one.cost.shards_touched == kept[0].cost.shards_touched
        assert one.facts == kept[0].facts
