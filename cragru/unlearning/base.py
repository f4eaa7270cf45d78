"""The contract of an unlearning method: what it is handed, what it gives back, and how its cost is told."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Protocol

from cragru.backbones.base import FactorModel, TrainingData, TrainingOptions
from cragru.backbones.trainer import Epoch


@dataclass(frozen=True)
class Cost:
    """What serving one request took, by one rule for all methods.

    Timed: wall time from the request's arrival to servable scores, with the device idle at both ends: data filtering,
    graphs and samplers, training with its validation passes, aggregation, influence solves. Not timed: training before
    the request, parsing the data, test evaluation.

    Attributes:
        seconds_sequential: Everything one after the other.
        seconds_parallel: The longest of what can run at the same time.
        shards_touched: Models trained anew.
        optimiser_steps: Over all of them.
        hessian_products: Hessian-vector products of influence methods.
        device: Where it ran.
    """

    seconds_sequential: float
    seconds_parallel: float
    shards_touched: int
    optimiser_steps: int
    hessian_products: int
    device: str

    def as_dict(self) -> dict[str, float | int | str]:
        """The fields by name, for cost.json."""
        return asdict(self)


@dataclass(frozen=True)
class Unlearned:
    """What a method gives back: a scorer that has forgotten, its cost, and the curve of what it trained."""

    model: FactorModel
    cost: Cost
    curve: list[Epoch] = field(default_factory=list)


@dataclass(frozen=True)
class Context:
    """What a method may read.

    Data come through functions, so that a method touches only what it asks for. Reading them is not timed (see `Cost`):
    a method reads first and then starts its clock.

    Attributes:
        read_remain: Reads what is left after the request.
        module: The backbone's module.
        backbone: The backbone's name.
        options: Its hyper-parameters.
        method_options: What params.yaml gives the method.
        seed: Of the random streams.
        device: `auto`, `cpu` or `cuda`.
    """

    read_remain: Callable[[], TrainingData]
    module: str
    backbone: str
    options: TrainingOptions
    method_options: dict[str, float | int | str | bool]
    seed: int
    device: str

    @cached_property
    def remain(self) -> TrainingData:
        """Training and validation rows without the forget set."""
        return self.read_remain()


class UnlearningMethod(Protocol):
    """A module under `cragru.unlearning`, named in params.yaml."""

    def unlearn(self, context: Context) -> Unlearned:
        """Serve the request."""
