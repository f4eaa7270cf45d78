"""The contract of an unlearning method: what it is handed, what it gives back, and how its cost is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from torch import Tensor

from cragru.backbones.base import FactorModel, TrainingData
from cragru.backbones.learner import Epoch
from cragru.backbones.options import TrainingOptions
from cragru.core.clock import Seconds
from cragru.ranking.full import Pairs


@dataclass(frozen=True)
class Cost:
    """What serving one request took, by one rule for all methods.

    Timed are wall and CPU seconds from the request's arrival to servable scores, with the device idle at both ends;
    what that takes in, and what not, is in docs/unlearning.md.

    Attributes:
        sequential: Everything one after the other, or together where shards were trained as one model.
        parallel: The longest of what can run at the same time; None where shards were trained as one model.
        shards_touched: Models trained anew.
        optimiser_steps: Steps of all these models.
        hessian_products: Hessian-vector products of influence methods.
        stages: Seconds of each named part, such as `shards`, `aggregate`, `solve`.
        measured: `sequential` of each time that the request was served, of which this is the median; empty where it
            was served once.
    """

    sequential: Seconds
    parallel: Seconds | None
    shards_touched: int
    optimiser_steps: int
    hessian_products: int
    device: str
    stages: Mapping[str, Seconds] = field(default_factory=dict)
    measured: Sequence[Seconds] = ()

    def as_dict(self) -> dict[str, object]:
        """Return what cost.json holds: `seconds_…` are wall seconds, `cpu_seconds_…` CPU seconds."""
        parallel, measured = self.parallel, self.measured or [self.sequential]
        walls, cpus = ([getattr(span, kind) for span in measured] for kind in ("wall", "cpu"))
        return {
            "seconds_sequential": self.sequential.wall,
            "seconds_parallel": None if parallel is None else parallel.wall,
            "cpu_seconds_sequential": self.sequential.cpu,
            "cpu_seconds_parallel": None if parallel is None else parallel.cpu,
            "shards_touched": self.shards_touched,
            "optimiser_steps": self.optimiser_steps,
            "hessian_products": self.hessian_products,
            "device": self.device,
            "stages": {name: span.wall for name, span in self.stages.items()},
            "cpu_stages": {name: span.cpu for name, span in self.stages.items()},
            "repeats": len(measured),
            "spread": {
                "seconds_sequential": [min(walls), max(walls)],
                "cpu_seconds_sequential": [min(cpus), max(cpus)],
            },
        }


@dataclass(frozen=True)
class Unlearned:
    """What a method gives back.

    Attributes:
        model: What scores after the request.
        curve: The curve of what was trained.
        shards: Models that were trained now, by the number of their shard; the others are as deployed.
        facts: What else the manifest is to say, such as the residual of a solve; plain JSON.
    """

    model: FactorModel
    cost: Cost
    curve: list[Epoch] = field(default_factory=list)
    shards: Mapping[int, FactorModel] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Deployed:
    """A method's shards as they were before the request.

    Attributes:
        train: Row number and shard of each training row then, both `[n]` int64.
        valid: Row number and shard of each validation row then (whose early stop looks at it), both `[v]` int64.
        read_model: Reads the model of a shard. None where nothing was trained ahead of the request, because a request
            this large touches every shard.
    """

    train: tuple[Tensor, Tensor]
    valid: tuple[Tensor, Tensor]
    count: int
    read_model: Callable[[int], FactorModel] | None


class Reader(Protocol):
    """Reads what a method may look at; one method for each thing, so that a method touches only what it asks for.

    All but `remain`, `rows` and `ratings` must be declared in the method's entry of params.yaml; else they raise.
    """

    def remain(self) -> TrainingData:
        """Read training and validation rows without the forget set."""

    def rows(self) -> tuple[Tensor, Tensor]:
        """Read the numbers of the remaining training and validation rows: what a partition knows rows by."""

    def ratings(self) -> Tensor:
        """Read `[n]` float32 ratings of the remaining training rows, in the order of `remain().train`."""

    def forget(self) -> Pairs:
        """Read the forget set D_f. Declared by `reads: [forget]`; methods that retrain have no need of it."""

    def original(self) -> FactorModel:
        """Read the model before the request. Declared by `reads: [original]`."""

    def deployed(self) -> Deployed:
        """Read the method's own shards before the request. Declared by `partition`."""


@dataclass(frozen=True)
class Context:
    """A request, as a method gets it.

    Reading data is not timed (see `Cost`): a method reads first and then starts its clock. Module and options are the
    backbone's; `method_options` are what params.yaml gives the method; the device is `auto`, `cpu` or `cuda`.
    """

    reader: Reader
    module: str
    backbone: str
    options: TrainingOptions
    method_options: Mapping[str, float | int | str | bool]
    seed: int
    device: str

    @cached_property
    def remain(self) -> TrainingData:
        """Training and validation rows without the forget set."""
        return self.reader.remain()
