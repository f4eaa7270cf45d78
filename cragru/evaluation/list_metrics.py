"""Metrics of all users' lists together: each is one function and one entry of `LIST_METRICS`.

They look at what is recommended, not at who likes it (docs/evaluation.md has the definitions and their sources).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

NOBODY = -1  # the item at a place that a list does not have


@dataclass(frozen=True)
class Recommended:
    """What a model recommends to a set of users.

    Attributes:
        items: `[users, K]` item ids, best place first; `NOBODY` where a list is shorter.
        training_rows: `[items]`, how many users have each item of the catalogue among their training rows.
        training_users: How many users have training rows at all.
    """

    items: np.ndarray
    training_rows: np.ndarray
    training_users: int

    def counts(self) -> np.ndarray:
        """Return `[items]`, on how many lists each item of the catalogue stands."""
        listed = self.items[self.items != NOBODY]
        return np.bincount(listed, minlength=len(self.training_rows))


@dataclass(frozen=True)
class ListMetric:
    """A metric of all users' lists: what tables call it without its K, and its function; the lists end at K."""

    label: str
    function: Callable[[Recommended], float]


def coverage(recommended: Recommended) -> float:
    """Return the share of the catalogue's items that stand on a list."""
    return float(np.mean(recommended.counts() > 0))


def gini(recommended: Recommended) -> float:
    """Return how unequally lists have the catalogue's items: 0 all equally often, near 1 all lists the same item."""
    counts = np.sort(recommended.counts())
    n = len(counts)
    ranks = np.arange(1, n + 1)
    return float(np.sum((2 * ranks - n - 1) * counts) / (n * counts.sum()))


def novelty(recommended: Recommended) -> float:
    """Return the mean over users of their list's mean self-information, -log2 of the share of users who have an item.

    An item that nobody has counts as if one user had it: its own would be infinite.
    """
    shares = np.maximum(recommended.training_rows, 1) / recommended.training_users
    is_there = recommended.items != NOBODY
    bits = np.where(is_there, -np.log2(shares)[recommended.items], 0)
    return float(np.mean(bits.sum(axis=1) / is_there.sum(axis=1)))


LIST_METRICS = {
    "coverage": ListMetric("Coverage", coverage),
    "gini": ListMetric("Gini", gini),
    "novelty": ListMetric("Novelty", novelty),
}
"""By the names in CSVs, in the order of tables."""
