"""Clustering around anchors: assign units to the nearest, move anchors to the means of their members, repeat."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from scipy.sparse import csr_matrix

from cragru.unlearning.partition.base import Problem, embeddings, holders


@dataclass(frozen=True)
class Vectors:
    """One side of all units, as vectors: users have the users' side, interactions the users' and the items'.

    The table is `[count, d]` float64; `rows` `[n]` int64 says which of its rows each unit has.
    """

    table: ndarray
    rows: ndarray


@dataclass(frozen=True)
class Clustering:
    """Where a clustering stopped: `[n]` int64 labels, and how many assignments were made.

    Each side has anchors `[S, d]`: the means of the members, or where an anchor was if it has none.
    """

    labels: ndarray
    anchors: tuple[ndarray, ...]
    rounds: int


def random_users(problem: Problem) -> tuple[Vectors, ndarray]:
    """Return the vectors of the users that have training rows, and S of these `[S, d]`, drawn to begin with."""
    users = holders(problem)
    drawn = problem.rng.choice(len(users), problem.shards, replace=False)
    table, _ = embeddings(problem)
    return Vectors(table, users), table[users[drawn]]


def cluster(
    sides: Sequence[Vectors],
    anchors: Sequence[ndarray],
    place: Callable[[ndarray], ndarray],
    iterations: int,
    tolerance: float = 0.0,
) -> Clustering:
    """Assign and move until the labels repeat, the anchors have come to rest or the iterations are used up.

    The anchors `[S, d]` for each side are where to begin; `place` turns distances `[n, S]` into labels `[n]`. Anchors
    are at rest if the sum of their coordinates' absolute changes is not above the tolerance.
    """
    anchors, labels, rounds = tuple(anchors), None, 0
    while rounds < iterations:
        rounds += 1
        before, old = labels, anchors
        labels = place(distances(sides, old))
        anchors, moved = (), 0.0
        for side, past in zip(sides, old, strict=True):
            new = means(side, labels, past)
            moved += float(np.abs(new - past).sum())
            anchors += (new,)
        is_same = before is not None and np.array_equal(before, labels)
        if is_same or moved <= tolerance:
            break
    return Clustering(labels, anchors, rounds)


def distances(sides: Sequence[Vectors], anchors: Sequence[ndarray]) -> ndarray:
    """Return the squared Euclidean distance of every unit to every anchor, `[n, S]`; with two sides their product.

    They are computed once a vector and not once a unit, and by differences: the expanded square would lose the
    digits that tell near anchors apart, and its last bits would depend on the library.
    """
    product = None
    for side, places in zip(sides, anchors, strict=True):
        of_table = [np.square(side.table - place).sum(axis=1) for place in places]
        squares = np.stack(of_table, axis=1)[side.rows]
        product = squares if product is None else product * squares
    return product


def means(side: Vectors, labels: ndarray, anchors: ndarray) -> ndarray:
    """Return the mean vectors `[S, d]` of the shards' members by `[n]` labels; an anchor without members stays."""
    ones = np.ones(len(labels))
    shape = (len(anchors), len(side.table))
    counts = csr_matrix((ones, (labels, side.rows)), shape=shape)
    members = np.bincount(labels, minlength=len(anchors))[:, None]
    centres = counts @ side.table / np.maximum(members, 1)
    return np.where(members > 0, centres, anchors)
