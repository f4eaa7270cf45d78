"""MIA-AUC from where each row stands, apart from the code that ranks, so that tables need no torch."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.seeds import numpy_stream

DRAWS_AT_ONCE = 64  # of the bootstrap: its weights then stay in the cache


def membership_auc(rows: pd.DataFrame) -> float:
    """MIA-AUC: the chance that a forgotten row stands above a held-out one, over all pairs of rows.

    Args:
        rows: What `cragru.evaluation.completeness.membership_rows` gives.

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
    below = np.searchsorted(ordered, members, side="left")
    up_to = np.searchsorted(ordered, members, side="right")
    return float((below + up_to).mean() / 2 / len(others))


def membership_bootstrap(
    rows: pd.DataFrame, seed: int, draws: int = 1000, among: Collection[int] | None = None
) -> np.ndarray:
    """`membership_auc` of users drawn with replacement, each with all their rows: rows of one user are not independent.

    The same seed draws the same users for any model. So the difference of two models' draws is the paired bootstrap of
    the gap between them, provided that both were measured on the same users.

    Args:
        rows: What `membership_rows` gives.
        seed: Seed of the stream that draws.
        draws: How many times the users are drawn.
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
    owners = rows["user"].to_numpy()
    ids = _users_to_draw(owners, among)
    stream = numpy_stream(seed, "bootstrap", "users")
    times = stream.multinomial(len(ids), np.full(len(ids), 1 / len(ids)), size=draws)
    places = np.searchsorted(ids, owners)
    member, values = rows["member"].to_numpy(), rows["percentile"].to_numpy()
    ascending = np.argsort(values[~member], kind="stable")
    others = values[~member][ascending]
    below = np.searchsorted(others, values[member], side="left")
    up_to = np.searchsorted(others, values[member], side="right")
    found = []
    for start in range(0, draws, DRAWS_AT_ONCE):
        chunk = times[start : start + DRAWS_AT_ONCE]
        weights = np.ascontiguousarray(chunk.T, dtype=np.int32)  # [users, draws]
        of_members = weights[places[member]]
        of_others = weights[places[~member][ascending]]
        found.append(_weighted_auc(of_members, of_others, below, up_to))
    return np.concatenate(found)


def _users_to_draw(owners: np.ndarray, among: Collection[int] | None) -> np.ndarray:
    """Ascending ids of the users to draw from, the owners of all rows among them."""
    if among is None:
        return np.unique(owners)
    ids = np.unique(np.array(sorted(among)))
    lone = np.setdiff1d(owners, ids)
    if len(lone):
        raise CragruError(
            f"bootstrap: user {lone[0]} has rows, but is none of the {len(ids)} users to draw from"
        )
    return ids


def _weighted_auc(
    members: np.ndarray, others: np.ndarray, below: np.ndarray, up_to: np.ndarray
) -> np.ndarray:
    """`auc` of rows that are there several times, for several draws at once.

    Args:
        members: `[m, draws]` int32, how many times each member is there.
        others: `[n, draws]` int32, how many times each non-member is there, in ascending order of their values.
        below: `[m]`, how many non-members have a lower value than the member.
        up_to: `[m]`, how many have a value that is not higher.

    Returns:
        `[draws]` float64.
    """
    passed = np.zeros(
        (len(others) + 1, others.shape[1]), dtype=np.int32
    )  # non-members before a place
    np.cumsum(others, axis=0, out=passed[1:])
    twice = np.einsum("nd,nd->d", members, passed[below] + passed[up_to], dtype=np.float64)
    return twice / 2 / members.sum(axis=0) / passed[-1]
