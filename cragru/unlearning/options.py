"""Options that several methods or partitions share. Nothing heavy is imported: params.yaml is checked by it."""

from typing import Literal

from pydantic import Field

from cragru.backbones.options import TrainingOptions
from cragru.plugins.options import BaseOptions

Missing = Literal[
    "mask", "mean", "zero"
]  # whose scores count for a user: `cragru.unlearning.aggregation.user_weights`
CapacityOn = Literal["rows", "users"]
Unit = Literal["users", "interactions"]


class ShardOptions(BaseOptions):
    """How shards are trained; the rest is as for the backbone's model of everything.

    Attributes:
        shards: How many.
        learning_rate: Adam's. A shard makes fewer steps an epoch than a model of everything, and wants larger ones.
        steps: Steps an epoch that a shard aims at: its batch has ``rows / steps`` triplets, ...
        least_batch: ... but at least so many, and at most the backbone's.
    """

    shards: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=10)
    steps: int = Field(default=30, ge=1)
    least_batch: int = Field(default=256, ge=1)

    def training(self, options: TrainingOptions) -> TrainingOptions:
        """A backbone's hyper-parameters for shards."""
        return options.model_copy(update={"learning_rate": self.learning_rate})

    def batch_size(self, rows: int, most: int) -> int:
        """Triplets a step of a shard.

        Args:
            rows: The shard's training rows.
            most: The backbone's batch size.
        """
        return min(most, max(self.least_batch, -(-rows // self.steps)))


SHARD_OPTIONS = tuple(
    ShardOptions.model_fields
)  # a method with shards may have others, which train none anew


class GraphEraserOptions(BaseOptions):
    """What both partitions of GraphEraser take.

    Attributes:
        capacity_on: What the capacity counts, ``rows`` or ``users``.
        slack: What a shard may hold over the even share, times what the other shards hold.
    """

    capacity_on: CapacityOn = "rows"
    slack: float = Field(default=0.005, ge=0, le=1)
