"""RecEraser's balanced partitions by embeddings: of users (UBP) or of interactions (InBP).

Source: RecEraser (Chen et al. 2022). Its released code averages an anchor over all its members' coordinates at once, so
that every anchor becomes a single number repeated; here, as in the paper, an anchor is the mean vector of its members.
"""

from functools import partial

import numpy as np

from cragru.unlearning.partition.anchors import Clustering, Side, cluster
from cragru.unlearning.partition.base import (
    Assignment,
    Problem,
    capacity,
    choice,
    embeddings,
    enough,
    holders,
    number,
    of_rows,
    of_users,
    spread,
)
from cragru.unlearning.partition.greedy import assign_all


def partition(problem: Problem) -> Assignment:
    """Cut users (UBP) or interactions (InBP) by nearness to anchors, under a capacity.

    Options: ``unit``, ``users`` or ``interactions`` (default, as in the paper); ``capacity``, times the even share of
    users or rows (1.2); ``iterations`` (15).

    Raises:
        CragruError: If embeddings are missing, the capacity is under the even share, or a shard stays empty.
    """
    if choice(problem, "unit", ("users", "interactions"), "interactions") == "users":
        return of_users(problem, spread(problem, holders(problem), cluster_users(problem).labels))
    return of_rows(problem, cluster_interactions(problem).labels)


def cluster_users(problem: Problem) -> Clustering:
    """UBP: anchors start at random users, the distance is the squared Euclidean one, the capacity counts users.

    Returns:
        One label for each of `holders`, in that order.
    """
    users = holders(problem)
    start = users[problem.rng.choice(len(users), problem.shards, replace=False)]
    vectors, _ = embeddings(problem)
    return _cluster(problem, [Side(vectors, users)], [vectors[start]], "user")


def cluster_interactions(problem: Problem) -> Clustering:
    """InBP: anchors start at random interactions; the distance is the product of the user's and the item's.

    Returns:
        One label for each training row; the capacity counts rows.
    """
    users, items = problem.train
    enough(problem, len(users), "training rows")
    of_user, of_item = embeddings(problem)
    start = problem.rng.choice(len(users), problem.shards, replace=False)
    sides = [Side(of_user, users), Side(of_item, items)]
    return _cluster(problem, sides, [of_user[users[start]], of_item[items[start]]], "row")


def _cluster(problem: Problem, sides: list[Side], anchors: list[np.ndarray], unit: str) -> Clustering:
    room = capacity(len(sides[0].rows), problem.shards, factor=number(problem, "capacity", 1.2))
    iterations = int(number(problem, "iterations", 15, least=1))
    return cluster(sides, anchors, partial(assign_all, room=room, unit=unit), iterations)
