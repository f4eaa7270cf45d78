"""RecBole's ratio split per user, splits by time, and the order of forgetting and splitting.

Randomness: each user's shuffle comes from a stream of its own, so one user's request leaves the split of the others
as it was. Every function here works on row numbers of the prepared interactions; `cragru.data.parts` keeps them.
`split_by` is one of `cragru.core.names.SPLITS`, as a protocol has it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.names import AT_RANDOM, TIME, TIME_PER_USER
from cragru.core.seeds import numpy_stream

Rows = dict[str, np.ndarray]
NO_ROWS = np.empty(0, dtype=np.int64)
LEFT_OUT = "left-out"  # rows that no part has
UNTIMED = "take a protocol with split_by: random"  # an advice


def split_counts(total: int, ratios: Sequence[float]) -> list[int]:
    """Return how many of a user's rows go to each part, exactly as RecBole counts (`ratio split`, grouped by user).

    Every part but the first gets ``int(ratio · total)``, the first the rest; the sum of `ratios` is the whole. Then,
    from the last part back, a part whose share is under one row but not zero takes one from the first, while the first
    has more than one: tiny users get a test row before a validation row.
    """
    whole = sum(ratios)
    shares = [ratio / whole * total for ratio in ratios]
    counts = [int(share) for share in shares]
    counts[0] = total - sum(counts[1:])
    for part in range(len(ratios) - 1, 0, -1):
        if counts[0] <= 1:
            break
        if 0 < shares[part] < 1:
            counts[part] += 1
            counts[0] -= 1
    return counts


def ratio_split(
    users: np.ndarray, rows: np.ndarray, ratios: Sequence[float], seed: int
) -> list[np.ndarray]:
    """Split rows into parts, user by user.

    Args:
        users: `[n]` user id of each of `rows`.
        rows: `[n]` row numbers.
        ratios: Share of each part, as in `split_counts`.
        seed: Seed of the streams ``split/<user>``.

    Returns:
        Ascending row numbers of each part.
    """

    def shuffled(user: int, own: np.ndarray) -> np.ndarray:
        return numpy_stream(seed, "split", user).permutation(own)

    return _cut_each_user(users, rows, ratios, shuffled)


def latest_split(
    interactions: pd.DataFrame, rows: np.ndarray, ratios: Sequence[float]
) -> list[np.ndarray]:
    """Split rows user by user: the oldest train, the next validate, the latest test.

    Rows of one user and one time are in the order of their items. The counts are those of `split_counts`, so everybody
    has a training row.

    Args:
        interactions: The prepared ones.
        rows: `[n]` row numbers.
        ratios: Share of each part.

    Returns:
        Ascending row numbers of each part.
    """
    own = interactions.iloc[rows]
    order = np.lexsort([own["item"], own["timestamp"]])
    return _cut_each_user(own["user"].to_numpy()[order], rows[order], ratios)


def time_split(
    interactions: pd.DataFrame, rows: np.ndarray, ratios: Sequence[float]
) -> list[np.ndarray]:
    """Split rows at two points in time, the same for everybody.

    The points are the times of the rows at which the ratios would cut them, oldest first. A part begins with all rows
    of its point in time, so it may have a few more than its share, and the part before it a few less. Users without a
    training row are left out of the other parts: whatever a model says of them is its random start. Items without one
    stay, as in every split: they are what a model of the past cannot know.

    Args:
        interactions: The prepared ones.
        rows: `[n]` row numbers.
        ratios: Share of each part.

    Returns:
        Ascending row numbers of each part, and of what is left out.

    Raises:
        CragruError: If a part is left without a row.
    """
    times = interactions["timestamp"].to_numpy()[rows]
    users = interactions["user"].to_numpy()[rows]
    bounds = np.cumsum(split_counts(len(rows), ratios))[:-1]
    points = np.sort(times)[bounds]
    part_of_row = np.searchsorted(points, times, side="right")
    is_known = np.isin(users, users[part_of_row == 0])
    parts = [np.sort(rows[is_known & (part_of_row == part)]) for part in range(len(ratios))]
    if not all(map(len, parts)):
        counts = " / ".join(str(len(part)) for part in parts)
        raise CragruError(
            f"leaves {counts} rows to train, validate and test users with training rows",
            place="split_by",
            got=TIME,
            advice=f"take {TIME_PER_USER}",
        )
    return [*parts, np.sort(rows[~is_known])]


def _cut_each_user(
    users: np.ndarray,
    rows: np.ndarray,
    ratios: Sequence[float],
    arranged: Callable[[int, np.ndarray], np.ndarray] = lambda user, own: own,
) -> list[np.ndarray]:
    """Cut each user's rows, in their order or as `arranged` arranges them, by `split_counts`."""
    parts: list[list[np.ndarray]] = [[] for _ in ratios]
    order = np.argsort(users, kind="stable")
    ids, starts = np.unique(users[order], return_index=True)
    rows_of_users = np.split(rows[order], starts[1:])
    for user, own in zip(ids, rows_of_users, strict=True):
        bounds = np.cumsum(split_counts(len(own), ratios))[:-1]
        pieces = np.split(arranged(int(user), own), bounds)
        for part, chosen in zip(parts, pieces, strict=True):
            part.append(chosen)
    empty = np.empty(0, dtype=rows.dtype)
    return [np.sort(np.concatenate([empty, *part])) for part in parts]


def forget_and_split(
    interactions: pd.DataFrame,
    forget: Mapping[str, Any],
    ratios: Sequence[float],
    seed: int,
    split_by: str = AT_RANDOM,
) -> Rows:
    """Forget first and split the rest, or split and wait for requests.

    Args:
        interactions: The prepared ones.
        forget: What is forgotten: `kind` and `fraction`, as a protocol has them.
        ratios: Share of each part, as in `split_counts`.
        seed: Of all streams.
        split_by: How rows are split.

    Returns:
        Row numbers of each part, and of what is left out: see `time_split`.
    """
    how = ratios, seed, split_by
    if forget["kind"] == "interactions":
        return forget_interactions(interactions, forget["fraction"], *how)
    if forget["kind"] == "users":
        return forget_users(interactions, forget["fraction"], *how)
    return split_first(interactions, *how)


def forget_interactions(
    interactions: pd.DataFrame,
    fraction: float,
    ratios: Sequence[float],
    seed: int,
    split_by: str = AT_RANDOM,
) -> Rows:
    """Forget a random share of all rows, then split the rest (protocol `paper`).

    Raises:
        CragruError: If the share is no row, or leaves none to train on.
    """
    total = len(interactions)
    count = round(fraction * total)
    if not count:
        raise CragruError(f"no row of {total}", place="forget.fraction", got=fraction)
    require_rest(total - count, "forget.fraction")
    forget = numpy_stream(seed, "forget", "interactions").choice(total, count, replace=False)
    remain = np.setdiff1d(np.arange(total), forget)
    kept, left_out = _split(interactions, remain, ratios, seed, split_by)
    return _parts(kept, np.sort(forget), left_out=left_out)


def forget_users(
    interactions: pd.DataFrame,
    fraction: float,
    ratios: Sequence[float],
    seed: int,
    split_by: str = AT_RANDOM,
) -> Rows:
    """Forget all rows of a random share of the users with training rows (protocol `released-code`).

    The original model must have trained on forgotten rows, and the membership test needs positives of the same users
    that no model saw. So the forgotten users are split like the others: their training rows are the forget set, and
    their validation and test rows are held out, out of every model's reach and of the evaluation.
    """
    parts = split_first(interactions, ratios, seed, split_by)
    users = interactions["user"].to_numpy()
    everyone = np.unique(users[parts["train"]])
    count = max(1, round(fraction * len(everyone)))
    leaving = numpy_stream(seed, "forget", "users").choice(everyone, count, replace=False)
    return take_users(parts, users, leaving)


def split_first(
    interactions: pd.DataFrame, ratios: Sequence[float], seed: int, split_by: str = AT_RANDOM
) -> Rows:
    """Split everything and forget nothing yet: the state that single requests come to."""
    rows = np.arange(len(interactions))
    kept, left_out = _split(interactions, rows, ratios, seed, split_by)
    return _parts(kept, left_out=left_out)


def _split(
    interactions: pd.DataFrame, rows: np.ndarray, ratios: Sequence[float], seed: int, split_by: str
) -> tuple[list[np.ndarray], np.ndarray]:
    """Split rows at random or by time; return the parts and what is left out.

    Raises:
        CragruError: If they are to be split by time and have none.
    """
    if split_by == AT_RANDOM:
        users = interactions["user"].to_numpy()[rows]
        return ratio_split(users, rows, ratios, seed), NO_ROWS
    if interactions["timestamp"].nunique() == 1:
        raise CragruError(
            "all timestamps are equal", place="split_by", got=split_by, advice=UNTIMED
        )
    if split_by == TIME_PER_USER:
        return latest_split(interactions, rows, ratios), NO_ROWS
    *parts, left_out = time_split(interactions, rows, ratios)
    return parts, left_out


def take_users(parts: Rows, users: np.ndarray, leaving: np.ndarray) -> Rows:
    """Forget users after a split: their training rows are forgotten, their held-out rows leave the evaluation."""
    return take_rows(parts, np.flatnonzero(np.isin(users, leaving)))


def take_rows(parts: Rows, rows: np.ndarray) -> Rows:
    """Forget rows after a split: those in train are the forget set, those in valid and test are held out of use.

    Raises:
        CragruError: If no row is left to train on.
    """
    train, valid, test = parts["train"], parts["valid"], parts["test"]
    kept = [np.setdiff1d(part, rows) for part in (train, valid, test)]
    forget = np.intersect1d(train, rows)
    held_out = np.intersect1d(np.concatenate([valid, test]), rows)
    return _parts(kept, forget, held_out, parts.get(LEFT_OUT, NO_ROWS))


def require_rest(left: int, who: str) -> None:
    """Refuse to forget everything: nothing could be trained, and nobody would be left to recommend to.

    Args:
        left: How many rows remain.
        who: What asks for it, as the error's place.

    Raises:
        CragruError: If there are none.
    """
    if not left:
        raise CragruError("nothing remains to train on", place=who, advice="forget less")


def draw_user(users: np.ndarray, number: int, seed: int) -> int:
    """Return the user of request `number` (from 1) of the protocol `one-user`; no user is drawn twice under a seed.

    Args:
        users: Users to draw from, each once or more: those of training rows, for others have nothing to forget.
        number: Of the request.
        seed: Of the draw.

    Raises:
        CragruError: If there are fewer users than requests.
    """
    everyone = np.unique(users)
    if number > len(everyone):
        raise CragruError(f"only {len(everyone)} users", place="requests.one_user", got=number)
    order = numpy_stream(seed, "forget", "one-user").permutation(everyone)
    return int(order[number - 1])


def _parts(
    kept: Sequence[np.ndarray],
    forget: np.ndarray = NO_ROWS,
    held_out: np.ndarray = NO_ROWS,
    left_out: np.ndarray = NO_ROWS,
) -> Rows:
    train, valid, test = kept
    require_rest(len(train), "the split")
    return {
        "forget": forget,
        "forget-heldout": held_out,
        "train": train,
        "valid": valid,
        "test": test,
        LEFT_OUT: left_out,
    }
