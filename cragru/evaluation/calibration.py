"""Scores of single rows without what every model gives them: less those of Retrains that have nothing to do with it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cragru.backbones.base import Scorer
from cragru.ranking.full import Pairs, PairSet, user_batches


def calibrated_scores(
    scorer: Scorer, shadows: Sequence[Scorer], rows: Pairs, seen: PairSet
) -> Tensor:
    """Return each row's z-score among its user's unseen items, less the mean of its z-scores under the shadows.

    Args:
        scorer: What is judged.
        shadows: Retrains of the same split and of other trainings than the scorer; one at least.
        rows: User ids and item ids, none of them seen.
        seen: Items that are not looked at, on the CPU.

    Returns:
        `[n]` float64, in standard deviations of the user's scores.
    """
    owners, items = rows
    total = torch.zeros(len(owners), dtype=torch.float64)
    for batch in user_batches(torch.unique(owners)):
        own = torch.isin(owners, batch)
        place = torch.searchsorted(batch, owners[own])
        hidden = seen.rows(batch)
        for model, weight in ((scorer, 1), *((shadow, -1 / len(shadows)) for shadow in shadows)):
            scores = z_scores(model.score(batch).cpu().double(), hidden)
            total[own] += weight * scores[place, items[own]]
    return total


def z_scores(scores: Tensor, masked: Tensor) -> Tensor:
    """Return scores in standard deviations from the mean of each row's unmasked items; 0 where these are all equal."""
    left = (~masked).sum(dim=1, keepdim=True)
    mean = scores.masked_fill(masked, 0).sum(dim=1, keepdim=True) / left
    centred = scores - mean
    squares = centred.masked_fill(masked, 0).square()
    variance = squares.sum(dim=1, keepdim=True) / left
    spread = variance.sqrt()
    return centred / spread.where(spread > 0, 1)
