"""The contract of a retrieval strategy.

A strategy sees remaining interactions only (the split decides that, before it is called) and returns places in the
history it was given. So it can neither invent an interaction nor change the canonical order, which is by time.

A module named in `config/params.yaml` offers ``fit(context, folder)``, which writes what the strategy learns from the
remain set into a folder, and ``load(folder) -> RetrievalStrategy``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy import ndarray
from numpy.random import Generator
from torch import Tensor

from cragru.backbones.base import TrainingData


@dataclass(frozen=True)
class FitContext:
    """What a strategy may learn from.

    Attributes:
        item_factors: `[items, d]`, the scoring factors of the model that the candidates come from.
        genres: Each item's genres joined by ``|``.
        data: The remain set: training rows, and validation rows to measure on.
    """

    item_factors: Tensor
    genres: list[str]
    data: TrainingData
    options: dict[str, float | int | str | bool]
    seed: int


class StrategyModule(Protocol):
    """A module under `cragru.retrieval` that is a strategy."""

    def fit(self, context: FitContext, folder: Path) -> None:
        """Write what the strategy learns into `folder`, which exists."""

    def load(self, folder: Path) -> "RetrievalStrategy":
        """Read the strategy back from what `fit` wrote."""


class RetrievalStrategy(Protocol):
    """Chooses what of a history is shown to the LLM."""

    def select(self, history: ndarray, candidates: ndarray, limit: int, rng: Generator) -> ndarray:
        """Choose places of a history.

        Args:
            history: `[n]` item ids of one user, oldest first.
            candidates: `[c]` item ids that the LLM will score, best first.
            limit: K, the most places to choose; a history no longer than that is returned whole.
            rng: The stream of this user and strategy.

        Returns:
            Ascending places in `history`, at most `limit`.
        """


def sample(places: ndarray, count: int, rng: Generator) -> ndarray:
    """Draw `count` of `places` without repetition; all of them where there are fewer."""
    if len(places) <= count:
        return places
    return np.sort(rng.choice(places, count, replace=False))
