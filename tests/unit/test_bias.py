"""Table V: groups, measures against Retrain and their nulls, by hand and on data of known truth."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from metric_columns import metric_columns

from cragru.evaluation import groups as groups_module
from cragru.evaluation.bias import COLUMNS, Results, bias_table
from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.columns import PER_USER
from cragru.evaluation.groups import CLASSES, active_users, popularity_classes, user_groups
from cragru.evaluation.popularity import Lists, popularity_drift
from tests.refusals import refused

FEW = Resampling(seed=1, resamples=100)
NUMBERS = ["value", "low", "high", "null", "null_low", "null_high"]


def frame(ndcg, users=None, mask="B", k=10):
    users = range(len(ndcg)) if users is None else users
    columns = {"user": users, "mask": mask, "k": k, **metric_columns(ndcg=ndcg), "relevant": 1}
    return pd.DataFrame(columns).astype(PER_USER)


def results(method, retrain, *again, groups=None, training_rows=None):
    """Models of users 0, 1, ... by their NDCG; all far and equally active, and Retrain again the same, unless told."""
    n = len(retrain)
    groups = ["far"] * n if groups is None else groups
    training_rows = np.ones(n, dtype=int) if training_rows is None else training_rows
    further = list(map(frame, again or [retrain]))
    groups = np.array(groups, dtype=object)
    return Results(frame(method), frame(retrain), further, groups, training_rows)


def measured(seeds, resampling=FEW, **options):
    table = bias_table(seeds, resampling, **options)
    assert [*table.columns] == COLUMNS
    return table.set_index(["measure", "group"])


# --- groups


def at(degrees, length=1.0):
    return [length * math.cos(math.radians(degrees)), length * math.sin(math.radians(degrees))]


def test_similar_users_are_near_any_forgotten_one():
    """User 0 looks to 0°, user 1 to 90°; of the rest those at 85° and 10° are nearest to one of them, not to both."""
    factors = np.array([at(0), at(90), at(45), at(85, 9), at(10, 0.1), at(200), at(250)])
    assert user_groups(factors, [1, 0, 1], 0.4).tolist() == [
        *("forgotten", "forgotten", "far", "similar", "similar", "far", "far")
    ]
    assert user_groups(factors, [0, 1], 0.2).tolist()[2:] == ["far", "similar", "far", "far", "far"]


def test_groups_do_not_depend_on_ids_or_on_the_length_of_factors(monkeypatch):
    rng = np.random.default_rng(0)
    factors, forgotten = rng.normal(size=(300, 8)), rng.permutation(300)[:30]
    groups = user_groups(factors, forgotten)
    assert [int((groups == name).sum()) for name in ("forgotten", "similar", "far")] == [
        30,
        27,
        243,
    ]
    order = rng.permutation(300)
    scaled = factors[order] * rng.uniform(0.1, 9, size=(300, 1))
    assert user_groups(scaled, np.argsort(order)[forgotten]).tolist() == groups[order].tolist()
    monkeypatch.setattr(groups_module, "MEMORY", 100)  # in many small steps
    assert user_groups(torch.tensor(factors), forgotten).tolist() == groups.tolist()


def test_a_user_without_direction_is_not_similar():
    """Its cosine is 0: below that of 60°, above that of 120°."""
    factors = np.array([at(0), [0, 0], at(60), at(120)])
    assert user_groups(factors, [0], 0.3).tolist() == ["forgotten", "far", "similar", "far"]
    assert user_groups(factors, [0], 0.7).tolist() == ["forgotten", "similar", "similar", "far"]


def test_where_all_have_forgotten_rows_nobody_is_left():
    assert user_groups(np.ones((3, 2)), [0, 1, 2]).tolist() == ["forgotten"] * 3


def test_where_nobody_has_forgotten_rows_there_are_no_groups():
    with refused(place="groups of users"):
        user_groups(np.ones((3, 2)), [])


def test_active_users():
    assert active_users([5, 9, 0, 1, 7], 0.5).tolist() == [
        "inactive",
        "active",
        "",
        "inactive",
        "active",
    ]
    assert active_users([3, 1, 3, 2], 0.2).tolist() == [
        "active",
        "inactive",
        "active",
        "inactive",
    ]  # both or none
    assert (active_users(np.arange(1, 101)) == "active").sum() == 5
    assert active_users([0, 0]).tolist() == ["", ""]


# --- measures


def test_measures_by_hand():
    """Twenty similar users lose .2, twenty far ones .05 but for two that lose .45; 3 active ones are in front."""
    retrain = np.full(40, 0.5)
    retrain[:3] = 0.7
    method = retrain - np.r_[np.full(20, 0.2), np.full(18, 0.05), 0.45, 0.45]
    rows = np.r_[90, 90, 90, np.ones(37, dtype=int)]
    again = retrain + np.r_[np.full(20, 0.1), np.full(20, -0.1)]
    groups = ["similar"] * 20 + ["far"] * 20
    given = results(method, retrain, again, groups=groups, training_rows=rows)
    table = measured({1: given}, least_users=2)
    of_far = -(18 * 0.05 + 0.9) / 20
    lost = method - retrain
    values = {
        ("delta", "all"): (-0.2 + of_far) / 2,
        ("delta", "similar"): -0.2,
        ("delta", "far"): of_far,
        ("propagation_bias", "similar - far"): -0.2 - of_far,
        ("delta_sd", "all"): lost.std(ddof=1),
        ("worst_decile", "all"): (-0.45 - 0.45 - 0.2 - 0.2) / 4,
        ("group_disparity", "active - inactive"): 0.5 - method[3:].mean(),
        ("disparity_change", "active - inactive"): 0.5 - method[3:].mean() - 0.2,
    }
    for cell, value in values.items():
        assert table.loc[cell, "value"] == pytest.approx(value), cell
    nulls = {
        ("delta", "all"): 0,
        ("propagation_bias", "similar - far"): 0.2,
        ("delta_sd", "all"): 0.1 * math.sqrt(40 / 39),
        ("worst_decile", "all"): -0.1,
        ("group_disparity", "active - inactive"): 0.8 - again[3:].mean(),
        ("disparity_change", "active - inactive"): 0.8 - again[3:].mean() - 0.2,
    }
    for cell, value in nulls.items():
        one_training = ["null", "null_low", "null_high"]
        assert table.loc[cell, one_training].tolist() == pytest.approx([value] * 3), cell
    assert table["n"].to_dict() == {
        ("delta", "all"): 40,
        ("delta", "forgotten"): 0,
        ("delta", "similar"): 20,
        ("delta", "far"): 20,
        ("propagation_bias", "similar - far"): 20,
        ("delta_sd", "all"): 40,
        ("worst_decile", "all"): 4,
        ("group_disparity", "active - inactive"): 3,
        ("disparity_change", "active - inactive"): 3,
    }
    assert set(table["seeds"]) == {1}


def test_the_null_is_the_mean_and_the_range_of_further_trainings():
    """All users gain .1, lose .3 or stay; half of them gain .2 and half lose as much."""
    retrain = np.full(40, 0.5)
    swing = np.where(np.arange(40) % 2, 0.2, -0.2)
    again = [retrain + 0.1, retrain - 0.3, retrain, retrain + swing]
    table = measured({1: results(retrain + 0.05, retrain, *again)}, least_users=2)
    nulls = table[["null", "null_low", "null_high"]]
    assert nulls.loc[("delta", "all")].tolist() == pytest.approx([-0.05, -0.3, 0.1])
    sd = swing.std(ddof=1)
    assert nulls.loc[("delta_sd", "all")].tolist() == pytest.approx([sd / 4, 0, sd])
    worst = [(0.1 - 0.3 + 0 - 0.2) / 4, -0.3, 0.1]
    assert nulls.loc[("worst_decile", "all")].tolist() == pytest.approx(worst)


def test_the_null_of_a_size_is_of_sizes():
    """Disparities of further trainings are sizes, too: half of the users, the active ones, gain or lose .1."""
    retrain, rows = np.full(40, 0.5), np.r_[np.full(2, 9), np.ones(38, dtype=int)]
    gain = 0.1 * (rows > 1)
    given = results(retrain, retrain, retrain + gain, retrain - gain, training_rows=rows)
    table = measured({1: given}, least_users=2)
    cell = table.loc[("group_disparity", "active - inactive")]
    assert cell[["null", "null_low", "null_high"]].tolist() == pytest.approx([0.1] * 3)


def test_too_few_users_are_blank_and_counted():
    rng = np.random.default_rng(0)
    groups = ["similar"] * 19 + ["forgotten"] * 20 + ["far"] * 61
    given = results(*rng.random((3, 100)), groups=groups, training_rows=rng.integers(1, 99, 100))
    table = measured({1: given})
    blank = table.index[table[NUMBERS].isna().all(axis=1)]
    assert {(*cell, int(table.loc[cell, "n"])) for cell in blank} == {
        ("delta", "similar", 19),
        ("propagation_bias", "similar - far", 19),
        ("worst_decile", "all", 10),
        (
            "group_disparity",
            "active - inactive",
            table.loc[("group_disparity", "active - inactive"), "n"],
        ),
        (
            "disparity_change",
            "active - inactive",
            table.loc[("group_disparity", "active - inactive"), "n"],
        ),
    }
    assert table.drop(blank)[NUMBERS].notna().all(axis=None)


def test_where_all_have_forgotten_rows_the_other_groups_are_blank():
    rng = np.random.default_rng(0)
    table = measured({1: results(rng.random(30), rng.random(30), groups=["forgotten"] * 30)})
    assert table.loc[("delta", "forgotten"), "value"] == table.loc[("delta", "all"), "value"]
    for cell in (("delta", "similar"), ("delta", "far"), ("propagation_bias", "similar - far")):
        assert table.loc[cell, "n"] == 0
        assert table.loc[cell, NUMBERS].isna().all()


def test_seeds_are_averaged_before_anything_is_measured():
    """One seed's gain is the other's loss: no spread is left, and n counts users."""
    retrain = np.full(30, 0.5)
    swing = np.where(np.arange(30) % 2, 0.2, -0.2)
    table = measured({1: results(retrain + swing, retrain), 2: results(retrain - swing, retrain)})
    assert table.loc[("delta_sd", "all"), "value"] == pytest.approx(0, abs=1e-12)
    assert (table.loc[("delta", "all"), "n"], table.loc[("delta", "all"), "seeds"]) == (30, 2)


def test_users_who_change_groups_count_in_each_with_that_seeds_values():
    retrain = np.full(4, 0.5)
    one = results(
        retrain + np.array([0.1, 0.1, 0, 0]), retrain, groups=["similar", "similar", "far", "far"]
    )
    two = results(
        retrain + np.array([0.3, 0, 0.2, 0]), retrain, groups=["similar", "far", "similar", "far"]
    )
    table = measured({1: one, 2: two}, least_users=2)
    assert table.loc[("delta", "similar"), "value"] == pytest.approx((0.2 + 0.1 + 0.2) / 3)
    assert table.loc[("delta", "far"), "value"] == pytest.approx(0)
    assert table["n"].loc["delta"].to_dict() == {"all": 4, "forgotten": 0, "similar": 3, "far": 3}


def test_forgotten_users_without_results_are_not_counted():
    """Their ids are known, but nothing of theirs is evaluated."""
    own = frame([0.1, 0.2, 0.3], users=[1, 2, 4])
    groups = np.array(["forgotten", "far", "far", "forgotten", "similar"], dtype=object)
    table = measured(
        {1: Results(own, own, [own], groups, np.array([0, 1, 1, 0, 1]))}, least_users=2
    )
    assert table["n"].loc["delta"].to_dict() == {"all": 3, "forgotten": 0, "similar": 1, "far": 2}


def renamed(given, order):
    """The same users under other ids, rows in another order."""
    method, retrain, *again = (
        own.assign(user=np.argsort(order)[own["user"]])
        .astype(PER_USER)
        .sample(frac=1, random_state=0)
        for own in (given.method, given.retrain, *given.again)
    )
    return Results(method, retrain, again, given.groups[order], given.training_rows[order])


def test_ids_of_users_do_not_matter():
    rng = np.random.default_rng(0)
    groups = rng.choice(["similar", "far"], 60)
    given = results(*rng.random((4, 60)), groups=groups, training_rows=rng.integers(1, 50, 60))
    one, other = (
        measured({1: world}, least_users=2)
        for world in (given, renamed(given, rng.permutation(60)))
    )
    exact = ["value", "null", "n"]  # bounds come from other draws
    pd.testing.assert_frame_equal(one[exact], other[exact])


def test_retrain_itself_hurts_nobody():
    retrain = np.random.default_rng(0).random(400)
    table = measured({1: results(retrain, retrain, training_rows=np.arange(1, 401))})
    for measure in ("delta", "delta_sd", "worst_decile", "disparity_change"):
        assert (table.loc[measure, NUMBERS].dropna() == 0).all(axis=None)


def test_a_method_equal_to_a_further_training_is_its_null():
    rng = np.random.default_rng(0)
    retrain, again = rng.random((2, 300))
    table = measured({1: results(again, retrain, again)})
    for name in ("null", "null_low", "null_high"):
        pd.testing.assert_series_equal(table["value"], table[name], check_names=False)


def test_harm_to_similar_users_is_found_and_absence_of_it_is_not():
    """Similar users lose .05 more, beyond what four trainings with the same noise reach; a fifth seldom is beyond."""
    rng = np.random.default_rng(7)
    groups = np.array(["similar"] * 60 + ["far"] * 240, dtype=object)
    found = alarms = 0
    for _ in range(40):
        retrain = rng.random(300) / 5 + 0.4
        own, *again = retrain + rng.normal(0, 0.08, (5, 300))
        for harm in (0.05, 0):
            given = results(own - harm * (groups == "similar"), retrain, *again, groups=groups)
            table = measured({1: given}, Resampling(1, 200))
            row = table.loc[("propagation_bias", "similar - far")]
            is_beyond = row["value"] < row["null_low"]
            found, alarms = (found + is_beyond, alarms) if harm else (found, alarms + is_beyond)
    assert found > 36
    assert (
        alarms <= 16
    )  # one of five is the lowest by chance: 8 expected, 16 is three standard errors more


BAD_RESULTS = [
    ({1: results([0.1, 0.2], [0.1])}, {}, {"place": "retrain", "got": [1]}),
    ({1: results([0.1], [0.1])}, {"mask": "A"}, {"place": "method: mask A, k 10"}),
]


@pytest.mark.parametrize(("seeds", "options", "parts"), BAD_RESULTS)
def test_bad_results(seeds, options, parts):
    with refused(**parts):
        bias_table(seeds, FEW, **options)


# --- popularity


def test_popularity_classes_hold_equal_shares_of_rows():
    """Forty rows, four a class: the first item has 20 of them and so the first five classes."""
    assert popularity_classes([20, 4, 4, 2, 2, 0, 8]).tolist() == [0, 7, 7, 9, 9, 9, 5]
    rows = np.random.default_rng(0).integers(50, 100, 1000)
    shares = np.bincount(popularity_classes(rows), weights=rows) / rows.sum()
    assert shares == pytest.approx(
        np.full(CLASSES, 0.1), abs=0.025
    )  # 50 counts of 2 % each are not torn


def test_equally_popular_items_share_a_class_whatever_their_ids():
    rows = np.random.default_rng(0).integers(0, 6, 200)
    classes = popularity_classes(rows)
    assert all(len(set(classes[rows == count])) == 1 for count in range(6))
    order = np.random.default_rng(1).permutation(200)
    assert popularity_classes(rows[order]).tolist() == classes[order].tolist()


def lists(method, retrain, *again, rows=(9,) * 10):
    """Lists of users 0, 1, ...; ten items of equal popularity but in classes by the counts given."""
    further = list(map(np.array, again or [retrain]))
    users = np.arange(len(retrain))
    return Lists(users, np.array(method), np.array(retrain), further, np.array(rows))


TWO_CLASSES = [
    90,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
]  # item 0 fills classes 0 to 8, the rest are in class 9


def test_drift_by_hand():
    """Of 40 places Retrain gives 20 to the popular item and 19 to others (one list is short), the method 30 and 10."""
    retrain = [[0, 1]] * 19 + [[0, -1]]
    method = [[0, 1]] * 10 + [[0, 0]] * 10
    row = popularity_drift({1: lists(method, retrain, rows=TWO_CLASSES)}, FEW).iloc[0]
    p = (np.array([20, *[0] * 8, 19]) + 0.5) / 44
    q = (np.array([30, *[0] * 8, 10]) + 0.5) / 45
    assert row["value"] == pytest.approx((p * np.log(p / q)).sum())
    assert (row["null"], row["null_low"], row["null_high"]) == (0, 0, 0)
    assert [*row.index] == COLUMNS
    assert (row["measure"], row["group"], row["n"], row["seeds"]) == (
        "popularity_drift",
        "all",
        20,
        1,
    )
    assert 0 <= row["low"] < row["value"] < row["high"]


def test_the_null_of_a_drift_is_the_range_of_further_trainings():
    """One training recommends the same, one the popular item in all of 20 places instead of 10."""
    retrain = [[0]] * 10 + [[1]] * 10
    same, popular = retrain[::-1], [[0]] * 20
    row = popularity_drift({1: lists(popular, retrain, same, popular, rows=TWO_CLASSES)}, FEW).iloc[
        0
    ]
    assert (row["null_low"], row["null_high"]) == (0, row["value"])
    assert row["null"] == pytest.approx(row["value"] / 2)
    assert row["value"] > 0


def test_drift_of_few_users_is_blank():
    row = popularity_drift({1: lists([[0]] * 19, [[1]] * 19, rows=TWO_CLASSES)}, FEW).iloc[0]
    assert row["n"] == 19
    assert row[NUMBERS].isna().all()


def test_drift_averages_users_over_seeds():
    """What one seed recommends more of the other does less: no drift is left."""
    popular, rare = [[0]] * 20, [[1]] * 20
    one, two = lists(popular, rare, rows=TWO_CLASSES), lists(rare, popular, rows=TWO_CLASSES)
    assert popularity_drift({1: one}, FEW)["value"].iloc[0] > 1
    row = popularity_drift({1: one, 2: two}, FEW).iloc[0]
    assert (row["value"], row["n"], row["seeds"]) == (0, 20, 2)


def test_a_known_drift_is_beyond_its_null():
    rng = np.random.default_rng(0)
    rows = np.sort(rng.zipf(1.6, 200) % 200 + 1)[::-1]

    def drawn(tilt):
        return np.argsort(-rng.gumbel(size=(300, 200)) - tilt * np.log(rows), axis=1)[:, :5]

    method, retrain, *again = (drawn(tilt) for tilt in (1.4, 1, 1, 1, 1))
    row = popularity_drift({1: Lists(np.arange(300), method, retrain, again, rows)}, FEW).iloc[0]
    assert row["low"] > row["null_high"] > row["null"] >= 0
