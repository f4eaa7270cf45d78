"""The contract of a partition, and what every partition needs: options, capacities, validation rows, a last check.

A module of this package offers ``partition(problem) -> Assignment`` and a class ``Options`` of what params.yaml may set
for it (`cragru.plugins.options`). It is run once, when the models are first trained and before any request; what it
hands out has passed `check`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cragru.core.errors import CragruError

Option = float | int | str | bool


@dataclass(frozen=True)
class Problem:
    """What is to be cut: the deployed interactions, and what a partition may look at.

    Attributes:
        train: User ids and item ids, both `[n]` int64, of the deployed training rows D: what the models train on before
            any request, so with the rows that will be forgotten.
        valid: User ids and item ids, both `[v]` int64, of the validation rows.
        users: Number of users of the data set.
        items: Number of items of the data set.
        shards: S, how many parts to cut.
        options: What params.yaml gives the partition.
        rng: The generator of every random choice.
        embeddings: `[users, d]` and `[items, d]` of a model trained on D, for the partitions that need them. They have
            seen the rows to be forgotten, so unlearning is exact given a learnt partition, and not without that.
    """

    train: tuple[np.ndarray, np.ndarray]
    valid: tuple[np.ndarray, np.ndarray]
    users: int
    items: int
    shards: int
    options: Mapping[str, Option]
    rng: np.random.Generator
    embeddings: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True)
class Assignment:
    """Where every row belongs.

    Attributes:
        train: `[n]` int64 shard of each training row.
        valid: `[v]` int64 shard of each validation row: the shard whose early stop looks at it.
    """

    train: np.ndarray
    valid: np.ndarray


def of_users(problem: Problem, shard_of_user: np.ndarray) -> Assignment:
    """Send every row, training or validation, to the shard of its user.

    A user without a training row (shard -1) belongs to no shard by content; should it have validation rows, they go to
    shard ``user id modulo S``, a rule that needs no randomness and looks at no other user.

    Args:
        problem: What was cut.
        shard_of_user: `[users]` int64; -1 for a user without a training row, and for no other.

    Raises:
        CragruError: As `check` does; also where S exceeds the users that have training rows.
    """
    holders(problem)
    filled = np.where(shard_of_user < 0, np.arange(problem.users) % problem.shards, shard_of_user)
    assignment = Assignment(train=shard_of_user[problem.train[0]], valid=filled[problem.valid[0]])
    check(problem, assignment)
    return assignment


def of_rows(problem: Problem, shard_of_row: np.ndarray) -> Assignment:
    """Keep the shards of training rows and send a validation row to where most of its user's training rows are.

    Of equal shares the lowest shard counts. Rows of a user without a training row go to shard ``user id modulo S``.

    Args:
        problem: What was cut.
        shard_of_row: `[n]` int64.

    Raises:
        CragruError: As `check` does.
    """
    enough(problem, len(problem.train[0]), "training rows")
    _check_column(problem, shard_of_row, len(problem.train[0]), "training")
    places = problem.train[0] * problem.shards + shard_of_row
    counts = np.bincount(places, minlength=problem.users * problem.shards)
    counts = counts.reshape(problem.users, problem.shards)
    by_id = np.arange(problem.users) % problem.shards
    shard_of_user = np.where(counts.any(axis=1), counts.argmax(axis=1), by_id)
    assignment = Assignment(train=shard_of_row, valid=shard_of_user[problem.valid[0]])
    check(problem, assignment)
    return assignment


def check(problem: Problem, assignment: Assignment) -> None:
    """Refuse an assignment that cannot be trained.

    Raises:
        CragruError: If S is below 1 or above the number of training rows, a column has not one shard a row, a shard is
            not in 0..S-1, or a shard has no training row.
    """
    enough(problem, len(problem.train[0]), "training rows")
    _check_column(problem, assignment.train, len(problem.train[0]), "training")
    _check_column(problem, assignment.valid, len(problem.valid[0]), "validation")
    empty = np.flatnonzero(np.bincount(assignment.train, minlength=problem.shards) == 0)
    if len(empty):
        raise CragruError(
            f"partition: shard {empty[0]} of {problem.shards} has no training row; ask for fewer shards"
        )


def enough(problem: Problem, count: int, what: str) -> None:
    """Refuse to cut `count` units, called `what`, into S shards.

    Raises:
        CragruError: If S is below 1 or above `count`.
    """
    if problem.shards < 1:
        raise CragruError(f"partition: shards is {problem.shards}; ask for 1 at least")
    if problem.shards > count:
        raise CragruError(
            f"partition: {problem.shards} shards for {count} {what}; ask for {count} at most"
        )


def holders(problem: Problem) -> np.ndarray:
    """Ascending ids `[m]` of the users that have training rows: the ones that a partition of users deals out.

    Raises:
        CragruError: If S is below 1 or above their number.
    """
    found = np.unique(problem.train[0])
    enough(problem, len(found), "users with training rows")
    return found


def spread(problem: Problem, users: np.ndarray, shards: np.ndarray) -> np.ndarray:
    """Make the argument of `of_users`: `shards` `[m]` at the ids `users` `[m]`, -1 at all others."""
    shard_of_user = np.full(problem.users, -1, dtype=np.int64)
    shard_of_user[users] = shards
    return shard_of_user


def sizes_of(problem: Problem, users: np.ndarray, capacity_on: str) -> np.ndarray:
    """What each of `users` `[m]` takes up: its training rows if the capacity is on ``rows``, else 1; `[m]` int64."""
    if capacity_on == "rows":
        return np.bincount(problem.train[0])[users]
    return np.ones(len(users), dtype=np.int64)


def capacity(count: int, shards: int, factor: float = 1.0, slack: float = 0.0) -> int:
    """The most that a shard may hold: ``⌈factor · n/S + slack · (n - n/S)⌉``.

    RecEraser allows a factor over the even share, GraphEraser a slack in proportion to what the other shards hold.

    Args:
        count: n, the rows or users to be held.
        shards: S.
        factor: Times the even share.
        slack: Times the rest of the data.

    Raises:
        CragruError: If S shards of this capacity cannot hold `count`.
    """
    share = count / shards
    # Rounding first: 1.05 * (20 / 3) is 7.000000000000001, whose ceiling would be one place too many.
    most = math.ceil(round(factor * share + slack * (count - share), 6))
    if most * shards < count:
        raise CragruError(
            f"partition: {shards} shards of capacity {most} cannot hold {count}; "
            f"got factor {factor:g} and slack {slack:g}, allowed: factor from 1, slack from 0"
        )
    return most


def embeddings(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """The model's embeddings of users `[users, d]` and items `[items, d]`, float64.

    Raises:
        CragruError: If there are none, or they are not one finite vector a user and an item.
    """
    if problem.embeddings is None:
        raise CragruError(
            "partition: needs embeddings of a trained model and got none; give one or cut at random"
        )
    users, items = (np.asarray(table, dtype=np.float64) for table in problem.embeddings)
    for table, count, what in ((users, problem.users, "user"), (items, problem.items, "item")):
        if table.ndim != 2 or len(table) != count:
            raise CragruError(
                f"partition: {what} embeddings are {table.shape}; expected one vector for each of {count}"
            )
        if not np.isfinite(table).all():
            raise CragruError(
                f"partition: {what} embeddings hold values that are not finite; train the model again"
            )
    return users, items


def _check_column(problem: Problem, shards: np.ndarray, count: int, what: str) -> None:
    if shards.shape != (count,):
        raise CragruError(
            f"partition: shards of {what} rows are {shards.shape}; expected one for each of {count}"
        )
    wrong = np.flatnonzero((shards < 0) | (shards >= problem.shards))
    if len(wrong):
        got, last = shards[wrong[0]], problem.shards - 1
        raise CragruError(
            f"partition: {what} row {wrong[0]} is in shard {got}; allowed: 0 to {last}; mend the partition"
        )
