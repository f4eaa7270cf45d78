"""Options that all backbones share. Nothing heavy is imported: params.yaml is checked by it."""

from typing import TYPE_CHECKING, Self

from pydantic import Field, PrivateAttr

from cragru.plugins.options import BaseOptions

if TYPE_CHECKING:
    import torch


class TrainingOptions(BaseOptions):
    """How the one training loop trains a backbone; a backbone's own numbers stand in its `Options`.

    Attributes:
        dimensions: Length d of an embedding.
        learning_rate: Adam's.
        batch_size: Interactions a step.
        epochs: Most passes over the training data.
        patience: Epochs without a better validation NDCG@10 after which training stops.
        training: Which of several trainings on the same rows. It changes no number of a training: it makes the name
            of the backbone another (`bpr@training=1`), and with it the random streams.
    """

    dimensions: int = Field(ge=1, le=65_536)
    learning_rate: float = Field(gt=0, le=10)
    batch_size: int = Field(ge=1)
    epochs: int = Field(ge=1, le=1_000_000)
    patience: int = Field(ge=1)
    training: int = Field(default=0, ge=0)
    _is_double: bool = PrivateAttr(default=False)

    @property
    def dtype(self) -> "torch.dtype":
        """The type of the parameters: float32, but for `in_double`."""
        import torch

        return torch.float64 if self._is_double else torch.float32

    def in_double(self) -> Self:
        """Return the same options with float64 parameters, for tests: no configuration can ask for it."""
        copy = self.model_copy()
        copy._is_double = True
        return copy
