"""Where single items stand in their user's ranking, which membership is told by."""

import torch

from cragru.backbones.base import Scorer
from cragru.ranking import Pairs, user_batches


def percentiles(model: Scorer, pairs: Pairs, masked: torch.Tensor) -> torch.Tensor:
    """Where each pair stands in its user's ranking: 0 last, 1 first; ties share the middle.

    Args:
        model: What ranks.
        pairs: User ids and item ids, none of them masked.
        masked: `[users, items]` bool, items that are not ranked.

    Returns:
        `[n]` float64 on the CPU, in the order of the users.
    """
    if not len(pairs[0]):
        return torch.zeros(0, dtype=torch.float64)
    found = []
    order = torch.argsort(pairs[0], stable=True)
    users, places, counts = torch.unique(pairs[0][order], return_inverse=True, return_counts=True)
    for batch in user_batches(torch.arange(len(users))):
        own = users[batch].to(masked.device)
        scores = model.score(own).to(masked.device).masked_fill_(masked[own], -torch.inf)
        ranking = scores.sort(dim=1).values
        inside = (places >= batch[0]) & (places <= batch[-1])
        rows, items = places[inside] - batch[0], pairs[1][order][inside]
        wanted = torch.zeros(len(batch), int(counts[batch].max()), dtype=scores.dtype, device=scores.device)
        column = torch.arange(len(rows)) - (counts[batch].cumsum(0) - counts[batch])[rows]
        wanted[rows, column] = scores[rows, items]
        below, up_to = (torch.searchsorted(ranking, wanted, right=right) for right in (False, True))
        hidden = masked[own].sum(dim=1, keepdim=True)
        others = (masked.shape[1] - hidden - 1).clamp(min=1)
        share = (below - hidden + (up_to - below - 1) / 2).double() / others
        found.append(share[rows, column].cpu())
    return torch.cat(found)
