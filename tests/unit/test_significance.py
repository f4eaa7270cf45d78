"""Paired tests, Holm's correction and the bootstrap: by hand, against scipy, and on data of known truth."""

import numpy as np
import pandas as pd
import pytest
from metric_columns import metric_columns
from scipy import stats

from cragru.core.errors import CragruError
from cragru.evaluation import bootstrap as bootstrap_module
from cragru.evaluation.bootstrap import Resampling, bootstrap, column_mean
from cragru.evaluation.columns import PER_USER
from cragru.evaluation.significance import (
    Trainings,
    compare,
    holm,
    mcnemar,
    one_family,
    paired_values,
    signed_rank,
)
from tests.refusals import refused

pytestmark = pytest.mark.usefixtures("hr_and_ndcg")


def frame(ndcg, hr=None, k=10, mask="A", users=None, relevant=1):
    """Results of users 0, 1, ... at one cut-off under one mask; a hit where NDCG is not 0."""
    users = range(len(ndcg)) if users is None else users
    hr = [float(value > 0) for value in ndcg] if hr is None else hr
    columns = {
        "user": users,
        "mask": mask,
        "k": k,
        **metric_columns(hr=hr, ndcg=ndcg),
        "relevant": relevant,
    }
    return pd.DataFrame(columns).astype(PER_USER)


def seeded(*frames):
    """A row of one training under each seed."""
    return trained(*([own] for own in frames))


def trained(*seeds):
    """A row of several trainings under each seed: their results, seed by seed."""
    return {
        (seed, number): own
        for seed, frames in enumerate(seeds, 1)
        for number, own in enumerate(frames)
    }


def retrain(*seeds):
    """Retrain's row, two users alike: the NDCG of its trainings, seed by seed."""
    return trained(*([frame([value] * 2) for value in values] for values in seeds))


CALM = retrain([0.5, 0.5])  # trainings that do not differ


# --- Wilcoxon


def test_signed_rank_by_hand():
    """Ranks of |d| with Pratt's zero: 0 has 1, .1 has 2, the .2s share 3 and 4, .5 has 5."""
    found = signed_rank([0.0, 0.1, -0.2, 0.2, 0.5])
    assert (found.better, found.worse) == (3, 1)
    assert found.statistic == 3.5
    assert found.effect == pytest.approx((2 + 3.5 + 5 - 3.5) / 14)
    # of the 16 sign patterns of 2, 3.5, 3.5, 5 these sums are at most 3.5: 0, 2, 3.5, 3.5
    assert found.p == pytest.approx(2 * 4 / 16)


def test_no_difference_has_p_1_and_no_effect():
    found = signed_rank(np.zeros(30))
    assert (found.statistic, found.p, found.better, found.worse) == (0, 1, 0, 0)
    assert np.isnan(found.effect)


def test_one_user():
    assert (signed_rank([0.3]).p, signed_rank([0.3]).effect) == (1, 1)


def test_few_users_that_differ_are_counted_exactly():
    """Four alike can be so by chance in 2 of 16 ways; the normal approximation says .046."""
    differences = np.r_[np.zeros(20), 0.1, 0.2, 0.3, 0.4]
    assert signed_rank(differences).p == pytest.approx(0.125)
    approximate = stats.wilcoxon(
        differences, zero_method="pratt", correction=False, method="asymptotic"
    )
    assert approximate.pvalue < 0.05


@pytest.mark.parametrize("seed", range(4))
def test_signed_rank_is_scipys(seed):
    rng = np.random.default_rng(seed)
    smooth = rng.normal(0.2, size=40)
    assert signed_rank(smooth).p == pytest.approx(
        stats.wilcoxon(smooth, method="exact").pvalue, rel=1e-9
    )
    assert signed_rank(smooth).statistic == stats.wilcoxon(smooth).statistic
    tied = np.round(
        rng.normal(0.3, size=11)
    )  # up to 13 users scipy goes through all patterns, zeros and ties or not
    if tied.any():
        assert signed_rank(tied).p == pytest.approx(
            stats.wilcoxon(tied, zero_method="pratt").pvalue, rel=1e-9
        )
    many = np.round(rng.normal(0.1, size=300), 1)
    theirs = stats.wilcoxon(many, zero_method="pratt", correction=False, method="asymptotic")
    assert signed_rank(many).p == pytest.approx(theirs.pvalue, rel=1e-12)
    assert signed_rank(many).statistic == theirs.statistic


def test_exact_and_approximate_agree_where_they_meet():
    rng = np.random.default_rng(3)
    for _ in range(10):
        values = np.r_[np.round(rng.normal(0.15, 0.5, size=60), 1), np.zeros(5)]
        values = values[np.cumsum(values != 0) <= 50]  # the most that are counted exactly
        theirs = stats.wilcoxon(
            values, zero_method="pratt", correction=False, method="asymptotic"
        ).pvalue
        assert signed_rank(values).p == pytest.approx(theirs, abs=0.01)


def test_rounding_errors_are_neither_differences_nor_ranks():
    """.3 - .1 and .2 are one size, and .1 + .2 is .3."""
    assert 0.3 - 0.1 != 0.2
    found = signed_rank([0.3 - 0.1, -0.2, 0.1 + 0.2 - 0.3])
    assert (found.better, found.worse, found.statistic, found.effect) == (1, 1, 2.5, 0)
    assert mcnemar([0.1 + 0.2 - 0.3]).better == 0


# --- McNemar


def test_mcnemar_by_hand():
    """Six gain, one loses: 2 (C(7,0) + C(7,1)) / 2^7."""
    found = mcnemar([1.0] * 6 + [-1.0] + [0.0] * 9)
    assert (found.better, found.worse, found.statistic, found.effect) == (6, 1, 1, 6)
    assert found.p == pytest.approx(2 * (1 + 7) / 128)


def test_mcnemar_is_the_textbooks_table():
    """Agresti's approval ratings: 150 and 86 changed their minds."""
    found = mcnemar(np.r_[np.ones(86), -np.ones(150), np.zeros(1364)])
    assert found.p == pytest.approx(stats.binomtest(86, 236, 0.5).pvalue)
    assert found.p < 1e-4
    assert found.effect == pytest.approx(86 / 150)


@pytest.mark.parametrize(
    ("differences", "p", "effect"),
    [([1, 1, 1, 0], 0.25, np.inf), ([-1, -1], 0.5, 0), ([1, -1], 1, 1)],
)
def test_mcnemar_of_few(differences, p, effect):
    assert (mcnemar(differences).p, mcnemar(differences).effect) == (pytest.approx(p), effect)


def test_mcnemar_without_discordant_users():
    assert mcnemar(np.zeros(5)).p == 1
    assert np.isnan(mcnemar(np.zeros(5)).effect)


def test_seeds_are_no_users():
    """Three equal seeds say what one says."""
    reference, method = frame([0.0] * 6), frame([1.0] * 5 + [0.0])
    rows = {"R": seeded(reference, reference, reference), "M": seeded(method, method, method)}
    several = compare(rows, "R", "A", [10], CALM)
    one = compare(
        {"R": seeded(reference), "M": seeded(method)}, "R", "A", [10], CALM, least_seeds=1
    )
    pd.testing.assert_frame_equal(several.drop(columns="seeds"), one.drop(columns="seeds"))
    assert several.set_index("metric").loc["hr", "p_users"] == pytest.approx(2 / 32)


def test_a_user_is_discordant_where_shares_of_seeds_differ():
    """Hits in 3 of 3 seeds against 1, in 2 against 0, in 1 against 1, in 0 against 1."""
    method = [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]]
    reference = [[1, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    rows = {
        name: seeded(*(frame(hr, hr) for hr in per_seed))
        for name, per_seed in (("M", method), ("R", reference))
    }
    row = compare(rows, "R", "A", [10], CALM).set_index("metric").loc["hr"]
    assert (row["better"], row["worse"]) == (2, 1)
    assert row["difference"] == pytest.approx((2 / 3 + 2 / 3 + 0 - 1 / 3) / 4)


# --- Holm


def test_holm_by_hand():
    """Sorted .01 .02 .03 .04 times 4 3 2 1 is .04 .06 .06 .04, and no value is under an earlier one."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.001]) == pytest.approx([0.9, 0.002])
    assert holm([0.5, 0.6]) == pytest.approx([1, 1])
    assert holm([]).tolist() == []


def test_holm_leaves_out_what_was_not_tested():
    assert holm([np.nan, 0.02, 0.03]) == pytest.approx([np.nan, 0.04, 0.04], nan_ok=True)


def test_holm_does_not_depend_on_the_order():
    rng = np.random.default_rng(0)
    p_values = rng.random(30) ** 3
    order = rng.permutation(30)
    assert holm(p_values[order]).tolist() == holm(p_values)[order].tolist()
    assert (holm(p_values) >= p_values).all()


# --- users and trainings


def by_hand():
    """Three users, two seeds, two trainings of M and one of R.

    M's trainings have means .4 and .6 under seed 1, .2 and .2 under seed 2; its users' means are .25, .35 and .45, and
    R's all .2. Retrain's trainings have means .5 and .7, then .3 and .5.
    """
    of_m = [[0.2, 0.4, 0.6], [0.4, 0.6, 0.8]], [[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]]
    of_r = [0.1, 0.3, 0.2], [0.3, 0.1, 0.2]
    rows = {"R": seeded(*map(frame, of_r)), "M": trained(*(map(frame, own) for own in of_m))}
    return rows, retrain([0.5, 0.7], [0.3, 0.5])


def of_ndcg(*given, **options):
    return compare(*given, **options).set_index(["comparison", "metric"]).xs("ndcg", level="metric")


def test_the_variance_is_of_users_and_of_trainings():
    """Differences .05, .15 and .25 have variance .01 over three users.

    M's trainings: squares .02 over one and one degrees of freedom, halved for two trainings and again for two seeds.
    R has one training under each seed, so Retrain's .04 over two degrees of freedom, halved for two seeds.
    """
    rows, noise = by_hand()
    row = of_ndcg(rows, "R", "A", [10], noise, least_seeds=2).loc["M"]
    users, own, borrowed = 0.01 / 3, 0.02 / 2 / 4, 0.04 / 2 / 2
    total = users + own + borrowed
    df = total**2 / (users**2 / 2 + own**2 / 2 + borrowed**2 / 2)
    assert (row["n"], row["seeds"], row["trainings"]) == (3, 2, 2)
    assert row["difference"] == pytest.approx(0.15)
    assert row["se_users"] ** 2 == pytest.approx(users)
    assert row["se_trainings"] ** 2 == pytest.approx(own + borrowed)
    assert row["df"] == pytest.approx(df)
    assert row["p"] == pytest.approx(2 * stats.t.sf(0.15 / total**0.5, df))
    reach = stats.t.ppf(0.975, df) * total**0.5
    assert (row["low"], row["high"]) == pytest.approx((0.15 - reach, 0.15 + reach))
    assert (row["null_low"], row["null_high"]) == pytest.approx((-0.2, 0.2))  # .6 less .4


def test_a_row_of_the_references_training_is_distant_by_users_alone():
    """Then it is the paired t test."""
    rows, noise = by_hand()
    row = of_ndcg(rows, "R", "A", [10], noise, of_one_training=["M"], least_seeds=2).loc["M"]
    assert (row["se_trainings"], row["df"]) == (0, pytest.approx(2))
    assert row["p"] == pytest.approx(stats.ttest_rel([0.25, 0.35, 0.45], [0.2] * 3).pvalue)


def test_two_rows_of_one_training_borrow_twice():
    rows = {"R": seeded(frame([0.1, 0.3])), "M": seeded(frame([0.2, 0.4]))}
    row = of_ndcg(rows, "R", "A", [10], retrain([0.4, 0.6, 0.5]), least_seeds=1).loc["M"]
    assert (row["se_users"], row["trainings"]) == (0, 1)
    assert row["se_trainings"] ** 2 == pytest.approx(2 * 0.01)
    assert row["df"] == pytest.approx(2)  # of three trainings


def test_where_nothing_varies_a_difference_is_certain():
    rows = {"R": seeded(frame([0.2, 0.2])), "M": seeded(frame([0.3, 0.3]))}
    table = compare(rows, "R", "A", [10], CALM, least_seeds=1).set_index("metric")
    assert table.loc["ndcg", ["p", "low", "high"]].tolist() == pytest.approx([0, 0.1, 0.1])
    assert table.loc["hr", ["difference", "p", "low", "high"]].tolist() == [0, 1, 0, 0]


def test_trainings_by_hand():
    """Two seeds, of three trainings and of one: squares .02 over two degrees of freedom; (1/3 + 1) / 4 of it."""
    found = Trainings({1: [0.4, 0.5, 0.6], 2: [0.9]})
    assert (found.least, found.df) == (1, 2)
    assert found.variance == pytest.approx(0.01)
    assert found.factor == pytest.approx(1 / 3)
    assert found.reach == 0  # one training has all seeds
    lone = Trainings({1: [0.4], 2: [0.9]})
    assert (lone.df, lone.factor) == (0, 0.5)
    assert np.isnan(lone.variance)


def test_reach_is_of_means_over_seeds():
    """(.1 + .5) / 2, (.4 + .3) / 2, (.2 + .2) / 2."""
    assert Trainings({1: [0.1, 0.4, 0.2], 2: [0.5, 0.3, 0.2]}).reach == pytest.approx(0.15)


def drawn_trainings(rng, count, users=60, apart=0.03, noise=0.08):
    """Trainings of one model: a level of each user, a level of each training, and noise."""
    level = rng.uniform(0.35, 0.65, users)
    values = level + rng.normal(0, apart, (count, 1)) + rng.normal(0, noise, (count, users))
    return [np.clip(own, 0.01, 1) for own in values]


def hits(values):
    """Hits of the same trainings, as NDCG above a level that most users are near."""
    return [(own > 0.5).astype(float) for own in values]


def alarms(rng, worlds, seeds, count=8):
    """Shares of pairs of trainings, by metric, that have p < .05: over users and trainings, over users alone.

    Under each seed there are `count` trainings; two of them are compared, the others are the noise.
    """
    found = []
    for _ in range(worlds):
        drawn = [drawn_trainings(rng, count) for _ in range(seeds)]
        frames = [
            [frame(*both) for both in zip(values, hits(values), strict=True)] for values in drawn
        ]
        for first in range(0, count, 2):
            pair = {
                name: seeded(*(own[first + step] for own in frames))
                for step, name in enumerate("AB")
            }
            rest = trained(*(own[:first] + own[first + 2 :] for own in frames))
            table = compare(pair, "A", "A", [10], rest, least_seeds=1)
            found.append(table.set_index("metric")[["p", "p_users"]] < 0.05)
    return pd.concat(found).groupby(level=0).mean()


@pytest.mark.parametrize(("worlds", "seeds"), [(30, 1), (12, 3)])
def test_trainings_of_one_model_are_not_called_different(worlds, seeds):
    """A test of the test: at most 7 % of pairs at 5 %. Who looks at users alone is fooled far more often."""
    shares = alarms(np.random.default_rng(31), worlds, seeds)
    assert (shares["p"] <= 0.07).all()
    assert shares.loc["ndcg", "p_users"] > 0.25


def test_a_real_difference_is_found():
    """Of .12, which is 2.8 standard deviations of the difference of two trainings; noise of eight others."""
    rng, found = np.random.default_rng(32), []
    for _ in range(30):
        own, other, *rest = drawn_trainings(rng, 10)
        rows = {"A": seeded(frame(own)), "B": seeded(frame(np.clip(other + 0.12, 0, 1)))}
        noise = trained(list(map(frame, rest)))
        found.append(of_ndcg(rows, "A", "A", [10], noise, least_seeds=1).loc["B"])
    table = pd.DataFrame(found)
    assert (table["p"] < 0.05).mean() > 0.5
    assert table["difference"].mean() == pytest.approx(0.12, abs=0.025)
    covered = (table["low"] < 0.12) & (table["high"] > 0.12)
    assert covered.mean() > 0.9


def test_more_trainings_show_more():
    """The same difference, of five trainings each, is beyond doubt."""
    rng = np.random.default_rng(33)
    values = drawn_trainings(rng, 10, apart=0.01)
    rows = {
        "A": trained([frame(own) for own in values[:5]]),
        "B": trained([frame(np.clip(own + 0.06, 0, 1)) for own in values[5:]]),
    }
    row = of_ndcg(rows, "A", "A", [10], rows["A"], least_seeds=1).loc["B"]
    single = {name: {(1, 0): row_[1, 0]} for name, row_ in rows.items()}
    alone = of_ndcg(single, "A", "A", [10], rows["A"], least_seeds=1).loc["B"]
    assert row["p"] < 0.001
    assert row["se_trainings"] < alone["se_trainings"]
    assert (row["trainings"], alone["trainings"]) == (5, 1)


# --- a table of comparisons


def random_rows(rng, shifts, users=120, seeds=3):
    """Rows whose users have a level of their own; a row is better by its shift."""
    level = rng.random(users) * 0.5
    return {
        label: seeded(
            *(frame(np.clip(level + shift + rng.normal(0, 0.1, users), 0, 1)) for _ in range(seeds))
        )
        for label, shift in shifts.items()
    }


def test_the_table():
    rng = np.random.default_rng(5)
    rows = random_rows(rng, {"CRAGRU": 0.0, "Better": 0.1, "Same": 0.0})
    noise = retrain([0.3, 0.31], [0.3, 0.29], [0.31, 0.3])
    table = compare(rows, "CRAGRU", "A", [10], noise)
    assert [*table.columns] == [
        *("comparison", "reference", "metric", "k", "seeds", "trainings", "n", "difference"),
        *("low", "high", "se_users", "se_trainings", "df", "p", "test", "p_users", "statistic"),
        *("effect", "better", "worse", "null_low", "null_high", "p_holm"),
    ]
    assert [*zip(table["comparison"], table["metric"], table["test"], strict=True)] == [
        *(("Better", "hr", "mcnemar"), ("Same", "hr", "mcnemar")),
        *(("Better", "ndcg", "wilcoxon"), ("Same", "ndcg", "wilcoxon")),
    ]
    assert set(table["reference"]) == {"CRAGRU"}
    assert [set(table[name]) for name in ("n", "seeds", "trainings")] == [{120}, {3}, {1}]
    found = table[table["metric"] == "ndcg"].set_index("comparison")
    means = {
        label: np.mean([own["ndcg"].mean() for own in row.values()]) for label, row in rows.items()
    }
    assert found.loc["Better", "difference"] == pytest.approx(means["Better"] - means["CRAGRU"])
    assert found.loc["Better", "low"] < 0.1 < found.loc["Better", "high"]
    assert found.loc["Better", "p_holm"] < 1e-4
    assert found.loc["Better", "p_users"] < 1e-6
    assert found.loc["Better", "effect"] > 0.8
    assert found.loc["Same", "p_holm"] > 0.05
    assert found.loc["Same", "low"] < 0 < found.loc["Same", "high"]
    assert found["null_high"].tolist() == pytest.approx([0.01 / 3] * 2)  # means .91/3 and .90/3
    assert table["p_holm"].tolist() == holm(table["p"]).tolist()


def test_swapping_the_rows_turns_the_signs():
    rows = random_rows(np.random.default_rng(2), {"A": 0.0, "B": 0.02})
    one = compare(rows, "A", "A", [10], CALM).set_index("metric").loc["ndcg"]
    other = compare(rows, "B", "A", [10], CALM).set_index("metric").loc["ndcg"]
    for same in ("p", "p_users", "df"):
        assert one[same] == pytest.approx(other[same])
    assert (one["difference"], one["effect"]) == (
        pytest.approx(-other["difference"]),
        pytest.approx(-other["effect"]),
    )
    assert (one["low"], one["better"]) == (pytest.approx(-other["high"]), other["worse"])


def test_order_of_users_and_labels_does_not_matter():
    rows = random_rows(np.random.default_rng(3), {"A": 0.0, "B": 0.02, "C": 0.0})
    shuffled = {
        label: {
            key: own.sample(frac=1, random_state=key[0])
            for key, own in reversed(rows[label].items())
        }
        for label in ("C", "A", "B")
    }
    key = ["comparison", "metric"]
    one, other = (
        compare(given, "A", "A", [10], CALM).sort_values(key, ignore_index=True)
        for given in (rows, shuffled)
    )
    pd.testing.assert_frame_equal(one, other)


def test_only_the_mask_and_cut_offs_asked_for():
    def results(*values):
        return pd.concat([frame([value] * 3, k=k, mask=mask) for value, k, mask in values])

    rows = {
        "A": seeded(results((0.1, 5, "A"), (0.9, 10, "B"), (0.2, 10, "A"))),
        "B": seeded(results((0.3, 5, "A"), (0, 10, "B"), (1, 10, "A"))),
    }
    noise = trained([results((0.2, 5, "A"), (value, 10, "A")) for value in (0.4, 0.6)])
    table = compare(rows, "A", "A", [5, 10], noise, least_seeds=1).query("metric == 'ndcg'")
    assert table["k"].tolist() == [5, 10]
    assert table["difference"].tolist() == pytest.approx([0.2, 0.8])
    assert table["null_high"].tolist() == pytest.approx([0, 0.2])


def test_no_test_before_averaging_over_three_seeds():
    rng = np.random.default_rng(4)
    rows = random_rows(rng, {"A": 0.0, "B": 0.2}, seeds=2)
    table = compare(rows, "A", "A", [10], CALM)
    assert table[["p", "p_holm", "p_users"]].isna().all(axis=None)
    shown = ["difference", "low", "high", "se_users", "null_low", "null_high"]
    assert table[shown].notna().all(axis=None)


def test_a_family_is_a_whole_table():
    rows = random_rows(np.random.default_rng(6), {"A": 0.0, "B": 0.03, "C": 0.02})
    parts = [
        compare(rows, "A", "A", [10], CALM).assign(backbone=name) for name in ("BPR", "LightGCN")
    ]
    table = one_family(parts)
    assert len(table) == 8
    assert table["p_holm"].tolist() == holm(table["p"]).tolist()
    assert table["p_holm"].max() > parts[0]["p_holm"].min()


def test_trainings_are_averaged_before_seeds():
    """.2 and .4 under seed 1, .9 under seed 2: (.3 + .9) / 2, whatever the number of trainings."""
    row = trained([frame([0.2]), frame([0.4])], [frame([0.9])])
    assert paired_values({"A": row}, "ndcg", "A", 10)["A"].tolist() == pytest.approx([0.6])


def test_users_may_come_and_go_with_the_split():
    """A user whom one seed evaluates alone has that seed's result."""
    rows = {
        "A": seeded(frame([0.2, 0.4], users=[0, 1]), frame([0.6, 0.8], users=[1, 2])),
        "B": seeded(frame([0.2, 0.4], users=[0, 1]), frame([0.8, 0.8], users=[1, 2])),
    }
    values = paired_values(rows, "ndcg", "A", 10)
    assert values.index.tolist() == [0, 1, 2]
    assert values["A"].tolist() == pytest.approx([0.2, 0.5, 0.8])
    assert values["B"].tolist() == pytest.approx([0.2, 0.6, 0.8])


@pytest.mark.parametrize("test", [signed_rank, mcnemar])
def test_no_more_false_alarms_than_promised(test):
    """200 nulls at .05: more than .10 of them would be three standard errors too many."""
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(200):
        level = rng.random(80)
        if test is mcnemar:
            shares = rng.random((2, 3, 80)) < level  # model, seed, user
            differences = shares[0].mean(axis=0) - shares[1].mean(axis=0)
        else:
            differences = level.round(1) * rng.normal(size=80).round(1)
        alarms += test(differences).p < 0.05
    assert 1 <= alarms <= 20


def test_a_known_effect_is_found():
    rng = np.random.default_rng(12)
    found = [
        (
            signed_rank(rng.normal(0.5, 1, 80)).p < 0.05,
            mcnemar((rng.random(80) < 0.8) * 1.0 - (rng.random(80) < 0.5)).p,
        )
        for _ in range(50)
    ]
    assert np.mean([wilcoxon for wilcoxon, _ in found]) > 0.9
    assert np.mean([p < 0.05 for _, p in found]) > 0.9


# --- what cannot be compared

ONE = frame([0.1, 0.2])
WHERE = "A: mask A, k 10"
BAD_ROWS = [
    (
        {"A": seeded(ONE), "B": {(2, 0): ONE}},
        "A",
        {"place": "B", "got": [2], "what": "not the seeds of A"},
    ),
    (
        {"A": seeded(ONE), "B": seeded(frame([0.1, 0.2], users=[0, 2]))},
        "A",
        {"place": "B", "got": [1, 2], "what": "not the users of A"},
    ),
    (
        {"A": seeded(ONE), "B": seeded(frame([0.1, 0.2], relevant=[1, 2]))},
        "A",
        {"place": "B", "what": "not the test rows of A"},
    ),
    ({"A": seeded(frame([0.1, 0.2], k=5)), "B": seeded(ONE)}, "A", {"place": WHERE}),
    (
        {"A": seeded(frame([0.1, 0.2], hr=[1, 0.5])), "B": seeded(ONE)},
        "A",
        {"place": f"{WHERE}: user 1", "got": 0.5, "what": "no value of hr"},
    ),
    (
        {"A": seeded(frame([0.1, 1.2])), "B": seeded(ONE)},
        "A",
        {"place": f"{WHERE}: user 1", "got": 1.2, "what": "no value of ndcg"},
    ),
    (
        {"A": seeded(frame([0.1, np.nan])), "B": seeded(ONE)},
        "A",
        {"place": f"{WHERE}: user 1", "what": "no value of ndcg"},
    ),
]


@pytest.mark.parametrize(("rows", "reference", "parts"), BAD_ROWS)
def test_bad_rows(rows, reference, parts):
    with refused(**parts):
        compare(rows, reference, "A", [10], CALM)


def test_the_sentence():
    with pytest.raises(CragruError) as caught:
        compare({"A": seeded(ONE), "B": {(2, 0): ONE}}, "A", "A", [10], CALM)
    assert str(caught.value) == "B: not the seeds of A, got [2]"


def test_ndcg_may_be_rounded_up_from_1():
    assert paired_values({"A": seeded(frame([1 + 2**-52]))}, "ndcg", "A", 10)["A"].tolist() == [
        1 + 2**-52
    ]


def test_further_trainings_of_other_users():
    rows = {"A": seeded(ONE), "B": trained([ONE, frame([0.1])])}
    with refused(place="B", got=[1], what="not the users of A"):
        compare(rows, "A", "A", [10], CALM)


# --- bootstrap


def test_value_and_order_of_the_bounds():
    values = np.arange(50.0)
    found = bootstrap(column_mean, [values], np.random.default_rng(0))
    assert found.value == 24.5
    assert found.low < 24.5 < found.high
    error = values.std() / np.sqrt(50)
    assert (found.high - found.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.08)


def test_equal_users_leave_no_doubt():
    found = bootstrap(column_mean, [np.full(9, 0.25)], np.random.default_rng(0))
    assert (found.value, found.low, found.high) == (0.25, 0.25, 0.25)


def test_all_resamples_of_two_users():
    """Means of 0 and 1 drawn twice: 0, 1/2, 1 with chances 1/4, 1/2, 1/4."""
    found = bootstrap(column_mean, [np.array([0.0, 1.0])], np.random.default_rng(0), 400, level=0.4)
    assert (found.low, found.high) == (0.5, 0.5)
    wide = bootstrap(column_mean, [np.array([0.0, 1.0])], np.random.default_rng(0), 400, level=0.6)
    assert (wide.low, wide.high) == (0, 1)


def test_reflected_bounds():
    values = np.random.default_rng(1).exponential(size=40)
    plain, turned = (
        bootstrap(column_mean, [values], np.random.default_rng(2), bounds=bounds)
        for bounds in ("percentile", "reflected")
    )
    assert (turned.low, turned.high) == (
        pytest.approx(2 * plain.value - plain.high),
        2 * plain.value - plain.low,
    )


@pytest.mark.parametrize("shift", [2.0, 0.01, -2.0])
def test_bounds_of_a_size(shift):
    values = np.random.default_rng(1).normal(size=40)
    values += shift - values.mean()
    plain, size = (
        bootstrap(column_mean, [values], np.random.default_rng(2), bounds=bounds)
        for bounds in ("percentile", "size")
    )
    assert size.value == abs(plain.value)
    ends = sorted([abs(plain.low), abs(plain.high)])
    assert (size.low, size.high) == (0 if shift == 0.01 else ends[0], ends[1])


def test_pairs_stay_pairs():
    """Of equal arrays the difference is 0 in every resample."""
    values = np.random.default_rng(0).normal(size=30)
    found = bootstrap(lambda a, b: (a - b).mean(axis=1), [values, values], np.random.default_rng(1))
    assert (found.low, found.high) == (0, 0)


def test_any_statistic_of_rows_of_users():
    table = np.random.default_rng(0).normal(size=(40, 3))
    found = bootstrap(
        lambda rows: np.median(rows[:, :, 1], axis=1), [table], np.random.default_rng(1), 200
    )
    assert found.value == np.median(table[:, 1])
    assert found.low <= found.value <= found.high


def test_the_same_seed_gives_the_same_bounds_and_each_name_its_own(monkeypatch):
    values = [np.random.default_rng(0).normal(size=200)]
    settings = Resampling(3, 200)
    first = settings.interval(column_mean, values, "a")
    assert settings.interval(column_mean, values, "a") == first
    assert settings.interval(column_mean, values, "b") != first
    assert Resampling(4, 200).interval(column_mean, values, "a") != first
    monkeypatch.setattr(bootstrap_module, "ELEMENTS", 999)  # in many small steps
    assert settings.interval(column_mean, values, "a") == first


def test_coverage():
    """Skewed values of 60 users, as NDCG is: 300 intervals of .95 cover the truth nearly as often."""
    rng = np.random.default_rng(21)
    truth = 0.8 * 2 / 7
    covered = 0
    for _ in range(300):
        values = rng.beta(2, 5, size=60) * (rng.random(60) < 0.8)
        found = bootstrap(column_mean, [values], rng, 400)
        covered += found.low <= truth <= found.high
    assert 0.90 <= covered / 300 <= 0.98


def test_mean_of_those_who_are_of_the_group():
    values = np.array([[1.0, np.nan, 3.0], [np.nan] * 3])
    assert column_mean(values).tolist() == pytest.approx([2, np.nan], nan_ok=True)


def test_a_group_that_a_resample_may_miss_has_no_bounds():
    found = bootstrap(column_mean, [np.array([1.0] + [np.nan] * 9)], np.random.default_rng(0), 200)
    assert found.value == 1
    assert np.isnan([found.low, found.high]).all()
