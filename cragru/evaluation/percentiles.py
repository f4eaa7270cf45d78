"""Where single items stand in their user's ranking, which membership is told by."""

import torch
from torch import Tensor

from cragru.backbones.base import Scorer
from cragru.ranking.full import Pairs, PairSet, user_batches


def percentiles(model: Scorer, pairs: Pairs, seen: PairSet) -> Tensor:
    """Tell where each pair stands in its user's ranking: 0 last, 1 first; ties share the middle.

    Args:
        model: What ranks.
        pairs: User ids and item ids, none of them seen.
        seen: Items that are not ranked, on the CPU.

    Returns:
        `[n]` float64, in the order of the users.
    """
    if not len(pairs[0]):
        return torch.zeros(0, dtype=torch.float64)
    order = torch.argsort(pairs[0], stable=True)
    owners, items = pairs[0][order], pairs[1][order]
    users, places, counts = torch.unique(owners, return_inverse=True, return_counts=True)
    found = []
    for batch in user_batches(torch.arange(len(users))):
        own = users[batch]
        scores = model.score(own).cpu()
        seen.hide(scores, own)
        inside = (places >= batch[0]) & (places <= batch[-1])
        rows = places[inside] - batch[0]
        sizes = counts[batch]
        first = sizes.cumsum(0) - sizes  # where a user's pairs begin among the batch's
        columns = torch.arange(len(rows)) - first[rows]
        wanted = scores.new_zeros(len(batch), int(sizes.max()))
        wanted[rows, columns] = scores[rows, items[inside]]
        shares = _shares_below(scores, wanted, seen.counts(own))
        found.append(shares[rows, columns])
    return torch.cat(found)


def _shares_below(scores: Tensor, wanted: Tensor, hidden: Tensor) -> Tensor:
    """Return the share of a user's other items that has a lower score, ties counted half.

    Scores are `[B, items]`, -inf of as many items as are `hidden`, `[B]`; `wanted` are scores `[B, w]` of others, and
    so is what is returned, float64.
    """
    ranking = scores.sort(dim=1).values
    below = torch.searchsorted(ranking, wanted)
    up_to = torch.searchsorted(ranking, wanted, right=True)
    ties = up_to - below - 1  # without the item itself
    out_of_ranking = hidden.unsqueeze(1)
    others = (scores.shape[1] - out_of_ranking - 1).clamp(min=1)
    return (below - out_of_ranking + ties / 2).double() / others
