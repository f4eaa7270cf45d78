"""MIA-AUC from where each row stands, apart from the code that ranks, so that tables need no torch."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from cragru.core.seeds import numpy_stream

DRAWS_AT_ONCE = 64  # of the bootstrap: its weights then stay in the cache


def membership_auc(rows: pd.DataFrame) -> float:
    """Return MIA-AUC: the chance that a forgotten row stands above a held-out one, over all pairs of rows.

    The rows are of `cragru.evaluation.completeness.membership_rows`. It is 0.5 where the two cannot be told apart, NaN
    without rows of both kinds. A model that lists a user's forgotten rows first has a little less than 1 all the same,
    where users with many of them and users with few are pooled.
    """
    member, values = rows["member"].to_numpy(), rows["percentile"].to_numpy()
    return auc(values[member], values[~member])


def auc(members: np.ndarray, others: np.ndarray) -> float:
    """Return the chance that one of `members` is above one of `others`, ties counted half; NaN if either is empty."""
    if not len(members) or not len(others):
        return float("nan")
    below, up_to = _passed(members, np.sort(others))
    return float((below + up_to).mean() / 2 / len(others))


def membership_bootstrap(
    rows: pd.DataFrame, seed: int, draws: int = 1000, among: Collection[int] | None = None
) -> np.ndarray:
    """Return `membership_auc` of users drawn anew, each with all their rows: rows of one user are not independent.

    The same seed draws the same users for any model. So the difference of two models' draws is the paired bootstrap of
    the gap between them, provided that both were measured on the same users.

    Args:
        rows: As for `membership_auc`.
        seed: Seed of the stream that draws.
        draws: How many times the users are drawn.
        among: Users to draw from, the rows' among them; None: the rows' users. Where results under several seeds of the
            split are averaged, those of all seeds: else a user would be drawn anew for each seed.

    Returns:
        `[draws]` float64; NaN without rows.
    """
    if rows.empty:
        return np.full(draws, np.nan)
    owners = rows["user"].to_numpy()
    ids = np.unique(owners if among is None else sorted(among))
    stream = numpy_stream(seed, "bootstrap", "users")
    n = len(ids)
    times = stream.multinomial(n, np.full(n, 1 / n), size=draws)
    places = np.searchsorted(ids, owners)
    member, values = rows["member"].to_numpy(), rows["percentile"].to_numpy()
    ascending = np.argsort(values[~member], kind="stable")
    below, up_to = _passed(values[member], values[~member][ascending])
    of_members, of_others = places[member], places[~member][ascending]
    found = []
    for start in range(0, draws, DRAWS_AT_ONCE):
        chunk = times[start : start + DRAWS_AT_ONCE]
        weights = np.ascontiguousarray(chunk.T, dtype=np.int32)  # [users, draws]
        found.append(_weighted_auc(weights[of_members], weights[of_others], below, up_to))
    return np.concatenate(found)


def _passed(members: np.ndarray, ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many of the ordered values are lower than each member, and how many are not higher."""
    below = np.searchsorted(ordered, members, side="left")
    up_to = np.searchsorted(ordered, members, side="right")
    return below, up_to


def _weighted_auc(
    members: np.ndarray, others: np.ndarray, below: np.ndarray, up_to: np.ndarray
) -> np.ndarray:
    """Return `auc` of rows that are there several times, for several draws at once: `[draws]` float64.

    `members` (`[m, draws]` int32) and `others` (`[n, draws]`, in ascending order of their values) tell how many times
    each is there; `below` and `up_to` (`[m]`) are of `_passed`.
    """
    shape = (len(others) + 1, others.shape[1])
    passed = np.zeros(shape, dtype=np.int32)  # non-members before a place
    np.cumsum(others, axis=0, out=passed[1:])
    twice = np.einsum("nd,nd->d", members, passed[below] + passed[up_to], dtype=np.float64)
    return twice / 2 / members.sum(axis=0) / passed[-1]
