"""The normalised bipartite graph and its product with a table: dgl on the CPU, torch's CSR on CUDA.

``Â = D^{-1/2} A D^{-1/2}`` over users and items (users first), without self loops. Both engines scale before and
after an unweighted sum over neighbours: dgl's weighted product is many times slower than its plain copy-and-sum.
"""

import os
import warnings
from typing import Literal

import torch

from cragru.ranking import Pairs

Engine = Literal["dgl", "csr"]


class NormalisedGraph:
    """``Â`` of a set of interactions, as a linear map on tables `[users + items, d]`."""

    def __init__(
        self, positives: Pairs, users: int, items: int, device: torch.device, engine: Engine | None = None
    ) -> None:
        """Build the graph.

        Args:
            positives: User ids and item ids of the training data, both `[n]` int64.
            users: Number of users.
            items: Number of items.
            device: Where products are wanted.
            engine: Which product; by default dgl on the CPU and torch's CSR on CUDA.
        """
        self.nodes = users + items
        u, i = positives[0].to(device), positives[1].to(device) + users
        sources, targets = torch.cat([u, i]), torch.cat([i, u])
        degrees = torch.bincount(targets, minlength=self.nodes)
        self._scale = degrees.clamp(min=1).float().rsqrt().unsqueeze(1)  # an isolated node's sum is 0 anyway
        self.engine: Engine = engine or ("csr" if device.type == "cuda" else "dgl")
        build = _dgl_sum if self.engine == "dgl" else _csr_sum
        self._neighbour_sum = build(sources, targets, degrees)

    def propagate(self, table: torch.Tensor) -> torch.Tensor:
        """``Â · table`` for a `[users + items, d]` table; Â is symmetric, so this is its own adjoint."""
        scale = self._scale.to(table.dtype)
        return self._neighbour_sum(table * scale).mul_(scale)

    def mean_of_layers(self, table: torch.Tensor, layers: int) -> torch.Tensor:
        """LightGCN's read-out ``(1 / (L + 1)) Σ_{k=0..L} Â^k · table``; symmetric too, identity for L = 0."""
        if layers == 0:
            return table
        total, power = table.clone(), table
        for _ in range(layers):
            power = self.propagate(power)
            total += power
        return total.div_(layers + 1)


def _dgl_sum(sources: torch.Tensor, targets: torch.Tensor, degrees: torch.Tensor):  # noqa: ANN202  a closure
    os.environ.setdefault("DGLBACKEND", "pytorch")  # without it dgl writes a question into the user's home
    import dgl

    graph = dgl.graph((sources.int(), targets.int()), num_nodes=len(degrees), idtype=torch.int32)
    graph = graph.formats(["csr", "csc"])
    graph.create_formats_()

    def neighbour_sum(table: torch.Tensor) -> torch.Tensor:
        return dgl.ops.copy_u_sum(graph, table)

    return neighbour_sum


def _csr_sum(sources: torch.Tensor, targets: torch.Tensor, degrees: torch.Tensor):  # noqa: ANN202  a closure
    offsets = torch.zeros(len(degrees) + 1, dtype=torch.int64, device=degrees.device)
    offsets[1:] = degrees.cumsum(0)
    columns = sources[torch.argsort(targets, stable=True)]
    cache: dict[torch.dtype, torch.Tensor] = {}

    def neighbour_sum(table: torch.Tensor) -> torch.Tensor:
        if table.dtype not in cache:
            ones = torch.ones(len(columns), dtype=table.dtype, device=table.device)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Sparse CSR tensor support")  # beta notice, once a process
                cache[table.dtype] = torch.sparse_csr_tensor(offsets, columns, ones, size=(len(degrees),) * 2)
        return cache[table.dtype] @ table

    return neighbour_sum
