"""Shards round anchors: the greedy assignment under a capacity, GraphEraser's BEKM and RecEraser's UBP and InBP."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from partition_world import are_cliques, blobs, cliques, ids, pose, random_problem

from cragru.unlearning.partition import balanced, bekm
from cragru.unlearning.partition.anchors import Vectors, cluster, distances, means
from cragru.unlearning.partition.base import capacity, holders
from cragru.unlearning.partition.greedy import assign, assign_all
from tests.refusals import refused

# Greedy


def walk(table, room, sizes):
    """The walk over all pairs that `assign` stands for."""
    room, labels = list(room), [-1] * len(table)
    for _, unit, shard in sorted(
        (table[u][s], u, s) for u in range(len(table)) for s in range(len(room))
    ):
        if labels[unit] < 0 and sizes[unit] <= room[shard]:
            labels[unit] = shard
            room[shard] -= sizes[unit]
    return labels


@settings(max_examples=300, deadline=None)
@given(
    count=st.integers(0, 25),
    shards=st.integers(1, 5),
    levels=st.sampled_from([1, 3, 1000]),
    biggest=st.integers(1, 6),
    seed=st.integers(0, 10**6),
)
def test_greedy_equals_the_walk_over_all_pairs(count, shards, levels, biggest, seed):
    """With few levels nearly all pairs tie; rooms are small, so that shards close and units stay out."""
    rng = np.random.default_rng(seed)
    table, room = (
        rng.integers(0, levels, (count, shards)).astype(float),
        rng.integers(0, 12, shards),
    )
    sizes = rng.integers(1, biggest + 1, count)
    assert assign(table, room, sizes).tolist() == walk(
        table.tolist(), room.tolist(), sizes.tolist()
    )
    assert assign(table, room).tolist() == walk(table.tolist(), room.tolist(), [1] * count)


@pytest.mark.parametrize("biggest", [1, 40])
def test_greedy_equals_the_walk_on_many(biggest):
    rng = np.random.default_rng(8)
    table, sizes = (
        np.square(rng.normal(size=(3000, 10)) + np.arange(10) / 3),
        rng.integers(1, biggest + 1, 3000),
    )
    room = capacity(int(sizes.sum()), 10, slack=0.005)
    labels = assign_all(table, room, sizes)
    assert labels.tolist() == walk(table.tolist(), [room] * 10, sizes.tolist())
    assert np.bincount(labels, sizes).max() <= room


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10**6), shards=st.integers(1, 6), slack=st.sampled_from([0.02, 0.05, 0.2])
)
def test_users_of_at_most_the_slack_always_fit(seed, shards, slack):
    """What the documentation of bekm promises."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 10, 60)
    sizes = np.minimum(sizes, max(1, int(slack * sizes.sum() / 2)))
    assert sizes.max() <= slack * sizes.sum()
    labels = assign_all(
        rng.normal(size=(60, shards)), capacity(int(sizes.sum()), shards, slack=slack), sizes
    )
    assert labels.min() >= 0


def test_who_fits_nowhere_is_told():
    with refused(place="user", got=7, what="no room under the capacity 10"):
        assign_all(np.array([[0.0, 1.0], [1.0, 0.0], [3.0, 3.0]]), 10, ids(6, 6, 7), "user")
    rows = ((0,) * 9 + (1, 2), (*range(9), 0, 0))
    with refused(place="user", got=9, what="no room under the capacity 6"):
        bekm.partition(pose(rows, 2, embeddings=(np.eye(3), np.zeros((9, 3)))))


# Anchors: RecEraser and BEKM


def test_distances_by_hand():
    users = Vectors(np.array([[0.0, 0.0], [3.0, 4.0]]), ids(0, 1, 1))
    items = Vectors(np.array([[1.0, 0.0]]), ids(0, 0, 0))
    anchors = np.array([[0.0, 0.0], [0.0, 4.0]])
    assert distances([users], [anchors]).tolist() == [[0, 16], [25, 9], [25, 9]]
    assert distances([users, items], [anchors, anchors]).tolist() == [
        [0, 16 * 17],
        [25, 9 * 17],
        [25, 9 * 17],
    ]


def test_anchors_are_mean_vectors_and_stay_without_members():
    side = Vectors(np.array([[1.0, 10.0], [3.0, 20.0], [100.0, 100.0]]), ids(0, 1, 1, 2))
    old = np.full((3, 2), -7.0)
    # shard 0: vectors 0, 1, 1; shard 2: vector 2; shard 1: nobody
    assert means(side, ids(0, 0, 0, 2), old) == pytest.approx(
        np.array([[7 / 3, 50 / 3], [-7, -7], [100, 100]])
    )


@pytest.mark.parametrize("iterations", [1, 2, 15])
@pytest.mark.parametrize(
    ("run", "options", "sides"),
    [
        (balanced.cluster_users, balanced.Options(unit="users"), 1),
        (balanced.cluster_interactions, balanced.Options(unit="interactions"), 2),
        (bekm.cluster_users, bekm.Options(slack=0.05), 1),
    ],
    ids=["ubp", "inbp", "bekm"],
)
def test_final_anchors_are_the_means_of_their_members(run, options, sides, iterations):
    """P5.2, the check that the mean of all coordinates in one number fails."""
    problem = random_problem(9)
    clustering = run(problem, options.model_copy(update={"iterations": iterations}))
    assert len(clustering.anchors) == sides
    ids_of = problem.train if sides == 2 else (holders(problem),)
    for anchors, table, rows in zip(clustering.anchors, problem.embeddings, ids_of, strict=False):
        wanted = [table[rows[clustering.labels == shard]].mean(axis=0) for shard in range(4)]
        assert anchors.shape == (4, 5)
        assert anchors == pytest.approx(np.array(wanted))
        assert np.ptp(anchors, axis=1).min() > 0.01


@pytest.mark.parametrize("unit", ["users", "interactions"])
def test_two_blobs_are_recovered(unit):
    """P5.2. The released code's anchors, all coordinates alike, are as far from one blob as from the other."""
    train, tables = blobs()
    found = 0
    for seed in range(5):
        assignment = balanced.partition(pose(train, 2, seed=seed, embeddings=tables, unit=unit))
        halves = assignment.train == assignment.train[0]
        found += np.array_equal(halves, train[0] < 20)
    assert found == 5


def test_clustering_stops_when_labels_repeat_or_anchors_rest():
    points, place = np.array([[0.0], [1.0], [10.0], [11.0]]), lambda table: assign_all(table, 2)
    side, anchors = Vectors(points, np.arange(4)), np.array([[0.0], [1.0]])
    # 0 and 1 are where the anchors are; then 10 is nearer to 1 than 11 is, and fills it
    first = cluster([side], [anchors], place, 1)
    assert (first.labels.tolist(), first.rounds) == ([0, 1, 1, 0], 1)
    apart = cluster([side], [np.array([[0.0], [10.0]])], place, 9)
    assert (apart.labels.tolist(), apart.anchors[0].tolist(), apart.rounds) == (
        [0, 0, 1, 1],
        [[0.5], [10.5]],
        2,
    )
    assert (
        cluster([side], [np.array([[0.0], [10.0]])], place, 9, tolerance=1.0).rounds == 1
    )  # 0 to .5, 10 to 10.5


def test_names_of_users_do_not_matter():
    """The same vectors and anchors under other user ids: the same clusters."""
    problem = random_problem(3)
    users, items = problem.train
    names = np.random.default_rng(0).permutation(problem.users)
    tables = tuple(problem.embeddings)
    renamed = np.empty_like(tables[0])
    renamed[names] = tables[0]
    rng = np.random.default_rng(1)
    anchors = [rng.normal(size=(4, 5)), rng.normal(size=(4, 5))]
    room = capacity(len(users), 4, 1.2)
    of_users, others, of_items = (
        Vectors(tables[0], users),
        Vectors(renamed, names[users]),
        Vectors(tables[1], items),
    )
    plain = cluster([of_users, of_items], anchors, lambda t: assign_all(t, room), 15)
    other = cluster([others, of_items], anchors, lambda t: assign_all(t, room), 15)
    assert np.array_equal(plain.labels, other.labels)

    room = capacity(problem.users, 4, 1.2)
    everyone = np.arange(problem.users)
    plain = cluster([Vectors(tables[0], everyone)], anchors[:1], lambda t: assign_all(t, room), 15)
    other = cluster([Vectors(renamed, everyone)], anchors[:1], lambda t: assign_all(t, room), 15)
    assert np.array_equal(plain.labels, other.labels[names])


def test_an_anchor_that_nobody_chooses_is_an_empty_shard():
    tables = np.zeros((4, 2)), np.zeros((4, 2))
    problem = pose((range(4), range(4)), 4, embeddings=tables, unit="users", capacity=2)
    options = balanced.Options(unit="users", capacity=2.0)
    labels = balanced.cluster_users(problem, options).labels
    assert set(labels.tolist()) == {0, 1}  # all distances tie, two places a shard
    with refused(place="shard 2"):
        balanced.partition(problem)


@pytest.mark.parametrize("options", [{"capacity_on": "users"}, {}], ids=["users", "rows"])
def test_cliques_are_recovered(options):
    """P4.2, from one of few seeds; the slack lets one or two more in, or no user could ever move."""
    problems = [cliques(3, 8, 4, seed=seed, slack=0.1, **options) for seed in range(8)]
    assert any(are_cliques(bekm.partition(problem), problem, 8) for problem in problems)
