"""Preference strategy (eq. 2-3): keep each category's share of the history."""

from pathlib import Path

import numpy as np
from numpy import ndarray
from numpy.random import Generator

from cragru.plugins.options import read_options
from cragru.retrieval.base import FitContext, sample
from cragru.retrieval.categories import fit_categories, load_categories
from cragru.retrieval.options import CategoryOptions


class Options(CategoryOptions):
    """What params.yaml may set."""


def quotas(counts: ndarray, limit: int) -> ndarray:
    """Return how many interactions of each category to keep.

    The paper's ``K_c = ⌊p_c · K⌋``, whose sum falls short of K; what is left goes to the categories with the largest
    remainders (the lower category first where they are equal).

    Counts are a user's interactions in each category, `[categories]`. No quota is above its count, and quotas add up to
    `limit`, or to all there is.
    """
    total = int(counts.sum())
    if total <= limit:
        return counts.copy()
    kept, remainders = np.divmod(counts * limit, total)
    lacking = limit - int(kept.sum())
    largest_first = np.argsort(-remainders, kind="stable")
    kept[largest_first[:lacking]] += 1
    return kept


class Preference:
    """Proportional sampling by category."""

    def __init__(self, categories: ndarray) -> None:
        """Take the category of each item, `[items]` int64."""
        self.categories = categories

    def select(self, history: ndarray, candidates: ndarray, limit: int, rng: Generator) -> ndarray:
        """Draw from each category as many as its quota."""
        own = self.categories[history]
        counts = np.bincount(own, minlength=int(self.categories.max()) + 1)
        chosen = []
        for category, quota in enumerate(quotas(counts, limit)):
            places = np.flatnonzero(own == category)
            chosen.append(sample(places, int(quota), rng))
        return np.sort(np.concatenate(chosen))


def fit(context: FitContext, folder: Path) -> None:
    """Cluster the items."""
    fit_categories(context, read_options(Options, context.options).categories, folder)


def load(folder: Path) -> Preference:
    """Read the strategy."""
    return Preference(load_categories(folder))
