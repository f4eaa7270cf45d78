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
        weight = self.options.regularisation / len(users)
        if weight:
            for rows in (users, positives, negatives):
                embeddings = table.index_select(0, rows)
                norm = torch.linalg.vector_norm(embeddings)
                loss = loss + weight * norm
                gradient.index_add_(0, rows, embeddings.mul_(weight / norm))
        return loss, gradient


def build(data: TrainingData, options: TrainingOptions, device: torch.device) -> LightGCN:
    """The backbone for `data`, its graph on `device`."""
    return LightGCN(NormalisedGraph(data.train, data.users, data.items, device), data, options)
