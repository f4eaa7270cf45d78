"""The one training loop: whole epochs as tensors, Adam, early stop on validation NDCG@10."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from cragru.backbones.base import Backbone, FactorModel, TrainingData, TrainingOptions, split_model
from cragru.backbones.sampling import NegativeSampler
from cragru.errors import CragruError
from cragru.progress import Progress
from cragru.ranking import ndcg, pair_mask, top_items, user_batches
from cragru.seeds import torch_stream

STOPPING_K = 10  # the cut-off of the NDCG that decides when to stop


@dataclass(frozen=True)
class Epoch:
    """One line of the training curve.

    Attributes:
        epoch: Number from 1.
        loss: Mean loss over the epoch's batches.
        valid_ndcg: NDCG@10 on the validation rows, training rows masked.
        train_seconds: Wall time of sampling and steps.
        valid_seconds: Wall time of the validation.
    """

    epoch: int
    loss: float
    valid_ndcg: float
    train_seconds: float
    valid_seconds: float


@dataclass(frozen=True)
class Training:
    """What training gives back: the best epoch's model, the curve, and how much work it was."""

    model: FactorModel
    curve: list[Epoch]
    best_epoch: int
    steps: int


def choose_device(wanted: str) -> torch.device:
    """Resolve `auto`, `cpu` or `cuda`.

    Raises:
        CragruError: If CUDA is asked for and there is none.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise CragruError("device: got 'cuda', but torch sees no CUDA device here; set device to auto or cpu")
    return torch.device(wanted)


def timed(work: Callable[[], torch.Tensor | float], device: torch.device) -> tuple[float, float]:
    """Run `work`; returns its number and its wall time in seconds, with the device idle at both ends."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    value = float(work())  # reading the number waits for the device
    return value, time.perf_counter() - start


class Validator:
    """NDCG@10 on the validation rows over users who have any."""

    def __init__(self, data: TrainingData, device: torch.device) -> None:
        """Put the masks on `device`."""
        self._seen = pair_mask(data.train, data.users, data.items, device)
        self._relevant = pair_mask(data.valid, data.users, data.items, device)
        self._users = torch.unique(data.valid[0]).to(device)
        if not len(self._users):
            raise CragruError("the split has no validation row, so training cannot stop early; use a larger data set")

    def ndcg(self, model: FactorModel) -> torch.Tensor:
        """Mean NDCG@10 of `model`, a float64 scalar."""
        values = []
        for users in user_batches(self._users):
            best, ranked = top_items(model.score(users), self._seen[users], STOPPING_K)
            relevant = self._relevant[users]
            values.append(ndcg(relevant.gather(1, best) & ranked, relevant.sum(dim=1), STOPPING_K))
        return torch.cat(values).mean()


class Trainer:
    """Trains one backbone on one set of interactions; deterministic on the CPU for a seed and one thread."""

    def __init__(
        self,
        backbone: Backbone,
        data: TrainingData,
        options: TrainingOptions,
        stream: tuple[int, str],
        device: torch.device,
    ) -> None:
        """Draw the initial parameters.

        Args:
            backbone: What to train.
            data: On what.
            options: How.
            stream: Seed and name of the random stream, e.g. ``(2020, "bpr")``.
            device: Where to; the data stay on the CPU until an epoch is drawn.
        """
        self.backbone, self.data, self.options = backbone, data, options
        self.name, self.device = stream[1], device
        seed, name = stream
        self._generator = torch_stream(seed, "train", name, "epochs")
        initial = backbone.initial_table(torch_stream(seed, "train", name, "parameters"))
        self.table = torch.nn.Parameter(initial.to(self.device), requires_grad=False)
        self._adam = torch.optim.Adam([self.table], lr=options.learning_rate, fused=True)
        self._sampler = NegativeSampler(data.train, data.users, data.items)
        self._validator = Validator(data, self.device)
        self.steps = 0

    def model(self) -> FactorModel:
        """The model of the current parameters."""
        return split_model(self.backbone.factors(self.table.detach()), self.table.detach(), self.data.users)

    def fit(self) -> Training:
        """Train until validation NDCG@10 has not improved for `patience` epochs; keep the best epoch.

        As in RecBole an equal value counts as an improvement.

        Raises:
            CragruError: If the loss is no longer a number.
        """
        curve: list[Epoch] = []
        best, best_table = Epoch(0, 0.0, -1.0, 0.0, 0.0), self.table.detach().clone()
        epochs = Progress(range(1, self.options.epochs + 1), f"train {self.name}", self.options.epochs, "epoch")
        for number in epochs:
            loss, train_seconds = timed(self._run_epoch, self.device)
            if not loss < float("inf"):
                raise CragruError(
                    f"training {self.name} diverged: loss is {loss} in epoch {number}; "
                    f"lower learning_rate ({self.options.learning_rate}) in config/params.yaml"
                )
            value, valid_seconds = timed(lambda: self._validator.ndcg(self.model()), self.device)
            curve.append(Epoch(number, loss, value, train_seconds, valid_seconds))
            epochs.show(loss=loss, ndcg=value, best=max(best.valid_ndcg, value))
            if value >= best.valid_ndcg:
                best = curve[-1]
                best_table.copy_(self.table)
            elif number - best.epoch > self.options.patience:
                break
        self.table.copy_(best_table)
        return Training(self.model(), curve, best.epoch, self.steps)

    def _run_epoch(self) -> torch.Tensor:
        """One pass over a fresh permutation with fresh negatives; returns the mean loss of its batches."""
        users, items = self.data.train
        order = torch.randperm(len(users), generator=self._generator)
        users, items = users[order], items[order]
        negatives = self._sampler.sample(users, self._generator)
        offset = self.data.users  # items follow the users in the table
        columns = [column.to(self.device) for column in (users, items + offset, negatives + offset)]
        losses = []
        for batch in zip(*(column.split(self.options.batch_size) for column in columns), strict=True):
            loss, self.table.grad = self.backbone.gradient(self.table.detach(), *batch)
            self._adam.step()
            losses.append(loss)
        self.steps += len(losses)
        return torch.stack(losses).mean()
