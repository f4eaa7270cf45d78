"""RecEraser (Chen et al. 2022): shards of similar users or interactions, joined by attention.

The embeddings of a node in all shards, frozen, are mapped into one space and summed by attention. The attention sees
all that remains, and with S·d² free weights it is a second recommender on top of the shards; so its training is a part
of every request and starts from fresh weights: the old ones have learnt from forgotten rows.
"""

import importlib
from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.linalg import vecdot
from torch.nn import Module, Parameter
from torch.nn.functional import softplus
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from cragru.backbones.adam import Adam
from cragru.backbones.base import Backbone, Batch, FactorModel, split_model
from cragru.backbones.learner import Epoch, Learner, Schedule, Task, check_loss
from cragru.backbones.trainer import Stopwatch, choose_device
from cragru.core.progress import Progress
from cragru.core.seeds import torch_stream
from cragru.plugins.options import read_options
from cragru.unlearning.base import Context, Unlearned
from cragru.unlearning.options import ShardOptions
from cragru.unlearning.sharding import renew


class Options(ShardOptions):
    """RecEraser's options.

    Attributes:
        attention_rate: Adam's learning rate for the attention.
        attention_batch: Triplets a step: many, for each step aggregates every node, at a high rate (both chosen on
            validation rows of ML-100K).
        attention_epochs: Most passes over what remains.
        attention_patience: Epochs without a better validation NDCG@10 after which it stops.
        dropout: Share of a user's aggregated embedding that is dropped in training.
        penalty: Weight of ``½ (‖W‖² + ‖b‖²)``.
    """

    attention_rate: float = Field(default=0.008, gt=0)
    attention_batch: int = Field(default=8192, ge=1)
    attention_epochs: int = Field(default=50, ge=1)
    attention_patience: int = Field(default=10, ge=0)
    dropout: float = Field(default=0.3, ge=0, lt=1)
    penalty: float = Field(default=0.00001, ge=0)


class Side(Module):
    """What the attention has for users, or for items: A, c and h of ``a_s = hᵀ relu(A e'_s + c)``."""

    def __init__(self, dimensions: int, stream: torch.Generator, dtype: torch.dtype) -> None:
        """Draw fresh weights: A truncated normal, h .01, c 0, as the authors' code."""
        super().__init__()
        hidden = max(1, dimensions // 2)
        spread = (2 / (dimensions + hidden)) ** 0.5
        weight = torch.empty(dimensions, hidden, dtype=dtype)
        torch.nn.init.trunc_normal_(
            weight, std=spread, a=-2 * spread, b=2 * spread, generator=stream
        )
        bias = torch.zeros(hidden, dtype=dtype)
        read_out = torch.full((hidden,), 0.01, dtype=dtype)
        self.weight, self.bias = Parameter(weight), Parameter(bias)
        self.read_out = Parameter(read_out)


class Attention(Module):
    """The aggregator: ``e'_s = e_s W_s + b_s`` for users and items alike, then attention of each side over shards.

    ``Σ_s α_s e'_s`` is computed as one product of all ``α_s e_s`` side by side with all W_s one below the other, and
    ``A e'_s`` with ``W_s A``: so no e' of all nodes and shards is ever laid out.
    """

    def __init__(
        self, shards: int, dimensions: int, stream: torch.Generator, dtype: torch.dtype
    ) -> None:
        """Draw fresh weights; each W_s is Xavier-normal by itself: by a rule for all of W it would be too small."""
        super().__init__()
        spread = (1 / dimensions) ** 0.5
        shape = (shards, dimensions, dimensions)
        transfer = torch.randn(shape, generator=stream, dtype=dtype)
        shift = torch.zeros(shards, dimensions, dtype=dtype)
        self.transfer = Parameter(transfer * spread)
        self.shift = Parameter(shift)
        self.users = Side(dimensions, stream, dtype)
        self.items = Side(dimensions, stream, dtype)

    def forward(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Aggregate `[m, S, d]` and `[n, S, d]` to `[m, d]` and `[n, d]`."""
        of_users, _ = self.aggregate(users, self.users)
        of_items, _ = self.aggregate(items, self.items)
        return of_users, of_items

    def aggregate(self, table: Tensor, side: Side) -> tuple[Tensor, Tensor]:
        """Aggregate a `[n, S, d]` table to `[n, d]`; returns the weights of the shards too, `[n, S]`."""
        hidden = torch.einsum("nsd,sdh->nsh", table, self.transfer @ side.weight)
        offset = self.shift @ side.weight + side.bias
        hidden = torch.relu(hidden + offset)
        weights = torch.softmax(hidden @ side.read_out, dim=1)
        weighted = weights.unsqueeze(2) * table
        weighted = weighted.flatten(start_dim=1)
        transfers = self.transfer.flatten(end_dim=1)
        return torch.addmm(weights @ self.shift, weighted, transfers), weights

    def penalty(self) -> Tensor:
        """Return ``½ (‖W‖² + ‖b‖²)``."""
        whole = self.transfer.square().sum() + self.shift.square().sum()
        return whole / 2


def unlearn(context: Context) -> Unlearned:
    """Renew the touched shards, then train the attention from fresh weights on all that remains."""
    options = read_options(Options, context.method_options)
    shards = renew(context, options)
    device = choose_device(context.device)
    watch = Stopwatch(device)
    trainer = AttentionTrainer(context, options, shards.models, device)
    curve, steps = trainer.fit()
    model = trainer.model()
    return shards.served(model, watch.lap(), steps, curve)


class AttentionTrainer:
    """Fits the attention with the BPR loss on the remaining rows, early stop on validation NDCG@10.

    On LightGCN the shards' layer-0 embeddings are aggregated and then propagated over the graph of all that remains, as
    the authors' code does; on BPR that map is the identity.
    """

    def __init__(
        self,
        context: Context,
        options: Options,
        models: Sequence[FactorModel],
        device: torch.device,
    ) -> None:
        """Stack the frozen embeddings and draw fresh weights."""
        data, training = context.remain, context.options
        self.options, self.device, self.data = options, device, data
        task = Task(data, f"{context.backbone}-attention", options.attention_batch)
        self._learner = Learner(task, context.seed, device)
        self._schedule = Schedule([self._learner], device)
        build = importlib.import_module(context.module).build
        self._backbone: Backbone = build([data], training, device)
        users = torch.stack([model.user_embeddings for model in models], dim=1)
        items = torch.stack([model.item_embeddings for model in models], dim=1)
        self._users = users.to(device, training.dtype)
        self._items = items.to(device, training.dtype)
        stream = self._learner.parameters
        fresh = Attention(len(models), training.dimensions, stream, training.dtype)
        self.attention = fresh.to(device)
        self._dropout = torch_stream(context.seed, "receraser", "dropout")
        self._weights = list(self.attention.parameters())
        self._adam = Adam(self._weights, options.attention_rate)

    def fit(self) -> tuple[list[Epoch], int]:
        """Train, and return the curve and the number of steps. The best epoch's weights are kept.

        Raises:
            CragruError: If the loss is no longer a number.
        """
        learner, most = self._learner, self.options.attention_epochs
        name, rate = learner.task.name, self.options.attention_rate
        epochs = Progress(range(1, most + 1), f"train {name}", most, "epoch")
        for number in epochs:
            watch = Stopwatch(self.device)
            loss = self._train_epoch()
            check_loss(loss, number, name, "attention_rate", rate)
            train_seconds = watch.lap().wall
            value = learner.validator.ndcg(self.model()).item()
            epoch = Epoch(name, number, loss, value, train_seconds, watch.lap().wall)
            weights = parameters_to_vector(self._weights)
            learner.note(epoch, weights.detach())
            epochs.show(loss=loss, ndcg=value, best=learner.best.valid_ndcg)
            if learner.is_done(self.options.attention_patience):
                break
        vector_to_parameters(learner.best_table, self._weights)
        return learner.curve, len(learner.curve) * learner.steps_an_epoch

    def model(self) -> FactorModel:
        """Return the model of the current weights."""
        with torch.no_grad():
            table = torch.cat(self.attention(self._users, self._items))
        factors = self._backbone.factors(table)
        return split_model(factors, table, self.data.users)

    def _train_epoch(self) -> float:
        losses = []
        for batch in self._schedule.batches([self._learner], self._users):
            loss = self._loss(batch)
            whole = loss + self.options.penalty * self.attention.penalty()
            gradients = torch.autograd.grad(whole, self._weights)
            self._adam.step(gradients)
            losses.append(loss.detach())
        return torch.stack(losses).mean().item()

    def _loss(self, batch: Batch) -> Tensor:
        table = torch.cat(self.attention(self._users, self._items))
        factors = SelfAdjoint.apply(table, self._backbone)
        u = factors[batch.users]
        difference = factors[batch.positives] - factors[batch.negatives]
        dropped = self.options.dropout
        kept = torch.rand(u.shape, generator=self._dropout) >= dropped
        u = u * kept.to(u.device) / (1 - dropped)
        margins = vecdot(u, difference)
        return softplus(-margins).mean()


class SelfAdjoint(torch.autograd.Function):
    """A backbone's map from embeddings to factors, for autograd: linear and its own adjoint."""

    @staticmethod
    def forward(context: FunctionCtx, table: Tensor, backbone: Backbone) -> Tensor:
        """Return the factors."""
        context.backbone = backbone
        return backbone.factors(table)

    @staticmethod
    def backward(context: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        """Return the gradient by the embeddings."""
        return context.backbone.factors(gradient.contiguous()), None
