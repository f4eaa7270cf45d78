"""LightGCN (He et al. 2020) as RecBole trains it: BPR loss on the mean of the layers, un-squared norm penalty."""

import math

import torch

from cragru.backbones.base import TrainingData, TrainingOptions
from cragru.backbones.bpr import bpr_gradient
from cragru.backbones.graph import NormalisedGraph


class LightGCN:
    """Factors are ``Z = (1 / (L + 1)) Σ_{k=0..L} Â^k E`` of the layer-0 table E.

    The map from E to Z is linear and symmetric, so the gradient by E is that map applied to the gradient by Z: one
    more propagation, no autograd. The penalty is ``λ (‖E_u‖_F + ‖E_i‖_F + ‖E_j‖_F) / B`` on the batch's rows of E
    (RecBole's `require_pow: False`).
    """

    def __init__(self, graph: NormalisedGraph, data: TrainingData, options: TrainingOptions) -> None:
        """Keep the graph of the training data and the options."""
        self.graph, self.data, self.options = graph, data, options

    def initial_table(self, generator: torch.Generator) -> torch.Tensor:
        """Xavier-uniform over each side's whole table: bound ``√(6 / (rows + d))``."""
        d = self.options.dimensions
        sides = []
        for rows in (self.data.users, self.data.items):
            bound = math.sqrt(6 / (rows + d))
            sides.append(torch.rand(rows, d, generator=generator).mul_(2 * bound).sub_(bound))
        return torch.cat(sides)

    def factors(self, table: torch.Tensor) -> torch.Tensor:
        """The mean of the layers."""
        return self.graph.mean_of_layers(table, self.options.layers)

    def gradient(
        self, table: torch.Tensor, users: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss with penalty, and its gradient by the layer-0 table."""
        loss, gradient = bpr_gradient(self.factors(table), users, positives, negatives)
        gradient = self.graph.mean_of_layers(gradient, self.options.layers)
        if self.options.regularisation:
            loss = loss + self._add_penalty(gradient, table, (users, positives, negatives))
        return loss, gradient

    def _add_penalty(
        self, gradient: torch.Tensor, table: torch.Tensor, batch: tuple[torch.Tensor, ...]
    ) -> torch.Tensor:
        """Add the penalty's gradient to `gradient`; returns the penalty.

        A batch holds a row many times, so each norm is taken from how often a row occurs: ``‖E_u‖² = Σ_r n_r ‖e_r‖²``
        over the rows of the table, and its gradient by row r is ``n_r e_r / ‖E_u‖``.
        """
        weight = self.options.regularisation / len(batch[0])
        squares = torch.linalg.vecdot(table, table)
        factor, penalty = torch.zeros_like(squares), squares.new_zeros(())
        for rows in batch:
            counts = torch.bincount(rows, minlength=len(table)).to(squares.dtype)
            norm = counts.dot(squares).sqrt()
            factor += counts.mul_(weight / norm)
            penalty += weight * norm
        gradient.addcmul_(table, factor.unsqueeze(1))
        return penalty


def build(data: TrainingData, options: TrainingOptions, device: torch.device) -> LightGCN:
    """The backbone for `data`, its graph on `device`."""
    return LightGCN(NormalisedGraph(data.train, data.users, data.items, device), data, options)
