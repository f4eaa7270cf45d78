"""Where single items stand in their user's ranking, which membership is told by."""

import torch
from torch import Tensor

from cragru.backbones.base import Scorer
from cragru.ranking.full import Pairs, user_batches


def percentiles(model: Scorer, pairs: Pairs, masked: Tensor) -> Tensor:
    """Tell where each pair stands in its user's ranking: 0 last, 1 first; ties share the middle.

    Args:
        model: What ranks.
        pairs: User ids and item ids, none of them masked.
        masked: `[users, items]` bool, items that are not ranked.

    Returns:
        `[n]` float64 on the CPU, in the order of the users.
    """
    if not len(pairs[0]):
        return torch.zeros(0, dtype=torch.float64)
    order = torch.argsort(pairs[0], stable=True)
    owners, items = pairs[0][order], pairs[1][order]
    users, places, counts = torch.unique(owners, return_inverse=True, return_counts=True)
    found = []
    for batch in user_batches(torch.arange(len(users))):
        own = users[batch].to(masked.device)
        hidden = masked[own]
        scores = model.score(own).to(masked.device).masked_fill_(hidden, -torch.inf)
        inside = (places >= batch[0]) & (places <= batch[-1])
        rows = places[inside] - batch[0]
        sizes = counts[batch]
        first = sizes.cumsum(0) - sizes  # where a user's pairs begin among the batch's
        columns = torch.arange(len(rows)) - first[rows]
        wanted = scores.new_zeros(len(batch), int(sizes.max()))
        wanted[rows, columns] = scores[rows, items[inside]]
        shares = _shares_below(scores, wanted, hidden)
        found.append(shares[rows, columns].cpu())
    return torch.cat(found)


def _shares_below(scores: Tensor, wanted: Tensor, hidden: Tensor) -> Tensor:
    """Return the share of a user's other items that has a lower score, ties counted half.

    Scores are `[B, items]`, -inf where `hidden`; `wanted` are scores `[B, w]` of items that are not hidden, and so is
    what is returned, float64.
    """
    ranking = scores.sort(dim=1).values
    below = torch.searchsorted(ranking, wanted)
    up_to = torch.searchsorted(ranking, wanted, right=True)
    ties = up_to - below - 1  # without the item itself
    out_of_ranking = hidden.sum(dim=1, keepdim=True)
    others = (hidden.shape[1] - out_of_ranking - 1).clamp(min=1)
    return (below - out_of_ranking + ties / 2).double() / others
