"""Two scores of the same candidates made one: by z-scores within a list, with a weight chosen on validation lists."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.ranking.hits import ndcg

WEIGHTS = tuple(step / 20 for step in range(21))  # of the second score: 0, 0.05, …, 1
CUTOFF = 10  # of the NDCG that a weight is chosen by


@dataclass(frozen=True)
class Lists:
    """Candidates of users, and what is known of each; shorter lists are filled up with what counts nothing.

    Attributes:
        users: `[n]`, ascending.
        items: `[n, L]` in the backbone's order, best first; -1 where a list has ended.
        scores: By name, `[n, L]` float64; missing (NaN) where a list has ended.
    """

    users: np.ndarray
    items: np.ndarray
    scores: dict[str, np.ndarray]

    @classmethod
    def of(cls, candidates: pd.DataFrame, **scores: pd.Series) -> "Lists":
        """Put candidates (columns user, rank from 1, item) with scores of the same rows into lists."""
        users, row = np.unique(candidates["user"], return_inverse=True)
        place = candidates["rank"].to_numpy() - 1
        shape = (len(users), int(place.max()) + 1)
        items = np.full(shape, -1, dtype=np.int64)
        items[row, place] = candidates["item"]
        filled = {}
        for name, values in scores.items():
            filled[name] = np.full(shape, np.nan)
            filled[name][row, place] = values
        return cls(users, items, filled)

    def standardised(self, name: str) -> np.ndarray:
        """Return z-scores within each list, `[n, L]`; 0 where all of a list are alike, missing where it has ended."""
        values = self.scores[name]
        centred = values - np.nanmean(values, axis=1, keepdims=True)
        spread = np.nanstd(values, axis=1, keepdims=True)
        return np.divide(centred, spread, out=centred * 0, where=spread > 0)

    def is_relevant(self, judged: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return which candidates are among the rows they are judged by, `[n, L]`, and how many rows each user has."""
        wanted = pd.MultiIndex.from_frame(judged[["user", "item"]])
        flat = pd.MultiIndex.from_arrays(
            [np.repeat(self.users, self.items.shape[1]), self.items.ravel()]
        )
        counts = judged.groupby("user").size().reindex(self.users, fill_value=0)
        return flat.isin(wanted).reshape(self.items.shape), counts.to_numpy()


@dataclass(frozen=True)
class Choice:
    """The weight that was chosen.

    Attributes:
        weight: Of the second score; 0 leaves the backbone's order.
        gain: What it adds to the mean NDCG on the validation lists.
        error: The standard error of that gain over users.
        users: How many there are.
        curve: The mean NDCG of each of `WEIGHTS`.
    """

    weight: float
    gain: float
    error: float
    users: int
    curve: tuple[float, ...]

    def record(self) -> dict[str, Any]:
        """Return it as plain values."""
        curve = {f"{weight:g}": value for weight, value in zip(WEIGHTS, self.curve, strict=True)}
        return {**vars(self), "curve": curve}


def fused(first: np.ndarray, second: np.ndarray, weight: float) -> np.ndarray:
    """Return (1 - weight) · first + weight · second, of z-scores."""
    return (1 - weight) * first + weight * second


def orders(scores: np.ndarray) -> np.ndarray:
    """Return the places of each list by falling score, `[n, L]`: ties keep their order, what has ended comes last."""
    return np.argsort(np.where(np.isnan(scores), np.inf, -scores), axis=1, kind="stable")


def choose_weight(
    first: np.ndarray, second: np.ndarray, relevant: np.ndarray, counts: np.ndarray
) -> Choice:
    """Return the smallest weight whose NDCG@10 is within one standard error of the best.

    The error is that of the difference from the best, over users (Breiman and others, 1984, section 3.4.3, for paired
    values). So a second score has a weight of 0 unless its gain is real.

    Args:
        first: The backbone's z-scores, `[n, L]`.
        second: Those of the other score.
        relevant: Whether a candidate is relevant, `[n, L]`.
        counts: How many relevant items each user has, `[n]`; users without one are left out.

    Raises:
        CragruError: If nobody has a relevant item.
    """
    import torch  # the others need none, and start faster without

    judged = counts > 0
    if not judged.any():
        raise CragruError("no user of the validation lists has a validation row", place="fusion")
    first, second, relevant = (array[judged] for array in (first, second, relevant))
    relevant_counts = torch.from_numpy(counts[judged])
    values = []
    for weight in WEIGHTS:
        order = orders(fused(first, second, weight))
        hits = np.take_along_axis(relevant, order, axis=1)
        values.append(ndcg(torch.from_numpy(hits), relevant_counts, CUTOFF).numpy())
    table = np.stack(values)
    means = table.mean(axis=1)
    best = int(np.argmax(means))
    chosen = next(
        number
        for number in range(len(WEIGHTS))
        if _is_within_one_error(table[best] - table[number])
    )
    gains = table[chosen] - table[0]
    return Choice(
        WEIGHTS[chosen],
        float(gains.mean()),
        _error(gains),
        int(judged.sum()),
        tuple(means.tolist()),
    )


def _is_within_one_error(losses: np.ndarray) -> bool:
    return bool(losses.mean() <= _error(losses))


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
