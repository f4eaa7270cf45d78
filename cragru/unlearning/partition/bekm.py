"""GraphEraser's balanced k-means (BEKM) on the users' embeddings.

Source: GraphEraser (Chen et al. 2022). A user takes all its rows along and items are in every shard, as a cut of the
bipartite graph's nodes would lose most of its edges.
"""

from functools import partial
from typing import ClassVar

from pydantic import Field

from cragru.plugins.options import read_options
from cragru.unlearning.options import GraphEraserOptions
from cragru.unlearning.partition.anchors import Clustering, cluster, random_users
from cragru.unlearning.partition.base import (
    Assignment,
    Problem,
    capacity,
    holders,
    of_users,
    sizes_of,
    spread,
)
from cragru.unlearning.partition.greedy import assign_all


class Options(GraphEraserOptions):
    """What params.yaml may set beside what both partitions of GraphEraser take.

    Attributes:
        iterations: Assignments, at most.
        tolerance: The movement of all centroids, coordinate by coordinate, at which to stop.
    """

    needs: ClassVar[tuple[str, ...]] = ("original",)

    iterations: int = Field(default=20, ge=1)
    tolerance: float = Field(default=0.0, ge=0)


def partition(problem: Problem) -> Assignment:
    """Cut users into clusters of their embeddings, under a capacity.

    Pairs of user and centroid are settled by ascending distance. With a capacity on rows, a user of at most
    ``slack · n`` of the n rows always finds room; one of more may be left over.

    Raises:
        CragruError: If embeddings are missing, a user fits into no shard, or a shard stays empty.
    """
    options = read_options(Options, problem.options)
    labels = cluster_users(problem, options).labels
    return of_users(problem, spread(problem, holders(problem), labels))


def cluster_users(problem: Problem, options: Options) -> Clustering:
    """Cluster the users that have training rows; one label for each of `holders`, in that order."""
    users, start = random_users(problem)
    sizes = sizes_of(problem, users.rows, options.capacity_on)
    room = capacity(int(sizes.sum()), problem.shards, slack=options.slack)
    place = partial(assign_all, room=room, sizes=sizes, unit="user")
    return cluster([users], [start], place, options.iterations, options.tolerance)
