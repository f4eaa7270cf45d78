"""Retrain and its second training: which random streams they have."""

from dataclasses import replace

import pytest
import torch

from cragru.backbones.training import train_backbone
from cragru.core.errors import CragruError
from cragru.unlearning.retrain import unlearn
from tests.deletion import MODULES, OPTIONS, PARAMS, a_context, a_request

EACH_BACKBONE = pytest.mark.parametrize("backbone", MODULES)


@pytest.fixture(scope="module")
def request_():
    return a_request()


def retrained(request, backbone, seed=1, **options):
    context = replace(
        a_context(request, backbone, options, OPTIONS[backbone].model_copy(update={"epochs": 2})),
        seed=seed,
    )
    return unlearn(context).model


def same(first, second):
    return torch.equal(first.user_factors, second.user_factors) and torch.equal(
        first.item_factors, second.item_factors
    )


@EACH_BACKBONE
def test_without_an_offset_it_has_the_originals_streams(request_, backbone):
    options = OPTIONS[backbone].model_copy(update={"epochs": 2})
    plain, _ = train_backbone(MODULES[backbone], backbone, request_.remain(), options, 1, "cpu")
    assert same(retrained(request_, backbone), plain.model)
    assert same(retrained(request_, backbone, seed_offset=0), plain.model)


@EACH_BACKBONE
def test_an_offset_is_another_seed(request_, backbone):
    replicate = retrained(request_, backbone, seed_offset=41)
    assert not same(replicate, retrained(request_, backbone))
    assert same(replicate, retrained(request_, backbone, seed=42))


def test_the_shipped_entry_differs_from_retrain_in_its_streams_alone(request_):
    entries = [PARAMS.methods[name] for name in ("retrain", "retrain-replicate")]
    assert entries[0].module == entries[1].module
    assert entries[0].reads == entries[1].reads == []
    assert [*entries[1].options] == ["seed_offset"]
    offset = entries[1].options["seed_offset"]
    assert offset > 1000  # no seed of a run, to which it is added, meets another's
    assert not same(retrained(request_, "bpr", **entries[1].options), retrained(request_, "bpr"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"offset": 1}, "cragru.unlearning.retrain: options.offset: unknown key, got 'offset' ("),
        (
            {"seed_offset": "1"},
            "cragru.unlearning.retrain: options.seed_offset: Input should be a valid integer, got '1'",
        ),
        (
            {"seed_offset": True},
            "cragru.unlearning.retrain: options.seed_offset: Input should be a valid integer, got True",
        ),
        (
            {"seed_offset": 1.5},
            "cragru.unlearning.retrain: options.seed_offset: Input should be a valid integer, got 1.5",
        ),
    ],
)
def test_a_slip_in_the_options_is_an_error(request_, options, message):
    with pytest.raises(CragruError) as caught:
        retrained(request_, "bpr", **options)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
