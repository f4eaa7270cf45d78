"""What a shortened history would do to the ranking, without training anything: ridge fold-in on fixed item factors."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy import ndarray
from numpy.random import Generator
from torch import Tensor

from cragru.core.errors import CragruError
from cragru.ranking.full import top_items
from cragru.ranking.hits import hit_ratio

HIT_K = 10
LARGER = "leave the strategy out, or take a larger data set"  # an advice
RATIOS = np.round(np.arange(11) / 10, 1)  # 0, .1, …, 1: to what a category may be thinned


class FoldIn:
    """Users as the ridge regression of their histories on the item factors.

    ``p_u = (Qᵀ Q + λ I)⁻¹ Qᵀ h_u`` for a 0/1 history h_u: implicit least squares with equal weights, so one matrix
    serves every user and an evaluation costs two products.
    """

    def __init__(self, item_factors: Tensor, ridge: float) -> None:
        """Factorise once: Q is `[items, d]`, λ is `ridge` times the mean squared length of an item's factors."""
        self.items = item_factors.double()
        gram = self.items.T @ self.items
        weight = ridge * float(gram.trace()) / len(gram)
        damped = gram + weight * torch.eye(len(gram), dtype=torch.float64)
        self._solver = torch.linalg.solve(damped, self.items.T)

    def score(self, histories: Tensor) -> Tensor:
        """Score items, `[users, items]`, from 0/1 histories `[users, items]` float64."""
        return (histories @ self._solver.T) @ self.items.T


def performance_matrix(
    fold_in: FoldIn, train: Tensor, valid: Tensor, categories: ndarray, rng: Generator
) -> ndarray:
    """Measure M (eq. 4): the hit rate on validation items when one category is thinned and the others are whole.

    The training histories `train` are thinned, and `valid` is to be hit, both `[users, items]` bool; users without any
    to hit do not count. `rng` decides which interactions are kept; larger ratios keep what smaller ones kept. M is
    `[categories, 11]`: HR@10 for the ratios 0, .1, …, 1.

    Raises:
        CragruError: If nobody has an item that is to be hit: a mean over no user is no number.
    """
    users = valid.any(dim=1).nonzero().squeeze(1)
    if not len(users):
        raise CragruError("no user has a validation row", place="diversity", advice=LARGER)
    train, valid = train[users], valid[users]
    priority = torch.from_numpy(rng.random(tuple(train.shape)))
    matrix = np.zeros((int(categories.max()) + 1, len(RATIOS)))
    for category in range(len(matrix)):
        columns = torch.from_numpy(categories == category)
        for place, kept in enumerate(_thinned(train, columns, priority)):
            best, ranked = top_items(fold_in.score(kept.double()), train, HIT_K)
            hits = valid.gather(1, best) & ranked
            matrix[category, place] = hit_ratio(hits, HIT_K).mean()
    return matrix


def _thinned(train: Tensor, columns: Tensor, priority: Tensor) -> Iterator[Tensor]:
    """Yield histories with a category's interactions cut to each ratio, by the priority of every interaction."""
    inside = train & columns
    by_priority = torch.where(inside, priority, 2.0).argsort(dim=1)
    order = by_priority.argsort(dim=1)  # place of each among the user's own
    sizes = inside.sum(dim=1, keepdim=True)
    outside = train & ~columns
    for ratio in RATIOS:
        kept = order < torch.ceil(ratio * sizes - 1e-9)
        yield outside | (inside & kept)
