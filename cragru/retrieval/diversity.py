"""Diversity strategy (eq. 4-5): a knapsack gives every category the share of its interactions that pays most.

M[c, x] is the hit rate on validation users whose interactions of category c are thinned to the ratio x, measured by
folding the thinned histories into the backbone with its item factors fixed. It is a mean over thinnings, made monotone
in x. The ratios x* maximise ``Σ_c M[c, x_c]`` under ``Σ_c x_c = K'``; dynamic programming finds them, as in the paper.
Most differences in M are noise, so the ratios that are taken are the most equal ones that lose no more than noise
against x*. docs/retrieval.md has what each of these steps does to the ratios.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field
from sklearn.isotonic import IsotonicRegression

from cragru.core.seeds import numpy_stream
from cragru.kept.csv_files import read_csv, write_csv
from cragru.plugins.options import read_options
from cragru.ranking.full import PairSet
from cragru.retrieval.base import FitContext, sample
from cragru.retrieval.categories import fit_categories, load_categories
from cragru.retrieval.folding import RATIOS, FoldIn, thinned_hits
from cragru.retrieval.options import CategoryOptions

PERFORMANCE, CHOICE = "performance.csv", "ratios.csv"
PRICES = np.geomspace(1e-7, 1, 36)  # of a squared tenth, in hit rate; 1 makes all shares equal


class Options(CategoryOptions):
    """What params.yaml may set.

    Attributes:
        retention: K' for each category: the mean ratio that the knapsack gives out.
        ridge: λ of the fold-in that measures M, times the mean squared length of an item's factors.
        thinnings: How many random thinnings M is averaged over.
    """

    retention: float = Field(ge=0, le=1)
    ridge: float = Field(ge=0)
    thinnings: int = Field(ge=1)


def monotone(performance: ndarray) -> ndarray:
    """Return the nearest rows by least squares that never fall: isotonic regression (Barlow et al., 1972)."""
    places = np.arange(performance.shape[1])
    return np.array([IsotonicRegression().fit_transform(places, row) for row in performance])


def knapsack(performance: ndarray, total: int) -> tuple[ndarray, float]:
    """Choose one ratio for each category.

    ``DP[i, j] = max_x DP[i-1, j-x] + M[i, x]`` with `total` tenths in all; backtracking yields the choice. Of equal
    choices the smaller ratio of the later category is taken.

    Args:
        performance: `[categories, 11]`, column t for the ratio t/10.
        total: K' in tenths; every category takes 0 to 10 of them.

    Returns:
        `[categories]` int64 tenths that add up to `total`, and the value reached.
    """
    categories, choices = performance.shape
    best = np.full((categories + 1, total + 1), -np.inf)
    best[0, 0] = 0
    taken = np.zeros((categories, total + 1), dtype=np.int64)
    for row in range(categories):
        for spent in range(total + 1):
            most = min(choices - 1, spent)
            # of the categories before, for 0, 1, … tenths here
            before = best[row, spent - most : spent + 1][::-1]
            values = before + performance[row, : most + 1]
            taken[row, spent] = np.argmax(values)  # of equal ones the first
            best[row + 1, spent] = values.max()
    chosen, spent = np.zeros(categories, dtype=np.int64), total
    for row in reversed(range(categories)):
        chosen[row] = taken[row, spent]
        spent -= chosen[row]
    return chosen, float(best[categories, total])


def even_ratios(performance: ndarray, per_user: ndarray, total: int) -> ndarray:
    """Choose the most equal ratios whose loss against the best is within noise, by the one-standard-error rule.

    The rule is that of Breiman et al. (1984): of choices that noise cannot tell from the best take the
    simplest. A price on each squared tenth makes ratios more equal as it rises. The loss in ``Σ_c M[c, x_c]`` against
    the ratios without a price may be one standard error over users, who are the same in both. Where M is flat or all
    noise, all ratios are equal.

    Args:
        performance: M, `[categories, 11]`, never falling.
        per_user: Hit rates that M is the mean of, `[categories, 11, users]`.
        total: K' in tenths.

    Returns:
        `[categories]` int64 tenths that add up to `total`.
    """
    rows, tenths = np.arange(len(performance)), np.arange(len(RATIOS))
    best, _ = knapsack(performance, total)
    chosen = best
    for price in PRICES:
        evener, _ = knapsack(performance - price * tenths**2, total)
        loss = (performance[rows, best] - performance[rows, evener]).sum()
        of_users = (per_user[rows, best] - per_user[rows, evener]).sum(axis=0)
        error = of_users.std() / np.sqrt(len(of_users))
        if loss <= error + 1e-12:  # equal sums differ by rounding
            chosen = evener
    return chosen


class Diversity:
    """Sampling by the knapsack's ratios."""

    def __init__(self, categories: ndarray, ratios: ndarray) -> None:
        """Take the category of each item, `[items]` int64, and the ratio of each category, `[categories]` in [0, 1]."""
        self.categories, self.ratios = categories, ratios

    def select(self, history: ndarray, candidates: ndarray, limit: int, rng: Generator) -> ndarray:
        """Draw each category's share, and of all that at most `limit`."""
        if len(history) <= limit:
            return np.arange(len(history))
        own = self.categories[history]
        chosen = []
        for category, ratio in enumerate(self.ratios):
            places = np.flatnonzero(own == category)
            count = int(np.ceil(ratio * len(places) - 1e-9))
            chosen.append(sample(places, count, rng))
        return sample(np.sort(np.concatenate(chosen)), limit, rng)


def fit(context: FitContext, folder: Path) -> None:
    """Cluster the items, measure M on validation users, and choose ratios; all three are written as CSV."""
    options = read_options(Options, context.options)
    categories = fit_categories(context, options.categories, folder)
    data = context.data
    train = PairSet(data.train, data.users, data.items)
    valid = PairSet(data.valid, data.users, data.items)
    fold_in = FoldIn(context.item_factors, options.ridge)
    rng = numpy_stream(context.seed, "diversity", "thinning")
    hits = thinned_hits(fold_in, train, valid, categories, rng, options.thinnings)
    per_user = hits.double().mean(dim=0).numpy()
    rates = pd.DataFrame(hits.double().mean(dim=3).flatten(start_dim=1).numpy())
    performance = monotone(per_user.mean(axis=2))
    total = round(10 * options.retention * len(performance))
    names = pd.RangeIndex(len(performance), name="category")
    cells = pd.MultiIndex.from_product([names, RATIOS], names=["category", "ratio"])
    measured = {"hit_rate": rates.mean(), "se": rates.sem(), "monotone": performance.ravel()}
    write_csv(folder / PERFORMANCE, pd.DataFrame(measured).set_axis(cells).reset_index())
    even, best = even_ratios(performance, per_user, total), knapsack(performance, total)[0]
    chosen = pd.DataFrame({"ratio": even / 10, "knapsack": best / 10}, names)
    write_csv(folder / CHOICE, chosen.reset_index())


def load(folder: Path) -> Diversity:
    """Read the strategy."""
    ratios = read_csv(folder / CHOICE, {"ratio": "float64"})["ratio"]
    return Diversity(load_categories(folder), ratios.to_numpy())
