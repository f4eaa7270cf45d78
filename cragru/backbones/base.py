"""What a trained backbone is: factors that score by inner product, kept as safetensors."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cragru.core.errors import CragruError, short
from cragru.core.place import PathLike, spot
from cragru.kept.files import atomic_path
from cragru.kept.machine import trouble
from cragru.ranking.full import Pairs

if TYPE_CHECKING:
    import pandas as pd

AGAIN = "delete it and run again"  # an advice
FIELDS = ("user_factors", "item_factors", "user_embeddings", "item_embeddings")


class Scorer(Protocol):
    """The one thing that the evaluator knows of a model."""

    def score(self, users: Tensor) -> Tensor:
        """Score every item for each of `users` (`[B]` int64); return a new `[B, items]` tensor."""


@dataclass(frozen=True)
class FactorModel:
    """A factor model: the score of user u for item i is ⟨user_factors[u], item_factors[i]⟩.

    Tables are `[users, d]` or `[items, d]`. The embeddings are the trained layer-0 tables: for BPR the factors.
    """

    user_factors: Tensor
    item_factors: Tensor
    user_embeddings: Tensor
    item_embeddings: Tensor

    def score(self, users: Tensor) -> Tensor:
        """Score every item for each of `users` (`[B]` int64); return `[B, items]`."""
        return self.user_factors[users.to(self.user_factors.device)] @ self.item_factors.T

    def save(self, path: PathLike) -> None:
        """Write the four tables as safetensors, atomically."""
        tables = {}
        for name in FIELDS:
            table = getattr(self, name).detach().cpu()
            tables[name] = table.clone(
                memory_format=torch.contiguous_format
            )  # they share no memory
        with atomic_path(path) as temporary:
            save_file(tables, temporary)

    @classmethod
    def load(cls, path: PathLike) -> "FactorModel":
        """Read a model.

        Raises:
            CragruError: If the file is not safetensors of the four tables.
        """
        try:
            return cls(**load_file(Path(path)))
        except (SafetensorError, OSError, TypeError) as error:
            if trouble(error):
                raise  # the file may be whole: to delete it would be the wrong advice
            raise CragruError(
                f"not a readable model ({short(str(error))})", place=spot(path), advice=AGAIN
            ) from error


@dataclass(frozen=True)
class TrainingData:
    """All that training may see: training positives, and validation positives for early stopping.

    Pairs are user ids and item ids, both `[n]` int64 on the CPU; `users` and `items` are numbers of the whole data set.
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

    users: Tensor
    positives: Tensor
    negatives: Tensor
    weights: Tensor
    models: Tensor


class Backbone(Protocol):
    """A recommender with one table `[users + items, d]` of parameters, users first; or several, one below the other.

    A module named in `config/params.yaml` offers ``build(shards, options, device) -> Backbone``, which takes the
    training data of each model: one for a model of everything, S for shards that are trained together; and where it
    takes more than training does, a class ``Options`` derived from `cragru.backbones.options.TrainingOptions`.
    """

    def initial_table(self, users: int, generator: torch.Generator) -> Tensor:
        """Draw parameters of one model of all `users`, `[users + items, d]`, on the CPU.

        The backbone itself may be of fewer: those with a row in the training data.
        """

    def factors(self, table: Tensor) -> Tensor:
        """Return the factors that score, of the parameters' shape: a linear map that is its own adjoint."""

    def gradient(self, table: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the mean loss of a step for each model, `[S]`, and the gradient of their sum by `table`."""


def split_model(factors: Tensor, table: Tensor, users: int) -> FactorModel:
    """Cut the tables of a backbone, users first, into a model."""
    return FactorModel(factors[:users], factors[users:], table[:users], table[users:])


def pairs(frame: "pd.DataFrame") -> Pairs:
    """Return the user ids and item ids of a frame of interactions, as int64 tensors."""
    users = frame["user"].to_numpy(dtype="int64")
    items = frame["item"].to_numpy(dtype="int64")
    return torch.from_numpy(users), torch.from_numpy(items)
