"""The normalised bipartite graph and its product with a table: dgl on the CPU, torch's CSR on CUDA.

``Â = D^{-1/2} A D^{-1/2}`` over users and items (users first), without self loops. Both engines scale before and
after an unweighted sum over neighbours: dgl's weighted product is many times slower than its plain copy-and-sum.
"""

import os
import warnings
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Literal

import torch
from torch import Tensor

Engine = Literal["dgl", "csr"]
NeighbourSum = Callable[[Tensor], Tensor]


class NormalisedGraph:
    """``Â`` of an undirected graph, as a linear map on tables `[nodes, d]`."""

    def __init__(
        self,
        left: Tensor,
        right: Tensor,
        nodes: int,
        device: torch.device,
        engine: Engine | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Build the graph of the edges from `left` to `right`, both `[n]` int64: users' nodes and items' nodes.

        Products are on `device`, of tables of `dtype`: by default with dgl on the CPU and torch's CSR on CUDA.
        """
        left, right = left.to(device), right.to(device)
        sources = torch.cat([left, right])
        targets = torch.cat([right, left])
        degrees = torch.bincount(targets, minlength=nodes)
        degree = degrees.clamp(min=1).to(dtype).unsqueeze(1)  # an isolated node's sum is 0 anyway
        self._scale = degree.rsqrt()
        self._scale_squared = degree.reciprocal()
        engine = engine or ("csr" if device.type == "cuda" else "dgl")
        build = _dgl_sum if engine == "dgl" else _csr_sum
        self._neighbour_sum = build(sources, targets, degrees, dtype)

    def propagate(self, table: Tensor) -> Tensor:
        """Return ``Â · table`` for a `[nodes, d]` table; Â is symmetric, so this is its own adjoint."""
        return self._neighbour_sum(table * self._scale).mul_(self._scale)

    def mean_of_layers(self, table: Tensor, layers: int) -> Tensor:
        """Return LightGCN's ``(1 / (L + 1)) Σ_{k=0..L} Â^k · table``; symmetric too, identity for L = 0.

        Between two layers the scales after one and before the next are one factor, and the last scale is applied to
        the sum of the layers: half the passes over the table.
        """
        if layers == 0:
            return table
        power = self._neighbour_sum(table * self._scale)
        total = power
        for _ in range(layers - 1):
            power = self._neighbour_sum(power * self._scale_squared)
            total = total + power
        return torch.addcmul(table, total, self._scale).div_(layers + 1)


def import_dgl() -> ModuleType:
    """Import dgl, late: it takes its time and only products on the CPU need it."""
    # without it dgl writes a question into the user's home; with another it finds nothing to compute with
    os.environ["DGLBACKEND"] = "pytorch"
    import dgl

    return dgl


def _dgl_sum(sources: Tensor, targets: Tensor, degrees: Tensor, dtype: torch.dtype) -> NeighbourSum:
    dgl = import_dgl()
    graph = dgl.graph((sources.int(), targets.int()), num_nodes=len(degrees), idtype=torch.int32)
    graph = graph.formats(["csr", "csc"])
    graph.create_formats_()
    return partial(dgl.ops.copy_u_sum, graph)


def _csr_sum(sources: Tensor, targets: Tensor, degrees: Tensor, dtype: torch.dtype) -> NeighbourSum:
    offsets = torch.zeros(len(degrees) + 1, dtype=torch.int64, device=degrees.device)
    offsets[1:] = degrees.cumsum(0)
    columns = sources[torch.argsort(targets, stable=True)]
    ones = torch.ones(len(columns), dtype=dtype, device=degrees.device)
    size = (len(degrees), len(degrees))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support")  # it is in beta
        matrix = torch.sparse_csr_tensor(offsets, columns, ones, size=size, check_invariants=True)
    return matrix.matmul
