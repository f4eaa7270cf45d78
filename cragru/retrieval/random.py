"""A control: as many interactions as the others keep, chosen blindly."""

from pathlib import Path

import numpy as np
from numpy import ndarray
from numpy.random import Generator

from cragru.retrieval.base import FitContext, sample


class Random:
    """A uniform sample of the history."""

    def select(self, history: ndarray, candidates: ndarray, limit: int, rng: Generator) -> ndarray:
        """Choose `limit` places, each equally likely."""
        return sample(np.arange(len(history)), limit, rng)


def fit(context: FitContext, folder: Path) -> None:
    """Learn nothing."""


def load(folder: Path) -> Random:
    """Read the strategy."""
    return Random()
