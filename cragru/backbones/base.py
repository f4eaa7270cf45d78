"""What a trained backbone is: factors that score by inner product, kept as safetensors."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from cragru.errors import CragruError
from cragru.io import PathLike, atomic_path
from cragru.ranking import Pairs

if TYPE_CHECKING:
    import pandas as pd

FIELDS = ("user_factors", "item_factors", "user_embeddings", "item_embeddings")


class Scorer(Protocol):
    """The one thing that the evaluator knows of a model."""

    def score(self, users: torch.Tensor) -> torch.Tensor:
        """Score every item for each of `users` (`[B]` int64); returns a new `[B, items]` tensor."""


@dataclass(frozen=True)
class FactorModel:
    """A factor model: the score of user u for item i is ⟨user_factors[u], item_factors[i]⟩.

    Attributes:
        user_factors: `[users, d]`, what scores.
        item_factors: `[items, d]`, what scores.
        user_embeddings: `[users, d]`, the trained layer-0 table; equal to `user_factors` for BPR.
        item_embeddings: `[items, d]`, likewise.
    """

    user_factors: torch.Tensor
    item_factors: torch.Tensor
    user_embeddings: torch.Tensor
    item_embeddings: torch.Tensor

    def score(self, users: torch.Tensor) -> torch.Tensor:
        """Score every item for each of `users` (`[B]` int64); returns `[B, items]`."""
        return self.user_factors[users.to(self.user_factors.device)] @ self.item_factors.T

    def save(self, path: PathLike) -> None:
        """Write the four tables as safetensors, atomically."""
        tables = {name: getattr(self, name).detach().cpu().contiguous() for name in FIELDS}
        if tables["user_factors"].data_ptr() == tables["user_embeddings"].data_ptr():
            tables = {name: table.clone() for name, table in tables.items()}  # the format forbids shared memory
        with atomic_path(path) as temporary:
            save_file(tables, temporary)

    @classmethod
    def load(cls, path: PathLike) -> "FactorModel":
        """Read a model.

        Raises:
            CragruError: If the file is not safetensors or does not hold the four tables.
        """
        try:
            tables = load_file(Path(path))
        except (SafetensorError, OSError) as error:
            raise CragruError(f"{path}: not a readable model ({error}); delete it and run again") from error
        if set(tables) != set(FIELDS):
            raise CragruError(f"{path}: holds {sorted(tables)}, expected {sorted(FIELDS)}; delete it and run again")
        return cls(**tables)


@dataclass(frozen=True)
class TrainingData:
    """All that training may see: dense ids, training positives, and validation positives for early stopping.

    Attributes:
        train: User ids and item ids, both `[n]` int64 on the CPU.
        valid: User ids and item ids of the validation rows, both `[v]` int64 on the CPU.
        users: Number of users of the data set.
        items: Number of items of the data set.
    """

    train: Pairs
    valid: Pairs
    users: int
    items: int


@dataclass(frozen=True)
class TrainingOptions:
    """Hyper-parameters of a backbone (`config/params.yaml` says what each is for).

    Attributes:
        dimensions: Length d of an embedding.
        learning_rate: Adam's.
        batch_size: Interactions a step.
        epochs: Most passes over the training data.
        patience: Epochs without a better validation NDCG@10 after which training stops.
        layers: Graph convolution layers L (LightGCN); BPR has none.
        regularisation: Weight of LightGCN's norm of the batch's layer-0 rows.
    """

    dimensions: int
    learning_rate: float
    batch_size: int
    epochs: int
    patience: int
    layers: int = 0
    regularisation: float = 0.0


class Backbone(Protocol):
    """A recommender with one table `[users + items, d]` of parameters, users first.

    A module named in `config/params.yaml` offers ``build(data, options, device) -> Backbone``.
    """

    def initial_table(self, generator: torch.Generator) -> torch.Tensor:
        """Fresh parameters, drawn on the CPU."""

    def factors(self, table: torch.Tensor) -> torch.Tensor:
        """The factors that score, `[users + items, d]`, from the parameters."""

    def gradient(
        self, table: torch.Tensor, users: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean loss of a batch of (user, positive, negative) nodes, and its gradient by `table`."""


def split_model(factors: torch.Tensor, table: torch.Tensor, users: int) -> FactorModel:
    """Cut the tables of a backbone, users first, into a model."""
    return FactorModel(factors[:users], factors[users:], table[:users], table[users:])


def pairs(frame: "pd.DataFrame") -> Pairs:
    """User ids and item ids of a frame of interactions, as int64 tensors."""
    return tuple(torch.from_numpy(frame[column].to_numpy(dtype="int64")) for column in ("user", "item"))
