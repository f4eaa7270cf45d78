"""What the training loop keeps for each of its models: data, random streams, validation, and the best epoch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from cragru.backbones.base import Batch, FactorModel, TrainingData
from cragru.backbones.sampling import NegativeSampler
from cragru.core.errors import CragruError
from cragru.core.seeds import torch_stream
from cragru.ranking.full import PairSet, best_items, user_batches
from cragru.ranking.hits import ndcg

MORE_ROWS = "use fewer shards, or a larger data set"
STOPPING_K = 10  # the cut-off of the NDCG that decides when to stop


@dataclass(frozen=True)
class Task:
    """One model to train; its name is that of its random streams, e.g. ``bpr``."""

    data: TrainingData
    name: str
    batch_size: int


@dataclass(frozen=True)
class Epoch:
    """One line of the training curve: mean loss of the batches, and NDCG@10 on validation rows, training rows masked.

    Epochs count from 1. Seconds are wall time of all models that were trained together: of sampling and steps, and of
    the validation.
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
        """Put what these users have seen, and what they want, on `device`."""
        self._seen = PairSet(data.train, data.users, data.items, device)
        self._relevant = PairSet(data.valid, data.users, data.items, device)
        self._users = torch.unique(data.valid[0]).to(device)

    def ndcg(self, model: FactorModel) -> Tensor:
        """Return the mean NDCG@10 of `model`, a float64 scalar."""
        values = []
        for users in user_batches(self._users):
            scores = model.score(users)
            self._seen.hide(scores, users)
            best, ranked = best_items(scores, STOPPING_K)
            hits = self._relevant.has(users, best) & ranked
            values.append(ndcg(hits, self._relevant.counts(users), STOPPING_K))
        return torch.cat(values).mean()


class Learner:
    """What the training of one model remembers from epoch to epoch.

    Its table has a row for each of the users `rows`, `[kept]` int64, ascending; `data` is the task's, by these rows.
    """

    def __init__(
        self, task: Task, seed: int, device: torch.device, rows: Tensor | None = None
    ) -> None:
        """Index the task's data; the learner's streams depend on the seed and the task's name alone.

        The table holds at least the users with data, by default all. Validation is on `device`.
        """
        _require_rows(task)
        self.task = task
        self._seed = seed
        self.rows = torch.arange(task.data.users) if rows is None else rows
        self.data = _renumbered(task.data, self.rows)
        self._epochs = torch_stream(seed, "train", task.name, "epochs")
        self._sampler = NegativeSampler(task.data.train, task.data.users, task.data.items)
        self.validator = Validator(self.data, device)
        self.curve: list[Epoch] = []
        self.best = Epoch(task.name, 0, 0.0, -1.0, 0.0, 0.0)
        self.best_table: Tensor | None = None

    @property
    def parameters(self) -> torch.Generator:
        """The stream of the initial parameters, at its start."""
        return torch_stream(self._seed, "train", self.task.name, "parameters")

    @property
    def nodes(self) -> Tensor:
        """Rows of a table of all users and items that this learner's table has, `[kept + items]` int64."""
        users, items = self.task.data.users, self.task.data.items
        return torch.cat([self.rows, torch.arange(users, users + items)])

    @property
    def steps_an_epoch(self) -> int:
        """Batches of a pass over the data."""
        return -(-len(self.task.data.train[0]) // self.task.batch_size)

    def draw(self, into: Tensor) -> None:
        """Draw a permutation with negatives: users, items and negative items, into a `[3, n]` int64 tensor."""
        users, items = self.data.train
        order = torch.randperm(len(users), generator=self._epochs)
        owners = self.task.data.train[0].index_select(0, order)  # by their ids, not by their rows
        torch.index_select(users, 0, order, out=into[0])
        torch.index_select(items, 0, order, out=into[1])
        into[2] = self._sampler.sample(owners, self._epochs)

    def note(self, epoch: Epoch, table: Tensor) -> None:
        """Write down an epoch; keep its parameters if none was better. An equal value is better, as in RecBole."""
        self.curve.append(epoch)
        if epoch.valid_ndcg >= self.best.valid_ndcg:
            self.best = epoch
            self.best_table = table.clone()

    def is_done(self, patience: int) -> bool:
        """Return whether validation has not improved for `patience` epochs."""
        return len(self.curve) - self.best.epoch > patience


def check_loss(loss: float, number: int, name: str, option: str, rate: float) -> None:
    """Refuse the loss of an epoch that is no number; `option` is the learning rate, whose value is `rate`."""
    if not loss < float("inf"):
        raise CragruError(
            f"the loss is no number in epoch {number}",
            place=name,
            got=loss,
            advice=f"lower {option} ({rate}) in config/params.yaml",
        )


def _require_rows(task: Task) -> None:
    if not len(task.data.train[0]):
        raise CragruError("no training row to learn from", place=task.name, advice=MORE_ROWS)
    if not len(task.data.valid[0]):
        raise CragruError("no validation row to stop early by", place=task.name, advice=MORE_ROWS)


def _renumbered(data: TrainingData, users: Tensor) -> TrainingData:
    """Return the same data, each user by their place in `users`."""
    place = torch.empty(data.users, dtype=torch.int64)
    place[users] = torch.arange(len(users))
    train_users, train_items = data.train
    valid_users, valid_items = data.valid
    train = place[train_users], train_items
    valid = place[valid_users], valid_items
    return replace(data, train=train, valid=valid, users=len(users))


def rows_with_data(data: Sequence[TrainingData]) -> list[Tensor]:
    """Return the users whose rows of a table a training can change or looks at, for several side by side.

    No gradient reaches the row of a user without a training row, so a shard of a tenth of the users need not carry the
    others through every step. All get equally many rows: where a shard has fewer users, others fill it up.
    Of each training there are `[kept]` int64, ascending.
    """
    present = []
    for own in data:
        users = torch.cat([own.train[0], own.valid[0]])
        present.append(torch.bincount(users, minlength=own.users) > 0)
    masks = torch.stack(present)
    kept = int(masks.sum(dim=1).max())
    present_first = torch.argsort(masks.int(), dim=1, descending=True, stable=True)
    return list(present_first[:, :kept].sort(dim=1).values)


class Schedule:
    """Which triplets make a step of learners that are trained together: step t has the t-th batch of each."""

    def __init__(self, learners: Sequence[Learner], device: torch.device) -> None:
        """Lay out the steps of an epoch."""
        owners, steps = [], []  # of each triplet: whose it is, and which step takes it
        for number, learner in enumerate(learners):
            rows = len(learner.task.data.train[0])
            owners.append(torch.full((rows,), number))
            steps.append(torch.arange(rows) // learner.task.batch_size)
        step = torch.cat(steps)
        self._order = torch.argsort(step, stable=True)
        self._sizes = torch.bincount(step).tolist()
        models = torch.cat(owners)[self._order]
        keys = models * len(self._sizes) + step[self._order]
        self._models = models.to(device)
        self._counts = torch.bincount(keys)[keys].to(device)
        users, items = learners[0].data.users, learners[0].data.items
        first_users = models * (users + items)
        first_items = first_users + users
        self._offsets = torch.stack([first_users, first_items, first_items])
        self._drawn = torch.empty_like(self._offsets)

    def batches(self, learners: Sequence[Learner], like: Tensor) -> list[Batch]:
        """Draw the steps of a fresh epoch, on the device and in the type of `like`."""
        # one buffer for all epochs: fresh memory of this size costs more than what is written there
        rows = [len(learner.task.data.train[0]) for learner in learners]
        for learner, part in zip(learners, self._drawn.split(rows, dim=1), strict=True):
            learner.draw(part)
        drawn = self._drawn
        if len(learners) > 1:  # the batches of one lie in order
            drawn = drawn.index_select(1, self._order)
        nodes = drawn.add_(self._offsets).to(like.device)
        weights = self._counts.to(like.dtype).reciprocal()
        columns = [column.split(self._sizes) for column in (*nodes, weights, self._models)]
        return list(map(Batch, *columns))
