"""Shards: a model for each part of the data, and a request that trains anew those that held what is forgotten.

What SISA, GraphEraser and RecEraser have in common; they differ in the partition and in how they aggregate. A shard
depends on its own rows and on the seed alone: not on other shards, on their number, or on the order of training.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from cragru.backbones.base import FactorModel, TrainingData
from cragru.backbones.learner import Epoch, Task
from cragru.backbones.trainer import Stopwatch, Training, choose_device
from cragru.backbones.training import train_together
from cragru.errors import CragruError
from cragru.options import read_options
from cragru.unlearning.base import Context, Cost, Deployed, Unlearned
from cragru.unlearning.options import SHARD_OPTIONS, ShardOptions


@dataclass(frozen=True)
class Renewed:
    """All shards after a request.

    Attributes:
        models: Of every shard.
        data: What each was trained on, and what is left of it.
        new: Models that were trained now, by shard.
        curve: Of those that the request touched.
        cost: Of their training.
    """

    models: list[FactorModel]
    data: list[TrainingData]
    new: Mapping[int, FactorModel]
    curve: list[Epoch]
    cost: Cost

    def served(self, model: FactorModel, seconds: float, steps: int = 0, curve: Sequence[Epoch] = ()) -> Unlearned:
        """What the method gives back, once its aggregation is done.

        Args:
            model: What the aggregation made of the shards.
            seconds: What it took.
            steps: Its optimiser steps.
            curve: Of its training.
        """
        parallel = self.cost.seconds_parallel
        cost = replace(
            self.cost,
            seconds_sequential=self.cost.seconds_sequential + seconds,
            seconds_parallel=None if parallel is None else parallel + seconds,
            optimiser_steps=self.cost.optimiser_steps + steps,
            stages={**self.cost.stages, "aggregate": seconds},
        )
        return Unlearned(model, cost, [*self.curve, *curve], self.new)


def cut(data: TrainingData, shards: tuple[torch.Tensor, torch.Tensor], count: int) -> list[TrainingData]:
    """The data of each shard.

    Args:
        data: All of it.
        shards: Shard of each training and of each validation row.
        count: Number of shards.
    """
    return [
        replace(data, **{part: _of_shard(getattr(data, part), its, shard) for part, its in _named(shards)})
        for shard in range(count)
    ]


def shard_task(data: TrainingData, backbone: str, shard: int, options: ShardOptions, most: int) -> Task:
    """The training of one shard; shard 0 has the random stream of a model of everything.

    Args:
        data: The shard's own rows.
        backbone: The backbone's name.
        shard: Which shard.
        options: How shards are trained.
        most: The backbone's batch size.
    """
    name = f"{backbone}-shard-{shard}" if shard else backbone
    return Task(data, name, options.batch_size(len(data.train[0]), most))


def train_shards(
    data: Sequence[TrainingData], numbers: Sequence[int], context: Context, options: ShardOptions
) -> list[Training]:
    """Train some shards together.

    Args:
        data: The data of each of them.
        numbers: Which shards they are.
        context: Backbone, its options, seed and device.
        options: How shards are trained.
    """
    tasks = [
        shard_task(own, context.backbone, number, options, context.options.batch_size)
        for own, number in zip(data, numbers, strict=True)
    ]
    device = choose_device(context.device)
    return train_together(context.module, tasks, options.training(context.options), context.seed, device)


def deploy(context: Context) -> list[Training]:
    """Train all shards, together, on what there is before any request.

    Args:
        context: Its options may hold a method's own beside those of shards.

    Raises:
        CragruError: If the partition is of other data, or a shard cannot be trained.
    """
    given = {name: value for name, value in context.method_options.items() if name in SHARD_OPTIONS}
    options = read_options(ShardOptions, given)
    deployed = context.reader.deployed()
    pieces = cut(context.remain, _shards_of(context.reader.rows(), deployed), deployed.count)
    return train_shards(pieces, range(deployed.count), context, options)


def touched_shards(deployed: Deployed, left: tuple[torch.Tensor, torch.Tensor]) -> list[int]:
    """Shards that lose a row to the request: known by what is missing, without a look at what is forgotten.

    Args:
        deployed: The state before the request.
        left: Shard of each training and of each validation row that is left.
    """
    before = (deployed.train[1], deployed.valid[1])
    counts = [[torch.bincount(shards, minlength=deployed.count) for shards in state] for state in (before, left)]
    changed = torch.stack([was != now for was, now in zip(*counts, strict=True)]).any(dim=0)
    return changed.nonzero().squeeze(1).tolist()


def renew(context: Context, options: ShardOptions) -> Renewed:
    """Serve a request: train the shards that held what is forgotten from scratch on what is left of them.

    Where there is a deployed state they are trained one by one, for one machine's and many machines' seconds. Where
    there is none, because a request this large spares no shard, they are trained together; shards that were spared
    after all become what they would have been before the request, outside the clock.

    Raises:
        CragruError: If the partition is of other data, or a shard has nothing left.
    """
    data, rows, deployed = context.remain, context.reader.rows(), context.reader.deployed()
    device = choose_device(context.device)
    watch = Stopwatch(device)
    left = _shards_of(rows, deployed)
    touched, pieces = touched_shards(deployed, left), cut(data, left, deployed.count)
    filtering = watch.lap()
    together = deployed.read_model is None
    groups = [touched] if together and touched else [[shard] for shard in touched]
    trained, seconds = {}, []
    for group in groups:
        done = train_shards([pieces[shard] for shard in group], group, context, options)
        trained.update(zip(group, done, strict=True))
        seconds.append(watch.lap())
    cost = Cost(
        seconds_sequential=filtering + sum(seconds),
        seconds_parallel=None if together else filtering + max(seconds, default=0.0),
        shards_touched=len(touched),
        optimiser_steps=sum(training.steps for training in trained.values()),
        hessian_products=0,
        device=str(device),
        stages={"filter": filtering, "shards": sum(seconds)},
    )
    curve = [epoch for training in trained.values() for epoch in training.curve]
    new = {shard: training.model for shard, training in trained.items()}
    spared = [shard for shard in range(deployed.count) if shard not in trained]
    if together and spared:
        done = train_shards([pieces[shard] for shard in spared], spared, context, options)
        new |= {shard: training.model for shard, training in zip(spared, done, strict=True)}
    models = [new[shard] if shard in new else deployed.read_model(shard) for shard in range(deployed.count)]
    return Renewed(models, pieces, new, curve, cost)


def _shards_of(rows: tuple[torch.Tensor, torch.Tensor], deployed: Deployed) -> tuple[torch.Tensor, torch.Tensor]:
    """The shard of each training and of each validation row."""
    return _look_up(rows[0], *deployed.train), _look_up(rows[1], *deployed.valid)


def _look_up(rows: torch.Tensor, known: torch.Tensor, shards: torch.Tensor) -> torch.Tensor:
    last = torch.cat([rows, known, rows.new_zeros(1)]).max()
    found = rows.new_full((int(last) + 1,), -1).index_copy_(0, known, shards)[rows]
    if (found < 0).any():
        raise CragruError("the partition was made of other rows than these; delete the method's folder and run again")
    return found


def _of_shard(
    pairs: tuple[torch.Tensor, torch.Tensor], shards: torch.Tensor, shard: int
) -> tuple[torch.Tensor, torch.Tensor]:
    own = shards == shard
    return pairs[0][own], pairs[1][own]


def _named(shards: tuple[torch.Tensor, torch.Tensor]) -> list[tuple[str, torch.Tensor]]:
    return list(zip(("train", "valid"), shards, strict=True))
