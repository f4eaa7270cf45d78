"""Options that several methods or partitions share. Nothing heavy is imported: params.yaml is checked by it."""

from typing import ClassVar, Literal

from pydantic import Field

from cragru.backbones.options import TrainingOptions
from cragru.plugins.options import BaseOptions

Missing = Literal["mask", "mean", "zero"]  # see `cragru.unlearning.aggregation.user_weights`
CapacityOn = Literal["rows", "users"]
Unit = Literal["users", "interactions"]
TUNED = ("learning_rate", "patience")  # what `cragru.unlearning.tuning` searches


class ShardOptions(BaseOptions):
    """How shards are trained; the rest is as for the backbone's model of everything.

    Attributes:
        shards: How many.
        learning_rate: Adam's; unless given, the backbone's. A shard makes fewer steps an epoch than a model of
            everything, and may want larger ones.
        patience: Epochs without a better validation NDCG@10 after which a shard stops; unless given, the backbone's.
        steps: Steps an epoch that a shard aims at: its batch has ``rows / steps`` triplets, ...
        least_batch: ... but at least so many, and at most the backbone's.
    """

    shards: int = Field(ge=1)
    learning_rate: float | None = Field(default=None, gt=0, le=10)
    patience: int | None = Field(default=None, ge=1)
    steps: int = Field(default=30, ge=1)
    least_batch: int = Field(default=256, ge=1)

    def training(self, options: TrainingOptions) -> TrainingOptions:
        """Return a backbone's hyper-parameters for shards."""
        own = {name: getattr(self, name) for name in TUNED}
        return options.model_copy(update={name: value for name, value in own.items() if value})

    def batch_size(self, rows: int, most: int) -> int:
        """Return the triplets a step of a shard of so many training rows; `most` is the backbone's batch size."""
        wanted = -(-rows // self.steps)
        return min(most, max(self.least_batch, wanted))


SHARD_OPTIONS = tuple(ShardOptions.model_fields)  # a method's other options train no shard anew


class InfluenceOptions(BaseOptions):
    """What both influence methods take.

    Attributes:
        tolerance: Relative residual at which conjugate gradient stops.
        iterations: Of conjugate gradient, at most.
    """

    needs: ClassVar[tuple[str, ...]] = ("original", "forget")

    tolerance: float = Field(default=1e-4, gt=0, lt=1)
    iterations: int = Field(default=100, ge=1)


class GraphEraserOptions(BaseOptions):
    """What both partitions of GraphEraser take.

    Attributes:
        capacity_on: What the capacity counts, ``rows`` or ``users``.
        slack: What a shard may hold over the even share, times what the other shards hold.
    """

    capacity_on: CapacityOn = "rows"
    slack: float = Field(default=0.005, ge=0, le=1)
