"""RecEraser's balanced partitions by embeddings: of users (UBP) or of interactions (InBP).

Source: RecEraser (Chen et al. 2022). Its released code averages an anchor over all its members' coordinates at once, so
that every anchor becomes a single number repeated; here, as in the paper, an anchor is the mean vector of its members.
"""

from functools import partial
from typing import ClassVar

from numpy import ndarray
from pydantic import Field

from cragru.plugins.options import BaseOptions, read_options
from cragru.unlearning.options import Unit
from cragru.unlearning.partition.anchors import Clustering, Vectors, cluster, random_users
from cragru.unlearning.partition.base import (
    Assignment,
    Problem,
    capacity,
    embeddings,
    enough,
    holders,
    of_rows,
    of_users,
    spread,
)
from cragru.unlearning.partition.greedy import assign_all


class Options(BaseOptions):
    """What params.yaml may set.

    Attributes:
        unit: What is cut, ``users`` (UBP) or ``interactions`` (InBP, which the paper took).
        capacity: What a shard may hold, times the even share of users or rows.
        iterations: Assignments, at most.
    """

    needs: ClassVar[tuple[str, ...]] = ("original",)

    unit: Unit
    capacity: float = Field(default=1.2, ge=1)
    iterations: int = Field(default=15, ge=1)


def partition(problem: Problem) -> Assignment:
    """Cut users (UBP) or interactions (InBP) by nearness to anchors, under a capacity.

    Raises:
        CragruError: If an option is not what it must be, embeddings are missing, or a shard stays empty.
    """
    options = read_options(Options, problem.options)
    if options.unit == "interactions":
        return of_rows(problem, cluster_interactions(problem, options).labels)
    labels = cluster_users(problem, options).labels
    return of_users(problem, spread(problem, holders(problem), labels))


def cluster_users(problem: Problem, options: Options) -> Clustering:
    """Cluster users (UBP), a label for each of `holders`: squared Euclidean distance; the capacity counts users."""
    users, start = random_users(problem)
    return _cluster(problem, options, [users], [start], "user")


def cluster_interactions(problem: Problem, options: Options) -> Clustering:
    """Cluster interactions (InBP), a label for each row: the distance is the product of the user's and the item's."""
    users, items = problem.train
    enough(problem, len(users), "rows")
    of_user, of_item = embeddings(problem)
    drawn = problem.rng.choice(len(users), problem.shards, replace=False)
    sides = [Vectors(of_user, users), Vectors(of_item, items)]
    start = [of_user[users[drawn]], of_item[items[drawn]]]
    return _cluster(problem, options, sides, start, "row")


def _cluster(
    problem: Problem, options: Options, sides: list[Vectors], start: list[ndarray], unit: str
) -> Clustering:
    """Cluster under a capacity that counts units."""
    room = capacity(len(sides[0].rows), problem.shards, factor=options.capacity)
    place = partial(assign_all, room=room, unit=unit)
    return cluster(sides, start, place, options.iterations)
