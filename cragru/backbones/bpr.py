"""BPR matrix factorisation (Rendle et al. 2009) as RecBole trains it: no bias, no weight decay."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from cragru.backbones.base import Batch, TrainingData
from cragru.backbones.options import TrainingOptions


def bpr_gradient(factors: Tensor, batch: Batch, models: int = 1) -> tuple[Tensor, Tensor]:
    """Compute the BPR loss ``mean(-log σ(x_ui - x_uj))`` of each model and its gradient, in closed form.

    It is written out because autograd takes several times as long for the same numbers (a test compares them). The
    table `factors` is `[models * nodes, d]`: users and items of each model.

    Returns:
        The losses, `[models]`, and the gradient of their sum by `factors`.
    """
    gradient = torch.zeros_like(factors)
    losses = factors.new_zeros(models)
    if factors.device.type == "cpu":
        _add_in_one_pass(factors, batch, losses, gradient)
    else:
        _add_as_tensors(factors, batch, losses, gradient)
    return losses, gradient


def _add_in_one_pass(factors: Tensor, batch: Batch, losses: Tensor, gradient: Tensor) -> None:
    from cragru.backbones.kernels import add_bpr  # late: a GPU has no need of numba

    triplets = (batch.users, batch.positives, batch.negatives, batch.weights, batch.models)
    add_bpr(*(array.numpy() for array in (factors, *triplets, losses, gradient)))


def _add_as_tensors(factors: Tensor, batch: Batch, losses: Tensor, gradient: Tensor) -> None:
    rows = torch.cat([batch.users, batch.positives, batch.negatives])
    u, i, j = factors.index_select(0, rows).chunk(3)
    difference = i - j
    margin = torch.linalg.vecdot(u, difference)
    slope = torch.sigmoid(-margin).mul_(batch.weights).neg_().unsqueeze(1)
    by_item = slope * u
    gradient.index_add_(0, rows, torch.cat([slope * difference, by_item, -by_item]))
    losses.index_add_(0, batch.models, softplus(-margin).mul_(batch.weights))


@dataclass
class Bpr:
    """Matrix factorisation: the parameters are the factors."""

    items: int
    dimensions: int
    models: int

    def initial_table(self, users: int, generator: torch.Generator) -> Tensor:
        """Draw Xavier-normal over each side's whole table: standard deviation ``√(2 / (rows + d))``."""
        d = self.dimensions
        sides = []
        for rows in (users, self.items):
            spread = math.sqrt(2 / (rows + d))
            sides.append(torch.randn(rows, d, generator=generator) * spread)
        return torch.cat(sides)

    def factors(self, table: Tensor) -> Tensor:
        """Return the table itself."""
        return table

    def gradient(self, table: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return what `bpr_gradient` does."""
        return bpr_gradient(table, batch, self.models)


def build(shards: Sequence[TrainingData], options: TrainingOptions, device: torch.device) -> Bpr:
    """Return the backbone for these training data; it needs nothing on `device`."""
    return Bpr(shards[0].items, options.dimensions, len(shards))
