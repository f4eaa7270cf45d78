"""Shards: a model for each part of the data, and a request that trains anew those that held what is forgotten.

What SISA, GraphEraser and RecEraser have in common; they differ in the partition and in how they aggregate. A shard
depends on its own rows and on the seed alone: not on other shards, on their number, or on the order of training.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from cragru.backbones.base import FactorModel, TrainingData
from cragru.backbones.learner import Epoch, Task
from cragru.backbones.trainer import Stopwatch, Training, choose_device
from cragru.backbones.training import train_models, train_side_by_side
from cragru.core.clock import Seconds, longest, total
from cragru.core.errors import CragruError
from cragru.plugins.options import read_options
from cragru.ranking.full import Pairs
from cragru.unlearning.base import Context, Cost, Deployed, Unlearned
from cragru.unlearning.options import SHARD_OPTIONS, ShardOptions

Columns = tuple[Tensor, Tensor]  # of training rows, and of validation rows

DELETE = "it was made of other data; delete the method's folder and run again"


@dataclass(frozen=True)
class Renewed:
    """All shards after a request: their models, what is left of their data, and which models are new.

    The curve and the cost are those of the shards that the request touched.
    """

    models: list[FactorModel]
    data: list[TrainingData]
    new: Mapping[int, FactorModel]
    curve: list[Epoch]
    cost: Cost

    def served(
        self, model: FactorModel, seconds: Seconds, steps: int = 0, curve: Sequence[Epoch] = ()
    ) -> Unlearned:
        """Return what the method gives back, given the aggregation's model, seconds, optimiser steps and curve."""
        before = self.cost
        parallel = before.parallel
        cost = replace(
            before,
            sequential=before.sequential + seconds,
            parallel=None if parallel is None else parallel + seconds,
            optimiser_steps=before.optimiser_steps + steps,
            stages={**before.stages, "aggregate": seconds},
        )
        return Unlearned(model, cost, [*self.curve, *curve], self.new)


def cut(data: TrainingData, shards: Columns, count: int) -> list[TrainingData]:
    """Cut the data of each of `count` shards out of all, given the shard of each training and validation row."""
    of_train, of_valid = shards
    pieces = []
    for shard in range(count):
        train = _rows(data.train, of_train == shard)
        valid = _rows(data.valid, of_valid == shard)
        pieces.append(replace(data, train=train, valid=valid))
    return pieces


def shard_task(
    data: TrainingData, backbone: str, shard: int, options: ShardOptions, most: int
) -> Task:
    """Describe the training of one shard on its rows; shard 0 has the random stream of a model of everything."""
    name = f"{backbone}-shard-{shard}" if shard else backbone
    batch_size = options.batch_size(len(data.train[0]), most)
    return Task(data, name, batch_size)


def train_shards(
    pieces: Sequence[TrainingData], numbers: Sequence[int], context: Context, options: ShardOptions
) -> dict[int, Training]:
    """Train some of all shards, by their numbers; return the trainings by shard."""
    if not numbers:
        return {}
    name, most = context.backbone, context.options.batch_size
    tasks = [shard_task(pieces[number], name, number, options, most) for number in numbers]
    device = choose_device(context.device)
    training = options.training(context.options)
    done = train_models(context.module, tasks, training, context.seed, device)
    return dict(zip(numbers, done, strict=True))


def deploy(context: Context) -> list[Training]:
    """Train all shards on what there is before any request.

    Raises:
        CragruError: If the partition is of other data, or a shard cannot be trained.
    """
    own = context.method_options.keys() & SHARD_OPTIONS
    options = read_options(ShardOptions, {name: context.method_options[name] for name in own})
    deployed = context.reader.deployed()
    shards = _shards_of(context.reader.rows(), deployed)
    pieces = cut(context.remain, shards, deployed.count)
    trained = train_shards(pieces, range(deployed.count), context, options)
    return list(trained.values())


def touched_shards(deployed: Deployed, left: Columns) -> list[int]:
    """List the shards that lose a row to the request: known by what is left, without a look at what is forgotten."""
    changed = torch.zeros(deployed.count, dtype=torch.bool)
    had = deployed.train[1], deployed.valid[1]
    for before, after in zip(had, left, strict=True):
        rows_before = torch.bincount(before, minlength=deployed.count)
        rows_left = torch.bincount(after, minlength=deployed.count)
        changed |= rows_before != rows_left
    return changed.nonzero().squeeze(1).tolist()


def renew(context: Context, options: ShardOptions) -> Renewed:
    """Serve a request: train the shards that held what is forgotten from scratch on what is left of them.

    They are trained one by one, for one machine's and many machines' seconds; on a GPU without a deployed state, as a
    request this large spares no shard, together. Shards that it spares after all are trained outside the clock.

    Raises:
        CragruError: If the partition is of other data, or a shard has nothing left.
    """
    reader = context.reader
    data, rows, deployed = context.remain, reader.rows(), reader.deployed()
    device = choose_device(context.device)
    watch = Stopwatch(device)
    left = _shards_of(rows, deployed)
    touched = touched_shards(deployed, left)
    pieces = cut(data, left, deployed.count)
    filtering = watch.lap()
    is_all = deployed.read_model is None
    together = is_all and train_side_by_side(device)
    trained, seconds = {}, []
    groups = [touched] if together else [[shard] for shard in touched]
    for group in groups:
        trained |= train_shards(pieces, group, context, options)
        seconds.append(watch.lap())
    cost = _cost(trained.values(), filtering, seconds, together, device)
    curve = [epoch for training in trained.values() for epoch in training.curve]

    if is_all:
        spared = sorted(set(range(deployed.count)) - trained.keys())
        trained |= train_shards(pieces, spared, context, options)
    new = {shard: training.model for shard, training in trained.items()}
    models = [new.get(shard) or deployed.read_model(shard) for shard in range(deployed.count)]
    return Renewed(models, pieces, new, curve, cost)


def _cost(
    trained: Collection[Training],
    filtering: Seconds,
    seconds: Sequence[Seconds],
    together: bool,
    device: torch.device,
) -> Cost:
    """Tell what the trainings took; where they are made one by one, the longest can stand for all."""
    training = total(seconds)
    return Cost(
        sequential=filtering + training,
        parallel=None if together else filtering + longest(seconds),
        shards_touched=len(trained),
        optimiser_steps=sum(one.steps for one in trained),
        hessian_products=0,
        device=str(device),
        stages={"filter": filtering, "shards": training},
    )


def _shards_of(rows: Columns, deployed: Deployed) -> Columns:
    """Return the shard of each training and of each validation row."""
    train = _look_up(rows[0], *deployed.train)
    valid = _look_up(rows[1], *deployed.valid)
    return train, valid


def _look_up(rows: Tensor, known: Tensor, shards: Tensor) -> Tensor:
    """Return the entry of `shards` for each of `rows`, where `known` names the row of each entry."""
    numbers = torch.cat([rows, known, rows.new_zeros(1)])
    shard_of_row = torch.full((int(numbers.max()) + 1,), -1)
    shard_of_row[known] = shards
    found = shard_of_row[rows]
    foreign = rows[found < 0]
    if len(foreign):
        raise CragruError("row of no shard", place="partition", got=int(foreign[0]), advice=DELETE)
    return found


def _rows(pairs: Pairs, own: Tensor) -> Pairs:
    return pairs[0][own], pairs[1][own]
