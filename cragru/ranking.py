"""Full ranking and its two metrics, for early stopping and for evaluation alike.

The definitions are RecBole's (`Hit` and `NDCG` on a full ranking), to 1e-6:

* HR@K of a user is 1 if any of the first K items is relevant, else 0.
* NDCG@K is DCG / IDCG with ``DCG = Σ_{r≤K} rel_r / log2(r + 1)`` and
  ``IDCG = Σ_{r≤min(|relevant|, K)} 1 / log2(r + 1)``.

A masked item has score -inf and never counts as a hit, also where fewer than K items are left.
"""

from collections.abc import Iterator

import torch

Pairs = tuple[torch.Tensor, torch.Tensor]


def pair_mask(pairs: Pairs, users: int, items: int, device: torch.device | None = None) -> torch.Tensor:
    """Mark (user, item) pairs in a dense matrix.

    Args:
        pairs: User ids and item ids, both `[n]` int64.
        users: Number of users.
        items: Number of items.
        device: Where the matrix is wanted.

    Returns:
        `[users, items]` bool.
    """
    mask = torch.zeros(users, items, dtype=torch.bool, device=device)
    mask[pairs[0].to(device), pairs[1].to(device)] = True
    return mask


def top_items(scores: torch.Tensor, masked: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The best `k` unmasked items of each row.

    Args:
        scores: `[B, items]`; overwritten (masked entries become -inf), for a copy of it costs more than the ranking.
        masked: `[B, items]` bool, the items that must not be ranked.
        k: Length of the list; cut to the number of items.

    Returns:
        Item ids `[B, min(k, items)]` best first, and a bool tensor of the same shape that is False where fewer than
        `k` items were left and the place holds a masked one.
    """
    scores.masked_fill_(masked, -torch.inf)
    best = scores.topk(min(k, scores.shape[1]), dim=1)
    return best.indices, best.values > -torch.inf


def hit_ratio(hits: torch.Tensor, k: int) -> torch.Tensor:
    """HR@k of each user from the hit matrix `[B, K]` (bool, best place first); returns `[B]` float64."""
    return hits[:, :k].any(dim=1).double()


def ndcg(hits: torch.Tensor, relevant: torch.Tensor, k: int) -> torch.Tensor:
    """NDCG@k of each user.

    Args:
        hits: `[B, K]` bool, whether the item at each place is relevant, best place first.
        relevant: `[B]` int64, how many relevant items each user has; at least 1.
        k: Cut-off; places beyond the hit matrix hold no hit.

    Returns:
        `[B]` float64.
    """
    discounts = 1 / torch.arange(2, k + 2, dtype=torch.float64, device=hits.device).log2()
    gained = (hits[:, :k].double() * discounts[: hits.shape[1]]).sum(dim=1)
    ideal = discounts.cumsum(0)[relevant.clamp(max=k) - 1]
    return gained / ideal


def user_batches(users: torch.Tensor, size: int = 1024) -> Iterator[torch.Tensor]:
    """Cut a list of users into batches, so that a score matrix stays at `size` rows."""
    yield from users.split(size)
