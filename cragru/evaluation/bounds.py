"""What the candidates could give at worst and at best: their order at random, and the best possible one."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cragru.backbones.base import Scorer
from cragru.core.names import BEST_ORDER, RANDOM_ORDER
from cragru.core.seeds import numpy_stream
from cragru.evaluation.list_metrics import NOBODY
from cragru.evaluation.metrics import CUTOFFS, METRICS, values_of
from cragru.evaluation.utility import Parts, by_user, hits_of_batches

DRAWS = 200  # random orders of each user's candidates; a mean over users moves by some .0003 with others


def per_user_bounds(
    scorer: Scorer,
    parts: Parts,
    users: int,
    items: int,
    candidates: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Evaluate the candidates of a scorer under random orders and under the best.

    The candidates are its best items that training and validation rows do not mask; those that a mask hides leave the
    list. All else follows in the scorer's order.

    Args:
        scorer: The model that the candidates come from.
        parts: As in `per_user_utility`.
        users: Number of users.
        items: Number of items.
        candidates: How many candidates a user has at most.
        seed: Of the random orders.

    Returns:
        By `RANDOM_ORDER` (the mean over `DRAWS` orders) and `BEST_ORDER`: columns of
        `cragru.evaluation.columns.PER_USER`.
    """
    frames: dict[str, list[pd.DataFrame]] = {RANDOM_ORDER: [], BEST_ORDER: []}
    length = max(candidates, *CUTOFFS)
    rng = numpy_stream(seed, RANDOM_ORDER)
    for name, batch, best, hits, counts in hits_of_batches(scorer, parts, users, items, length):
        if name == "A":  # it comes first, and its lists begin with the candidates
            shown = best[:, :candidates]
        is_candidate = (best[:, :, None] == shown[:, None, :]).any(dim=2)
        sizes = (is_candidate & (best != NOBODY)).sum(dim=1)
        orders = {
            BEST_ORDER: [_sorted(hits, sizes)],
            RANDOM_ORDER: (_shuffled(hits, sizes, rng) for _ in range(DRAWS)),
        }
        for order, arranged in orders.items():
            frames[order] += _evaluated(name, batch, counts, arranged)
    return {order: by_user(own) for order, own in frames.items()}


def _sorted(hits: Tensor, sizes: Tensor) -> Tensor:
    """Return hits with those of the first `sizes` places of each row in front."""
    return _arranged(hits, sizes, -hits.double())


def _shuffled(hits: Tensor, sizes: Tensor, rng: np.random.Generator) -> Tensor:
    """Return hits with the first `sizes` places of each row in random order."""
    return _arranged(hits, sizes, torch.from_numpy(rng.random(hits.shape)))


def _arranged(hits: Tensor, sizes: Tensor, keys: Tensor) -> Tensor:
    """Return hits with the first `sizes` places of each row by rising key; the others stay."""
    places = torch.arange(hits.shape[1])
    is_fixed = places >= sizes[:, None]
    # keys lie in -1 to 1; what stays comes behind, in its order
    order = torch.where(is_fixed, 2.0 + places, keys).argsort(dim=1, stable=True)
    return hits.gather(1, order)


def _evaluated(
    name: str, batch: Tensor, counts: Tensor, arranged: Iterable[Tensor]
) -> list[pd.DataFrame]:
    """Return the mean values over arrangements of hits, for each cut-off."""
    totals: dict[int, dict[str, np.ndarray]] = {}
    number = 0
    for hits in arranged:
        number += 1
        for k in CUTOFFS:
            values = values_of(METRICS, hits, counts, k)
            known = totals.setdefault(k, dict.fromkeys(values, 0.0))
            totals[k] = {metric: known[metric] + values[metric] for metric in values}
    frames = []
    for k, sums in totals.items():
        head = {"user": batch.numpy(), "mask": name, "k": k}
        means = {metric: value / number for metric, value in sums.items()}
        frames.append(pd.DataFrame(head | means | {"relevant": counts.numpy()}))
    return frames
