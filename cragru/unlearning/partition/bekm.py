"""GraphEraser's balanced k-means (BEKM) on the users' embeddings.

Source: GraphEraser (Chen et al. 2022). A user takes all its rows along and items are in every shard, as a cut of the
bipartite graph's nodes would lose most of its edges.
"""

from dataclasses import dataclass

from cragru.unlearning.options import read_options, require_options
from cragru.unlearning.partition.anchors import Clustering, Vectors, cluster
from cragru.unlearning.partition.base import (
    Assignment,
    Problem,
    capacity,
    embeddings,
    holders,
    of_users,
    require_choice,
    sizes_of,
    spread,
)
from cragru.unlearning.partition.greedy import assign_all

WHERE = "partition bekm"


@dataclass(frozen=True)
class Options:
    """What params.yaml may set.

    Attributes:
        capacity_on: What the capacity counts, ``rows`` or ``users``.
        slack: What a shard may hold over the even share, times what the other shards hold.
        iterations: Assignments, at most.
        tolerance: The movement of all centroids, coordinate by coordinate, at which to stop.
    """

    capacity_on: str = "rows"
    slack: float = 0.005
    iterations: int = 20
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        """Check the names and ranges."""
        require_choice(WHERE, self, {"capacity_on": ("rows", "users")})
        allowed = {
            "slack": (0 <= self.slack <= 1, "from 0 to 1"),
            "iterations": (self.iterations >= 1, "at least 1"),
            "tolerance": (self.tolerance >= 0, "at least 0"),
        }
        require_options(WHERE, self, allowed)


def partition(problem: Problem) -> Assignment:
    """Cut users into clusters of their embeddings, under a capacity.

    Pairs of user and centroid are settled by ascending distance. With a capacity on rows, a user of at most
    ``slack · n`` of the n rows always finds room; one of more may be left over.

    Raises:
        CragruError: If an option is not what it must be, embeddings are missing, a user fits into no shard, or a shard
            stays empty.
    """
    options = read_options(Options, problem.options, WHERE)
    return of_users(problem, spread(problem, holders(problem), cluster_users(problem, options).labels))


def cluster_users(problem: Problem, options: Options) -> Clustering:
    """Cluster the users that have training rows; one label for each of `holders`, in that order."""
    users = holders(problem)
    start = users[problem.rng.choice(len(users), problem.shards, replace=False)]
    vectors, _ = embeddings(problem)
    sizes = sizes_of(problem, users, options.capacity_on)
    room = capacity(int(sizes.sum()), problem.shards, slack=options.slack)
    return cluster(
        [Vectors(vectors, users)],
        [vectors[start]],
        lambda distances: assign_all(distances, room, sizes, "user"),
        options.iterations,
        options.tolerance,
    )
