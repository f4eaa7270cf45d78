"""GraphEraser's communities (BLPA): who is whose neighbour, the balanced start, and how users move."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from partition_world import are_cliques, cliques, ids, pose, random_problem

from cragru.unlearning.partition import blpa
from cragru.unlearning.partition.base import capacity, holders
from tests.refusals import refused


@pytest.mark.parametrize("options", [{"capacity_on": "users"}, {}], ids=["users", "rows"])
def test_cliques_are_recovered(options):
    """P4.2, from one of few seeds; the slack lets one or two more in, or no user could ever move."""
    problems = [cliques(3, 8, 4, seed=seed, slack=0.1, **options) for seed in range(8)]
    assert any(are_cliques(blpa.partition(problem), problem, 8) for problem in problems)


def test_neighbours_are_weighed_as_in_the_specification():
    problem = random_problem(6, users=12, items=20)
    users = holders(problem)
    labels = np.random.default_rng(0).integers(0, 3, len(users))
    dense = np.zeros((len(users), 20))
    dense[problem.train] = 1
    popularity = np.maximum(dense.sum(axis=0), 1)
    normalised = dense / np.sqrt(np.outer(dense.sum(axis=1), popularity))
    between = normalised @ normalised.T
    np.fill_diagonal(between, 0)
    graph = blpa.Neighbourhood(problem.train, users, 20)
    assert graph.weights(labels, 3) == pytest.approx(between @ np.eye(3)[labels], abs=1e-11)
    pairs = sum(between[a, b] for a in range(10) for b in range(10) if labels[a] == labels[b])
    assert blpa.objective(graph.weights(labels, 3), labels) == pytest.approx(pairs)
    twice = tuple(np.concatenate([column, column[:5]]) for column in problem.train)
    assert np.array_equal(
        blpa.Neighbourhood(twice, users, 20).weights(labels, 3), graph.weights(labels, 3)
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000), iterations=st.integers(1, 12), slack=st.sampled_from([0.05, 0.3])
)
def test_communities_are_never_worse_than_the_start(seed, iterations, slack):
    problem = random_problem(seed)
    users, rng = holders(problem), np.random.default_rng(seed)
    sizes = np.bincount(problem.train[0])[users]
    room = capacity(int(sizes.sum()), 4, slack=slack)
    graph = blpa.Neighbourhood(problem.train, users, problem.items)
    start = blpa.balanced_start(sizes, 4, room, rng)
    end = blpa.propagate(graph, start, sizes, room, iterations, rng)
    assert blpa.objective(graph.weights(end, 4), end) >= blpa.objective(
        graph.weights(start, 4), start
    )
    assert np.bincount(end, sizes).max() <= room


def test_a_step_for_the_worse_is_not_kept():
    """Users 0 and 2 share most and change places with each other, which parts 0 from 1; user 3 has no neighbour."""
    rows = ids(0, 0, 0, 1, 2, 2, 3), ids(0, 1, 2, 2, 0, 1, 3)
    graph, start, sizes = (
        blpa.Neighbourhood(rows, np.arange(4), 4),
        ids(0, 0, 1, 1),
        np.ones(4, dtype=np.int64),
    )
    after, _ = blpa._step(start, graph.weights(start, 2), sizes, 4, np.random.default_rng(1))
    assert after.tolist() == [1, 0, 0, 1]
    assert (
        blpa.objective(graph.weights(after, 2), after)
        == 0
        < blpa.objective(graph.weights(start, 2), start)
    )
    assert (
        blpa.propagate(graph, start, sizes, 4, 1, np.random.default_rng(1)).tolist()
        == start.tolist()
    )


def wishes(labels, desired, shards=3):
    """Weights under which user u gains `desired[u][1]` in shard `desired[u][0]`; who is not named is content."""
    weights = np.zeros((len(labels), shards))
    weights[np.arange(len(labels)), labels] = 1
    for user, (shard, gain) in desired.items():
        weights[user, shard] = 1 + gain
    return ids(*labels), weights


def test_waiting_users_follow_who_leaves():
    """Two places a shard, one free in shard 2. Users 0 to 3 wait or move by decreasing gain.

    0 wants shard 1 (gain 5) and waits; 3 wants shard 0 (4) and waits; 2 wants shard 2 (3) and moves, so 0 follows into
    shard 1 and 3 into shard 0, which leaves a place in shard 1; 1 wants it (2) and moves.
    """
    labels, weights = wishes([0, 0, 1, 1, 2], {0: (1, 5), 3: (0, 4), 2: (2, 3), 1: (1, 2)})
    after, moves = blpa._step(
        labels, weights, np.ones(5, dtype=np.int64), 2, np.random.default_rng(1)
    )
    assert after.tolist() == [1, 1, 2, 0, 2]
    assert moves == 4


def test_the_strongest_wish_is_granted_first_and_full_shards_stay_full():
    labels, weights = wishes([0, 0, 1, 1, 2], {0: (2, 1), 1: (2, 2), 2: (2, 3)})
    after, moves = blpa._step(
        labels, weights, np.ones(5, dtype=np.int64), 2, np.random.default_rng(1)
    )
    assert (after.tolist(), moves) == ([0, 0, 2, 1, 2], 1)
    labels, weights = wishes(
        [0, 0, 1, 1], {0: (1, 1), 2: (0, 1)}, 2
    )  # a swap, but nobody can go first
    after, moves = blpa._step(
        labels, weights, np.ones(4, dtype=np.int64), 2, np.random.default_rng(1)
    )
    assert (after.tolist(), moves) == ([0, 0, 1, 1], 0)


def test_rows_decide_who_fits():
    """Seven of ten places of shard 1 are free: eight rows wait, five move, and then the three rows do not fit."""
    labels, weights = wishes([0, 0, 0, 1], {0: (1, 3), 1: (1, 2), 2: (1, 1)}, 2)
    after, moves = blpa._step(labels, weights, ids(8, 5, 3, 3), 10, np.random.default_rng(1))
    assert (after.tolist(), moves) == ([0, 1, 0, 1], 1)


def test_the_last_user_of_a_shard_stays():
    labels, weights = wishes([0, 1, 1], {0: (1, 1)}, 2)
    after, _ = blpa._step(labels, weights, ids(1, 1, 1), 3, np.random.default_rng(1))
    assert after.tolist() == [0, 1, 1]


def test_ties_fall_at_random():
    labels, weights = wishes([0, 0, 1, 2], {0: (1, 1)})
    weights[0, 2] = 2
    sizes = np.ones(4, dtype=np.int64)
    ends = [
        blpa._step(labels, weights, sizes, 4, np.random.default_rng(seed))[0][0]
        for seed in range(40)
    ]
    assert set(ends) == {1, 2}
    assert 8 < ends.count(1) < 32


def test_users_without_neighbours_are_where_chance_put_them():
    problems = [pose((range(9), range(9)), 3, seed=seed) for seed in range(30)]
    shards = np.array([blpa.partition(problem).train for problem in problems])
    assert all(np.bincount(row).tolist() == [3, 3, 3] for row in shards)
    assert all(set(column) == {0, 1, 2} for column in shards.T)


def test_nobody_is_their_own_neighbour():
    """To the last digit: what rounding leaves of a user's own weight would send it somewhere."""
    users = np.repeat(np.arange(30), np.arange(1, 31))
    graph = blpa.Neighbourhood((users, np.arange(len(users))), np.arange(30), len(users))
    assert not graph.weights(np.arange(30) % 3, 3).any()


def test_the_biggest_user_starts_anywhere():
    starts = [
        blpa.balanced_start(ids(5, 1, 1), 3, 5, np.random.default_rng(seed))[0]
        for seed in range(30)
    ]
    assert set(starts) == {0, 1, 2}


def test_the_start_is_balanced_on_rows():
    # 9, 7, 6, 5, 4, 1 into the emptier of two: 9 | 7, then 6 to 7, 5 to 9, 4 to 13 or 14: 13, then 1 to 14
    labels = blpa.balanced_start(ids(1, 4, 5, 6, 7, 9), 2, 17, np.random.default_rng(1))
    assert sorted(np.bincount(labels, ids(1, 4, 5, 6, 7, 9)).tolist()) == [15, 17]
    assert labels[3] == labels[4] == labels[1]


def test_a_user_above_the_capacity_is_alone():
    rows = ((0,) * 20 + (1, 2, 3, 4, 5, 6), (*range(20), *range(6)))
    problem = pose(rows, 3, slack=0.1)  # capacity ceil(26 / 3 + .1 * 17.33) = 11
    shards = blpa.partition(problem).train
    assert np.all(shards[20:] != shards[0])
    assert set(shards.tolist()) == {0, 1, 2}


def test_a_start_over_the_capacity_is_refused():
    rows = ((0,) * 10 + (1,) * 10 + (2,) * 10, tuple(range(10)) * 3)
    with refused(got=20, what="no room under the capacity 16") as caught:
        blpa.partition(pose(rows, 2))
    assert caught.value.problems[0].place in ("shard 0", "shard 1")
    blpa.partition(pose(rows, 2, slack=0.4))
