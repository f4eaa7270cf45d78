"""GraphEraser's balanced k-means (BEKM) on the users' embeddings.

Source: GraphEraser (Chen et al. 2022). A user takes all its rows along and items are in every shard, as a cut of the
bipartite graph's nodes would lose most of its edges.
"""

import numpy as np

from cragru.unlearning.partition.anchors import Clustering, Side, cluster
from cragru.unlearning.partition.base import (
    Assignment,
    Problem,
    capacity,
    choice,
    embeddings,
    holders,
    number,
    of_users,
    spread,
)
from cragru.unlearning.partition.greedy import assign_all


def partition(problem: Problem) -> Assignment:
    """Cut users into clusters of their embeddings, under a capacity.

    Options: ``capacity_on``, ``rows`` (default) or ``users``: what the capacity counts; ``slack`` over the even share
    (.005); ``iterations`` (20); ``tolerance``, the movement of all centroids at which to stop (0).

    Pairs of user and centroid are settled by ascending distance. With a capacity on rows, a user of at most
    ``slack · n`` of the n rows always finds room; one of more may be left over.

    Raises:
        CragruError: If embeddings are missing, a user fits into no shard, or a shard stays empty.
    """
    return of_users(problem, spread(problem, holders(problem), cluster_users(problem).labels))


def cluster_users(problem: Problem) -> Clustering:
    """Cluster the users that have training rows; one label for each of `holders`, in that order."""
    users = holders(problem)
    start = users[problem.rng.choice(len(users), problem.shards, replace=False)]
    vectors, _ = embeddings(problem)
    on_rows = choice(problem, "capacity_on", ("rows", "users"), "rows") == "rows"
    sizes = np.bincount(problem.train[0])[users] if on_rows else np.ones(len(users), dtype=np.int64)
    room = capacity(int(sizes.sum()), problem.shards, slack=number(problem, "slack", 0.005))
    return cluster(
        [Side(vectors, users)],
        [vectors[start]],
        lambda distances: assign_all(distances, room, sizes, "user"),
        int(number(problem, "iterations", 20, least=1)),
        number(problem, "tolerance", 0.0),
    )
