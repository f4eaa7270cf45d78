"""The one training loop: whole epochs as tensors, Adam, early stop on validation NDCG@10.

It trains one model, or many side by side as one table `[models * (users + items), d]`: the shards of a method. Each
model has random streams, steps, validation and an early stop of its own, so it becomes what it would have become alone;
only the time is shared.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from cragru.backbones.adam import Adam, Moments
from cragru.backbones.base import Backbone, Batch, FactorModel, TrainingData, TrainingOptions, split_model
from cragru.backbones.sampling import NegativeSampler
from cragru.errors import CragruError
from cragru.progress import Progress
from cragru.ranking import ndcg, pair_mask, top_items, user_batches
from cragru.seeds import torch_stream

STOPPING_K = 10  # the cut-off of the NDCG that decides when to stop
Build = Callable[[Sequence[TrainingData], TrainingOptions, torch.device], Backbone]


@dataclass(frozen=True)
class Task:
    """One model to train.

    Attributes:
        data: What it may see.
        name: Of its random streams and in messages, e.g. ``bpr``.
        batch_size: Interactions a step.
    """

    data: TrainingData
    name: str
    batch_size: int


@dataclass(frozen=True)
class Epoch:
    """One line of the training curve.

    Attributes:
        model: Name of the model's task.
        epoch: Number from 1.
        loss: Mean loss over the epoch's batches.
        valid_ndcg: NDCG@10 on the validation rows, training rows masked.
        train_seconds: Wall time of sampling and steps, of all models that were trained together in this epoch.
        valid_seconds: Wall time of the validation, likewise.
    """

    model: str
    epoch: int
    loss: float
    valid_ndcg: float
    train_seconds: float
    valid_seconds: float


@dataclass(frozen=True)
class Training:
    """What training gives back for a model: its best epoch, the curve, and how much work it was."""

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


class Stopwatch:
    """Wall time with the device idle at both ends."""

    def __init__(self, device: torch.device) -> None:
        """Start it."""
        self._device = device
        self._start = self._now()

    def lap(self) -> float:
        """Seconds since the last lap, or since the start."""
        now = self._now()
        seconds, self._start = now - self._start, now
        return seconds

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


class Validator:
    """NDCG@10 on the validation rows over users who have any."""

    def __init__(self, data: TrainingData, device: torch.device) -> None:
        """Put the masks of these users on `device`."""
        users = torch.unique(data.valid[0])
        self._seen, self._relevant = (
            pair_mask(pairs, data.users, data.items)[users].to(device) for pairs in (data.train, data.valid)
        )
        self._users = users.to(device)

    def ndcg(self, model: FactorModel) -> torch.Tensor:
        """Mean NDCG@10 of `model`, a float64 scalar."""
        values = []
        for places in user_batches(torch.arange(len(self._users), device=self._users.device)):
            best, ranked = top_items(model.score(self._users[places]), self._seen[places], STOPPING_K)
            relevant = self._relevant[places]
            values.append(ndcg(relevant.gather(1, best) & ranked, relevant.sum(dim=1), STOPPING_K))
        return torch.cat(values).mean()


class Learner:
    """What the training of one model remembers from epoch to epoch."""

    def __init__(self, task: Task, seed: int, device: torch.device) -> None:
        """Index its data; its streams depend on the seed and the task's name alone."""
        for part, what, rows in zip(
            ("training", "validation"), ("learn from", "stop early by"), (task.data.train, task.data.valid), strict=True
        ):
            if not len(rows[0]):
                raise CragruError(f"{task.name}: has no {part} row to {what}; use fewer shards, or a larger data set")
        self.task = task
        self.parameters = torch_stream(seed, "train", task.name, "parameters")
        self._epochs = torch_stream(seed, "train", task.name, "epochs")
        self._sampler = NegativeSampler(task.data.train, task.data.users, task.data.items)
        self.validator = Validator(task.data, device)
        self.curve: list[Epoch] = []
        self.best = Epoch(task.name, 0, 0.0, -1.0, 0.0, 0.0)
        self.best_table: torch.Tensor | None = None

    @property
    def steps_an_epoch(self) -> int:
        """Batches of a pass over the data."""
        return -(-len(self.task.data.train[0]) // self.task.batch_size)

    def draw(self) -> torch.Tensor:
        """A fresh permutation with fresh negatives: users, items and negative items, `[3, n]` int64."""
        users, items = self.task.data.train
        order = torch.randperm(len(users), generator=self._epochs)
        users = users[order]
        return torch.stack([users, items[order], self._sampler.sample(users, self._epochs)])

    def note(self, epoch: Epoch, table: torch.Tensor) -> None:
        """Write down an epoch, and keep its parameters if none was better; as in RecBole an equal value is better."""
        self.curve.append(epoch)
        if epoch.valid_ndcg >= self.best.valid_ndcg:
            self.best = epoch
            self.best_table = table.clone()

    def is_done(self, patience: int) -> bool:
        """Whether validation has not improved for `patience` epochs."""
        return len(self.curve) - self.best.epoch > patience


class Schedule:
    """Which triplets make a step, for learners that are trained together; the same in every epoch.

    Step t has the t-th batch of every learner that has so many.
    """

    def __init__(self, learners: Sequence[Learner], device: torch.device) -> None:
        """Lay out the steps of an epoch."""
        rows = [len(learner.task.data.train[0]) for learner in learners]
        step = torch.cat([torch.arange(n) // it.task.batch_size for n, it in zip(rows, learners, strict=True)])
        self._order = torch.argsort(step, stable=True)
        self._sizes = torch.bincount(step).tolist()
        models = torch.repeat_interleave(torch.tensor(rows))[self._order]
        keys = models * len(self._sizes) + step[self._order]
        self._models = models.to(device)
        self._counts = torch.bincount(keys)[keys].to(device)
        users, items = learners[0].task.data.users, learners[0].task.data.items
        first_rows = models * (users + items)
        self._offsets = torch.stack([first_rows, first_rows + users, first_rows + users])

    def batches(self, learners: Sequence[Learner], like: torch.Tensor) -> list[Batch]:
        """The steps of a fresh epoch, on the device and in the type of `like`."""
        drawn = torch.cat([learner.draw() for learner in learners], dim=1)
        nodes = (drawn[:, self._order] + self._offsets).to(like.device)
        columns = [*nodes, self._counts.to(like.dtype).reciprocal(), self._models]
        steps = zip(*(column.split(self._sizes) for column in columns), strict=True)
        return [Batch(*step) for step in steps]


class Trainer:
    """Trains models on data of their own; deterministic on the CPU for a seed and one thread."""

    def __init__(
        self, build: Build, tasks: Sequence[Task], options: TrainingOptions, seed: int, device: torch.device
    ) -> None:
        """Draw the initial parameters.

        Args:
            build: Makes the backbone of the models that are trained together.
            tasks: What to train.
            options: How; its batch size gives way to the tasks'.
            seed: Of the random streams.
            device: Where to; the data stay on the CPU until an epoch is drawn.
        """
        self._build, self.options, self.device = build, options, device
        self.learners = [Learner(task, seed, device) for task in tasks]
        self.backbone = build([task.data for task in tasks], options, device)
        self._pack(self.learners, [self.backbone.initial_table(learner.parameters) for learner in self.learners])

    def fit(self) -> list[Training]:
        """Train each model until its validation NDCG@10 has not improved for `patience` epochs; keep its best epoch.

        Raises:
            CragruError: If a loss is no longer a number.
        """
        name = self.learners[0].task.name + (f" and {len(self.learners) - 1} more" if len(self.learners) > 1 else "")
        epochs = Progress(range(1, self.options.epochs + 1), f"train {name}", self.options.epochs, "epoch")
        for number in epochs:
            self._run_epoch(number)
            values = torch.tensor([[it.curve[-1].loss, it.curve[-1].valid_ndcg] for it in self._active]).mean(dim=0)
            epochs.show(loss=values[0].item(), ndcg=values[1].item(), models=len(self._active))
            if not self._drop_finished():
                break
        return [self._result(learner) for learner in self.learners]

    def _pack(
        self, learners: Sequence[Learner], tables: Sequence[torch.Tensor], moments: Sequence[Moments] = ()
    ) -> None:
        """Lay the tables of learners one below the other; Adam knows each by itself, so that one can rest."""
        self._active = list(learners)
        self._schedule = Schedule(learners, self.device)
        self.table = torch.cat(list(tables)).to(self.device, self.options.dtype)
        self._parts = self.table.chunk(len(learners))  # views: they share its memory
        self._adam = Adam(self._parts, self.options.learning_rate, moments)

    def _run_epoch(self, number: int) -> None:
        """Train and validate every active model once."""
        watch = Stopwatch(self.device)
        losses = self._train_epoch().tolist()
        train_seconds = watch.lap()
        for learner, loss in zip(self._active, losses, strict=True):
            if not loss < float("inf"):
                raise CragruError(
                    f"training {learner.task.name} diverged: loss is {loss} in epoch {number}; "
                    f"lower learning_rate ({self.options.learning_rate}) in config/params.yaml"
                )
        values = self._validate()
        valid_seconds = watch.lap()
        for learner, loss, value, table in zip(self._active, losses, values, self._parts, strict=True):
            learner.note(Epoch(learner.task.name, number, loss, value, train_seconds, valid_seconds), table)

    def _train_epoch(self) -> torch.Tensor:
        """One pass over the data of the active models; returns the mean loss of each one's batches, `[active]`."""
        steps = [learner.steps_an_epoch for learner in self._active]
        total = torch.zeros(len(self._active), dtype=self.options.dtype, device=self.device)
        for number, batch in enumerate(self._schedule.batches(self._active, self.table)):
            losses, gradient = self.backbone.gradient(self.table, batch)
            own = zip(gradient.chunk(len(steps)), steps, strict=True)
            self._adam.step([part if number < its else None for part, its in own])  # it moves on zero gradients too
            total += losses
        return total / torch.tensor(steps, device=self.device)

    def _validate(self) -> list[float]:
        """Validation NDCG@10 of each active model."""
        factors = self.backbone.factors(self.table).chunk(len(self._active))
        return [
            learner.validator.ndcg(split_model(own, table, learner.task.data.users)).item()
            for learner, own, table in zip(self._active, factors, self._parts, strict=True)
        ]

    def _drop_finished(self) -> bool:
        """Take the models that have stopped out of the table; returns whether any is left."""
        left = [k for k, learner in enumerate(self._active) if not learner.is_done(self.options.patience)]
        if 0 < len(left) < len(self._active):
            learners, moments = [self._active[k] for k in left], [self._adam.moments[k] for k in left]
            self.backbone = self._build([learner.task.data for learner in learners], self.options, self.device)
            self._pack(learners, [self._parts[k] for k in left], moments)
        return bool(left)

    def _result(self, learner: Learner) -> Training:
        """The best epoch of a model, its factors computed from its own data."""
        data = learner.task.data
        factors = self._build([data], self.options, self.device).factors(learner.best_table)
        model = split_model(factors, learner.best_table, data.users)
        steps = len(learner.curve) * learner.steps_an_epoch
        return Training(model, learner.curve, learner.best.epoch, steps)
