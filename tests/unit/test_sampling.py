"""Negatives: never a training positive, every other item equally likely."""

import pytest
import torch
from refusals import refused

from cragru.backbones import sampling
from cragru.backbones.sampling import NegativeSampler


@pytest.fixture(params=["dense", "sorted"])
def engine(request, monkeypatch):
    """Both ways of looking a pair up."""
    if request.param == "sorted":
        monkeypatch.setattr(sampling, "DENSE_LIMIT", 0)
    return request.param


POSITIVES = (torch.tensor([0, 0, 0, 1, 2]), torch.tensor([0, 1, 2, 4, 0]))


def test_only_items_the_user_has_not(engine):
    sampler = NegativeSampler(POSITIVES, users=4, items=5)
    users = torch.tensor([0, 1, 2, 3]).repeat(2000)
    drawn = sampler.sample(users, torch.Generator().manual_seed(1))
    seen = {user: set(drawn[users == user].tolist()) for user in range(4)}
    assert seen == {0: {3, 4}, 1: {0, 1, 2, 3}, 2: {1, 2, 3, 4}, 3: {0, 1, 2, 3, 4}}


def test_uniform_over_the_rest(engine):
    """Chi-square over user 1's four negatives; 16.3 is the 99.9 % point for three degrees of freedom."""
    sampler = NegativeSampler(POSITIVES, users=4, items=5)
    drawn = sampler.sample(torch.ones(20_000, dtype=torch.int64), torch.Generator().manual_seed(7))
    counts = torch.bincount(drawn, minlength=5)[:4].double()
    assert float(((counts - 5000) ** 2 / 5000).sum()) < 16.3


def test_both_engines_draw_the_same(monkeypatch):
    users = torch.randint(4, (500,), generator=torch.Generator().manual_seed(2))
    dense = NegativeSampler(POSITIVES, 4, 5).sample(users, torch.Generator().manual_seed(3))
    monkeypatch.setattr(sampling, "DENSE_LIMIT", 0)
    assert torch.equal(
        dense, NegativeSampler(POSITIVES, 4, 5).sample(users, torch.Generator().manual_seed(3))
    )


def test_a_user_with_every_item_is_refused(engine):
    full = (torch.zeros(3, dtype=torch.int64), torch.arange(3))
    with refused(place="user 0"):
        NegativeSampler(full, users=2, items=3)


def test_a_repeated_row_is_one_positive(engine):
    twice = (torch.tensor([0, 0]), torch.tensor([1, 1]))
    drawn = NegativeSampler(twice, users=1, items=2).sample(
        torch.zeros(50, dtype=torch.int64), torch.Generator()
    )
    assert set(drawn.tolist()) == {0}
