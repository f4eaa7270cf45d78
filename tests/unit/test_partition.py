"""Shards: everything once, within the capacity, and where the method's own rule says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cragru.errors import CragruError
from cragru.unlearning.partition import balanced, bekm, blpa, random
from cragru.unlearning.partition.anchors import Side, cluster, distances, means
from cragru.unlearning.partition.base import (
    Assignment,
    Problem,
    capacity,
    check,
    choice,
    holders,
    number,
    of_rows,
    of_users,
)
from cragru.unlearning.partition.greedy import assign, assign_all

PARTITIONS = [
    (random, {"unit": "users"}),
    (random, {"unit": "interactions"}),
    (blpa, {"slack": 0.05}),
    (blpa, {"slack": 0.05, "capacity_on": "users"}),
    (bekm, {"slack": 0.05}),
    (bekm, {"slack": 0.05, "capacity_on": "users"}),
    (balanced, {"unit": "users"}),
    (balanced, {"unit": "interactions"}),
]
NAMES = [
    f"{module.__name__.rpartition('.')[2]}-{'-'.join(map(str, options.values()))}" for module, options in PARTITIONS
]
every_partition = pytest.mark.parametrize(("module", "options"), PARTITIONS, ids=NAMES)


def ids(*values):
    return np.array(values, dtype=np.int64)


def pose(train, shards=2, valid=((), ()), seed=1, embeddings=None, users=None, items=None, **options):
    """A problem; users and items default to what the training rows name."""
    train, valid = (tuple(ids(*column) for column in rows) for rows in (train, valid))
    users = users or int(train[0].max()) + 1
    items = items or int(train[1].max()) + 1
    return Problem(train, valid, users, items, shards, options, np.random.default_rng(seed), embeddings)


def random_problem(seed, shards=4, users=60, items=40, **options):
    """Users of 3 to 14 rows, the last two without any, each with two validation rows, and random embeddings."""
    rng = np.random.default_rng(seed)
    rows = [(user, item) for user in range(users - 2) for item in rng.choice(items, rng.integers(3, 15), replace=False)]
    valid = (np.repeat(np.arange(users), 2), rng.integers(items, size=2 * users))
    tables = rng.normal(size=(users, 5)), rng.normal(size=(items, 5))
    return pose(zip(*rows, strict=True), shards, valid, seed, tables, users, items, **options)


def redrawn(problem, seed, **changes):
    return replace(problem, rng=np.random.default_rng(seed), **changes)


def cliques(count, size, items, **options):
    """Groups of users who all have the same items, no item in two groups; embeddings near the group's unit vector."""
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
    pairs = {(int(user) // size, int(shard)) for user, shard in zip(problem.train[0], assignment.train, strict=True)}
    return len(pairs) == problem.shards == len({shard for _, shard in pairs})


def blobs(users_each=20, items_each=12):
    """Two groups of users with the items of their own group; the centres' coordinates have the same average."""
    rng = np.random.default_rng(3)
    centres = np.array([[4.0, -4.0, 0.0], [-4.0, 4.0, 0.0]])
    of_user = np.repeat(centres, users_each, axis=0) + rng.normal(0, 0.5, (2 * users_each, 3))
    of_item = np.repeat(centres, items_each, axis=0) + rng.normal(0, 0.5, (2 * items_each, 3))
    users = np.repeat(np.arange(2 * users_each), 6)
    items = users // users_each * items_each + np.tile(rng.permutation(items_each), 20 * users_each)[: len(users)]
    return (users, items), (of_user, of_item)


# What every partition must do


@every_partition
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), shards=st.integers(1, 6))
def test_every_row_has_one_shard_and_no_shard_is_empty(module, options, seed, shards):
    problem = random_problem(seed, shards, **options)
    assignment = module.partition(problem)
    check(problem, assignment)
    members = [np.flatnonzero(assignment.train == shard) for shard in range(shards)]
    assert np.array_equal(np.sort(np.concatenate(members)), np.arange(len(problem.train[0])))
    assert assignment.train.dtype == assignment.valid.dtype == np.int64


@every_partition
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_shard_is_over_the_capacity(module, options, seed):
    """P3.4, P4.1 and P5.1, with capacities worked out from the specification's formulas."""
    problem = random_problem(seed, 4, **options)
    assignment = module.partition(problem)
    rows = np.bincount(assignment.train)
    users = [len(np.unique(problem.train[0][assignment.train == shard])) for shard in range(4)]
    counted = users if "users" in options.values() else rows
    share = (58 if "users" in options.values() else len(problem.train[0])) / 4
    most = {random: share, blpa: share + 0.05 * 3 * share, bekm: share + 0.05 * 3 * share, balanced: 1.2 * share}
    assert max(counted) <= np.ceil(most[module] - 1e-9)
    if module is random:
        assert max(counted) - min(counted) <= 1


@every_partition
def test_users_keep_together_where_users_are_cut(module, options):
    problem = random_problem(5, **options)
    assignment = module.partition(problem)
    shards = [set(assignment.train[problem.train[0] == user].tolist()) for user in range(58)]
    if options.get("unit") == "interactions":
        assert any(len(own) > 1 for own in shards)
        return
    assert all(len(own) == 1 for own in shards)
    for user, shard in zip(problem.valid[0].tolist(), assignment.valid.tolist(), strict=True):
        assert {shard} == (shards[user] if user < 58 else {user % 4})


@every_partition
def test_a_seed_decides(module, options):
    problems = [random_problem(5, **options) for _ in range(3)]
    first, again, other = (module.partition(redrawn(p, seed)) for p, seed in zip(problems, (5, 5, 6), strict=True))
    assert np.array_equal(first.train, again.train)
    assert np.array_equal(first.valid, again.valid)
    assert not np.array_equal(first.train, other.train)


@every_partition
def test_more_shards_than_units_are_refused(module, options):
    train = ids(0, 0, 1, 1, 1), ids(0, 1, 0, 1, 2)
    tables = np.zeros((2, 3)), np.zeros((3, 3))
    unit = "5 training rows" if options.get("unit") == "interactions" else "2 users with training rows"
    with pytest.raises(CragruError, match=f"6 shards for {unit}; ask for {unit[0]} at most"):
        module.partition(pose(train, 6, embeddings=tables, **options))
    with pytest.raises(CragruError, match="shards is 0; ask for 1 at least"):
        module.partition(pose(train, 0, embeddings=tables, **options))


# The shared pieces


def test_rows_follow_their_user():
    problem = pose((ids(0, 2, 0, 3), ids(0, 0, 1, 1)), 3, valid=((3, 1, 0, 4), (0, 0, 2, 0)), users=6)
    assignment = of_users(problem, ids(2, -1, 0, 1, -1, -1))
    assert assignment.train.tolist() == [2, 0, 2, 1]
    assert assignment.valid.tolist() == [1, 1, 2, 1]  # users 1 and 4 have no training row: 1 % 3 and 4 % 3


def test_validation_rows_follow_the_majority_of_rows():
    users = (0, 0, 0, 1, 1, 2, 2, 2)
    problem = pose((users, range(8)), 3, valid=((0, 1, 2, 5, 3), (0, 0, 0, 0, 0)), users=6)
    assignment = of_rows(problem, ids(1, 2, 2, 2, 1, 0, 1, 0))
    # user 0: two of three in 2; user 1: one each in 1 and 2, the lower; user 2: two of three in 0; 5 % 3; 3 % 3
    assert assignment.valid.tolist() == [2, 1, 0, 2, 0]
    assert assignment.train.tolist() == [1, 2, 2, 2, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("shards", "train", "valid", "message"),
    [
        (0, [0, 0, 0], [0], "shards is 0; ask for 1 at least"),
        (4, [0, 1, 2], [0], "4 shards for 3 training rows; ask for 3 at most"),
        (3, [0, 2, 2], [0], "shard 1 of 3 has no training row; ask for fewer shards"),
        (2, [0, 1, 2], [0], "training row 2 is in shard 2; allowed: 0 to 1"),
        (2, [0, -1, 1], [0], "training row 1 is in shard -1; allowed: 0 to 1"),
        (2, [0, 1, 1], [2], "validation row 0 is in shard 2; allowed: 0 to 1"),
        (2, [0, 1], [0], r"shards of training rows are \(2,\); expected one for each of 3"),
        (2, [0, 1, 1], [0, 0], r"shards of validation rows are \(2,\); expected one for each of 1"),
    ],
)
def test_what_cannot_be_trained_is_refused(shards, train, valid, message):
    problem = pose(((0, 1, 2), (0, 0, 0)), shards, valid=((0,), (0,)))
    with pytest.raises(CragruError, match=message):
        check(problem, Assignment(ids(*train), ids(*valid)))


def test_a_user_with_rows_must_have_a_shard():
    with pytest.raises(CragruError, match="training row 1 is in shard -1"):
        of_users(pose(((0, 1, 2), (0, 0, 0)), 2), ids(0, -1, 1))


@pytest.mark.parametrize(
    ("count", "shards", "factor", "slack", "wanted"),
    [
        (943, 10, 1.2, 0, 114),  # 113.16
        (943, 10, 1, 0.005, 99),  # 94.3 + .005 * 848.7 = 98.54
        (20, 3, 1.05, 0, 7),  # in binary 7.000000000000001
        (12, 4, 1, 0, 3),
        (13, 4, 1, 0, 4),
        (7, 1, 1, 0.5, 7),  # one shard: nothing outside it
    ],
)
def test_capacities_by_hand(count, shards, factor, slack, wanted):
    assert capacity(count, shards, factor, slack) == wanted


@pytest.mark.parametrize(("factor", "slack"), [(0.8, 0.0), (1.0, -0.1)])
def test_a_capacity_under_the_even_share_is_refused(factor, slack):
    with pytest.raises(CragruError, match=r"4 shards of capacity \d+ cannot hold 100; .* allowed: factor from 1"):
        capacity(100, 4, factor, slack)


def test_options_are_read_or_refused():
    problem = pose(((0, 1), (0, 0)), unit="user", slack="0.1", iterations=0, capacity=True, tolerance=0.5)
    with pytest.raises(CragruError, match=r"unit is 'user'; did you mean 'users'\? allowed: interactions, users"):
        choice(problem, "unit", ("users", "interactions"), "users")
    for name, least in (("slack", 0), ("iterations", 1), ("capacity", 0)):
        with pytest.raises(CragruError, match=f"{name} is .*; allowed: a number from {least}"):
            number(problem, name, 1, least)
    assert number(problem, "tolerance", 0) == 0.5
    assert number(problem, "other", 7) == 7
    assert choice(problem, "other", ("a", "b"), "b") == "b"


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (None, "needs embeddings of a trained model and got none"),
        ((np.zeros((3, 2)), np.zeros((1, 2))), r"user embeddings are \(3, 2\); expected one vector for each of 2"),
        ((np.zeros((2, 2)), np.zeros(1)), r"item embeddings are \(1,\); expected one vector for each of 1"),
        ((np.full((2, 2), np.nan), np.zeros((1, 2))), "user embeddings hold values that are not finite"),
    ],
)
@pytest.mark.parametrize("module", [bekm, balanced])
def test_embeddings_that_cannot_be_used(module, tables, message):
    with pytest.raises(CragruError, match=message):
        module.partition(pose(((0, 1), (0, 0)), 2, embeddings=tables))


# Random


def test_dealt_rows_are_blind_to_their_contents():
    """SISA stays exact only if nothing about who is where depends on the rows, not even where validation rows go."""
    problem = random_problem(2, unit="interactions")
    users, items = (np.roll(column, 7) for column in problem.train)
    wanted = random.partition(redrawn(problem, 2))
    for train in ((users, items), (items, users)):
        moved = random.partition(redrawn(problem, 2, train=train))
        assert np.array_equal(wanted.train, moved.train)
        assert np.array_equal(wanted.valid, moved.valid)
    fewer = tuple(column[:100] for column in problem.train)
    less = random.partition(redrawn(problem, 2, train=fewer))
    assert np.array_equal(less.valid, wanted.valid)


def test_dealt_validation_rows_are_even_and_not_by_majority():
    problem = random_problem(2, unit="interactions")
    dealt = random.partition(problem)
    assert np.ptp(np.bincount(dealt.valid, minlength=4)) <= 1
    assert not np.array_equal(dealt.valid, of_rows(problem, dealt.train).valid)


def test_each_unit_is_as_likely_in_each_shard():
    """Chi-square over the shard of unit 0; 16.3 is the 99.9 % point for three degrees of freedom."""
    rng = np.random.default_rng(4)
    counts = np.bincount([random.deal(9, 4, rng)[0] for _ in range(3000)])
    wanted = 3000 * np.array([3, 2, 2, 2]) / 9
    assert float(((counts - wanted) ** 2 / wanted).sum()) < 16.3


# Greedy


def walk(table, room, sizes):
    """The walk over all pairs that `assign` stands for."""
    room, labels = list(room), [-1] * len(table)
    for _, unit, shard in sorted((table[u][s], u, s) for u in range(len(table)) for s in range(len(room))):
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
    table, room = rng.integers(0, levels, (count, shards)).astype(float), rng.integers(0, 12, shards)
    sizes = rng.integers(1, biggest + 1, count)
    assert assign(table, room, sizes).tolist() == walk(table.tolist(), room.tolist(), sizes.tolist())
    assert assign(table, room).tolist() == walk(table.tolist(), room.tolist(), [1] * count)


@pytest.mark.parametrize("biggest", [1, 40])
def test_greedy_equals_the_walk_on_many(biggest):
    rng = np.random.default_rng(8)
    table, sizes = np.square(rng.normal(size=(3000, 10)) + np.arange(10) / 3), rng.integers(1, biggest + 1, 3000)
    room = capacity(int(sizes.sum()), 10, slack=0.005)
    labels = assign_all(table, room, sizes)
    assert labels.tolist() == walk(table.tolist(), [room] * 10, sizes.tolist())
    assert np.bincount(labels, sizes).max() <= room


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**6), shards=st.integers(1, 6), slack=st.sampled_from([0.02, 0.05, 0.2]))
def test_users_of_at_most_the_slack_always_fit(seed, shards, slack):
    """What the documentation of bekm promises."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 10, 60)
    sizes = np.minimum(sizes, max(1, int(slack * sizes.sum() / 2)))
    assert sizes.max() <= slack * sizes.sum()
    labels = assign_all(rng.normal(size=(60, shards)), capacity(int(sizes.sum()), shards, slack=slack), sizes)
    assert labels.min() >= 0


def test_who_fits_nowhere_is_told():
    message = "1 users fit into no shard of capacity 10, the first takes 7; raise slack, ask for fewer shards or set"
    with pytest.raises(CragruError, match=message):
        assign_all(np.array([[0.0, 1.0], [1.0, 0.0], [3.0, 3.0]]), 10, ids(6, 6, 7), "user")
    rows = ((0,) * 9 + (1, 2), (*range(9), 0, 0))
    with pytest.raises(CragruError, match="1 users fit into no shard of capacity 6, the first takes 9"):
        bekm.partition(pose(rows, 2, embeddings=(np.eye(3), np.zeros((9, 3)))))


# Anchors: RecEraser and BEKM


def test_distances_by_hand():
    users, items = Side(np.array([[0.0, 0.0], [3.0, 4.0]]), ids(0, 1, 1)), Side(np.array([[1.0, 0.0]]), ids(0, 0, 0))
    anchors = np.array([[0.0, 0.0], [0.0, 4.0]])
    assert distances([users], [anchors]).tolist() == [[0, 16], [25, 9], [25, 9]]
    assert distances([users, items], [anchors, anchors]).tolist() == [[0, 16 * 17], [25, 9 * 17], [25, 9 * 17]]


def test_anchors_are_mean_vectors_and_stay_without_members():
    side = Side(np.array([[1.0, 10.0], [3.0, 20.0], [100.0, 100.0]]), ids(0, 1, 1, 2))
    old = np.full((3, 2), -7.0)
    # shard 0: vectors 0, 1, 1; shard 2: vector 2; shard 1: nobody
    assert means(side, ids(0, 0, 0, 2), old) == pytest.approx(np.array([[7 / 3, 50 / 3], [-7, -7], [100, 100]]))


@pytest.mark.parametrize("iterations", [1, 2, 15])
@pytest.mark.parametrize(
    ("run", "sides"),
    [(balanced.cluster_users, 1), (balanced.cluster_interactions, 2), (bekm.cluster_users, 1)],
    ids=["ubp", "inbp", "bekm"],
)
def test_final_anchors_are_the_means_of_their_members(run, sides, iterations):
    """P5.2, the check that the mean of all coordinates in one number fails."""
    problem = random_problem(9, slack=0.05, iterations=iterations)
    clustering = run(problem)
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
    side, anchors = Side(points, np.arange(4)), np.array([[0.0], [1.0]])
    # 0 and 1 are where the anchors are; then 10 is nearer to 1 than 11 is, and fills it
    first = cluster([side], [anchors], place, 1)
    assert (first.labels.tolist(), first.rounds) == ([0, 1, 1, 0], 1)
    apart = cluster([side], [np.array([[0.0], [10.0]])], place, 9)
    assert (apart.labels.tolist(), apart.anchors[0].tolist(), apart.rounds) == ([0, 0, 1, 1], [[0.5], [10.5]], 2)
    assert cluster([side], [np.array([[0.0], [10.0]])], place, 9, tolerance=1.0).rounds == 1  # 0 to .5, 10 to 10.5


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
    plain = cluster([Side(tables[0], users), Side(tables[1], items)], anchors, lambda t: assign_all(t, room), 15)
    other = cluster([Side(renamed, names[users]), Side(tables[1], items)], anchors, lambda t: assign_all(t, room), 15)
    assert np.array_equal(plain.labels, other.labels)

    room = capacity(problem.users, 4, 1.2)
    everyone = np.arange(problem.users)
    plain = cluster([Side(tables[0], everyone)], anchors[:1], lambda t: assign_all(t, room), 15)
    other = cluster([Side(renamed, everyone)], anchors[:1], lambda t: assign_all(t, room), 15)
    assert np.array_equal(plain.labels, other.labels[names])


def test_an_anchor_that_nobody_chooses_is_an_empty_shard():
    tables = np.zeros((4, 2)), np.zeros((4, 2))
    problem = pose((range(4), range(4)), 4, embeddings=tables, unit="users", capacity=2)
    assert set(balanced.cluster_users(problem).labels.tolist()) == {0, 1}  # all distances tie, two places a shard
    with pytest.raises(CragruError, match="shard 2 of 4 has no training row; ask for fewer shards"):
        balanced.partition(problem)


@pytest.mark.parametrize("options", [{"unit": "users"}, {"unit": "interactions"}], ids=["ubp", "inbp"])
def test_receraser_refuses_a_capacity_under_one(options):
    with pytest.raises(CragruError, match=r"4 shards of capacity \d+ cannot hold"):
        balanced.partition(random_problem(1, capacity=0.9, **options))


# Communities: BLPA


@pytest.mark.parametrize("options", [{"capacity_on": "users"}, {}], ids=["users", "rows"])
@pytest.mark.parametrize("module", [blpa, bekm])
def test_cliques_are_recovered(module, options):
    """P4.2, from one of few seeds; the slack lets one or two more in, or no user could ever move."""
    problems = [cliques(3, 8, 4, seed=seed, slack=0.1, **options) for seed in range(8)]
    assert any(are_cliques(module.partition(problem), problem, 8) for problem in problems)


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
    assert graph.objective(labels, 3) == pytest.approx(pairs)
    twice = tuple(np.concatenate([column, column[:5]]) for column in problem.train)
    assert np.array_equal(blpa.Neighbourhood(twice, users, 20).weights(labels, 3), graph.weights(labels, 3))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), iterations=st.integers(1, 12), slack=st.sampled_from([0.05, 0.3]))
def test_communities_are_never_worse_than_the_start(seed, iterations, slack):
    problem = random_problem(seed)
    users, rng = holders(problem), np.random.default_rng(seed)
    sizes = np.bincount(problem.train[0])[users]
    room = capacity(int(sizes.sum()), 4, slack=slack)
    graph = blpa.Neighbourhood(problem.train, users, problem.items)
    start = blpa.balanced_start(sizes, 4, room, rng)
    end = blpa.propagate(graph, start, sizes, room, iterations, rng)
    assert graph.objective(end, 4) >= graph.objective(start, 4)
    assert np.bincount(end, sizes).max() <= room


def test_a_step_for_the_worse_is_not_kept():
    """Users 0 and 2 share most and change places with each other, which parts 0 from 1; user 3 has no neighbour."""
    rows = ids(0, 0, 0, 1, 2, 2, 3), ids(0, 1, 2, 2, 0, 1, 3)
    graph, start, sizes = blpa.Neighbourhood(rows, np.arange(4), 4), ids(0, 0, 1, 1), np.ones(4, dtype=np.int64)
    after, _ = blpa._step(start, graph.weights(start, 2), sizes, 4, np.random.default_rng(1))
    assert after.tolist() == [1, 0, 0, 1]
    assert graph.objective(after, 2) == 0 < graph.objective(start, 2)
    assert blpa.propagate(graph, start, sizes, 4, 1, np.random.default_rng(1)).tolist() == start.tolist()


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
    after, moves = blpa._step(labels, weights, np.ones(5, dtype=np.int64), 2, np.random.default_rng(1))
    assert after.tolist() == [1, 1, 2, 0, 2]
    assert moves == 4


def test_the_strongest_wish_is_granted_first_and_full_shards_stay_full():
    labels, weights = wishes([0, 0, 1, 1, 2], {0: (2, 1), 1: (2, 2), 2: (2, 3)})
    after, moves = blpa._step(labels, weights, np.ones(5, dtype=np.int64), 2, np.random.default_rng(1))
    assert (after.tolist(), moves) == ([0, 0, 2, 1, 2], 1)
    labels, weights = wishes([0, 0, 1, 1], {0: (1, 1), 2: (0, 1)}, 2)  # a swap, but nobody can go first
    after, moves = blpa._step(labels, weights, np.ones(4, dtype=np.int64), 2, np.random.default_rng(1))
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
    ends = [blpa._step(labels, weights, sizes, 4, np.random.default_rng(seed))[0][0] for seed in range(40)]
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
    starts = [blpa.balanced_start(ids(5, 1, 1), 3, 5, np.random.default_rng(seed))[0] for seed in range(30)]
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
    message = r"a balanced start needs 20 in shard \d, over the capacity of 16; raise slack, ask for fewer shards"
    with pytest.raises(CragruError, match=message):
        blpa.partition(pose(rows, 2))
    blpa.partition(pose(rows, 2, slack=0.4))
