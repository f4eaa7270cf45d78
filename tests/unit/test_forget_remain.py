"""Figure 3: its numbers by hand, whom it compares, what is drawn, its files."""

import matplotlib.style
import numpy as np
import pandas as pd
import pytest
from making import make
from matplotlib.colors import to_hex
from metric_columns import metric_columns
from refusals import refused

from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.completeness_columns import FORGET_REMAIN, VARIANT
from cragru.kept.files import write_json, write_parquet
from cragru.reporting import bars as bars_module
from cragru.reporting.bars import draw_bars
from cragru.reporting.forget_remain_figure import (
    COLUMNS,
    forget_remain_bars,
    forget_remain_data,
    forget_remain_note,
)

pytestmark = pytest.mark.usefixtures("hr_and_ndcg")

BY_HAND = Resampling(seed=0, resamples=400)


def per_user(forget, remain, users=None, ks=(5,)):
    """HR of forgotten and remaining rows of users 0, 1, ... or those given; NDCG is half of it."""
    rows = [
        {"user": user, "group": group, "k": k, **metric_columns(hr=value, ndcg=value / 2)}
        for group, values in (("forget", forget), ("remain", remain))
        for k in ks
        for user, value in zip(users or range(len(values)), values, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(FORGET_REMAIN)).astype(FORGET_REMAIN)


def bar(method, *seeds, panel="all users", dataset="ML", backbone="BPR"):
    """A model: one frame of results a seed."""
    names = {"panel": panel, "dataset": dataset, "backbone": backbone, "method": method}
    return [
        (names | {"seed": number, "training": 0}, frame) for number, frame in enumerate(seeds, 1)
    ]


def data_of(*models):
    table = forget_remain_data([row for rows in models for row in rows], BY_HAND)
    assert [*table.columns] == COLUMNS
    return table


# --- the numbers


def test_means_and_their_ratio():
    table = data_of(
        bar("Original", per_user([1, 1, 1, 0], [1, 0, 0, 0])),
        bar("Retrain", per_user([1] * 4, [1] * 4)),
    )
    assert [
        *zip(
            table["method"],
            table["metric"],
            table["group"],
            table["mean"],
            table["ratio"],
            strict=True,
        )
    ] == [
        ("Original", "hr", "forget", 0.75, 3),
        ("Original", "hr", "remain", 0.25, 3),
        ("Retrain", "hr", "forget", 1, 1),
        ("Retrain", "hr", "remain", 1, 1),
        ("Original", "ndcg", "forget", 0.375, 3),
        ("Original", "ndcg", "remain", 0.125, 3),
        ("Retrain", "ndcg", "forget", 0.5, 1),
        ("Retrain", "ndcg", "remain", 0.5, 1),
    ]
    assert table["se_users"][0] == pytest.approx(
        0.5 / 2
    )  # sd of 1, 1, 1, 0 (n - 1), the root of 4 users
    assert table["sd"].isna().all()
    assert set(table["users"]) == {4}


def test_spread_over_seeds_and_error_over_users():
    """Users' means 1, 1/2, 0; seeds' 2/3 and 1/3."""
    row = data_of(bar("M", per_user([1, 1, 0], [1] * 3), per_user([1, 0, 0], [1] * 3))).iloc[0]
    assert (row["mean"], row["seeds"]) == (pytest.approx(0.5), 2)
    assert row["sd"] == pytest.approx((1 / 3) / np.sqrt(2))
    assert row["se_users"] == pytest.approx(0.5 / np.sqrt(3))


def test_the_ratio_is_one_of_means_and_missing_where_nothing_remains():
    """Seeds' ratios are 1 and 3; of their means it is 1 / (2/3)."""
    seeds = per_user([1, 1], [1, 1]), per_user([1, 1], [1 / 3, 1 / 3])
    table = data_of(bar("M", *seeds), bar("N", *[per_user([1, 0], [0, 0])] * 2)).set_index("method")
    assert table.loc["M", "ratio"].tolist() == pytest.approx([1.5] * 4)
    assert table.loc["N", "ratio"].isna().all()


def test_each_k_has_its_own_ratio():
    frame = pd.concat([per_user([1], [0.5]), per_user([0.5], [0.5], ks=(1,))])
    assert data_of(bar("M", frame)).query("group == 'forget'").set_index(["metric", "k"])[
        "ratio"
    ].to_dict() == {
        ("hr", 5): 2,
        ("hr", 1): 1,
        ("ndcg", 5): 2,
        ("ndcg", 1): 1,
    }


def test_seeds_and_backbones_may_have_users_of_their_own():
    one, two = per_user([1, 0], [1, 0]), per_user([1, 0, 0], [1, 0, 0])
    table = data_of(bar("M", one, two), bar("N", one, two), bar("M", two, backbone="LightGCN"))
    assert table.drop_duplicates(["backbone", "method"])["users"].tolist() == [2.5, 2.5, 3]


REFUSED = [
    (
        [
            bar("M", per_user([1, 0], [1, 0])),
            bar("N", per_user([1, 0, 1], [1, 0, 1], users=[1, 2, 3])),
        ],
        {"place": "all users, ML, BPR, N, seed 1", "got": [0, 2, 3]},
    ),
    ([bar("M", per_user([], []))], {"place": "all users, ML, BPR, M, seed 1", "what": "no users"}),
    (
        [bar("M", per_user([1], [1]))] * 2,
        {"place": "all users, ML, BPR, M, seed 1", "what": "there twice"},
    ),
]


@pytest.mark.parametrize(("rows", "parts"), REFUSED)
def test_bars_that_cannot_be_compared(rows, parts):
    with refused(**parts):
        data_of(*rows)


def test_panels_are_of_users_of_their_own_and_follow_each_other():
    """The same model on everybody and on a cohort; a cohort's row alone may be re-ranked lists."""
    everybody, few = per_user([1, 1, 0, 0], [1, 0, 0, 0]), per_user([0, 1], [1, 0], users=[2, 3])
    few_users = {"panel": "cohort few"}
    table = data_of(
        bar("Retrain", everybody), bar("Retrain", few, **few_users), bar("CRAGRU", few, **few_users)
    )
    shown = table[["panel", "method", "users", "ratio"]].drop_duplicates().values.tolist()
    assert shown == [
        ["all users", "Retrain", 4, 2],
        ["cohort few", "Retrain", 2, 1],
        ["cohort few", "CRAGRU", 2, 1],
    ]
    assert table["panel"].is_monotonic_increasing  # no panel in two parts


# --- the interval of a ratio


def interval(table, metric="hr"):
    found = table.query("metric == @metric and group == 'forget'")
    return found[["ratio", "ratio_low", "ratio_high"]].values.tolist()


def test_users_who_all_have_one_ratio_leave_no_doubt():
    """Both bars come from one draw of users: drawn apart, they would give ratios from 1/2 to 8."""
    remain = [1, 0.5, 0.25, 0.125] * 5
    (found,) = interval(data_of(bar("M", per_user([value / 2 for value in remain], remain))))
    assert found == pytest.approx([0.5] * 3)


def test_the_interval_is_of_a_ratio_of_means():
    """Two users, 1 / 1 and 3/4 / 1/4. Draws: both of one, ratio 1 or 3, or one of each, (7/4) / (5/4): half of them."""
    (found,) = interval(data_of(bar("M", per_user([1, 0.75], [1, 0.25]))))
    assert found == pytest.approx([1.4, 1, 3])


def test_the_interval_is_as_wide_as_theory_says():
    """The delta method: (f - ratio r) / mean of r has standard error sd / sqrt(n); 1.96 of these on either side."""
    rng = np.random.default_rng(3)
    remain = rng.random(400)
    forget = 0.3 * remain + rng.random(400)
    ((ratio, low, high),) = interval(data_of(bar("M", per_user(forget, remain))))
    error = np.std((forget - ratio * remain) / remain.mean(), ddof=1) / 20
    assert (low, high) == pytest.approx((ratio - 1.96 * error, ratio + 1.96 * error), abs=error / 2)


def test_a_user_under_several_seeds_is_one_user():
    """The same results under three seeds give the interval of one seed."""
    rng = np.random.default_rng(4)
    frame = per_user(rng.random(30), rng.random(30))
    table = data_of(bar("M", frame), bar("N", frame, frame, frame))
    one, three = interval(table)
    assert one == pytest.approx(three)
    assert one[1] < one[0] < one[2]


def test_seeds_count_alike_whatever_their_users():
    """Under seed 1 two users, ratio 1 / .5; under seed 2 one of them, 0 / 1: means over seeds .5 and .75."""
    seeds = per_user([1, 1], [0.5, 0.5]), per_user([0], [1], users=[1])
    table = data_of(bar("M", *seeds))
    assert table["ratio"].tolist() == pytest.approx([0.5 / 0.75] * 4)


def test_there_is_no_interval_where_a_draw_has_no_ratio():
    """One user in three has remaining rows on the list: some draws miss that user, and 0 divides nothing."""
    ((ratio, low, high),) = interval(data_of(bar("M", per_user([1, 1, 1], [1, 0, 0]))))
    assert ratio == 3
    assert np.isnan(low) and np.isnan(high)


# --- the note


def test_the_note_has_the_ratios_at_the_largest_k():
    frame = pd.concat([per_user([1, 1], [0.5, 0.5]), per_user([0.25] * 2, [0.25] * 2, ks=(1,))])
    wide = per_user([1, 0.75], [1, 0.25])
    table = data_of(
        bar("Original", frame), bar("Retrain", per_user([1, 1], [0, 0])), bar("SCIF", wide)
    )
    note = forget_remain_note(table, "By hand.", 0.9)
    assert note.startswith(
        "n = 2 users (all users); one seed. Error bars: standard error over users."
    )
    assert note.endswith(
        " NDCG@5 of forgotten rows / of remaining ones [90% interval over users, both bars of one draw]: all users, "
        "ML, BPR: Original 2.00, Retrain \N{EN DASH}, SCIF 1.40 [1.00, 3.00]. By hand."
    )


def test_the_note_names_each_panel_with_its_users():
    four, two = per_user([1] * 4, [0.5] * 4), per_user([1] * 2, [0.5] * 2)
    table = data_of(
        bar("M", four, four),
        bar("M", four, four, backbone="LightGCN"),
        bar("M", two, two, panel="cohort few"),
    )
    note = forget_remain_note(table, "", 0.95)
    assert note.startswith(
        "n = 4 users (all users), 2 users (cohort few); mean over 2 seeds (of split and training). "
    )
    assert note.endswith(
        "all users, ML, BPR: M 2.00; all users, ML, LightGCN: M 2.00; cohort few, ML, BPR: M 2.00."
    )


# --- what is drawn


def plausible(
    backbones=("BPR", "LightGCN"),
    methods=("Original", "Retrain", "CRAGRU"),
    datasets=("ML-100K",),
    panels=("all users",),
):
    rng = np.random.default_rng(0)
    rows = [
        bar(
            method,
            per_user(rng.random(9), rng.random(9) / 2, ks=(1, 3, 5)),
            panel=panel,
            dataset=dataset,
            backbone=backbone,
        )
        for panel in panels
        for dataset in datasets
        for backbone in backbones
        for method in methods
    ]
    return data_of(*rows)


def drawn(data):
    with matplotlib.style.context(bars_module.STYLE):
        figure = bars_module._figure(forget_remain_bars(data), "Title", "Note")
        figure.draw_without_rendering()
    return figure


def test_a_panel_for_each_metric_and_two_bars_for_each_model():
    data = plausible()
    axes = drawn(data).axes
    assert [axis.get_title() for axis in axes] == [
        "ML-100K, BPR, HR@K",
        "ML-100K, LightGCN, HR@K",
        "ML-100K, BPR, NDCG@K",
        "ML-100K, LightGCN, NDCG@K",
    ]
    assert [axis.get_ylabel() for axis in axes] == ["HR@K", "HR@K", "NDCG@K", "NDCG@K"]
    assert [label.get_text() for label in axes[0].get_xticklabels()] == ["1", "3", "5"]
    for axis, (_, own) in zip(axes, data.groupby(["metric", "backbone"], sort=False), strict=True):
        by_bar = [rows["mean"].tolist() for _, rows in own.groupby(["method", "group"], sort=False)]
        assert [patch.get_height() for patch in axis.patches] == pytest.approx(
            np.concatenate(by_bar)
        )


def test_panels_of_a_metric_share_their_scale():
    data = plausible(datasets=("ML-100K", "ML-1M"))
    data.loc[(data["metric"] == "hr") & (data["dataset"] == "ML-1M"), "mean"] = 0.99
    tops = [axis.get_ylim()[1] for axis in drawn(data).axes]
    assert tops[0] == tops[1] < tops[2] == tops[3]
    assert tops[4] == tops[5]
    assert tops[6] == tops[7]
    assert max(tops[4:]) < tops[0]


def test_all_users_and_a_cohort_have_panels_with_bars_of_their_own():
    """Everybody: models alone; a cohort: CRAGRU, too. Scales and places of bars are those of the users."""
    data = plausible(["BPR"], panels=("all users", "cohort few"))
    data = data[(data["panel"] == "cohort few") | (data["method"] != "CRAGRU")]
    data.loc[data["panel"] == "cohort few", "mean"] += 1
    axes = drawn(data).axes
    assert [axis.get_title() for axis in axes] == [
        "all users, ML-100K, BPR, HR@K",
        "all users, ML-100K, BPR, NDCG@K",
        "cohort few, ML-100K, BPR, HR@K",
        "cohort few, ML-100K, BPR, NDCG@K",
    ]
    assert [len(axis.patches) for axis in axes] == [3 * 4, 3 * 4, 3 * 6, 3 * 6]
    for (
        axis
    ) in axes:  # the bars of a K stand around its tick: no room is left for bars of other users
        places = [bar.get_x() + bar.get_width() / 2 for bar in axis.patches]
        assert np.mean(places) == pytest.approx(1)
        assert max(places) - min(places) > 2.6
    tops = [axis.get_ylim()[1] for axis in axes]
    assert tops[0] < 1 < tops[2]


def test_a_model_has_one_colour_and_forgotten_rows_are_hatched():
    (legend,) = drawn(plausible()).legends
    looks = {
        text.get_text(): (to_hex(patch.get_facecolor()), patch.get_hatch())
        for text, patch in zip(legend.get_texts(), legend.get_patches(), strict=True)
    }
    assert set(looks) == {
        f"{name}: {kind}"
        for name in ("Original", "Retrain", "CRAGRU")
        for kind in ("forgotten", "remaining")
    }
    for name in ("Original", "Retrain", "CRAGRU"):
        assert looks[f"{name}: forgotten"] == (looks[f"{name}: remaining"][0], "////")
        assert not looks[f"{name}: remaining"][1]
    assert len({colour for colour, _ in looks.values()}) == 3


def test_many_panels_fit_on_a_page_and_the_legend_keeps_a_models_bars_side_by_side():
    """Five models have ten bars: three columns would part a model's two."""
    methods = ["Original", "Retrain", "CRAGRU", "CRAGRU, random ties", "Candidates, no LLM"]
    figure = drawn(plausible(methods=methods, panels=("all users", "cohort pilot")))
    assert len(figure.axes) == 8
    assert figure.get_figheight() < 8
    boxes = [axis.get_tightbbox() for axis in figure.axes] + [figure.legends[0].get_window_extent()]
    assert not [(a, b) for place, a in enumerate(boxes) for b in boxes[:place] if a.overlaps(b)]
    texts = figure.legends[0].get_texts()
    height = {text.get_text(): round(text.get_window_extent().y0) for text in texts}
    for name in methods:
        assert height[f"{name}: forgotten"] == height[f"{name}: remaining"]


def test_equal_data_give_equal_bytes(tmp_path):
    for name in ("one", "two"):
        paths = {ending: tmp_path / f"{name}.{ending}" for ending in ("pdf", "png")}
        draw_bars(forget_remain_bars(plausible(backbones=["BPR"])), "Title", "Note", paths)
    for ending in ("pdf", "png"):
        made = (tmp_path / f"one.{ending}").read_bytes()
        assert made == (tmp_path / f"two.{ending}").read_bytes()
        assert made


# --- its files


def test_figure_three_is_made(tmp_path):
    """Rows of a cohort: a model's file has everybody, CRAGRU's the cohort's lists under each variant."""
    rows = []
    write_json(tmp_path / "cohort.json", {"users": [0, 2]})
    frames = {
        "Retrain": per_user([1, 1, 0], [1, 1, 1]).assign(variant="model"),
        "CRAGRU": pd.concat(
            [
                per_user([1, 1], [1, 0], users=[0, 2]).assign(variant="llm"),
                per_user([0, 0], [0, 0], users=[0, 2]).assign(variant="no-llm"),
            ]
        ),
    }
    for method, variant in (("Retrain", "model"), ("CRAGRU", "llm")):
        path = tmp_path / f"{method}.parquet"
        write_parquet(path, frames[method].reset_index(drop=True), VARIANT | FORGET_REMAIN)
        names = {
            "panel": "cohort few",
            "dataset": "ML",
            "backbone": "BPR",
            "method": method,
            "seed": 1,
            "training": 0,
            "variant": variant,
        }
        rows.append(names | {"forget_remain": path, "cohort": tmp_path / "cohort.json"})
    made = make("figure", tmp_path, "forget_remain_figure", rows, {}, {"note": "By hand."})
    table = pd.read_csv(made["csv"]).query("metric == 'hr'")
    assert [*zip(table["method"], table["group"], table["mean"], table["ratio"], strict=True)] == [
        ("Retrain", "forget", 0.5, 0.5),
        ("Retrain", "remain", 1, 0.5),
        ("CRAGRU", "forget", 1, 2),
        ("CRAGRU", "remain", 0.5, 2),
    ]
    assert made["png"].read_bytes().startswith(b"\x89PNG")
    assert made["pdf"].read_bytes().startswith(b"%PDF")
