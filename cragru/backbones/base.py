"""What a trained backbone is: factors that score by inner product, kept as safetensors."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from cragru.core.errors import CragruError
from cragru.core.place import PathLike
from cragru.kept.files import atomic_path
from cragru.kept.machine import trouble
from cragru.ranking.full import Pairs

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
            tables = {
                name: table.clone() for name, table in tables.items()
            }  # the format forbids shared memory
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
            if trouble(error):
                raise  # the file may be whole: to delete it would be the wrong advice
            raise CragruError(
                f"{path}: not a readable model ({error}); delete it and run again"
            ) from error
        if set(tables) != set(FIELDS):
            raise CragruError(
                f"{path}: holds {sorted(tables)}, expected {sorted(FIELDS)}; delete it and run again"
            )
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
class Batch:
    """Training triplets of one step, of one model or of several side by side.

    Attributes:
        users: `[B]` int64 rows of the table.
        positives: `[B]` int64 rows of the users' items.
        negatives: `[B]` int64 rows of sampled items.
        weights: `[B]`, one over the number of triplets of the same model in this step: so sums are means.
        models: `[B]` int64, whose triplet it is; the rows of model s are `s * (users + items)` and after.
    """

    users: torch.Tensor
    positives: torch.Tensor
    negatives: torch.Tensor
    weights: torch.Tensor
    models: torch.Tensor


class Backbone(Protocol):
    """A recommender with one table `[users + items, d]` of parameters, users first; or several, one below the other.

    A module named in `config/params.yaml` offers ``build(shards, options, device) -> Backbone``, which takes the
    training data of each model: one for a model of everything, S for shards that are trained together; and where it
    takes more than training does, a class ``Options`` derived from `cragru.backbones.options.TrainingOptions`.
    """

    def initial_table(self, users: int, generator: torch.Generator) -> torch.Tensor:
        """Fresh parameters of one model of all `users`, `[users + items, d]`, drawn on the CPU.

        The backbone itself may be of fewer: those with a row in the training data.
        """

    def factors(self, table: torch.Tensor) -> torch.Tensor:
        """The factors that score, of the same shape as the parameters: a linear map that is its own adjoint."""

    def gradient(self, table: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean loss of a step for each model, `[S]`, and the gradient of their sum by `table`."""


def split_model(factors: torch.Tensor, table: torch.Tensor, users: int) -> FactorModel:
    """Cut the tables of a backbone, users first, into a model."""
    user_factors, item_factors = factors[:users], factors[users:]
    return FactorModel(user_factors, item_factors, table[:users], table[users:])


def pairs(frame: "pd.DataFrame") -> Pairs:
    """User ids and item ids of a frame of interactions, as int64 tensors."""
    users = frame["user"].to_numpy(dtype="int64")
    items = frame["item"].to_numpy(dtype="int64")
    return torch.from_numpy(users), torch.from_numpy(items)
