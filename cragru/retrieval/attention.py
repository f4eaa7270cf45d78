"""Attention strategy (eq. 6-9): multi-head attention, trained on the remain set, says what of a history matters.

The query is a candidate, keys and values are the history, embeddings start from the backbone's item factors. The
network is trained with the BPR loss to score a user's own interaction (left out of the history) above a sampled item;
its attention weights, averaged over heads, are the α of eq. 8.
"""

from pathlib import Path

import numpy as np
import torch
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from cragru.backbones.base import TrainingData
from cragru.backbones.learner import check_loss
from cragru.backbones.options import TrainingOptions
from cragru.backbones.sampling import NegativeSampler
from cragru.core.errors import CragruError, Problem
from cragru.core.progress import Progress
from cragru.core.seeds import torch_stream
from cragru.kept.files import atomic_path, read_record, write_json
from cragru.plugins.options import BaseOptions, read_options
from cragru.retrieval.base import FitContext

WEIGHTS, TRAINING = "attention.safetensors", "training.json"


class Options(BaseOptions):
    """Hyper-parameters of the attention network.

    Attributes:
        heads: H; divides the embedding length.
        epochs: Passes over the training interactions.
        batch_size: Interactions a step.
        learning_rate: Adam's.
        length: Most history items a training example sees, drawn anew each time.
    """

    heads: int = Field(default=4, ge=1)
    epochs: int = Field(default=5, ge=1, le=100_000)
    batch_size: int = Field(default=1024, ge=1)
    learning_rate: float = Field(default=0.002, gt=0, le=10)
    length: int = Field(default=50, ge=1)

    def clash(self, backbone: TrainingOptions) -> Problem | None:
        """Refuse heads that do not divide the dimensions of the backbone's embeddings."""
        if backbone.dimensions % self.heads:
            return Problem(f"no divisor of {backbone.dimensions} dimensions", "heads", self.heads)
        return None


class HistoryAttention(nn.Module):
    """MultiHead(candidate, history) of eq. 7, and the score ⟨MultiHead, candidate⟩."""

    def __init__(self, item_factors: Tensor, heads: int) -> None:
        """Start from the backbone's items, `[items, d]`; the heads must divide d (`Options.clash`)."""
        super().__init__()
        d = item_factors.shape[1]
        self.heads = heads
        self.items = nn.Embedding.from_pretrained(item_factors.clone(), freeze=False)
        self.query = nn.Linear(d, d, bias=False)
        self.key = nn.Linear(d, d, bias=False)
        self.value = nn.Linear(d, d, bias=False)
        self.output = nn.Linear(d, d, bias=False)
        for layer in (self.query, self.key, self.value, self.output):
            nn.init.eye_(layer.weight)  # the backbone's own similarity is where training starts

    def weights(self, candidates: Tensor, history: Tensor, present: Tensor) -> Tensor:
        """Compute the attention of each head.

        Args:
            candidates: `[B, C]` items.
            history: `[B, L]` items.
            present: `[B, C, L]` bool; False where the place is padding or must not be seen. One at least must be True.

        Returns:
            `[B, C, H, L]`, each head's weights adding up to 1.
        """
        query = self._heads(self.query, candidates)
        key = self._heads(self.key, history)
        scores = torch.einsum("bchk,blhk->bchl", query, key) / key.shape[-1] ** 0.5
        return scores.masked_fill(~present.unsqueeze(2), -torch.inf).softmax(-1)

    def forward(self, candidates: Tensor, history: Tensor, present: Tensor) -> Tensor:
        """Score candidates `[B, C]` against a history `[B, L]`; return `[B, C]`."""
        weights = self.weights(candidates, history, present)
        heads = torch.einsum("bchl,blhk->bchk", weights, self._heads(self.value, history))
        read = self.output(heads.flatten(2))
        return (read * self.items(candidates)).sum(-1)

    def _heads(self, layer: nn.Linear, items: Tensor) -> Tensor:
        """Project items `[B, L]` and cut the result into heads, `[B, L, H, d / H]`.

        The table is projected and then looked up: a batch holds each item many times.
        """
        projected = nn.functional.embedding(items, layer(self.items.weight))
        return projected.unflatten(-1, (self.heads, -1))


class Histories:
    """Training histories, one behind the other; padded for a batch alone, or they would take users × items.

    Attributes:
        longest: The length of the longest history.
    """

    def __init__(self, data: TrainingData) -> None:
        """Sort the training rows by user; each user's keep their order."""
        users, items = data.train
        self._items = items[torch.argsort(users, stable=True)]
        self._counts = torch.bincount(users, minlength=data.users)
        self._starts = self._counts.cumsum(0) - self._counts
        self.longest = int(self._counts.max())

    def padded(self, users: Tensor) -> Tensor:
        """Return the histories of `users` (`[B]` int64), `[B, longest]` items, padded with -1."""
        columns = torch.arange(self.longest)
        is_there = columns < self._counts[users].unsqueeze(1)
        places = self._starts[users].unsqueeze(1) + columns
        history = self._items[places.clamp_(max=len(self._items) - 1)]
        return history.masked_fill_(~is_there, -1)


def train_attention(
    item_factors: Tensor, data: TrainingData, options: Options, seed: int
) -> tuple[HistoryAttention, list[float]]:
    """Train on R_train.

    Item factors are `[items, d]`, of the candidate source's backbone. Only training rows are read, with the stream
    ``attention``.

    Returns:
        The network and the mean loss of each epoch, over the batches that had something to learn from.

    Raises:
        CragruError: If no user has two training rows, or the loss is no longer a number.
    """
    generator = torch_stream(seed, "attention")
    network = HistoryAttention(item_factors, options.heads)
    adam = torch.optim.Adam(network.parameters(), lr=options.learning_rate)
    histories = Histories(data)
    if histories.longest < 2:
        raise CragruError("no user has two training rows", place="attention", advice="leave it out")
    sampler = NegativeSampler(data.train, data.users, data.items)
    losses = []
    epochs = Progress(range(1, options.epochs + 1), "train attention", options.epochs, "epoch")
    for epoch in epochs:
        order = torch.randperm(len(data.train[0]), generator=generator)
        users, items = data.train[0][order], data.train[1][order]
        triplets = torch.stack([users, items, sampler.sample(users, generator)])
        taken = []
        for batch in triplets.split(options.batch_size, dim=1):
            loss = _step(network, adam, histories, batch, options.length, generator)
            taken += [] if loss is None else [loss]
        losses.append(float(torch.stack(taken).mean()))
        epochs.show(loss=losses[-1])
        check_loss(losses[-1], epoch, "attention", "learning_rate", options.learning_rate)
    return network, losses


def _step(
    network: HistoryAttention,
    adam: torch.optim.Adam,
    histories: Histories,
    batch: Tensor,
    length: int,
    generator: torch.Generator,
) -> Tensor | None:
    """Take a BPR step on `[3, B]` triplets: the user's own item, left out of the history, above the sampled one.

    Returns:
        The loss, or None of a batch in which nobody has another item: no step is taken, and no loss counts.
    """
    users, positives, negatives = batch
    history = histories.padded(users)
    drawn = torch.rand(history.shape, generator=generator).masked_fill_(history < 0, -1.0)
    shown = min(length + 1, history.shape[1])  # one more, for the positive may be among them
    history = history.gather(1, drawn.topk(shown, dim=1).indices)
    candidates = torch.stack([positives, negatives], dim=1)
    present = (history >= 0) & (history != positives.unsqueeze(1))
    attends = present.any(dim=1)  # a user whose only item is the positive has no history
    if not attends.any():
        return None
    seen = present[attends].unsqueeze(1).expand(-1, 2, -1)
    scores = network(candidates[attends], history.clamp(min=0)[attends], seen)
    margin = scores[:, 0] - scores[:, 1]
    loss = nn.functional.softplus(-margin).mean()
    adam.zero_grad()
    loss.backward()
    adam.step()
    return loss.detach()


class Attention:
    """Selects by the trained weights."""

    def __init__(self, network: HistoryAttention) -> None:
        """Take a trained network."""
        self.network = network.eval()

    def select(self, history: ndarray, candidates: ndarray, limit: int, rng: Generator) -> ndarray:
        """Choose the Top-K of each candidate by α (eq. 9), their union, cut to K by the largest α.

        Since an interaction's largest α over the candidates decides the cut, the union's cut is the K interactions
        with the largest ``max_c α_{j,c}``; of equal ones the more recent is kept.
        """
        if len(history) <= limit:
            return np.arange(len(history))
        alpha = self.alpha(history, candidates).max(axis=0)
        newest_first = np.arange(len(history))[::-1]
        order = newest_first[np.argsort(-alpha[newest_first], kind="stable")]
        return np.sort(order[:limit])

    @torch.no_grad()
    def alpha(self, history: ndarray, candidates: ndarray) -> ndarray:
        """Compute α of eq. 8: `[candidates, history]`, the mean over heads; each row adds up to 1."""
        shown = torch.from_numpy(candidates).long().unsqueeze(0)
        items = torch.from_numpy(history).long().unsqueeze(0)
        present = torch.ones(1, len(candidates), len(history), dtype=torch.bool)
        return self.network.weights(shown, items, present)[0].mean(1).numpy()


def fit(context: FitContext, folder: Path) -> None:
    """Train the network; weights as safetensors, hyper-parameters and the loss of each epoch as JSON."""
    options = read_options(Options, context.options)
    network, losses = train_attention(context.item_factors, context.data, options, context.seed)
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    with atomic_path(folder / WEIGHTS) as temporary:
        save_file(weights, temporary)
    write_json(folder / TRAINING, {"options": options.model_dump(), "losses": losses})


def load(folder: Path) -> Attention:
    """Read the strategy."""
    weights = load_file(folder / WEIGHTS)
    training = read_record(folder / TRAINING, {"options": {"heads": int}})
    network = HistoryAttention(weights["items.weight"], training["options"]["heads"])
    network.load_state_dict(weights)
    return Attention(network)
