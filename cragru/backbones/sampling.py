"""Uniform negative sampling, whole epochs at once."""

import torch
from torch import Tensor

from cragru.core.errors import CragruError
from cragru.ranking.full import Pairs, PairSet, pair_mask

# entries of a bool matrix (150 MB); above it pairs are looked up in a sorted list
DENSE_LIMIT = 150_000_000


class NegativeSampler:
    """Draws items that a user has not interacted with in the training data.

    Every item is equally likely; only *training* positives are rejected, as in RecBole: whoever rejects validation
    or test positives tells the model where they are.
    """

    def __init__(self, positives: Pairs, users: int, items: int) -> None:
        """Index the positives: user ids and item ids of the training data, both `[n]` int64 on the CPU.

        Raises:
            CragruError: If a user has interacted with every item, so that no negative exists.
        """
        self.items = items
        self._known = PairSet(positives, users, items)
        counts = self._known.counts(torch.arange(users))
        if int(counts.max()) >= items:
            at = f"user {int(counts.argmax())}"
            raise CragruError("no item is left to sample", place=at, advice="drop this user")
        is_small = users * items <= DENSE_LIMIT
        self._mask = pair_mask(positives, users, items).view(-1) if is_small else None

    def sample(self, users: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one negative item for each entry of `users` (`[n]` int64, CPU); return `[n]` int64."""
        negatives = torch.randint(self.items, users.shape, generator=generator)
        rejected = self._is_positive(users, negatives).nonzero().squeeze(1)
        while len(rejected):
            negatives[rejected] = torch.randint(self.items, rejected.shape, generator=generator)
            rejected = rejected[self._is_positive(users[rejected], negatives[rejected])]
        return negatives

    def _is_positive(self, users: Tensor, items: Tensor) -> Tensor:
        if self._mask is not None:
            return self._mask.index_select(0, users * self.items + items)
        return self._known.has(users, items.unsqueeze(1)).squeeze(1)
