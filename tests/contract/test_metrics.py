"""What every metric of `METRICS` must hold to; a new entry there is tested without a change here."""

import pytest
import torch

from cragru.evaluation.metrics import BINARY, CUTOFFS, METRICS

COLUMNS = {
    "user",
    "mask",
    "k",
    "group",
    "variant",
    "relevant",
    "seed",
}  # of per-user files and of tables
EACH = pytest.mark.parametrize("name", METRICS)


@pytest.fixture(scope="module")
def users():
    """Lists of twenty for users with one relevant item to forty: hits, and how many items are relevant."""
    generator = torch.Generator().manual_seed(1)
    relevant = torch.arange(1, 41).repeat(5)
    hits = torch.rand(len(relevant), 20, generator=generator) < 0.3
    hits &= hits.cumsum(dim=1) <= relevant.unsqueeze(1)  # no more hits than relevant items
    hits[::9] = False
    return hits, relevant


@EACH
def test_it_gives_a_number_from_0_to_1_for_every_user(name, users):
    for k in CUTOFFS:
        values = METRICS[name].function(*users, k)
        assert values.shape == users[1].shape
        assert values.dtype == torch.float64
        assert ((values >= 0) & (values <= 1 + 1e-12)).all()  # a missing value fails as well
        assert len(set(values.tolist())) > 1
        if METRICS[name].test == BINARY:
            assert set(values.tolist()) <= {0, 1}


@EACH
def test_more_is_better(name, users):
    """A list without a hit has 0; the same hits further up, or a further one, never lower the value."""
    hits, relevant = users
    first = hits.sort(dim=1, descending=True).values
    for k in CUTOFFS:
        value = METRICS[name].function
        assert not value(torch.zeros_like(hits), relevant, k).any()
        assert (value(first, relevant, k) >= value(hits, relevant, k) - 1e-12).all()
        room = hits.sum(dim=1) < relevant
        more = hits[room].clone()
        more[torch.arange(len(more)), (~more).int().argmax(dim=1)] = True
        assert (
            value(more, relevant[room], k) >= value(hits[room], relevant[room], k) - 1e-12
        ).all()


@EACH
def test_it_looks_at_the_first_k_of_each_user_alone(name, users):
    hits, relevant = users
    value = METRICS[name].function
    for k in CUTOFFS:
        whole = value(hits, relevant, k)
        others = hits.clone()
        others[:, k:] = False
        assert torch.equal(value(others, relevant, k), whole)
        for row in (7, 99):
            alone = value(hits[row : row + 1], relevant[row : row + 1], k)
            assert alone.item() == pytest.approx(whole[row].item(), abs=1e-12)


@EACH
def test_places_beyond_a_short_list_hold_no_hit(name, users):
    hits, relevant = users
    longer = torch.cat([hits[:, :3], torch.zeros(len(hits), 17, dtype=torch.bool)], dim=1)
    value = METRICS[name].function
    assert torch.equal(value(hits[:, :3], relevant, 20), value(longer, relevant, 20))


@EACH
def test_its_name_and_label_are_its_own(name):
    assert name not in COLUMNS
    assert [metric.label for metric in METRICS.values()].count(METRICS[name].label) == 1
