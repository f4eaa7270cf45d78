"""MIA-AUC from where each row stands, apart from the code that ranks, so that tables need no torch."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from cragru.errors import CragruError
from cragru.seeds import numpy_stream

DRAWS_AT_ONCE = 64  # of the bootstrap: its weights then stay in the cache


def membership_auc(rows: pd.DataFrame) -> float:
    """MIA-AUC: the chance that a forgotten row stands above a held-out one, over all pairs of rows.

    Args:
        rows: Of `cragru.evaluation.completeness.membership_rows`.

    Returns:
        0.5 where the two cannot be told apart; NaN without rows of both kinds. A model that lists a user's forgotten
        rows first has a little less than 1 all the same, where users with many of them and users with few are pooled.
    """
    member, values = rows["member"].to_numpy(), rows["percentile"].to_numpy()
    return auc(values[member], values[~member])


def auc(members: np.ndarray, others: np.ndarray) -> float:
    """Probability that a value of `members` is above one of `others`, ties counted half; NaN if either is empty."""
    if not len(members) or not len(others):
        return float("nan")
    ordered = np.sort(others)
    below, up_to = (np.searchsorted(ordered, members, side=side) for side in ("left", "right"))
    return float((below + up_to).mean() / 2 / len(others))


def membership_bootstrap(
    rows: pd.DataFrame, seed: int, draws: int = 1000, among: Collection[int] | None = None
) -> np.ndarray:
    """`membership_auc` of users drawn with replacement, each with all their rows: rows of one user are not independent.

    The same seed draws the same users for any model. So the difference of two models' draws is the paired bootstrap of
    the gap between them, provided that both were measured on the same users.

    Args:
        rows: Of `membership_rows`.
        seed: Of the stream that draws.
        draws: How many.
        among: Users to draw from, the rows' among them; None: the rows' users. Where results under several seeds of the
            split are averaged, those of all seeds: else a user would be drawn anew for each seed.

    Returns:
        `[draws]` float64; NaN without rows.

    Raises:
        CragruError: If no draw is asked for, or a row is of none of the users to draw from.
    """
    if draws < 1:
        raise CragruError(f"bootstrap: {draws} draws asked for; ask for at least 1, say 1000")
    if rows.empty:
        return np.full(draws, np.nan)
    ids = np.unique(rows["user"].to_numpy() if among is None else np.array(sorted(among)))
    lone = sorted(set(rows["user"]) - set(ids))
    if lone:
        raise CragruError(f"bootstrap: user {lone[0]} has rows, but is none of the {len(ids)} users to draw from")
    codes = np.searchsorted(ids, rows["user"].to_numpy())
    member, values = rows["member"].to_numpy(), rows["percentile"].to_numpy()
    order = np.argsort(values[~member], kind="stable")
    members, others = codes[member], codes[~member][order]
    below, up_to = (np.searchsorted(values[~member][order], values[member], side=side) for side in ("left", "right"))
    times = numpy_stream(seed, "bootstrap", "users").multinomial(len(ids), np.full(len(ids), 1 / len(ids)), size=draws)
    found = []
    for start in range(0, draws, DRAWS_AT_ONCE):
        weights = np.ascontiguousarray(times[start : start + DRAWS_AT_ONCE].T, dtype=np.int32)  # [users, draws]
        passed = np.zeros((len(others) + 1, weights.shape[1]), dtype=np.int32)  # non-members up to a place
        np.cumsum(weights[others], axis=0, out=passed[1:])
        mine = weights[members]
        twice = np.einsum("nd,nd->d", mine, passed[below] + passed[up_to], dtype=np.float64)
        found.append(twice / 2 / mine.sum(axis=0) / passed[-1])
    return np.concatenate(found)
