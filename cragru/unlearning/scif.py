"""SCIF: move the requesting users as if the forgotten rows had had their user's average label (Li et al. 2023).

A row with label t has the pairwise loss ``ℓ_t(x) = t log(1 + e^-x) + (1 − t) log(1 + e^x)``; training has t = 1. To
replace 1 by the average t̄ changes its gradient by ``∇ℓ_1 − ∇ℓ_t̄ = −(1 − t̄) ∇x``, so with φ the parameters that move,

    v = −Σ_(u,i)∈F (1 − t̄_u) 1/K Σ_j ∇_φ x_uij,        φ ← φ + (H_φφ + λI)⁻¹ v

The rows stay in the loss with another label, and ``ℓ_t''`` doesn't depend on t: so H is that of R ∪ F, on the graph
of R. The block is the requesting users' rows. With BPR the scores of a user are linear in them, H falls apart into one
d × d matrix for each user and is exact; LightGCN's propagation couples the users, and conjugate gradient solves for
them together with the Gauss-Newton matrix.

Implicit feedback has label 1 everywhere, so labels are taken from ratings (`threshold`), or are one constant
(`target`). A replaced row pulls with 1 − t̄ however well it was fitted: hence the large damping.
"""

import torch
from pydantic import Field
from torch import Tensor
from torch.linalg import vector_norm

from cragru.core.errors import CragruError
from cragru.plugins.options import read_options
from cragru.unlearning.base import Context, Unlearned
from cragru.unlearning.conjugate_gradient import require_finite
from cragru.unlearning.influence import (
    Influence,
    Prepared,
    Request,
    Step,
    by_conjugate_gradient,
    linearise,
    read_request,
    serve,
)
from cragru.unlearning.options import InfluenceOptions
from cragru.unlearning.triplets import Curvature, Triplets, logistic_curvature


class Options(InfluenceOptions):
    """What params.yaml may set beside what both influence methods take.

    Attributes:
        negatives: K, fixed negatives for each row.
        damping: λ, in units of a loss that is summed over rows.
        threshold: Ratings from here on are label 1, others 0.
        target: A constant label t̄ for all forgotten rows; 0 takes the users' averages.
    """

    negatives: int = Field(default=8, ge=1, le=100_000)
    damping: float = Field(default=30.0, gt=0)
    threshold: float = 4.0
    target: float = Field(default=0.0, ge=0, le=1)


def unlearn(context: Context) -> Unlearned:
    """Serve a request by one influence step on the requesting users.

    Raises:
        CragruError: If an option, the original or the solve is not what it must be.
    """
    options = read_options(Options, context.method_options)
    return serve(context, read(context), prepare, options.damping)


def read(context: Context) -> Request:
    """Read the rows that remain and, for labels, their ratings; the rows that go; the original."""
    options = read_options(Options, context.method_options)
    return read_request(context, ratings=not options.target)


def prepare(context: Context, request: Request) -> Prepared:
    """Do all that no damping changes: graphs, negatives, v, and the curvature."""
    options = read_options(Options, context.method_options)
    influence = linearise(context, request, options.negatives)
    targets = labels(request, options)
    direction = replacement(influence, targets)
    users = torch.unique(request.forget[0])
    if not influence.is_coupled:
        return by_blocks(influence, direction, users)
    keep = torch.zeros(len(direction), 1, dtype=torch.bool)
    keep[users] = True
    keep = keep.to(direction.device)
    return by_conjugate_gradient(influence, influence.deployed, direction, keep, options)


def labels(request: Request, options: Options) -> Tensor:
    """Return the label t̄ that replaces 1, for each forgotten row, `[|F|]` float32 on the CPU.

    It is the mean label of the user's remaining rows, of the item's for a user without any, of all for an item
    without any either.
    """
    users, items = request.forget
    if options.target:
        return torch.full((len(users),), options.target)
    remain = request.remain
    rated_users, rated_items = remain.train
    liked = (request.ratings >= options.threshold).float()
    by_user = _group_means(rated_users, liked, remain.users)[users]
    by_item = _group_means(rated_items, liked, remain.items)[items]
    by_item = by_item.nan_to_num(liked.mean().item())
    return torch.where(by_user.isnan(), by_item, by_user)


def replacement(influence: Influence, targets: Tensor) -> Tensor:
    """Return ``Σ_F (∇ℓ_1 − ∇ℓ_t̄)`` by all parameters, `[users + items, d]`, given t̄ of each forgotten row."""
    pull = (targets - 1).to(influence.request.table)

    def slope(margins: Tensor, rows: Tensor) -> Tensor:
        return pull[rows].unsqueeze(1).expand_as(margins)

    by_factors = influence.forget.gradient(influence.factors_after, slope)
    return influence.after.factors(by_factors)


def curvature_blocks(
    triplets: Triplets, factors: Tensor, curvature: Curvature = logistic_curvature
) -> tuple[Tensor, Tensor]:
    """Return each user's ``H_u = Σ ℓ''/K (q_i − q_j)(q_i − q_j)ᵀ``, item factors fixed.

    Returns:
        The users that have triplets, `[k]` sorted, and their blocks `[k, d, d]`, float64.
    """
    items = factors[triplets.users :].double()
    d = items.shape[1]
    users = [factors.new_zeros(0, dtype=torch.int64)]
    blocks = [items.new_zeros(0, d, d)]
    for block, margins in triplets.margins(factors):
        weights = (curvature(margins) / triplets.negatives).double()
        owners = block.positives // triplets.items
        counts = torch.bincount(owners).tolist()
        positives = (block.positives % triplets.items).split(counts)
        negatives = (block.negatives % triplets.items).view_as(margins).split(counts)
        for weight, own, drawn in zip(weights.split(counts), positives, negatives, strict=True):
            difference = items[own].unsqueeze(1) - items[drawn]
            difference = difference.flatten(0, 1)
            weighted = difference * weight.reshape(-1, 1)
            blocks.append((weighted.T @ difference).unsqueeze(0))
        users.append(block.users)
    return torch.cat(users), torch.cat(blocks)


def solve_blocks(blocks: Tensor, right: Tensor, damping: float) -> Tensor:
    """Solve ``(H_u + λI) p_u = v_u`` for many users at once, by Cholesky.

    The blocks are `[k, d, d]`, symmetric and positive semi-definite; `right` is `[k, d]`, and so is the solution, in
    the type of the blocks.

    Raises:
        CragruError: If a matrix is not positive definite, or a number of `right` not finite.
    """
    require_finite(right, "gradient")
    d = blocks.shape[-1]
    identity = torch.eye(d, dtype=blocks.dtype, device=blocks.device)
    factor, failed = torch.linalg.cholesky_ex(blocks + damping * identity)
    bad = int((failed > 0).sum())
    if bad:
        at = f"damping {damping:g}"
        raise CragruError("not positive definite", place=at, got=bad, advice="raise it")
    columns = right.to(blocks).unsqueeze(2)
    return torch.cholesky_solve(columns, factor).squeeze(2)


def by_blocks(influence: Influence, direction: Tensor, users: Tensor) -> Prepared:
    """Prepare to solve for each of some users alone, which is exact where nothing couples them; `direction` is v."""
    own = torch.isin(influence.request.deployed[0], users)
    found, blocks = curvature_blocks(influence.triplets(own), influence.factors_after)
    right = direction[found].double()

    def solve(damping: float) -> Step:
        solved = solve_blocks(blocks, right, damping)
        product = (blocks @ solved.unsqueeze(2)).squeeze(2)
        left_over = product.add_(solved, alpha=damping).sub_(right)
        size = vector_norm(right).item()
        residual = vector_norm(left_over).item() / size if size else 0.0
        change = torch.zeros_like(direction)
        change[found] = solved.to(change.dtype)
        facts = {"iterations": 0, "residual": residual, "updated": len(users)}
        return Step(change, 0, facts)

    return Prepared(influence, solve)


def _group_means(groups: Tensor, values: Tensor, count: int) -> Tensor:
    """Return the mean value of each of `count` groups; NaN for one without a value."""
    totals = torch.bincount(groups, values, count).float()
    return totals / torch.bincount(groups, minlength=count)
