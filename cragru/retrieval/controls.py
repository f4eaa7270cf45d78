"""Orders of the candidates without any LLM, from what remains: what an LLM must beat before it is worth anything.

`popularity` counts training rows. `content` is a logistic regression, on validation rows, of three z-scores within a
user's candidates: the backbone's score, log(1 + count in train), and the mean cosine of a candidate to the user's
history over vectors of genres and years.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from cragru.core.names import CONTENT, FUSED_POPULARITY, NO_LLM, POPULARITY
from cragru.ranking.cosines import mean_cosines
from cragru.ranking.fusion import Lists, choose_weight, fused, orders

BACKBONE, ALIKE = "backbone", "alike"
FEATURES = (BACKBONE, POPULARITY, ALIKE)
TINY = 1e-9  # a length that is nothing but rounding


@dataclass(frozen=True)
class Known:
    """What controls are made of.

    Attributes:
        counts: `[items]`, rows of each item in train.
        vectors: `[items, d]`, of genres and years, of length 1 or 0.
    """

    counts: np.ndarray
    vectors: np.ndarray

    def lists(self, candidates: pd.DataFrame, history: pd.DataFrame) -> Lists:
        """Return candidates (columns user, rank, item, score) with their features, for users with a history."""
        items = candidates["item"].to_numpy()
        alike = mean_cosines(self.vectors, candidates, history)
        features = (candidates["score"], np.log1p(self.counts[items]), alike)
        return Lists.of(candidates, **dict(zip(FEATURES, features, strict=True)))


def content_vectors(items: pd.DataFrame) -> np.ndarray:
    """Return vectors of genres and years, `[items, d]`, of length 1; 0 where nothing is known of an item.

    A genre weighs log(items / items that have it), and years are in standard deviations, so that what is rare tells
    more. Each column is taken from the catalogue's mean, which a year that is not known has. Of several such
    definitions this one had the best likelihood on validation lists (docs/scoring.md).
    """
    genres = items["genres"].str.get_dummies("|").to_numpy(dtype=float)
    rarity = np.log(len(items) / genres.sum(axis=0))
    years = items["year"].astype("float64").to_numpy()
    spread = np.nanstd(years) if np.isfinite(years).any() else 0.0
    columns = [genres * rarity]
    if spread > 0:
        columns.append(years[:, None] / spread)
    table = np.hstack(columns)
    centred = table - np.nanmean(table, axis=0)
    return _of_length_one(np.nan_to_num(centred))


def _of_length_one(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    is_known = lengths > TINY
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=is_known)


def control_lists(
    known: Known, validation: Lists, judged: pd.DataFrame, test: Lists
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Order the test lists by each control, whose weights come from the validation lists.

    Args:
        known: What the lists' features were made of.
        validation: Lists with training rows masked, and histories of training rows.
        judged: Validation rows (columns user and item).
        test: Lists with training and validation rows masked.

    Returns:
        Columns variant, user, rank and item (`cragru.llm.reranking.RERANKED`): variants `no-llm`, the backbone's order,
        `popularity`, `popularity-fused` and `content`; and the weights.
    """
    relevant, counts = validation.is_relevant(judged)
    features = {name: validation.standardised(name) for name in FEATURES}
    weight = choose_weight(features[BACKBONE], features[POPULARITY], relevant, counts)
    is_there = validation.items >= 0
    regression = LogisticRegression()
    rows = np.stack([features[name][is_there] for name in FEATURES], axis=1)
    regression.fit(rows, relevant[is_there])
    own = {name: test.standardised(name) for name in FEATURES}
    content = sum(
        coefficient * own[name]
        for coefficient, name in zip(regression.coef_[0], FEATURES, strict=True)
    )
    scores = {
        NO_LLM: -np.arange(test.items.shape[1], dtype=float) + 0 * own[BACKBONE],
        POPULARITY: own[POPULARITY],
        FUSED_POPULARITY: fused(own[BACKBONE], own[POPULARITY], weight.weight),
        CONTENT: content,
    }
    frames = [_frame(test, name, values) for name, values in scores.items()]
    weights = {
        FUSED_POPULARITY: weight.record(),
        CONTENT: dict(zip(FEATURES, regression.coef_[0].tolist(), strict=True)),
    }
    return pd.concat(frames, ignore_index=True), weights


def _frame(lists: Lists, variant: str, scores: np.ndarray) -> pd.DataFrame:
    items = np.take_along_axis(lists.items, orders(scores), axis=1)
    row, place = np.nonzero(items >= 0)
    columns = {"user": lists.users[row], "rank": place + 1, "item": items[row, place]}
    return pd.DataFrame({"variant": variant, **columns})
