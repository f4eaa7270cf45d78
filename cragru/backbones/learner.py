"""What the training loop keeps for each of its models: data, random streams, validation, and the best epoch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from cragru.backbones.base import Batch, FactorModel, TrainingData
from cragru.backbones.sampling import NegativeSampler
from cragru.errors import CragruError
from cragru.hits import ndcg
from cragru.ranking import pair_mask, top_items, user_batches
from cragru.seeds import torch_stream

STOPPING_K = 10  # the cut-off of the NDCG that decides when to stop


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
    """What the training of one model remembers from epoch to epoch.

    Attributes:
        rows: User of each of the table's user rows, `[kept]` int64, ascending.
        data: The task's data with users by these rows.
    """

    def __init__(self, task: Task, seed: int, device: torch.device, rows: torch.Tensor | None = None) -> None:
        """Index its data; its streams depend on the seed and the task's name alone.

        Args:
            task: What to train.
            seed: Of the random streams.
            device: Of the training.
            rows: Users whose rows the table holds; by default all, at least those with data.
        """
        for part, what, its in zip(
            ("training", "validation"), ("learn from", "stop early by"), (task.data.train, task.data.valid), strict=True
        ):
            if not len(its[0]):
                raise CragruError(f"{task.name}: has no {part} row to {what}; use fewer shards, or a larger data set")
        self.task, self._seed = task, seed
        self.rows = torch.arange(task.data.users) if rows is None else rows
        place = torch.empty(task.data.users, dtype=torch.int64)
        place[self.rows] = torch.arange(len(self.rows))
        train, valid = ((place[users], items) for users, items in (task.data.train, task.data.valid))
        self.data = replace(task.data, train=train, valid=valid, users=len(self.rows))
        self._epochs = torch_stream(seed, "train", task.name, "epochs")
        self._sampler = NegativeSampler(task.data.train, task.data.users, task.data.items)
        self.validator = Validator(self.data, device)
        self.curve: list[Epoch] = []
        self.best = Epoch(task.name, 0, 0.0, -1.0, 0.0, 0.0)
        self.best_table: torch.Tensor | None = None

    @property
    def parameters(self) -> torch.Generator:
        """The stream of the initial parameters, at its start."""
        return torch_stream(self._seed, "train", self.task.name, "parameters")

    @property
    def nodes(self) -> torch.Tensor:
        """Rows of a table of all users and items that this learner's table has, `[kept + items]` int64."""
        users, items = self.task.data.users, self.task.data.items
        return torch.cat([self.rows, torch.arange(users, users + items)])

    @property
    def steps_an_epoch(self) -> int:
        """Batches of a pass over the data."""
        return -(-len(self.task.data.train[0]) // self.task.batch_size)

    def draw(self) -> torch.Tensor:
        """A fresh permutation with fresh negatives: users, items and negative items, `[3, n]` int64."""
        users, items = self.data.train
        order = torch.randperm(len(users), generator=self._epochs)
        negatives = self._sampler.sample(self.task.data.train[0][order], self._epochs)
        return torch.stack([users[order], items[order], negatives])

    def note(self, epoch: Epoch, table: torch.Tensor) -> None:
        """Write down an epoch, and keep its parameters if none was better; as in RecBole an equal value is better."""
        self.curve.append(epoch)
        if epoch.valid_ndcg >= self.best.valid_ndcg:
            self.best = epoch
            self.best_table = table.clone()

    def is_done(self, patience: int) -> bool:
        """Whether validation has not improved for `patience` epochs."""
        return len(self.curve) - self.best.epoch > patience


def rows_with_data(data: Sequence[TrainingData]) -> list[torch.Tensor]:
    """Users whose rows of a table a training can change or looks at, for several trainings side by side.

    No gradient reaches the row of a user without a training row, so a shard of a tenth of the users need not carry the
    others through every step. All get equally many rows: where a shard has fewer users, others fill it up.

    Args:
        data: Of each training.

    Returns:
        `[kept]` int64 for each training, ascending.
    """
    present = [torch.bincount(torch.cat([own.train[0], own.valid[0]]), minlength=own.users) > 0 for own in data]
    kept = max(int(mask.sum()) for mask in present)
    return [torch.argsort(mask.int(), descending=True, stable=True)[:kept].sort().values for mask in present]


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
        users, items = learners[0].data.users, learners[0].data.items
        first_rows = models * (users + items)
        self._offsets = torch.stack([first_rows, first_rows + users, first_rows + users])

    def batches(self, learners: Sequence[Learner], like: torch.Tensor) -> list[Batch]:
        """The steps of a fresh epoch, on the device and in the type of `like`."""
        drawn = torch.cat([learner.draw() for learner in learners], dim=1)
        nodes = (drawn[:, self._order] + self._offsets).to(like.device)
        columns = [*nodes, self._counts.to(like.dtype).reciprocal(), self._models]
        steps = zip(*(column.split(self._sizes) for column in columns), strict=True)
        return [Batch(*step) for step in steps]
