"""BPR matrix factorisation (Rendle et al. 2009) as RecBole trains it: no bias, no weight decay."""

import math
from collections.abc import Sequence

import torch

from cragru.backbones.base import Batch, TrainingData
from cragru.backbones.options import TrainingOptions

CHUNK = 2048  # triplets at a time, so that what is computed on the way stays in a CPU's cache


def bpr_gradient(
    factors: torch.Tensor, batch: Batch, models: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    """The BPR loss ``mean(-log σ(x_ui - x_uj))`` of each model and its gradient, in closed form.

    Written out because autograd takes twice as long for the same numbers (a test compares them).

    Args:
        factors: `[models * nodes, d]`, users and items in one table.
        batch: The triplets.
        models: How many models the table holds.

    Returns:
        The losses, `[models]`, and the gradient of their sum by `factors`.
    """
    gradient, losses = torch.zeros_like(factors), factors.new_zeros(models)
    size = CHUNK if factors.device.type == "cpu" else len(batch.users)
    columns = (batch.users, batch.positives, batch.negatives, batch.weights, batch.models)
    chunks = zip(*(column.split(size) for column in columns), strict=True)
    for users, positives, negatives, weights, owners in chunks:
        rows = torch.cat([users, positives, negatives])
        u, i, j = factors.index_select(0, rows).chunk(3)
        difference = i - j
        margin = torch.linalg.vecdot(u, difference)
        slope = torch.sigmoid(-margin).mul_(weights).neg_().unsqueeze(1)
        item_gradient = slope * u
        gradient.index_add_(0, rows, torch.cat([slope * difference, item_gradient, -item_gradient]))
        losses.index_add_(0, owners, torch.nn.functional.softplus(-margin).mul_(weights))
    return losses, gradient


class Bpr:
    """Matrix factorisation: the parameters are the factors."""

    def __init__(self, items: int, dimensions: int, models: int) -> None:
        """Remember how many items, dimensions and models there are."""
        self.items, self.dimensions, self.models = items, dimensions, models

    def initial_table(self, users: int, generator: torch.Generator) -> torch.Tensor:
        """Xavier-normal over each side's whole table: standard deviation ``√(2 / (rows + d))``."""
        d = self.dimensions
        sides = []
        for rows in (users, self.items):
            spread = math.sqrt(2 / (rows + d))
            sides.append(torch.randn(rows, d, generator=generator) * spread)
        return torch.cat(sides)

    def factors(self, table: torch.Tensor) -> torch.Tensor:
        """The table itself."""
        return table

    def gradient(self, table: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """See `bpr_gradient`."""
        return bpr_gradient(table, batch, self.models)


def build(shards: Sequence[TrainingData], options: TrainingOptions, device: torch.device) -> Bpr:
    """The backbone for these training data; it needs nothing on `device`."""
    return Bpr(shards[0].items, options.dimensions, len(shards))
