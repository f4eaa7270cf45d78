"""Small problems for the tests of partitions: made by hand, at random, or with groups to be found."""

from dataclasses import replace

import numpy as np

from cragru.unlearning.partition.base import Problem


def ids(*values):
    return np.array(values, dtype=np.int64)


def pose(
    train, shards=2, valid=((), ()), seed=1, embeddings=None, users=None, items=None, **options
):
    """Pose a problem; users and items default to what the training rows name."""
    train, valid = (tuple(ids(*column) for column in rows) for rows in (train, valid))
    users = users or int(train[0].max()) + 1
    items = items or int(train[1].max()) + 1
    return Problem(
        train, valid, users, items, shards, options, np.random.default_rng(seed), embeddings
    )


def random_problem(seed, shards=4, users=60, items=40, **options):
    """Draw users of 3 to 14 rows, the last two without any, each with two validation rows, and embeddings."""
    rng = np.random.default_rng(seed)
    rows = [
        (user, item)
        for user in range(users - 2)
        for item in rng.choice(items, rng.integers(3, 15), replace=False)
    ]
    valid = (np.repeat(np.arange(users), 2), rng.integers(items, size=2 * users))
    tables = rng.normal(size=(users, 5)), rng.normal(size=(items, 5))
    return pose(zip(*rows, strict=True), shards, valid, seed, tables, users, items, **options)


def redrawn(problem, seed, **changes):
    return replace(problem, rng=np.random.default_rng(seed), **changes)


def cliques(count, size, items, **options):
    """Make groups of users who all have the same items, no item in two; embeddings near the group's unit vector."""
    users = count * size
    rows = [(user, user // size * items + item) for user in range(users) for item in range(items)]
    rng = np.random.default_rng(0)
    tables = (
        np.eye(count)[np.arange(users) // size] + rng.normal(0, 0.02, (users, count)),
        np.zeros((count * items, count)),
    )
    return pose(zip(*rows, strict=True), count, embeddings=tables, **options)


def are_cliques(assignment, problem, size):
    """Whether every shard is one group, up to the shards' names."""
    pairs = {
        (int(user) // size, int(shard))
        for user, shard in zip(problem.train[0], assignment.train, strict=True)
    }
    return len(pairs) == problem.shards == len({shard for _, shard in pairs})


def blobs(users_each=20, items_each=12):
    """Make two groups of users with the items of their own; the centres' coordinates have the same average."""
    rng = np.random.default_rng(3)
    centres = np.array([[4.0, -4.0, 0.0], [-4.0, 4.0, 0.0]])
    of_user = np.repeat(centres, users_each, axis=0) + rng.normal(0, 0.5, (2 * users_each, 3))
    of_item = np.repeat(centres, items_each, axis=0) + rng.normal(0, 0.5, (2 * items_each, 3))
    users = np.repeat(np.arange(2 * users_each), 6)
    items = (
        users // users_each * items_each
        + np.tile(rng.permutation(items_each), 20 * users_each)[: len(users)]
    )
    return (users, items), (of_user, of_item)
