"""The list that docs/fidelity.md counts by three definitions: hits at ranks 2 and 4 of five, three relevant items."""

from math import log2
from pathlib import Path

import pytest
import torch

from cragru.ranking.hits import ndcg

PAGE = Path(__file__).parents[2] / "docs" / "fidelity.md"
HITS, K, RELEVANT = (2, 4), 5, 3


def by_recbole(rank):
    return 1 / log2(rank + 1)


def by_lenskit(rank):
    return 1 / log2(max(rank, 2))


def count(discount, ideal):
    """DCG over that of `ideal` hits in front."""
    return sum(map(discount, HITS)) / sum(map(discount, range(1, ideal + 1)))


def test_ours_is_recboles():
    hits = torch.tensor([[rank in HITS for rank in range(1, K + 1)]])
    ours = ndcg(hits, torch.tensor([RELEVANT]), K).item()
    assert ours == pytest.approx(count(by_recbole, RELEVANT))
    assert ours == pytest.approx((1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / 2))


@pytest.mark.parametrize(
    ("library", "discount", "ideal"),
    [
        ("cragru, RecBole", by_recbole, RELEVANT),
        ("LensKit", by_lenskit, RELEVANT),
        ("RecTools", by_recbole, K),
    ],
)
def test_the_page_has_what_each_library_makes_of_the_list(library, discount, ideal):
    line = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| {library}"))
    printed = line.rstrip("| ").rpartition("| ")[2]
    assert printed == f"{count(discount, ideal):.3f}".removeprefix("0")
