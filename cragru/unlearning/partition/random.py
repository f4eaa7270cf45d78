"""Random shards of SISA: what keeps unlearning exact, as only the seed and the counts decide who is where."""

import numpy as np
from numpy import ndarray
from numpy.random import Generator

from cragru.plugins.options import BaseOptions, read_options
from cragru.unlearning.options import Unit
from cragru.unlearning.partition.base import (
    Assignment,
    Problem,
    check,
    enough,
    holders,
    of_users,
    spread,
)


class Options(BaseOptions):
    """What params.yaml may set.

    Attributes:
        unit: What is dealt out, ``users`` or ``interactions``.
    """

    unit: Unit


def partition(problem: Problem) -> Assignment:
    """Deal users or interactions out at random, into shards that differ by one at most.

    Of interactions the validation rows are dealt too, by a stream of their own: to follow the user's training rows
    would be to look at what is in a shard.

    Raises:
        CragruError: If S is above the number of units.
    """
    options = read_options(Options, problem.options)
    if options.unit == "users":
        users = holders(problem)
        dealt = deal(len(users), problem.shards, problem.rng)
        return of_users(problem, spread(problem, users, dealt))
    enough(problem, len(problem.train[0]), "rows")
    for_train, for_valid = problem.rng.spawn(2)
    train = deal(len(problem.train[0]), problem.shards, for_train)
    valid = deal(len(problem.valid[0]), problem.shards, for_valid)
    return check(problem, Assignment(train, valid))


def deal(count: int, shards: int, rng: Generator) -> ndarray:
    """Give each of `count` units a shard at random, all shards equally often up to one; `[count]` int64."""
    dealt = np.empty(count, dtype=np.int64)
    dealt[rng.permutation(count)] = np.arange(count) % shards
    return dealt
