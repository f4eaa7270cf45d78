"""LightGCN (He et al. 2020) as RecBole trains it: BPR loss on the mean of the layers, un-squared norm penalty."""

import math
from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor

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
        self.graph, self.options = graph, options
        self.models, self.items = len(shards), shards[0].items

    def initial_table(self, users: int, generator: torch.Generator) -> Tensor:
        """Draw Xavier-uniform over each side's whole table: bound ``√(6 / (rows + d))``."""
        d = self.options.dimensions
        sides = []
        for rows in (users, self.items):
            bound = math.sqrt(6 / (rows + d))
            uniform = torch.rand(rows, d, generator=generator)
            sides.append(uniform.mul_(2 * bound).sub_(bound))
        return torch.cat(sides)

    def factors(self, table: Tensor) -> Tensor:
        """Return the mean of the layers."""
        return self.graph.mean_of_layers(table, self.options.layers)

    def gradient(self, table: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return losses with penalty, and the gradient of their sum by the layer-0 table."""
        losses, gradient = bpr_gradient(self.factors(table), batch, self.models)
        gradient = self.graph.mean_of_layers(gradient, self.options.layers)
        if self.options.regularisation:
            losses = losses + self._add_penalty(gradient, table, batch)
        return losses, gradient

    def _add_penalty(self, gradient: Tensor, table: Tensor, batch: Batch) -> Tensor:
        """Add the penalty's gradient to `gradient`; return the penalty of each model."""
        triplets = torch.bincount(batch.models, minlength=self.models).to(table.dtype)
        weights = self.options.regularisation / triplets.clamp(min=1)
        penalties = torch.zeros_like(weights)
        add = _add_in_one_pass if table.device.type == "cpu" else _add_by_counts
        for rows in (batch.users, batch.positives, batch.negatives):
            add(table, rows, batch.models, weights, penalties, gradient)
        return penalties


def _add_in_one_pass(table: Tensor, *others: Tensor) -> None:
    from cragru.backbones.kernels import add_norms  # late: a GPU has no need of numba

    add_norms(*(array.numpy() for array in (table, *others)))


def _add_by_counts(
    table: Tensor,
    rows: Tensor,
    models: Tensor,
    weights: Tensor,
    penalties: Tensor,
    gradient: Tensor,
) -> None:
    """Do what `cragru.backbones.kernels.add_norms` does, whatever the device.

    A batch holds a row many times, so each norm is taken from how often a row occurs: ``‖E_u‖² = Σ_r n_r ‖e_r‖²`` over
    the rows of a model, and its gradient by row r is ``n_r e_r / ‖E_u‖``.
    """
    squares = torch.linalg.vecdot(table, table).view(len(penalties), -1)
    counts = torch.bincount(rows, minlength=len(table)).to(table.dtype).view_as(squares)
    norms = (counts * squares).sum(dim=1).sqrt()
    # a model without triplets in this step has no row to count
    divisor = norms.clamp(min=torch.finfo(norms.dtype).tiny)
    gradient.addcmul_(table, counts.mul_((weights / divisor).unsqueeze(1)).view(-1, 1))
    penalties += weights * norms


def build(shards: Sequence[TrainingData], options: Options, device: torch.device) -> LightGCN:
    """Return the backbone for these training data, their graphs side by side on `device`."""
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
