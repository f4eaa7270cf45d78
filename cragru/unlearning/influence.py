"""Influence of rows on a trained model: before and after a request, the spillover, and how it is served and timed.

What IFRU and SCIF have in common. Factors are a linear map of the parameters that is its own adjoint, and that map is
the backbone's business: the identity for BPR, the mean of the graph's layers for LightGCN. LightGCN's norm penalty
(weight 1e-5) is left out of the loss.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.linalg import vector_norm

from cragru.backbones.base import Backbone, FactorModel, TrainingData, split_model
from cragru.backbones.sampling import NegativeSampler
from cragru.backbones.trainer import Stopwatch, choose_device
from cragru.core.clock import total
from cragru.core.errors import CragruError
from cragru.core.seeds import torch_stream
from cragru.ranking.full import Pairs
from cragru.unlearning.base import Context, Cost, Unlearned
from cragru.unlearning.conjugate_gradient import Product, conjugate_gradient, require_finite
from cragru.unlearning.options import InfluenceOptions
from cragru.unlearning.triplets import Triplets

ANEW = "train the original anew"


@dataclass(frozen=True)
class Request:
    """What an influence method reads; the table is the original's parameters, `[users + items, d]`, on the device."""

    remain: TrainingData
    forget: Pairs
    table: Tensor
    ratings: Tensor | None = None

    @property
    def deployed(self) -> Pairs:
        """What the original was trained on: the remaining rows, then the forgotten ones."""
        users = torch.cat([self.remain.train[0], self.forget[0]])
        items = torch.cat([self.remain.train[1], self.forget[1]])
        return users, items


def read_request(context: Context, ratings: bool) -> Request:
    """Read the data, with ratings where they are asked for, and put the original on the device.

    Raises:
        CragruError: If the original is of another size than the data.
    """
    remain, forget = context.remain, context.reader.forget()
    original = context.reader.original()
    parts = original.user_embeddings, original.item_embeddings
    sizes = [tuple(part.shape) for part in parts]
    d = context.options.dimensions
    if sizes != [(remain.users, d), (remain.items, d)]:
        raise CragruError("other sizes than the data", place="original", got=sizes, advice=ANEW)
    table = torch.cat(parts).detach()
    stars = context.reader.ratings() if ratings else None
    return Request(remain, forget, table.to(choose_device(context.device)), stars)


@dataclass(frozen=True)
class Influence:
    """The loss around the original's parameters, by the backbone on all rows `before` the request and `after` it.

    The negatives are `[n, K]` int64 items for the rows of `request.deployed`.
    """

    request: Request
    before: Backbone
    after: Backbone
    negatives: Tensor

    @property
    def _left(self) -> int:
        return len(self.request.remain.train[0])

    @cached_property
    def factors_before(self) -> Tensor:
        """The original's factors."""
        return self.before.factors(self.request.table)

    @cached_property
    def factors_after(self) -> Tensor:
        """Factors of the same parameters without the forgotten edges."""
        return self.after.factors(self.request.table)

    @cached_property
    def remain(self) -> Triplets:
        """The remaining rows."""
        return self.triplets(slice(self._left))

    @cached_property
    def forget(self) -> Triplets:
        """The forgotten rows."""
        return self.triplets(slice(self._left, None))

    @cached_property
    def deployed(self) -> Triplets:
        """All rows that the original was trained on."""
        return self.triplets(slice(None))

    @cached_property
    def forget_gradient(self) -> Tensor:
        """``∇L(F, G)`` by the parameters, on the original's graph."""
        return self.before.factors(self.forget.gradient(self.factors_before))

    @cached_property
    def remain_gradient(self) -> Tensor:
        """``∇L(R, G)`` by the parameters, on the original's graph."""
        return self.before.factors(self.remain.gradient(self.factors_before))

    @cached_property
    def is_coupled(self) -> bool:
        """Whether propagation mixes rows of parameters: not so for BPR."""
        return not torch.equal(self.factors_after, self.request.table)

    def triplets(self, rows: slice | Tensor) -> Triplets:
        """Return rows of `request.deployed`, chosen by a slice or a bool mask, with their negatives."""
        users, items = self.request.deployed
        chosen = users[rows], items[rows]
        data, device = self.request.remain, self.request.table.device
        return Triplets(chosen, self.negatives[rows], data.users, data.items, device)

    def spillover(self) -> Tensor:
        """Return what the remaining rows' loss loses by the change of the graph: ``∇L(R, G) − ∇L(R, G')``.

        Exactly zero where the factors stay as they are, as with BPR or with nothing forgotten.
        """
        if torch.equal(self.factors_before, self.factors_after):
            return torch.zeros_like(self.request.table)
        by_factors = self.remain.gradient(self.factors_after)
        return self.remain_gradient - self.after.factors(by_factors)

    def curvature(self, triplets: Triplets, keep: Tensor) -> Product:
        """Make Gauss-Newton products by the parameters on the graph of what remains, of the loss of some triplets.

        Rows of parameters that are not in `keep`, `[users + items, 1]` bool, are constants.
        """
        product = triplets.gauss_newton(self.factors_after)

        def restricted(direction: Tensor) -> Tensor:
            change = self.after.factors(direction * keep)
            return self.after.factors(product(change)) * keep

        return restricted

    def imbalance(self) -> float | None:
        """Measure how far early stopping left the original from a minimum: ``‖∇L(D)‖ / ‖∇L(F)‖``.

        Influence functions take it for 0; on ML-100K it is near 3. None with nothing to forget.
        """
        size = vector_norm(self.forget_gradient).item()
        whole = vector_norm(self.forget_gradient + self.remain_gradient).item()
        return whole / size if size else None

    def model(self, change: Tensor) -> FactorModel:
        """Add `change` to the original's parameters; rows without a change stay the same to the bit."""
        require_finite(change, "step")
        before = self.request.table
        table = torch.where(change == 0, before, before + change)
        return split_model(self.after.factors(table), table, self.request.remain.users)


def linearise(context: Context, request: Request, negatives: int) -> Influence:
    """Build both backbones and draw the negatives.

    One set of negatives serves gradients and curvature, which are of one loss. It leaves out the forgotten items too,
    as the original's training did: among the negatives they would be pushed down by the remaining loss.

    Raises:
        CragruError: If a user has interacted with every item.
    """
    remain, everything = request.remain, request.deployed
    build = importlib.import_module(context.module).build
    deployed = replace(remain, train=everything)
    before = build([deployed], context.options, request.table.device)
    after = build([remain], context.options, request.table.device)
    stream = torch_stream(context.seed, "influence", context.backbone, "negatives")
    sampler = NegativeSampler(everything, remain.users, remain.items)
    users = everything[0].repeat_interleave(negatives)
    drawn = sampler.sample(users, stream)
    return Influence(request, before, after, drawn.view(-1, negatives))


@dataclass(frozen=True)
class Step:
    """A solve: the change of the parameters, products with the curvature, and what the manifest is to say."""

    change: Tensor
    products: int
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """A method that is ready to be solved at any damping."""

    influence: Influence
    solve: Callable[[float], Step]


def by_conjugate_gradient(
    influence: Influence,
    triplets: Triplets,
    direction: Tensor,
    keep: Tensor,
    options: InfluenceOptions,
) -> Prepared:
    """Prepare to solve ``(H + λI) p = v`` for the rows of parameters in `keep`, `[users + items, 1]` bool.

    H is the curvature of the triplets' loss, and v is `direction`, `[users + items, d]`.
    """
    product = influence.curvature(triplets, keep)
    right = direction * keep

    def solve(damping: float) -> Step:
        done = conjugate_gradient(product, right, damping, options.tolerance, options.iterations)
        facts = {"iterations": done.iterations, "residual": done.residual}
        facts["updated"] = int(keep.sum())
        return Step(done.step, done.products, facts)

    return Prepared(influence, solve)


def serve(
    context: Context,
    request: Request,
    prepare: Callable[[Context, Request], Prepared],
    damping: float,
) -> Unlearned:
    """Prepare and solve against the clock, with λ > 0 in units of a loss that is summed over rows."""
    device = request.table.device
    watch = Stopwatch(device)
    prepared = prepare(context, request)
    stages = {"prepare": watch.lap()}
    step = prepared.solve(damping)
    model = prepared.influence.model(step.change)
    stages["solve"] = watch.lap()
    seconds = total(stages.values())
    cost = Cost(seconds, seconds, 0, 0, step.products, str(device), stages)
    size = vector_norm(step.change).item()
    facts = {"damping": damping, "step_norm": size, **step.facts}
    facts["imbalance"] = prepared.influence.imbalance()
    return Unlearned(model, cost, facts=facts)
