"""GraphEraser's balanced label propagation (BLPA), carried over to users who share items.

Source: GraphEraser (Chen et al. 2022). Two users are neighbours as far as they have items in common; a user goes where
most of its neighbourhood is, as long as there is room. Users move with all their rows, items are in every shard.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field
from scipy.sparse import csr_matrix, dia_matrix, diags

from cragru.plugins.options import read_options
from cragru.unlearning.options import GraphEraserOptions
from cragru.unlearning.partition.base import (
    Assignment,
    Pairs,
    Problem,
    capacity,
    holders,
    no_room,
    of_users,
    sizes_of,
    spread,
)

DIGITS = 12  # of a neighbourhood's weight, at most about 1: beyond is rounding, which must not break ties


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
        CragruError: If there is no balanced start within the capacity, or S exceeds the users.
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

    def __init__(self, train: Pairs, users: ndarray, items: int) -> None:
        """Build the normalised interactions ``R_n = D_u^(-1/2) R D_i^(-1/2)``, `[m, items]`.

        The users are `[m]` ascending ids of those that have rows; a repeated training row counts once.
        """
        of_users, of_items = train
        places = np.searchsorted(users, of_users), of_items
        ones, shape = np.ones(len(of_users)), (len(users), items)
        matrix = csr_matrix((ones, places), shape=shape)
        matrix.data[:] = 1
        by_user = _inverse_root(matrix.sum(axis=1))
        by_item = _inverse_root(matrix.sum(axis=0))
        self._matrix = (by_user @ matrix @ by_item).tocsr()
        self._transposed = self._matrix.T.tocsr()
        squares = self._matrix.multiply(self._matrix)
        self._own = np.asarray(squares.sum(axis=1)).ravel()

    def weights(self, labels: ndarray, shards: int) -> ndarray:
        """Weigh each user's neighbours in each shard, ``R_n (R_nᵀ Y)`` less the user itself.

        The labels are `[m]`. Returns `[m, S]`; zero where a user shares no item with the shard's others.
        """
        indicators = np.eye(shards)[labels]
        weights = self._matrix @ (self._transposed @ indicators)
        weights[np.arange(len(labels)), labels] -= self._own
        return np.round(weights, DIGITS)


def _inverse_root(degrees: np.matrix) -> dia_matrix:
    """Return ``D^(-1/2)`` as a diagonal matrix; 1 where a degree is 0."""
    flat = np.asarray(degrees).ravel()
    roots = np.sqrt(np.maximum(flat, 1))
    return diags(1 / roots)


def objective(weights: ndarray, labels: ndarray) -> float:
    """Return the weight within communities, every pair of users counted from both ends.

    The weights are `[m, S]`, those of `Neighbourhood.weights` for these `[m]` labels.
    """
    return float(weights[np.arange(len(labels)), labels].sum())


def balanced_start(sizes: ndarray, shards: int, room: int, rng: Generator) -> ndarray:
    """Put the biggest users first, each into the emptiest shard, equal ones in random order.

    The sizes are `[m]`, rows (or 1) of each user, and `room` is the capacity; returns `[m]` int64 shards.

    Raises:
        CragruError: If a shard that is shared gets more than the capacity.
    """
    labels = np.empty(len(sizes), dtype=np.int64)
    loads = np.zeros(shards, dtype=np.int64)
    members = np.zeros(shards, dtype=np.int64)
    shuffled = rng.permutation(len(sizes))
    biggest_first = np.argsort(-sizes[shuffled], kind="stable")
    for user in shuffled[biggest_first]:
        emptiest = np.flatnonzero(loads == loads.min())
        shard = emptiest[rng.integers(len(emptiest))]
        labels[user] = shard
        loads[shard] += sizes[user]
        members[shard] += 1
    over = np.flatnonzero((loads > room) & (members > 1))
    if len(over):
        raise no_room(f"shard {over[0]}", int(loads[over[0]]), room)
    return labels


def propagate(
    graph: Neighbourhood, start: ndarray, sizes: ndarray, room: int, iterations: int, rng: Generator
) -> ndarray:
    """Let users move to their neighbours until nobody does, or for so many iterations.

    All users decide on the same state, so a step can overshoot: what is returned, `[m]` int64 shards like the start,
    is the best state on the way by `objective`. The sizes are `[m]`, rows (or 1) of each user; `room` is the capacity.
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
    labels: ndarray, weights: ndarray, sizes: ndarray, room: int, rng: Generator
) -> tuple[ndarray, int]:
    """Grant one round of wishes by decreasing gain; return the new labels and how many users moved.

    A user content with its shard, be it by a tie or for want of neighbours, stays: where chance put it.
    """
    most = weights.max(axis=1, keepdims=True)
    draws = np.where(weights == most, rng.random(weights.shape), -1)
    wishes = draws.argmax(axis=1)
    now = weights[np.arange(len(labels)), labels]
    gains = most[:, 0] - now
    shuffled = rng.permutation(np.flatnonzero(gains > 0))
    seats = _Seats.of(labels, wishes, sizes, room, weights.shape[1])
    by_gain = np.argsort(-gains[shuffled], kind="stable")
    for user in shuffled[by_gain].tolist():
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
        cls, labels: ndarray, wishes: ndarray, sizes: ndarray, room: int, shards: int
    ) -> "_Seats":
        """Seat the users, each in the shard of its label."""
        taken = np.bincount(labels, sizes, minlength=shards)
        free = room - taken.astype(np.int64)
        members = np.bincount(labels, minlength=shards)
        columns = labels, wishes, sizes, free, members
        waiting = [deque() for _ in range(shards)]
        return cls(*(column.tolist() for column in columns), waiting)

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
        """Whether there is room; the last user of a shard stays, or nothing would be left to train on."""
        has_room = self.sizes[user] <= self.free[self.wishes[user]]
        is_last = self.members[self.labels[user]] == 1
        return has_room and not is_last

    def _move(self, user: int) -> int:
        """Move a user to the shard it wishes for, and return the shard that it left."""
        source, target = self.labels[user], self.wishes[user]
        for shard, sign in ((source, 1), (target, -1)):
            self.free[shard] += sign * self.sizes[user]
            self.members[shard] -= sign
        self.labels[user] = target
        self.moves += 1
        return source
