"""What every metric of `METRICS` and `LIST_METRICS` must hold to; a new entry there is tested without a change here."""

import numpy as np
import pytest
import torch

from cragru.evaluation.list_metrics import LIST_METRICS, NOBODY, Recommended
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


# --- of whole lists

EACH_OF_LISTS = pytest.mark.parametrize("name", LIST_METRICS)


@pytest.fixture(scope="module")
def recommended():
    """Lists of ten of 60 users, some shorter, from a catalogue of 80 items of which many were in nobody's training."""
    rng = np.random.default_rng(1)
    items = np.stack([rng.permutation(80)[:10] for _ in range(60)])
    items[::7, 6:] = NOBODY
    return Recommended(items, rng.integers(0, 50, 80) * (np.arange(80) % 3 > 0), 50)


def of_first(recommended, k):
    return Recommended(
        recommended.items[:, :k], recommended.training_rows, recommended.training_users
    )


@EACH_OF_LISTS
def test_it_gives_a_number_of_all_lists(name, recommended):
    values = [LIST_METRICS[name].function(of_first(recommended, k)) for k in (1, 5, 10)]
    assert all(type(value) is float and np.isfinite(value) for value in values)
    assert len(set(values)) == 3


@EACH_OF_LISTS
def test_names_of_users_and_items_do_not_matter(name, recommended):
    """The same lists in another order of users, and of a catalogue that is numbered otherwise."""
    value = LIST_METRICS[name].function
    rng = np.random.default_rng(2)
    number = rng.permutation(80)
    training = np.empty_like(recommended.training_rows)
    training[number] = recommended.training_rows
    items = np.where(recommended.items == NOBODY, NOBODY, number[recommended.items])
    others = Recommended(rng.permutation(items), training, recommended.training_users)
    assert value(others) == pytest.approx(value(recommended), abs=1e-12)


@EACH_OF_LISTS
def test_it_changes_nothing_and_places_without_an_item_do_not_count(name, recommended):
    value = LIST_METRICS[name].function
    before = recommended.items.copy(), recommended.training_rows.copy()
    wider = np.pad(recommended.items, ((0, 0), (0, 5)), constant_values=NOBODY)
    longer = Recommended(wider, recommended.training_rows, recommended.training_users)
    assert value(longer) == pytest.approx(value(recommended), abs=1e-12)
    assert np.array_equal(recommended.items, before[0])
    assert np.array_equal(recommended.training_rows, before[1])


@EACH_OF_LISTS
def test_the_name_and_label_of_a_list_metric_are_its_own(name):
    assert name not in COLUMNS | METRICS.keys()
    assert [metric.label for metric in LIST_METRICS.values()].count(LIST_METRICS[name].label) == 1
