"""RecBole's ratio split per user, and the order of forgetting and splitting.

Randomness: each user's shuffle comes from a stream of its own, so one user's request leaves the split of the others
as it was. Every function here works on row numbers of the prepared interactions; `cragru.data.parts` keeps them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.seeds import numpy_stream

Rows = dict[str, np.ndarray]
NO_ROWS = np.empty(0, dtype=np.int64)


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
    parts: list[list[np.ndarray]] = [[] for _ in ratios]
    order = np.argsort(users, kind="stable")
    ids, starts = np.unique(users[order], return_index=True)
    rows_of_users = np.split(rows[order], starts[1:])
    for user, own in zip(ids, rows_of_users, strict=True):
        shuffled = numpy_stream(seed, "split", int(user)).permutation(own)
        bounds = np.cumsum(split_counts(len(own), ratios))[:-1]
        for part, chosen in zip(parts, np.split(shuffled, bounds), strict=True):
            part.append(chosen)
    empty = np.empty(0, dtype=rows.dtype)
    return [np.sort(np.concatenate([empty, *part])) for part in parts]


def forget_and_split(
    interactions: pd.DataFrame, forget: Mapping[str, Any], ratios: Sequence[float], seed: int
) -> Rows:
    """Forget first and split the rest, or split and wait for requests.

    Args:
        interactions: The prepared ones.
        forget: What is forgotten: `kind` and `fraction`, as a protocol has them.
        ratios: Share of each part, as in `split_counts`.
        seed: Of all streams.
    """
    if forget["kind"] == "interactions":
        return forget_interactions(interactions, forget["fraction"], ratios, seed)
    if forget["kind"] == "users":
        return forget_users(interactions, forget["fraction"], ratios, seed)
    return split_first(interactions, ratios, seed)


def forget_interactions(
    interactions: pd.DataFrame, fraction: float, ratios: Sequence[float], seed: int
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
    users = interactions["user"].to_numpy()[remain]
    return _parts(ratio_split(users, remain, ratios, seed), np.sort(forget))


def forget_users(
    interactions: pd.DataFrame, fraction: float, ratios: Sequence[float], seed: int
) -> Rows:
    """Forget all rows of a random share of the users (protocol `released-code`).

    The original model must have trained on forgotten rows, and the membership test needs positives of the same users
    that no model saw. So the forgotten users are split like the others: their training rows are the forget set, and
    their validation and test rows are held out, out of every model's reach and of the evaluation.
    """
    users = interactions["user"].to_numpy()
    everyone = np.unique(users)
    count = max(1, round(fraction * len(everyone)))
    leaving = numpy_stream(seed, "forget", "users").choice(everyone, count, replace=False)
    return take_users(split_first(interactions, ratios, seed), users, leaving)


def split_first(interactions: pd.DataFrame, ratios: Sequence[float], seed: int) -> Rows:
    """Split everything and forget nothing yet: the state that single requests come to."""
    rows = np.arange(len(interactions))
    return _parts(ratio_split(interactions["user"].to_numpy(), rows, ratios, seed))


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
    return _parts(kept, forget, held_out)


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

    Raises:
        CragruError: If there are fewer users than requests.
    """
    everyone = np.unique(users)
    if number > len(everyone):
        raise CragruError(f"only {len(everyone)} users", place="requests.one_user", got=number)
    order = numpy_stream(seed, "forget", "one-user").permutation(everyone)
    return int(order[number - 1])


def _parts(
    kept: Sequence[np.ndarray], forget: np.ndarray = NO_ROWS, held_out: np.ndarray = NO_ROWS
) -> Rows:
    train, valid, test = kept
    require_rest(len(train), "the split")
    return {
        "forget": forget,
        "forget-heldout": held_out,
        "train": train,
        "valid": valid,
        "test": test,
    }
