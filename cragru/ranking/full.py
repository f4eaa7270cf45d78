"""Full ranking: what trainers, strategies and the evaluation need to look at the best items of each user.

A masked item has score -inf and never counts as a hit, also where fewer than K items are left.
"""

from collections.abc import Iterator

import torch

Pairs = tuple[torch.Tensor, torch.Tensor]


def pair_mask(
    pairs: Pairs, users: int, items: int, device: torch.device | None = None
) -> torch.Tensor:
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


def top_items(
    scores: torch.Tensor, masked: torch.Tensor, k: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the best `k` unmasked items of each row.

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


def user_batches(users: torch.Tensor, size: int = 1024) -> Iterator[torch.Tensor]:
    """Cut a list of users into batches, so that a score matrix stays at `size` rows."""
    yield from users.split(size)
