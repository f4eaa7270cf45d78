"""A pairwise loss on rows with fixed negatives: its gradient and its Gauss-Newton products by the factors.

The loss is the one that was trained, summed over rows and averaged over the K negatives of a row:
``L(rows) = Σ_(u,i) 1/K Σ_j ℓ(x_uij)`` with ``ℓ(x) = log(1 + e^-x)`` and ``x_uij = a_ui − a_uj``, where ``a = P Qᵀ`` are
the scores of the factors ``Z = [P; Q]``.

No factor is ever gathered for a triplet: a block of users has its scores, or their change along a direction, as one
dense matrix, from which triplets take numbers, and to which they add numbers on the way back. A product takes 20 ms for
1.5 million triplets (ML-100K, K = 24, one core).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from cragru.ranking.full import Pairs
from cragru.unlearning.conjugate_gradient import Product

# entries of a block of scores: a CPU's cache, or enough work for a GPU
BLOCK = {"cpu": 1 << 17, "cuda": 1 << 26}

Slope = Callable[[Tensor, Tensor], Tensor]
Curvature = Callable[[Tensor], Tensor]


def logistic_slope(margins: Tensor, rows: Tensor) -> Tensor:
    """Return ℓ'(x) of the trained loss, which is the same for all rows."""
    return torch.sigmoid(-margins).neg_()


def logistic_curvature(margins: Tensor) -> Tensor:
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

    users: Tensor
    rows: Tensor
    positives: Tensor
    negatives: Tensor

    def margins(self, scores: Tensor) -> Tensor:
        """Return `[r, K]` differences between a row's item and its negatives in a `[B, items]` matrix."""
        flat = scores.view(-1)
        positives = flat.index_select(0, self.positives)
        negatives = flat.index_select(0, self.negatives)
        return positives.unsqueeze(1) - negatives.view(len(self.rows), -1)

    def spread(self, values: Tensor, scores: Tensor) -> Tensor:
        """Overwrite `scores` with the adjoint of `margins` for `[r, K]` values."""
        flat = scores.view(-1).zero_()
        flat.index_add_(0, self.positives, values.sum(dim=1))
        flat.index_add_(0, self.negatives, values.reshape(-1), alpha=-1)
        return scores


class Triplets:
    """Rows with K fixed negatives each, and derivatives of a loss on them by the factors."""

    def __init__(
        self, pairs: Pairs, negatives: Tensor, users: int, items: int, device: torch.device
    ) -> None:
        """Sort `[n]` rows with `[n, K]` int64 negatives by user and cut them into blocks, on a device."""
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

    def gradient(self, factors: Tensor, slope: Slope = logistic_slope) -> Tensor:
        """Return the gradient of the summed loss by the factors, both `[users + items, d]`.

        The slope is ℓ' of margins `[r, K]`, given also the numbers `[r]` of their rows.
        """
        gradient = torch.zeros_like(factors)
        for block, users, items in self._cut(factors):
            scores = users @ items.T
            values = slope(block.margins(scores), block.rows) / self.negatives
            self._pull_back(block.spread(values, scores), block, users, items, gradient)
        return gradient

    def gauss_newton(self, factors: Tensor, curvature: Curvature = logistic_curvature) -> Product:
        """Make products of `[users + items, d]` directions with ``Jᵀ diag(ℓ''/K) J``.

        J is the derivative of the margins by the factors, `[users + items, d]`; `curvature` is ℓ'' of margins.
        """
        weights = []
        for _, margins in self.margins(factors):
            weights.append(curvature(margins) / self.negatives)

        def product(direction: Tensor) -> Tensor:
            image = torch.zeros_like(direction)
            item_change = direction[self.users :]
            for (block, users, items), weight in zip(self._cut(factors), weights, strict=True):
                by_users = direction[block.users] @ items.T
                change = torch.addmm(by_users, users, item_change.T)
                values = block.margins(change).mul_(weight)
                self._pull_back(block.spread(values, change), block, users, items, image)
            return image

        return product

    def margins(self, factors: Tensor) -> Iterator[tuple[Block, Tensor]]:
        """Yield each block with its `[r, K]` margins."""
        for block, users, items in self._cut(factors):
            yield block, block.margins(users @ items.T)

    def _cut(self, factors: Tensor) -> Iterator[tuple[Block, Tensor, Tensor]]:
        """Yield each block with its users' factors and those of all items."""
        items = factors[self.users :]
        for block in self.blocks:
            yield block, factors[block.users], items

    def _pull_back(
        self, scores: Tensor, block: Block, users: Tensor, items: Tensor, gradient: Tensor
    ) -> None:
        """Add what a gradient by the scores of a block means for the factors."""
        gradient[block.users] += scores @ items
        gradient[self.users :].addmm_(scores.T, users)
