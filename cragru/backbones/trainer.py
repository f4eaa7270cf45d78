"""The one training loop: whole epochs as tensors, Adam, early stop on validation NDCG@10.

It trains one model, or many side by side as one table `[models * (users + items), d]`: the shards of a method, with
the users that they have. Each model has random streams, steps, validation and an early stop of its own, so it becomes
what it would have become alone; only the time is shared.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from statistics import fmean

import torch
from torch import Tensor

from cragru.backbones.adam import Adam, Moments
from cragru.backbones.base import Backbone, FactorModel, TrainingData, split_model
from cragru.backbones.learner import Epoch, Learner, Schedule, Task, check_loss, rows_with_data
from cragru.backbones.options import TrainingOptions
from cragru.core.clock import Seconds, now
from cragru.core.errors import CragruError
from cragru.core.progress import Progress

Build = Callable[[Sequence[TrainingData], TrainingOptions, torch.device], Backbone]


@dataclass(frozen=True)
class Training:
    """What training gives back for a model: its best epoch, the curve, and how much work it was."""

    model: FactorModel
    curve: list[Epoch]
    best_epoch: int
    steps: int


def choose_device(wanted: str) -> torch.device:
    """Resolve `auto`, `cpu` or `cuda`; refuse CUDA where there is none."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise CragruError("torch sees none", place="device", got=wanted, allowed=["auto", "cpu"])
    return torch.device(wanted)


class Stopwatch:
    """Wall and CPU seconds with the device idle at both ends."""

    def __init__(self, device: torch.device) -> None:
        """Start the watch."""
        self._device = device
        self._start = self._now()

    def lap(self) -> Seconds:
        """Return the seconds since the last lap, or since the start."""
        end = self._now()
        seconds, self._start = end - self._start, end
        return seconds

    def _now(self) -> Seconds:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return now()


class Trainer:
    """Trains models on data of their own; deterministic on the CPU for a seed and one thread."""

    def __init__(
        self,
        build: Build,
        tasks: Sequence[Task],
        options: TrainingOptions,
        seed: int,
        device: torch.device,
    ) -> None:
        """Draw the initial parameters.

        The batch size of `options` gives way to the tasks'; data stay on the CPU until an epoch is drawn.
        """
        self._build = build
        self.options = options
        self.device = device
        self.learners: list[Learner] = []
        rows = rows_with_data([task.data for task in tasks])
        for task, its in zip(tasks, rows, strict=True):
            learner = Learner(task, seed, device, its)
            self.learners.append(learner)
        self.backbone = self._backbone(self.learners)
        tables = [self._initial_table(learner)[learner.nodes] for learner in self.learners]
        self._pack(self.learners, tables)

    def fit(self) -> list[Training]:
        """Train each model until its validation NDCG@10 has not improved for `patience` epochs; keep its best epoch.

        Raises:
            CragruError: If a loss is no longer a number.
        """
        name, last = self.learners[0].task.name, self.options.epochs
        more = f" and {len(self.learners) - 1} more" if len(self.learners) > 1 else ""
        epochs = Progress(range(1, last + 1), f"train {name}{more}", last, "epoch")
        for number in epochs:
            self._run_epoch(number)
            latest = [learner.curve[-1] for learner in self._active]
            loss = fmean(epoch.loss for epoch in latest)
            ndcg = fmean(epoch.valid_ndcg for epoch in latest)
            epochs.show(loss=loss, ndcg=ndcg, models=len(latest))
            if not self._drop_finished():
                break
        return list(map(self._result, self.learners))

    def _backbone(self, learners: Sequence[Learner]) -> Backbone:
        return self._build([learner.data for learner in learners], self.options, self.device)

    def _initial_table(self, learner: Learner) -> Tensor:
        """Draw parameters of all users and items, whether training can change them or not."""
        return self.backbone.initial_table(learner.task.data.users, learner.parameters)

    def _pack(
        self, learners: Sequence[Learner], tables: list[Tensor], moments: Sequence[Moments] = ()
    ) -> None:
        """Lay the tables of learners one below the other; Adam knows each by itself, so that one can rest."""
        self._active = list(learners)
        self._schedule = Schedule(learners, self.device)
        self.table = torch.cat(tables).to(self.device, self.options.dtype)
        self._parts = self.table.chunk(len(learners))  # views: they share its memory
        self._adam = Adam(self._parts, self.options.learning_rate, moments)

    def _run_epoch(self, number: int) -> None:
        """Train and validate every active model once."""
        watch = Stopwatch(self.device)
        losses = self._train_epoch().tolist()
        train_seconds = watch.lap().wall
        for learner, loss in zip(self._active, losses, strict=True):
            name, rate = learner.task.name, self.options.learning_rate
            check_loss(loss, number, name, "learning_rate", rate)
        values = self._validate()
        seconds = train_seconds, watch.lap().wall
        results = zip(self._active, losses, values, self._parts, strict=True)
        for learner, loss, value, table in results:
            epoch = Epoch(learner.task.name, number, loss, value, *seconds)
            learner.note(epoch, table)

    def _train_epoch(self) -> Tensor:
        """Pass once over the data of the active models; return the mean loss of each one's batches, `[active]`."""
        steps = [learner.steps_an_epoch for learner in self._active]
        total = torch.zeros(len(self._active), dtype=self.options.dtype, device=self.device)
        for number, batch in enumerate(self._schedule.batches(self._active, self.table)):
            losses, gradient = self.backbone.gradient(self.table, batch)
            parts: list[Tensor | None] = list(gradient.chunk(len(steps)))
            for place, its in enumerate(steps):
                if number >= its:
                    parts[place] = None  # Adam moves on zero gradients too
            self._adam.step(parts)
            total += losses
        return total / torch.tensor(steps, device=self.device)

    def _validate(self) -> list[float]:
        """Return the validation NDCG@10 of each active model."""
        factors = self.backbone.factors(self.table).chunk(len(self._active))
        values = []
        for learner, own, table in zip(self._active, factors, self._parts, strict=True):
            model = split_model(own, table, learner.data.users)
            values.append(learner.validator.ndcg(model).item())
        return values

    def _drop_finished(self) -> bool:
        """Take the models that have stopped out of the table; return whether any is left."""
        goes_on = [not learner.is_done(self.options.patience) for learner in self._active]
        if any(goes_on) and not all(goes_on):
            learners = list(compress(self._active, goes_on))
            tables = compress(self._parts, goes_on)
            moments = compress(self._adam.moments, goes_on)
            self.backbone = self._backbone(learners)
            self._pack(learners, list(tables), list(moments))
        return any(goes_on)

    def _result(self, learner: Learner) -> Training:
        """Return the best epoch of a model, its factors computed from its own data."""
        data = learner.task.data
        table = self._initial_table(learner).to(learner.best_table)
        table[learner.nodes.to(self.device)] = learner.best_table
        factors = self._build([data], self.options, self.device).factors(table)
        model = split_model(factors, table, data.users)
        steps = len(learner.curve) * learner.steps_an_epoch
        return Training(model, learner.curve, learner.best.epoch, steps)
