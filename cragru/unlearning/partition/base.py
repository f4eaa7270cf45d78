"""The contract of a partition, and what every partition needs: options, capacities, validation rows, a last check.

A module of this package offers ``partition(problem) -> Assignment`` and a class ``Options`` of what params.yaml may set
for it (`cragru.plugins.options`). It is run once, when the models are first trained and before any request; what it
hands out has passed `check`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from numpy.random import Generator

from cragru.core.errors import CragruError

Option = float | int | str | bool
Pairs = tuple[ndarray, ndarray]  # user ids and item ids

FEWER = "ask for fewer shards in config/params.yaml"
READ = "add reads: [original] to the partition's entry in config/params.yaml"


@dataclass(frozen=True)
class Problem:
    """What is to be cut: the deployed interactions, and what a partition may look at.

    Attributes:
        train: User ids and item ids, both `[n]` int64, of the deployed training rows D: what the models train on before
            any request, so with the rows that will be forgotten.
        valid: User ids and item ids, both `[v]` int64, of the validation rows.
        shards: S, how many parts to cut.
        embeddings: `[users, d]` and `[items, d]` of a model trained on D, for the partitions that need them. They have
            seen the rows to be forgotten, so unlearning is exact given a learnt partition, and not without that.
    """

    train: Pairs
    valid: Pairs
    users: int
    items: int
    shards: int
    options: Mapping[str, Option]
    rng: Generator
    embeddings: Pairs | None = None


@dataclass(frozen=True)
class Assignment:
    """Where every row belongs: `[n]` int64 shards of training rows, and `[v]` of validation rows.

    A validation row belongs to the shard whose early stop looks at it.
    """

    train: ndarray
    valid: ndarray


def of_users(problem: Problem, shard_of_user: ndarray) -> Assignment:
    """Send every row, training or validation, to the shard of its user.

    A user without a training row (shard -1) belongs to no shard by content; should it have validation rows, they go to
    shard ``user id modulo S``, a rule that needs no randomness and looks at no other user.
    `shard_of_user` is `[users]` int64; -1 for a user without a training row, and for no other.

    Raises:
        CragruError: As `check` does.
    """
    by_id = np.arange(problem.users) % problem.shards
    filled = np.where(shard_of_user < 0, by_id, shard_of_user)
    of_train, of_valid = problem.train[0], problem.valid[0]
    return check(problem, Assignment(shard_of_user[of_train], filled[of_valid]))


def of_rows(problem: Problem, shard_of_row: ndarray) -> Assignment:
    """Keep the shards of training rows and send a validation row to where most of its user's training rows are.

    Of equal shares the lowest shard counts. Rows of a user without a training row go to shard ``user id modulo S``.
    `shard_of_row` is `[n]` int64.

    Raises:
        CragruError: As `check` does.
    """
    _check_column(problem, shard_of_row, problem.train, "train")
    places = problem.train[0] * problem.shards + shard_of_row
    counts = np.bincount(places, minlength=problem.users * problem.shards)
    counts = counts.reshape(problem.users, problem.shards)
    by_id = np.arange(problem.users) % problem.shards
    has_rows, most = counts.any(axis=1), counts.argmax(axis=1)
    shard_of_user = np.where(has_rows, most, by_id)
    return check(problem, Assignment(shard_of_row, shard_of_user[problem.valid[0]]))


def check(problem: Problem, assignment: Assignment) -> Assignment:
    """Refuse an assignment that cannot be trained, and return any other.

    Raises:
        CragruError: If a column has not one shard a row, a shard is not in 0..S-1, or a shard has no training row.
    """
    _check_column(problem, assignment.train, problem.train, "train")
    _check_column(problem, assignment.valid, problem.valid, "valid")
    rows = np.bincount(assignment.train, minlength=problem.shards)
    if not rows.all():
        raise CragruError("no training row", place=f"shard {rows.argmin()}", advice=FEWER)
    return assignment


def _check_column(problem: Problem, shards: ndarray, pairs: Pairs, part: str) -> None:
    shape = pairs[0].shape
    if shards.shape != shape:
        raise CragruError(f"shards must be {shape}", place=f"{part} rows", got=shards.shape)
    allowed = [f"0 to {problem.shards - 1}"]
    for row in np.flatnonzero((shards < 0) | (shards >= problem.shards)):
        at = f"shard of {part} row {row}"
        raise CragruError(place=at, got=int(shards[row]), allowed=allowed)


def enough(problem: Problem, count: int, units: str) -> None:
    """Refuse to cut `count` units into more shards.

    Raises:
        CragruError: If S is above `count`.
    """
    shards = problem.shards
    if shards > count:
        raise CragruError(
            f"more than the {count} {units}", place="shards", got=shards, advice=FEWER
        )


def holders(problem: Problem) -> ndarray:
    """Return the ascending ids `[m]` of the users that have training rows: those that a partition of users deals out.

    Raises:
        CragruError: If S is above their number.
    """
    found = np.unique(problem.train[0])
    enough(problem, len(found), "users")
    return found


def spread(problem: Problem, users: ndarray, shards: ndarray) -> ndarray:
    """Make the argument of `of_users`: `shards` `[m]` at the ids `users` `[m]`, -1 at all others."""
    shard_of_user = np.full(problem.users, -1, dtype=np.int64)
    shard_of_user[users] = shards
    return shard_of_user


def sizes_of(problem: Problem, users: ndarray, capacity_on: str) -> ndarray:
    """Return what each of `users` `[m]` takes up: its training rows for ``rows``, else 1; `[m]` int64."""
    if capacity_on == "rows":
        return np.bincount(problem.train[0])[users]
    return np.ones(len(users), dtype=np.int64)


def capacity(count: int, shards: int, factor: float = 1.0, slack: float = 0.0) -> int:
    """Return the most that a shard may hold: ``⌈factor · n/S + slack · (n - n/S)⌉``.

    Here n is `count` rows or users, and S `shards`. RecEraser allows a factor, at least 1, over the even share;
    GraphEraser a slack, at least 0, in proportion to what the other shards hold.
    """
    share = count / shards
    exact = factor * share + slack * (count - share)
    # Rounding first: 1.05 * (20 / 3) is 7.000000000000001, whose ceiling would be one place too many.
    return math.ceil(round(exact, 6))


def no_room(place: str, size: int, room: int) -> CragruError:
    """Return the error of what takes up more than the room that there is."""
    return CragruError(
        f"no room under the capacity {room}",
        place=place,
        got=size,
        advice="raise slack, ask for fewer shards or set capacity_on: users, in config/params.yaml",
    )


def embeddings(problem: Problem) -> list[ndarray]:
    """Return the model's embeddings of users `[users, d]` and items `[items, d]`, float64.

    Raises:
        CragruError: If there are none, or they are not one finite vector a user and an item.
    """
    if problem.embeddings is None:
        raise CragruError("needs a model's embeddings", place="partition", advice=READ)
    tables, counts = [], (problem.users, problem.items)
    for table, count in zip(problem.embeddings, counts, strict=True):
        table = np.asarray(table, dtype=np.float64)
        if table.shape[:-1] != (count,) or not np.isfinite(table).all():
            raise CragruError(f"not {count} finite vectors", place="embeddings", got=table.shape)
        tables.append(table)
    return tables
