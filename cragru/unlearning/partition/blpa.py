"""GraphEraser's balanced label propagation (BLPA), carried over to users who share items.

Source: GraphEraser (Chen et al. 2022). Two users are neighbours as far as they have items in common; a user goes where
most of its neighbourhood is, as long as there is room. Users move with all their rows, items are in every shard.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from pydantic import Field
from scipy.sparse import csr_matrix, dia_matrix, diags

from cragru.core.errors import CragruError
from cragru.plugins.options import read_options
from cragru.unlearning.options import GraphEraserOptions
from cragru.unlearning.partition.base import (
    Assignment,
    Problem,
    capacity,
    holders,
    of_users,
    sizes_of,
    spread,
)

DIGITS = 12  # of a neighbourhood's weight, whose largest is about 1; what is beyond is rounding and must not break ties


class Options(GraphEraserOptions):
    """What params.yaml may set beside what both partitions of GraphEraser take.

    Attributes:
        iterations: Steps, at most.
    """

    iterations: int = Field(default=100, ge=1)


def partition(problem: Problem) -> Assignment:
    """Cut users into communities, under a capacity.

    A user with more rows than the capacity cannot be split, so it stays alone in a shard above the capacity.

    Raises:
        CragruError: If an option is not what it must be, there is no balanced start within the capacity, or S exceeds
            the users.
    """
    options = read_options(Options, problem.options)
    users = holders(problem)
    sizes = sizes_of(problem, users, options.capacity_on)
    room = capacity(int(sizes.sum()), problem.shards, slack=options.slack)
    graph = Neighbourhood(problem.train, users, problem.items)
    start = balanced_start(sizes, problem.shards, room, problem.rng)
    labels = propagate(graph, start, sizes, room, options.iterations, problem.rng)
    return of_users(problem, spread(problem, users, labels))


class Neighbourhood:
    """How much of each user's two-hop neighbourhood is where, with the degrees of users and items divided out."""

    def __init__(self, train: tuple[np.ndarray, np.ndarray], users: np.ndarray, items: int) -> None:
        """Build the normalised interactions ``R_n = D_u^(-1/2) R D_i^(-1/2)``, `[m, items]`.

        Args:
            train: User ids and item ids of the training rows; a repeated row counts once.
            users: `[m]` ascending ids of the users that have rows.
            items: Number of items of the data set.
        """
        rows = np.searchsorted(users, train[0])
        ones = np.ones(len(rows))
        matrix = csr_matrix((ones, (rows, train[1])), shape=(len(users), items))
        matrix.data[:] = 1
        by_user = _inverse_root(matrix.sum(axis=1))
        by_item = _inverse_root(matrix.sum(axis=0))
        self._matrix = (by_user @ matrix @ by_item).tocsr()
        self._transposed = self._matrix.T.tocsr()
        squares = self._matrix.multiply(self._matrix)
        self._own = np.asarray(squares.sum(axis=1)).ravel()

    def weights(self, labels: np.ndarray, shards: int) -> np.ndarray:
        """Weight of each user's neighbours in each shard, ``R_n (R_nᵀ Y)`` less the user itself.

        Args:
            labels: `[m]` shard of each user.
            shards: S.

        Returns:
            `[m, S]`; zero where a user shares no item with the shard's others.
        """
        weights = self._matrix @ (self._transposed @ np.eye(shards)[labels])
        weights[np.arange(len(labels)), labels] -= self._own
        return np.round(weights, DIGITS)


def _inverse_root(degrees: np.matrix) -> dia_matrix:
    """``D^(-1/2)`` as a diagonal matrix; 1 where a degree is 0."""
    flat = np.asarray(degrees).ravel()
    return diags(1 / np.sqrt(np.maximum(flat, 1)))


def objective(weights: np.ndarray, labels: np.ndarray) -> float:
    """Weight within communities, every pair of users counted from both ends.

    Args:
        weights: `[m, S]` of `Neighbourhood.weights` for these labels.
        labels: `[m]` shard of each user.
    """
    return float(weights[np.arange(len(labels)), labels].sum())


def balanced_start(
    sizes: np.ndarray, shards: int, room: int, rng: np.random.Generator
) -> np.ndarray:
    """Put the biggest users first, each into the emptiest shard, equal ones in random order.

    Args:
        sizes: `[m]` rows (or 1) of each user.
        shards: S.
        room: The capacity.
        rng: For ties.

    Returns:
        `[m]` int64 shard of each user.

    Raises:
        CragruError: If a shard that is shared gets more than the capacity.
    """
    labels = np.empty(len(sizes), dtype=np.int64)
    loads = np.zeros(shards, dtype=np.int64)
    members = np.zeros(shards, dtype=np.int64)
    shuffled = rng.permutation(len(sizes))
    for user in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        emptiest = np.flatnonzero(loads == loads.min())
        shard = emptiest[rng.integers(len(emptiest))]
        labels[user] = shard
        loads[shard] += sizes[user]
        members[shard] += 1
    over = np.flatnonzero((loads > room) & (members > 1))
    if len(over):
        raise CragruError(
            f"blpa: a balanced start needs {loads[over[0]]} in shard {over[0]}, over the capacity of {room}; "
            "raise slack, ask for fewer shards or set capacity_on: users"
        )
    return labels


def propagate(
    graph: Neighbourhood,
    start: np.ndarray,
    sizes: np.ndarray,
    room: int,
    iterations: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Let users move to their neighbours until nobody does, or for so many iterations.

    All users decide on the same state, so a step can overshoot: what is returned is the best state on the way, by
    `objective`, the start included.

    Args:
        graph: Who is whose neighbour.
        start: `[m]` shards to begin with.
        sizes: `[m]` rows (or 1) of each user.
        room: The capacity.
        iterations: Most steps.
        rng: For ties.

    Returns:
        `[m]` int64 shard of each user.
    """
    shards = int(start.max()) + 1
    labels = best = start
    weights = graph.weights(start, shards)
    highest = objective(weights, start)
    for _ in range(iterations):
        labels, moves = _step(labels, weights, sizes, room, rng)
        if not moves:
            break
        weights = graph.weights(labels, shards)
        reached = objective(weights, labels)
        if reached > highest:
            best, highest = labels, reached
    return best


def _step(
    labels: np.ndarray, weights: np.ndarray, sizes: np.ndarray, room: int, rng: np.random.Generator
) -> tuple[np.ndarray, int]:
    """One round of wishes, granted by decreasing gain; returns the new labels and how many users moved.

    A user content with its shard, be it by a tie or for want of neighbours, stays: where chance put it.
    """
    most = weights.max(axis=1, keepdims=True)
    wishes = np.where(weights == most, rng.random(weights.shape), -1).argmax(axis=1)
    gains = most[:, 0] - weights[np.arange(len(labels)), labels]
    shuffled = rng.permutation(np.flatnonzero(gains > 0))
    seats = _Seats.of(labels, wishes, sizes, room, weights.shape[1])
    for user in shuffled[np.argsort(-gains[shuffled], kind="stable")].tolist():
        seats.ask(user)
    return np.array(seats.labels, dtype=np.int64), seats.moves


@dataclass
class _Seats:
    """Who sits where during one step, and who waits for which shard. Lists: they are touched user by user."""

    labels: list[int]
    wishes: list[int]
    sizes: list[int]
    free: list[int]
    members: list[int]
    waiting: list[deque[int]]
    moves: int = 0

    @classmethod
    def of(
        cls, labels: np.ndarray, wishes: np.ndarray, sizes: np.ndarray, room: int, shards: int
    ) -> "_Seats":
        taken = np.bincount(labels, sizes, minlength=shards)
        free = room - taken.astype(np.int64)
        members = np.bincount(labels, minlength=shards)
        waiting = [deque() for _ in range(shards)]
        return cls(
            labels.tolist(),
            wishes.tolist(),
            sizes.tolist(),
            free.tolist(),
            members.tolist(),
            waiting,
        )

    def ask(self, user: int) -> None:
        """Move a user to the shard it wishes for, and then whoever waited for the place it left; or let it wait."""
        if not self._fits(user):
            self.waiting[self.wishes[user]].append(user)
            return
        left = [self._move(user)]
        while left:
            queue = self.waiting[left[-1]]
            if queue and self._fits(queue[0]):
                left.append(self._move(queue.popleft()))
            else:
                left.pop()

    def _fits(self, user: int) -> bool:
        # The last user of a shard stays: a shard without users would have nothing to train on.
        has_room = self.sizes[user] <= self.free[self.wishes[user]]
        is_last = self.members[self.labels[user]] == 1
        return has_room and not is_last

    def _move(self, user: int) -> int:
        source, target = self.labels[user], self.wishes[user]
        for shard, sign in ((source, 1), (target, -1)):
            self.free[shard] += sign * self.sizes[user]
            self.members[shard] -= sign
        self.labels[user] = target
        self.moves += 1
        return source
