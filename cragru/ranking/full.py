"""Full ranking: what trainers, strategies and the evaluation need to look at the best items of each user.

A masked item has score -inf and never counts as a hit, also where fewer than K items are left.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

Pairs = tuple[Tensor, Tensor]


class PairSet:
    """A set of (user, item) pairs, kept sorted: memory grows with the pairs, and never with users × items.

    On the CPU it is also faster than a matrix of all users, at every size: what is hidden is written into a batch's
    scores, and no mask is passed over.
    """

    def __init__(
        self, pairs: Pairs, users: int, items: int, device: torch.device | None = None
    ) -> None:
        """Sort the pairs.

        Args:
            pairs: User ids and item ids, both `[n]` int64 on the CPU; a repeated pair is one.
            users: Number of users.
            items: Number of items.
            device: Where the users will be that are asked for.
        """
        keys = (pairs[0] * items + pairs[1]).numpy()
        keys.sort()  # some five times as fast as torch's
        self._keys = torch.unique_consecutive(torch.from_numpy(keys)).to(device)
        firsts = torch.arange(users + 1, device=device) * items
        self._starts = torch.searchsorted(self._keys, firsts)
        self._items = items

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of users and of items."""
        return len(self._starts) - 1, self._items

    def counts(self, users: Tensor) -> Tensor:
        """Return how many items each of `users` (`[B]` int64) has, `[B]`."""
        return self._starts[users + 1] - self._starts[users]

    def places(self, users: Tensor) -> Tensor:
        """Return where the pairs of `users` are in a flat `[B, items]` matrix whose rows these users are, ascending.

        Place p is of row ``p // items`` and item ``p % items``.
        """
        counts = self.counts(users)
        total = counts.cumsum(0)
        skipped = (self._starts[users] - total + counts).repeat_interleave(counts)
        keys = self._keys[skipped + torch.arange(len(skipped), device=skipped.device)]
        rows = torch.arange(len(users), device=users.device)
        return keys + ((rows - users) * self._items).repeat_interleave(counts)

    def rows(self, users: Tensor) -> Tensor:
        """Return which items each of `users` has, `[B, items]` bool."""
        mask = torch.zeros(len(users), self._items, dtype=torch.bool, device=users.device)
        mask.view(-1)[self.places(users)] = True
        return mask

    def hide(self, scores: Tensor, users: Tensor) -> None:
        """Overwrite the scores of the pairs with -inf, in contiguous scores of `users`, `[B, items]`."""
        scores.view(-1).index_fill_(0, self.places(users), -torch.inf)

    def has(self, users: Tensor, items: Tensor) -> Tensor:
        """Return whether each of `users` (`[B]` int64) has each of their own `items` (`[B, K]` int64), `[B, K]`."""
        if not len(self._keys):
            return torch.zeros_like(items, dtype=torch.bool)
        wanted = users.unsqueeze(1) * self._items + items
        found = torch.searchsorted(self._keys, wanted).clamp_(max=len(self._keys) - 1)
        return self._keys[found] == wanted


def pair_mask(pairs: Pairs, users: int, items: int, device: torch.device | None = None) -> Tensor:
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


def top_items(scores: Tensor, masked: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the best `k` unmasked items of each row.

    Args:
        scores: `[B, items]`; overwritten (masked entries become -inf), for a copy of it costs more than the ranking.
        masked: `[B, items]` bool, the items that must not be ranked.
        k: Length of the list; cut to the number of items.

    Returns:
        Item ids `[B, min(k, items)]` best first, and a bool tensor of the same shape that is False where fewer than
        `k` items were left and the place holds a masked one.
    """
    return best_items(scores.masked_fill_(masked, -torch.inf), k)


def best_items(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the best `k` items of each row, as `top_items` does, of scores that are -inf where an item is hidden."""
    best = scores.topk(min(k, scores.shape[1]), dim=1)
    return best.indices, best.values > -torch.inf


def user_batches(users: Tensor, size: int = 1024) -> Iterator[Tensor]:
    """Cut a list of users into batches, so that a score matrix stays at `size` rows."""
    yield from users.split(size)
