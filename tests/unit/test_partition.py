"""Shards: everything once, within the capacity, and where the rules that all partitions share say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from partition_world import ids, pose, random_problem, redrawn

from cragru.unlearning.partition import balanced, bekm, blpa, random
from cragru.unlearning.partition.base import Assignment, capacity, check, of_rows, of_users
from tests.refusals import refused

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
    f"{module.__name__.rpartition('.')[2]}-{'-'.join(map(str, options.values()))}"
    for module, options in PARTITIONS
]
every_partition = pytest.mark.parametrize(("module", "options"), PARTITIONS, ids=NAMES)


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
    most = {
        random: share,
        blpa: share + 0.05 * 3 * share,
        bekm: share + 0.05 * 3 * share,
        balanced: 1.2 * share,
    }
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
    first, again, other = (
        module.partition(redrawn(p, seed)) for p, seed in zip(problems, (5, 5, 6), strict=True)
    )
    assert np.array_equal(first.train, again.train)
    assert np.array_equal(first.valid, again.valid)
    assert not np.array_equal(first.train, other.train)


@every_partition
def test_more_shards_than_units_are_refused(module, options):
    train = ids(0, 0, 1, 1, 1), ids(0, 1, 0, 1, 2)
    tables = np.zeros((2, 3)), np.zeros((3, 3))
    units = "5 rows" if options.get("unit") == "interactions" else "2 users"
    with refused(place="shards", got=6, what=f"more than the {units}"):
        module.partition(pose(train, 6, embeddings=tables, **options))


# The shared pieces


def test_rows_follow_their_user():
    problem = pose(
        (ids(0, 2, 0, 3), ids(0, 0, 1, 1)), 3, valid=((3, 1, 0, 4), (0, 0, 2, 0)), users=6
    )
    assignment = of_users(problem, ids(2, -1, 0, 1, -1, -1))
    assert assignment.train.tolist() == [2, 0, 2, 1]
    assert assignment.valid.tolist() == [
        1,
        1,
        2,
        1,
    ]  # users 1 and 4 have no training row: 1 % 3 and 4 % 3


def test_validation_rows_follow_the_majority_of_rows():
    users = (0, 0, 0, 1, 1, 2, 2, 2)
    problem = pose((users, range(8)), 3, valid=((0, 1, 2, 5, 3), (0, 0, 0, 0, 0)), users=6)
    assignment = of_rows(problem, ids(1, 2, 2, 2, 1, 0, 1, 0))
    # user 0: two of three in 2; user 1: one each in 1 and 2, the lower; user 2: two of three in 0; 5 % 3; 3 % 3
    assert assignment.valid.tolist() == [2, 1, 0, 2, 0]
    assert assignment.train.tolist() == [1, 2, 2, 2, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("shards", "train", "valid", "parts"),
    [
        (0, [0, 0, 0], [0], {"place": "shard of train row 0", "got": 0}),
        (4, [0, 1, 2], [0], {"place": "shard 3"}),
        (3, [0, 2, 2], [0], {"place": "shard 1"}),
        (2, [0, 1, 2], [0], {"place": "shard of train row 2", "got": 2, "allowed": ["0 to 1"]}),
        (2, [0, -1, 1], [0], {"place": "shard of train row 1", "got": -1, "allowed": ["0 to 1"]}),
        (2, [0, 1, 1], [2], {"place": "shard of valid row 0", "got": 2, "allowed": ["0 to 1"]}),
        (2, [0, 1], [0], {"place": "train rows", "got": (2,), "what": "shards must be (3,)"}),
        (2, [0, 1, 1], [0, 0], {"place": "valid rows", "got": (2,), "what": "shards must be (1,)"}),
    ],
)
def test_what_cannot_be_trained_is_refused(shards, train, valid, parts):
    problem = pose(((0, 1, 2), (0, 0, 0)), shards, valid=((0,), (0,)))
    with refused(**parts):
        check(problem, Assignment(ids(*train), ids(*valid)))


def test_a_refusal_is_one_sentence():
    problem = pose(((0, 1, 2), (0, 0, 0)), 2)
    with refused() as caught:
        check(problem, Assignment(ids(0, 1, 2), ids()))
    assert str(caught.value) == "shard of train row 2: got 2 (allowed: 0 to 1)"


def test_a_user_with_rows_must_have_a_shard():
    with refused(place="shard of train row 1", got=-1):
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


@pytest.mark.parametrize(
    ("tables", "parts"),
    [
        (None, {"place": "partition"}),
        ((np.zeros((3, 2)), np.zeros((1, 2))), {"place": "embeddings", "got": (3, 2)}),
        ((np.zeros((2, 2)), np.zeros(1)), {"place": "embeddings", "got": (1,)}),
        ((np.full((2, 2), np.nan), np.zeros((1, 2))), {"place": "embeddings", "got": (2, 2)}),
    ],
)
@pytest.mark.parametrize(
    ("module", "options"),
    [(bekm, {}), (balanced, {"unit": "users"}), (balanced, {"unit": "interactions"})],
)
def test_embeddings_that_cannot_be_used(module, options, tables, parts):
    with refused(**parts):
        module.partition(pose(((0, 1), (0, 0)), 2, embeddings=tables, **options))


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
