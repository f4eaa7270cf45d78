"""No strategy: the whole remaining history, of which the most recent part is kept where it is too long."""

from pathlib import Path

import numpy as np
from numpy import ndarray
from numpy.random import Generator

from cragru.retrieval.base import FitContext


class Whole:
    """The paper's CRAGRU row of Table II."""

    def select(self, history: ndarray, candidates: ndarray, limit: int, rng: Generator) -> ndarray:
        """Choose the last `limit` places."""
        return np.arange(max(0, len(history) - limit), len(history))


def fit(context: FitContext, folder: Path) -> None:
    """Learn nothing."""


def load(folder: Path) -> Whole:
    """Read the strategy."""
    return Whole()
