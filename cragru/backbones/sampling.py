"""Uniform negative sampling, whole epochs at once."""

import torch

from cragru.core.errors import CragruError
from cragru.ranking.full import Pairs, pair_mask

# entries of a bool matrix (150 MB); above it pairs are looked up in a sorted list
DENSE_LIMIT = 150_000_000


class NegativeSampler:
    """Draws items that a user has not interacted with in the training data.

    Every item is equally likely; only *training* positives are rejected, as in RecBole: whoever rejects validation
    or test positives tells the model where they are.
    """

    def __init__(self, positives: Pairs, users: int, items: int) -> None:
        """Index the positives.

        Args:
            positives: User ids and item ids of the training data, both `[n]` int64 on the CPU.
            users: Number of users.
            items: Number of items.

        Raises:
            CragruError: If a user has interacted with every item, so that no negative exists.
        """
        self.items = items
        known = torch.unique(positives[0] * items + positives[1])
        counts = torch.bincount(known // items, minlength=users)
        if int(counts.max()) >= items:
            user = int(counts.argmax())
            raise CragruError(
                f"user {user} has interacted with all {items} items: no negative can be drawn; drop it"
            )
        self._dense = users * items <= DENSE_LIMIT
        if self._dense:
            self._known = pair_mask(positives, users, items).view(-1)
        else:
            self._known = known

    def sample(self, users: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Draw one negative item for each entry of `users` (`[n]` int64, CPU); returns `[n]` int64."""
        negatives = torch.randint(self.items, users.shape, generator=generator)
        rejected = self._is_positive(users, negatives).nonzero().squeeze(1)
        while len(rejected):
            negatives[rejected] = torch.randint(self.items, rejected.shape, generator=generator)
            rejected = rejected[self._is_positive(users[rejected], negatives[rejected])]
        return negatives

    def _is_positive(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        keys = users * self.items + items
        if self._dense:
            return self._known.index_select(0, keys)
        places = torch.searchsorted(self._known, keys).clamp(max=len(self._known) - 1)
        return self._known[places] == keys
