"""Full ranking, HR and NDCG: by hand, by brute force, and RecBole's own numbers."""

import json
import math
from pathlib import Path

import pytest
import torch

from cragru.ranking.full import PairSet, best_items, pair_mask, top_items
from cragru.ranking.hits import hit_ratio, ndcg

DATA = Path(__file__).parents[1] / "data"
CASES = json.loads((DATA / "recbole_metrics_cases.json").read_text())
GOLDEN = json.loads((DATA / "recbole_metrics_golden.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_equal_to_recbole(case):
    """The golden file holds RecBole 1.2.1's `Hit` and `NDCG` (tests/benchmarks/recbole_metrics.py made it)."""
    hits = torch.tensor(
        [
            [item in set(good) for item in ranked]
            for ranked, good in zip(case["ranked"], case["relevant"], strict=True)
        ]
    )
    counts = torch.tensor([len(good) for good in case["relevant"]])
    for k in case["ks"]:
        golden = GOLDEN[case["name"]]
        assert hit_ratio(hits, k).tolist() == pytest.approx(golden[f"hr@{k}"], abs=1e-6)
        assert ndcg(hits, counts, k).tolist() == pytest.approx(golden[f"ndcg@{k}"], abs=1e-6)


def test_three_users_by_hand():
    hits = torch.tensor([[True, False, False], [False, False, True], [False, False, False]])
    relevant = torch.tensor([1, 3, 2])
    assert hit_ratio(hits, 3).tolist() == [1, 1, 0]
    assert hit_ratio(hits, 1).tolist() == [1, 0, 0]
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(hits, relevant, 3).tolist() == pytest.approx(
        [1, (1 / math.log2(4)) / ideal, 0], abs=1e-12
    )


def brute_force(scores, masked, relevant, k):
    """One user, by sorting."""
    left = [
        item
        for item in sorted(range(len(scores)), key=lambda item: -scores[item])
        if not masked[item]
    ][:k]
    gained = sum(1 / math.log2(place + 2) for place, item in enumerate(left) if relevant[item])
    ideal = sum(1 / math.log2(place + 2) for place in range(min(sum(relevant), k)))
    return float(any(relevant[item] for item in left)), gained / ideal


def test_against_brute_force_on_random_scores():
    generator = torch.Generator().manual_seed(1)
    scores = torch.rand(50, 80, generator=generator, dtype=torch.float64)
    roles = torch.randint(4, (50, 80), generator=generator)  # 0, 1: nothing, 2: seen, 3: relevant
    masked, relevant = roles == 2, roles == 3
    best, ranked = top_items(scores.clone(), masked, 20)
    hits = relevant.gather(1, best) & ranked
    for k in (1, 3, 5, 10, 20):
        wanted = [
            brute_force(*user, k)
            for user in zip(scores.tolist(), masked.tolist(), relevant.tolist(), strict=True)
        ]
        assert hit_ratio(hits, k).tolist() == [hit for hit, _ in wanted]
        assert ndcg(hits, relevant.sum(1), k).tolist() == pytest.approx(
            [value for _, value in wanted], abs=1e-12
        )


def test_masked_items_never_count_where_too_few_are_left():
    """Two items left and K = 5: the three masked ones fill the list but are no hits, relevant or not."""
    scores = torch.tensor([[5.0, 4.0, 3.0, 2.0, 1.0]])
    masked = torch.tensor([[True, True, True, False, False]])
    relevant = torch.tensor([[True, False, False, False, True]])
    best, ranked = top_items(scores, masked, 5)
    hits = relevant.gather(1, best) & ranked
    assert best[0, :2].tolist() == [3, 4]
    assert hits.tolist() == [[False, True, False, False, False]]


def test_a_list_longer_than_the_catalogue():
    best, ranked = top_items(torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2, dtype=torch.bool), 20)
    assert best.tolist() == [[1, 0]]
    hits = torch.tensor([[False, True]]) & ranked
    assert ndcg(hits, torch.tensor([1]), 20).item() == pytest.approx(1 / math.log2(3))


def test_all_that_is_left_is_relevant():
    hits = torch.ones(1, 20, dtype=torch.bool)
    assert [ndcg(hits, torch.tensor([30]), k).item() for k in (1, 5, 20)] == pytest.approx(
        [1, 1, 1]
    )


def test_pair_mask():
    mask = pair_mask((torch.tensor([0, 2]), torch.tensor([1, 0])), 3, 2)
    assert mask.tolist() == [[False, True], [False, False], [True, False]]


# --- sets of pairs

ASKED = torch.tensor([5, 0, 3, 3, 6])  # in any order, once or twice, with and without pairs


def some_pairs(users=7, items=9):
    """Shuffled pairs, some of them twice, none of the last user; and the matrix that they mark."""
    generator = torch.Generator().manual_seed(4)
    marked = torch.rand(users, items, generator=generator) < 0.4
    marked[-1] = False
    pairs = marked.nonzero()
    pairs = torch.cat([pairs, pairs[::3]])
    order = torch.randperm(len(pairs), generator=generator)
    return tuple(pairs[order].T), marked


def test_a_set_of_pairs_says_what_a_matrix_says():
    pairs, marked = some_pairs()
    known = PairSet(pairs, *marked.shape)
    assert known.shape == marked.shape
    assert torch.equal(known.rows(ASKED), marked[ASKED])
    assert torch.equal(known.counts(ASKED), marked[ASKED].sum(dim=1))
    assert torch.equal(known.places(ASKED), marked[ASKED].view(-1).nonzero().squeeze(1))
    items = torch.randint(9, (len(ASKED), 4), generator=torch.Generator().manual_seed(5))
    assert torch.equal(known.has(ASKED, items), marked[ASKED].gather(1, items))


def test_what_a_set_hides_is_ranked_as_what_a_mask_hides():
    pairs, marked = some_pairs()
    scores = torch.rand(len(ASKED), 9, generator=torch.Generator().manual_seed(6))
    wanted = top_items(scores.clone(), marked[ASKED], 7)
    PairSet(pairs, *marked.shape).hide(scores, ASKED)
    assert all(map(torch.equal, best_items(scores, 7), wanted))
    assert not wanted[1].all()


def test_a_set_without_pairs():
    nothing = PairSet((torch.empty(0, dtype=torch.int64),) * 2, 3, 4)
    scores, users = torch.ones(2, 4), torch.tensor([0, 2])
    nothing.hide(scores, users)
    assert scores.tolist() == [[1.0] * 4] * 2
    assert not nothing.rows(users).any()
    assert not nothing.has(users, torch.zeros(2, 1, dtype=torch.int64)).any()
    assert nothing.counts(users).tolist() == [0, 0]
