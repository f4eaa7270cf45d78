"""LightGCN (He et al. 2020) as RecBole trains it: BPR loss on the mean of the layers, un-squared norm penalty."""

import math
from collections.abc import Sequence

import torch
from pydantic import Field

from cragru.backbones.base import Batch, TrainingData
from cragru.backbones.bpr import bpr_gradient
from cragru.backbones.graph import NormalisedGraph
from cragru.backbones.options import TrainingOptions


class Options(TrainingOptions):
    """What params.yaml may set beside what training takes.

    Attributes:
        layers: Graph convolution layers L.
        regularisation: Weight λ of the norm of the batch's layer-0 rows.
    """

    layers: int = Field(ge=0, le=64)
    regularisation: float = Field(ge=0)


class LightGCN:
    """Factors are ``Z = (1 / (L + 1)) Σ_{k=0..L} Â^k E`` of the layer-0 table E.

    The map from E to Z is linear and symmetric, so the gradient by E is that map applied to the gradient by Z: one
    more propagation, no autograd. The penalty is ``λ (‖E_u‖_F + ‖E_i‖_F + ‖E_j‖_F) / B`` on the batch's rows of E
    (RecBole's `require_pow: False`), for each model that the table holds.
    """

    def __init__(
        self, graph: NormalisedGraph, shards: Sequence[TrainingData], options: Options
    ) -> None:
        """Keep the graph, in which the models are components of their own, and the options."""
        self.graph, self.options, self.models = graph, options, len(shards)
        self.items = shards[0].items

    def initial_table(self, users: int, generator: torch.Generator) -> torch.Tensor:
        """Xavier-uniform over each side's whole table: bound ``√(6 / (rows + d))``."""
        d = self.options.dimensions
        sides = []
        for rows in (users, self.items):
            bound = math.sqrt(6 / (rows + d))
            uniform = torch.rand(rows, d, generator=generator)
            sides.append(uniform.mul_(2 * bound).sub_(bound))
        return torch.cat(sides)

    def factors(self, table: torch.Tensor) -> torch.Tensor:
        """The mean of the layers."""
        return self.graph.mean_of_layers(table, self.options.layers)

    def gradient(self, table: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Losses with penalty, and the gradient of their sum by the layer-0 table."""
        losses, gradient = bpr_gradient(self.factors(table), batch, self.models)
        gradient = self.graph.mean_of_layers(gradient, self.options.layers)
        if self.options.regularisation:
            losses = losses + self._add_penalty(gradient, table, batch)
        return losses, gradient

    def _add_penalty(
        self, gradient: torch.Tensor, table: torch.Tensor, batch: Batch
    ) -> torch.Tensor:
        """Add the penalty's gradient to `gradient`; returns the penalty of each model.

        A batch holds a row many times, so each norm is taken from how often a row occurs: ``‖E_u‖² = Σ_r n_r ‖e_r‖²``
        over the rows of a model, and its gradient by row r is ``n_r e_r / ‖E_u‖``.
        """
        squares = torch.linalg.vecdot(table, table).view(self.models, -1)
        triplets = torch.bincount(batch.models, minlength=self.models).to(squares.dtype)
        weight = self.options.regularisation / triplets.clamp(min=1)
        factor, penalty = torch.zeros_like(squares), torch.zeros_like(weight)
        for rows in (batch.users, batch.positives, batch.negatives):
            counts = torch.bincount(rows, minlength=len(table))
            counts = counts.to(squares.dtype).view_as(squares)
            norm = (counts * squares).sum(dim=1).sqrt()
            smallest = torch.finfo(
                norm.dtype
            ).tiny  # a model without triplets in this step has no row to count
            factor += counts.mul_((weight / norm.clamp(min=smallest)).unsqueeze(1))
            penalty += weight * norm
        gradient.addcmul_(table, factor.view(-1, 1))
        return penalty


def build(shards: Sequence[TrainingData], options: Options, device: torch.device) -> LightGCN:
    """The backbone for these training data, their graphs side by side on `device`."""
    users = shards[0].users
    nodes = users + shards[0].items
    left, right = [], []
    for number, shard in enumerate(shards):
        first = number * nodes
        left.append(shard.train[0] + first)
        right.append(shard.train[1] + first + users)
    edges = torch.cat(left), torch.cat(right)
    graph = NormalisedGraph(*edges, len(shards) * nodes, device, dtype=options.dtype)
    return LightGCN(graph, shards, options)
