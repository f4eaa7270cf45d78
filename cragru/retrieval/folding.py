"""What a shortened history would do to the ranking, without training anything: ridge fold-in on fixed item factors."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy import ndarray
from numpy.random import Generator
from torch import Tensor

from cragru.core.errors import CragruError
from cragru.ranking.full import PairSet, best_items, user_batches
from cragru.ranking.hits import hit_ratio

HIT_K = 10
LARGER = "leave the strategy out, or take a larger data set"  # an advice
RATIOS = np.round(np.arange(11) / 10, 1)  # 0, .1, …, 1: to what a category may be thinned


class FoldIn:
    """Users as the ridge regression of their histories on the item factors.

    ``p_u = (Qᵀ Q + λ I)⁻¹ Qᵀ h_u`` for a 0/1 history h_u: implicit least squares with equal weights, so one matrix
    serves every user, and a user is the sum of what their items add.
    """

    def __init__(self, item_factors: Tensor, ridge: float) -> None:
        """Factorise once: Q is `[items, d]`, λ is `ridge` times the mean squared length of an item's factors."""
        self.items = item_factors.double()
        gram = self.items.T @ self.items
        weight = ridge * float(gram.trace()) / len(gram)
        damped = gram + weight * torch.eye(len(gram), dtype=torch.float64)
        self._added = torch.linalg.solve(damped, self.items.T).T

    def users(self, rows: Tensor, count: int) -> Tensor:
        """Fold in `count` users, `[count, d]` float64, from the rows of their histories, `[n, 2]`: user, item."""
        users = torch.zeros(count, self.items.shape[1], dtype=torch.float64)
        return users.index_add_(0, rows[:, 0], self._added[rows[:, 1]])

    def score(self, users: Tensor) -> Tensor:
        """Score items, `[users, items]`, for users as `users` folds them in."""
        return users @ self.items.T


def thinned_hits(
    fold_in: FoldIn,
    train: PairSet,
    valid: PairSet,
    categories: ndarray,
    rng: Generator,
    thinnings: int,
) -> Tensor:
    """Measure who is hit when one category is thinned and the others are whole: what M (eq. 4) is the mean of.

    The training histories `train` are thinned, and `valid` is to be hit; users without any to hit do not count. `rng`
    decides in each thinning which interactions are kept; larger ratios keep what smaller ones kept.

    Returns:
        `[thinnings, categories, 11, users with any to hit]` bool: a hit among the best ten, for the ratios 0, .1, …, 1.
        All thinnings agree at 0 and at 1.

    Raises:
        CragruError: If nobody has an item that is to be hit: a mean over no user is no number.
    """
    everyone = torch.arange(valid.shape[0])
    users = everyone[valid.counts(everyone) > 0]
    if not len(users):
        raise CragruError("no user has a validation row", place="diversity", advice=LARGER)
    places, items = train.places(users), train.shape[1]
    rows = torch.stack([places // items, places % items], dim=1)
    of_category = torch.from_numpy(categories)[rows[:, 1]]
    whole = fold_in.users(rows, len(users))
    shape = thinnings, int(categories.max()) + 1, len(RATIOS), len(users)
    found = torch.empty(shape, dtype=torch.bool)
    found[:, :, -1] = _hits(fold_in, whole, users, train, valid)
    for category in range(shape[1]):
        inside = rows[of_category == category]
        rest = whole - fold_in.users(inside, len(users))
        found[:, category, 0] = _hits(fold_in, rest, users, train, valid)
        for thinning in range(thinnings):
            for place, kept in _thinned(inside, rng):
                folded = rest + fold_in.users(kept, len(users))
                found[thinning, category, place] = _hits(fold_in, folded, users, train, valid)
    return found


def _hits(fold_in: FoldIn, folded: Tensor, users: Tensor, train: PairSet, valid: PairSet) -> Tensor:
    """Return whether each user has an item that is to be hit among the best that they have not seen."""
    found = []
    for places in user_batches(torch.arange(len(users))):
        own, scores = users[places], fold_in.score(folded[places])
        train.hide(scores, own)
        best, ranked = best_items(scores, HIT_K)
        found.append(hit_ratio(valid.has(own, best) & ranked, HIT_K).bool())
    return torch.cat(found)


def _thinned(rows: Tensor, rng: Generator) -> Iterator[tuple[int, Tensor]]:
    """Yield places in `RATIOS`, but for none and all, and the rows that are kept, in an order that is drawn once."""
    priority = rng.random(len(rows))
    users = rows[:, 0].numpy()
    order = np.lexsort([priority, users])
    _, starts, sizes = np.unique(users, return_index=True, return_counts=True)
    rank = np.arange(len(rows)) - np.repeat(starts, sizes)  # of each among the user's own
    for place, ratio in enumerate(RATIOS[1:-1], 1):
        kept = rank < np.repeat(np.ceil(ratio * sizes - 1e-9), sizes)
        yield place, rows[order[kept]]
