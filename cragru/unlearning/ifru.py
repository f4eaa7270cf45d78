"""IFRU: forget by one influence step on all that the forgotten rows touched (Zhang et al. 2023).

Taking the rows F away from a minimum θ of the loss over D = R ∪ F moves that minimum by about ``H⁻¹ v``, where

    v = ∇L(F, G) + [∇L(R, G) − ∇L(R, G')]        G: graph of D, G': graph of R

The first term is what F had pulled with, and the step goes up F's loss. The second is the spillover: what remains is
propagated over another graph than before (LightGCN alone). The paper takes it from the rows near a changed degree;
here all of R is taken, which is exact and costs two gradients.

Deviations from the paper, each measured on ML-100K: H is the damped Gauss-Newton matrix over R and G', for the exact
Hessian has negative curvature where training stopped early, and the one over D leaves F in; conjugate gradient solves,
not an optimiser that a validation score stops; the loss is summed over rows.
"""

import torch
from pydantic import Field
from torch import Tensor

from cragru.core.errors import CragruError
from cragru.plugins.options import read_options
from cragru.ranking.full import Pairs
from cragru.unlearning.base import Context, Unlearned
from cragru.unlearning.influence import (
    Prepared,
    Request,
    by_conjugate_gradient,
    linearise,
    read_request,
    serve,
)
from cragru.unlearning.options import InfluenceOptions


class Options(InfluenceOptions):
    """What params.yaml may set beside what both influence methods take.

    Attributes:
        negatives: K, fixed negatives for each row. With few of them v and H are so noisy that the step does harm.
        damping: λ, in units of the summed loss; smaller forgets more.
        prune: Quantile of importance up to which touched nodes stay as they are; 0 updates every node.
        hops: How far importance spreads from the forgotten rows.
    """

    negatives: int = Field(default=24, ge=1, le=100_000)
    damping: float = Field(default=1.0, gt=0)
    prune: float = Field(default=0.0, ge=0, lt=1)
    hops: int = Field(default=1, ge=0)


def unlearn(context: Context) -> Unlearned:
    """Serve a request by one influence step on users and items.

    Raises:
        CragruError: If an option, the original or the solve is not what it must be.
    """
    options = read_options(Options, context.method_options)
    return serve(context, read(context), prepare, options.damping)


def read(context: Context) -> Request:
    """Read the rows that remain, those that go, and the original."""
    return read_request(context, ratings=False)


def prepare(context: Context, request: Request) -> Prepared:
    """Do all that no damping changes: graphs, negatives, v, and the curvature's weights."""
    options = read_options(Options, context.method_options)
    influence = linearise(context, request, options.negatives)
    keep = kept(request, options.prune, options.hops)
    direction = influence.forget_gradient + influence.spillover()
    return by_conjugate_gradient(influence, influence.remain, direction, keep, options)


def kept(request: Request, prune: float, hops: int) -> Tensor:
    """Mark the nodes to update: those whose importance is above the quantile `prune` of all that are touched.

    A `prune` of 0 keeps all nodes, touched or not; `hops` is that of `importance`. The marks are `[users + items, 1]`
    bool, on the device of the parameters.

    Raises:
        CragruError: If no node is left.
    """
    users, items = request.remain.users, request.remain.items
    keep = torch.ones(users + items, dtype=torch.bool)
    if prune > 0 and len(request.forget[0]):
        weights = importance(request.deployed, request.forget, users, items, hops)
        touched = weights[weights > 0]
        keep = weights > torch.quantile(touched, prune)
        if not keep.any():
            raise CragruError("no node to update", place="prune", got=prune, advice="lower it")
    return keep.unsqueeze(1).to(request.table.device)


def importance(deployed: Pairs, forget: Pairs, users: int, items: int, hops: int) -> Tensor:
    """Return how much of each node's neighbourhood is forgotten, `[users + items]` float64.

    ``w = [Deg⁻¹ (A + I)]^hops w⁰`` with ``w⁰ = rows in F / degree``. A and the degrees (rows + 1) are those before the
    request, of remaining and forgotten rows. Through the self-loops a node near the forgotten rows stays among the
    candidates when importance spreads; the authors' code loses it there.
    """
    left = deployed[0]
    right = deployed[1] + users
    sources = torch.cat([left, right])
    targets = torch.cat([right, left])
    degree = torch.bincount(targets, minlength=users + items).double() + 1
    forgotten = torch.cat([forget[0], forget[1] + users])
    weights = torch.bincount(forgotten, minlength=users + items) / degree
    for _ in range(hops):
        spread = weights[sources]
        weights = weights.index_add(0, targets, spread) / degree
    return weights
