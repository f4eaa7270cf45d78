"""Retrain and its further trainings: which random streams they have."""

from dataclasses import replace

import pytest
import torch

from cragru.backbones.training import train_backbone
from cragru.unlearning.retrain import unlearn
from tests.deletion import MODULES, OPTIONS, PARAMS, a_context, a_request

EACH_BACKBONE = pytest.mark.parametrize("backbone", MODULES)


@pytest.fixture(scope="module")
def request_():
    return a_request()


def retrained(request, backbone, seed=1, name=None, **options):
    """Retrain's model; `name` is that of the backbone, where it is another than the module's."""
    update = {"epochs": 2, **options}
    context = a_context(request, backbone, {}, OPTIONS[backbone].model_copy(update=update))
    return unlearn(replace(context, seed=seed, backbone=name or backbone)).model


def same(first, second):
    return torch.equal(first.user_factors, second.user_factors) and torch.equal(
        first.item_factors, second.item_factors
    )


@EACH_BACKBONE
def test_it_has_the_originals_streams(request_, backbone):
    options = OPTIONS[backbone].model_copy(update={"epochs": 2})
    plain, _ = train_backbone(MODULES[backbone], backbone, request_.remain(), options, 1, "cpu")
    assert same(retrained(request_, backbone), plain.model)


@EACH_BACKBONE
def test_a_further_training_has_streams_of_its_own(request_, backbone):
    """They come from the backbone's name, as a run writes it; the option itself changes no number."""
    plain = retrained(request_, backbone)
    again = [
        retrained(request_, backbone, name=f"{backbone}@training={number}", training=number)
        for number in (1, 2)
    ]
    assert not same(plain, again[0])
    assert not same(*again)
    assert same(plain, retrained(request_, backbone, training=1))
    assert same(again[0], retrained(request_, backbone, name=f"{backbone}@training=1"))


def test_it_has_no_options():
    assert PARAMS.methods["retrain"].options == {}
    assert PARAMS.methods["retrain"].reads == []
