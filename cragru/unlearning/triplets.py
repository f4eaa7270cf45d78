"""A pairwise loss on rows with fixed negatives: its gradient and its Gauss-Newton products by the factors.

The loss is the one that was trained, summed over rows and averaged over the K negatives of a row:
``L(rows) = Σ_(u,i) 1/K Σ_j ℓ(x_uij)`` with ``ℓ(x) = log(1 + e^-x)`` and ``x_uij = a_ui − a_uj``, where ``a = P Qᵀ`` are
the scores of the factors ``Z = [P; Q]``.

No factor is ever gathered for a triplet. A block of users has its scores, or their change along a direction, as one
dense matrix, from which triplets take single numbers; on the way back numbers are added up in a dense matrix that
products with P and Q turn into gradients. A product takes 20 ms for 1.5 million triplets (ML-100K, K = 24, one core).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from cragru.ranking.full import Pairs
from cragru.unlearning.conjugate_gradient import Product

# entries of a block of scores: a CPU's cache, or enough work for a GPU
BLOCK = {"cpu": 1 << 17, "cuda": 1 << 26}

Slope = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Curvature = Callable[[torch.Tensor], torch.Tensor]


def logistic_slope(margins: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Return ℓ'(x) of the trained loss, which is the same for all rows."""
    return torch.sigmoid(-margins).neg_()


def logistic_curvature(margins: torch.Tensor) -> torch.Tensor:
    """Return ℓ''(x) of the trained loss."""
    probability = torch.sigmoid(margins)
    return probability * (1 - probability)


@dataclass(frozen=True)
class Block:
    """Rows of some users, as places in the dense matrix of these users' scores.

    Attributes:
        users: `[B]` int64, sorted.
        rows: `[r]` int64, numbers of the rows, sorted by user.
        positives: `[r]` int32 places of the rows' items, ``user's place * items + item``.
        negatives: `[r * K]` int32 places of their negatives.
    """

    users: torch.Tensor
    rows: torch.Tensor
    positives: torch.Tensor
    negatives: torch.Tensor

    def margins(self, scores: torch.Tensor) -> torch.Tensor:
        """Return `[r, K]` differences between a row's item and its negatives in a `[B, items]` matrix."""
        flat = scores.view(-1)
        positives = flat.index_select(0, self.positives)
        negatives = flat.index_select(0, self.negatives)
        return positives.unsqueeze(1) - negatives.view(len(self.rows), -1)

    def spread(self, values: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Overwrite `scores` with the adjoint of `margins` for `[r, K]` values."""
        flat = scores.view(-1).zero_()
        flat.index_add_(0, self.positives, values.sum(dim=1))
        flat.index_add_(0, self.negatives, values.reshape(-1), alpha=-1)
        return scores


class Triplets:
    """Rows with K fixed negatives each, and derivatives of a loss on them by the factors."""

    def __init__(
        self, pairs: Pairs, negatives: torch.Tensor, users: int, items: int, device: torch.device
    ) -> None:
        """Sort the rows by user and cut them into blocks.

        Args:
            pairs: User ids and item ids of the rows, both `[n]` int64.
            negatives: `[n, K]` int64 items.
            users: Number of users of the data set.
            items: Number of items.
            device: Where to work.
        """
        self.users, self.items, self.negatives = users, items, negatives.shape[1]
        of_users, of_items = pairs
        order = torch.argsort(of_users, stable=True)
        present, place = torch.unique_consecutive(of_users[order], return_inverse=True)
        size = max(1, BLOCK[device.type] // items)  # users of a block
        ends = torch.bincount(place // size).cumsum(0).tolist()
        self.blocks, start = [], 0
        for number, end in enumerate(ends):
            first = number * size
            own = present[first : first + size]
            rows = order[start:end]
            begin = (place[start:end] - first) * items  # of the user's scores in the dense matrix
            positives = begin + of_items[rows]
            drawn = begin.unsqueeze(1) + negatives[rows]
            columns = own, rows, positives.int(), drawn.view(-1).int()
            self.blocks.append(Block(*(column.to(device) for column in columns)))
            start = end

    def gradient(self, factors: torch.Tensor, slope: Slope = logistic_slope) -> torch.Tensor:
        """Return the gradient of the summed loss by the factors, `[users + items, d]`.

        Args:
            factors: `[users + items, d]`.
            slope: ℓ' of margins `[r, K]`, given also the numbers `[r]` of their rows.
        """
        gradient = torch.zeros_like(factors)
        for block, users, items in self._cut(factors):
            scores = users @ items.T
            values = slope(block.margins(scores), block.rows) / self.negatives
            self._pull_back(block.spread(values, scores), block, users, items, gradient)
        return gradient

    def gauss_newton(
        self, factors: torch.Tensor, curvature: Curvature = logistic_curvature
    ) -> Product:
        """Make products with ``Jᵀ diag(ℓ''/K) J``, J the derivative of the margins by the factors.

        Args:
            factors: `[users + items, d]`, around which to linearise.
            curvature: ℓ'' of margins.

        Returns:
            A function of a `[users + items, d]` direction.
        """
        weights = []
        for _, margins in self.margins(factors):
            weights.append(curvature(margins) / self.negatives)

        def product(direction: torch.Tensor) -> torch.Tensor:
            image = torch.zeros_like(direction)
            item_change = direction[self.users :]
            for (block, users, items), weight in zip(self._cut(factors), weights, strict=True):
                by_users = direction[block.users] @ items.T
                change = torch.addmm(by_users, users, item_change.T)
                values = block.margins(change).mul_(weight)
                self._pull_back(block.spread(values, change), block, users, items, image)
            return image

        return product

    def margins(self, factors: torch.Tensor) -> Iterator[tuple[Block, torch.Tensor]]:
        """Yield each block with its `[r, K]` margins."""
        for block, users, items in self._cut(factors):
            yield block, block.margins(users @ items.T)

    def _cut(self, factors: torch.Tensor) -> Iterator[tuple[Block, torch.Tensor, torch.Tensor]]:
        """Yield each block with its users' factors and those of all items."""
        items = factors[self.users :]
        for block in self.blocks:
            yield block, factors[block.users], items

    def _pull_back(
        self,
        scores: torch.Tensor,
        block: Block,
        users: torch.Tensor,
        items: torch.Tensor,
        gradient: torch.Tensor,
    ) -> None:
        """Add what a gradient by the scores of a block means for the factors."""
        gradient[block.users] += scores @ items
        gradient[self.users :].addmm_(scores.T, users)
