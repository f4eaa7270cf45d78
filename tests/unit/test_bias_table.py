"""Table V: its rows, their null, blanks and notes by hand; its files."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from documents import check_it_fits, compiled
from making import make
from metric_columns import metric_columns
from refusals import refused

from cragru.evaluation.bias import Results
from cragru.evaluation.bias_columns import ITEM_ROWS, LISTS, USER_GROUPS
from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.columns import PER_USER
from cragru.evaluation.popularity import Lists
from cragru.kept.files import write_parquet
from cragru.reporting.bias_table import (
    Compared,
    bias_grid,
    bias_notes,
    read_compared,
    read_lists,
    whole_bias_table,
)
from cragru.reporting.grid import markdown
from cragru.reporting.latex import latex

FEW = Resampling(seed=1, resamples=50)
AGAIN = "Retrain, again"
HEADER = [
    "All",
    "Similar",
    "Far",
    "Propagation bias",
    "SD over users",
    "Worst decile",
    "Disparity change",
]
MINUS = "\N{MINUS SIGN}"


def per_user(ndcg):
    columns = {
        "user": range(len(ndcg)),
        "mask": "B",
        "k": 10,
        **metric_columns(ndcg=ndcg),
        "relevant": 1,
    }
    return pd.DataFrame(columns).astype(PER_USER)


def compared(method, ndcg, again=(0.5,), backbone="BPR", similar=20, seeds=(1,), item_of_again=1):
    """A method of forty users against a Retrain of .5 for all; the first are similar, the last two active."""
    groups = np.array(["similar"] * similar + ["far"] * (40 - similar), dtype=object)
    own, *others = (
        per_user(np.broadcast_to(values, 40).astype(float)) for values in (ndcg, *again)
    )
    rows = np.arange(40) // 38 + 1
    results = Results(own, per_user([0.5] * 40), others, groups, rows)
    popular, other, further = (
        np.full((40, 2), item) for item in (0, 1, item_of_again)
    )  # the method recommends the popular item, Retrain the other
    lists = Lists(np.arange(40), popular, other, [further] * len(others), np.array([9, 1]))
    return Compared(
        ("ML", backbone, method), dict.fromkeys(seeds, results), dict.fromkeys(seeds, lists)
    )


def table_of(*rows, least_users=2):
    return whole_bias_table(rows, FEW, "B", 10, least_users)


def texts_of(table):
    """Texts of the numbers by label of the row."""
    header, grid = bias_grid(table, AGAIN)
    assert header == ["Data set", "Backbone", "Method", *HEADER, "Popularity drift"]
    return [
        (tuple(text.value for text in line[:3]), [text.value for text in line[3:]]) for line in grid
    ]


# --- the numbers


def test_a_row_by_hand():
    """Similar users lose .1, far ones .05 but for four who lose .4: all .11, the worst four .4."""
    lost = np.r_[np.full(20, 0.1), np.full(16, 0.05), np.full(4, 0.4)]
    ((names, texts), (null, _)) = texts_of(table_of(compared("M", 0.5 - lost)))
    assert (names, null) == (("ML", "BPR", "M"), ("ML", "BPR", AGAIN))
    far = (16 * 0.05 + 4 * 0.4) / 20
    disparity = (0.5 - 3.6 / 38) - (
        0.5 - 0.4
    )  # of all that is lost, 4.4, the two active users have .8
    drift = 80 / 85 * math.log(161)  # 80 items in one class, .5 added to each of ten
    values = [-0.11, -0.1, -far, far - 0.1, lost.std(ddof=1), -0.4, disparity, drift]
    assert texts == [f"{value:.4f}".replace("-", MINUS) for value in values]


def test_the_null_is_what_further_retrains_would_have_as_methods():
    """The mean of their values, and in brackets the least and the largest."""
    rng = np.random.default_rng(1)
    again = 0.5 + rng.normal(0, 0.05, (3, 40))
    names = [f"M{number}" for number in range(3)]
    rows = [compared(*both, again, item_of_again=0) for both in zip(names, again, strict=True)]
    table = table_of(*rows)
    shown = table[table["n"] > 0]
    for _, own in shown.groupby(["measure", "group"]):
        values = own["value"]
        for name, number in (("null", values.mean()), ("null_low", values.min())):
            assert own[name].tolist() == pytest.approx([number] * 3)
        assert own["null_high"].tolist() == pytest.approx([values.max()] * 3)
    header, grid = bias_grid(table, AGAIN)
    assert [line[2].value for line in grid] == [*names, AGAIN]
    low, high = again.mean(axis=1).min() - 0.5, again.mean(axis=1).max() - 0.5
    bounds = f"{low:.4f}, {high:.4f}".replace("-", MINUS)
    assert grid[-1][header.index("All")].paper == bounds


def test_each_backbone_has_a_null_of_its_own_below_its_methods():
    rows = [compared("M", 0.4, [0.6]), compared("N", 0.3, [0.6])]
    rows.append(compared("M", 0.4, [0.7], "LightGCN"))
    shown = [(*names[1:], texts[0]) for names, texts in texts_of(table_of(*rows))]
    assert shown == [
        ("BPR", "M", f"{MINUS}0.1000"),
        ("BPR", "N", f"{MINUS}0.2000"),
        ("BPR", AGAIN, "0.1000"),
        ("LightGCN", "M", f"{MINUS}0.1000"),
        ("LightGCN", AGAIN, "0.2000"),
    ]


def test_groups_of_too_few_users_are_blank_and_tell_how_many():
    """Twelve similar users, four of the worst tenth, two active ones."""
    ((_, texts), (_, null)) = texts_of(table_of(compared("M", 0.4, similar=12), least_users=13))
    assert texts[:7] == [
        f"{MINUS}0.1000",
        "(n = 12)",
        f"{MINUS}0.1000",
        "(n = 12)",
        "0.0000",
        "(n = 4)",
        "(n = 2)",
    ]
    assert null[:7] == ["0.0000", "(n = 12)", "0.0000", "(n = 12)", "0.0000", "(n = 4)", "(n = 2)"]


def test_nothing_but_blanks():
    ((_, texts), (_, null)) = texts_of(table_of(compared("M", 0.4), least_users=41))
    assert texts == null == [f"(n = {n})" for n in (40, 20, 20, 20, 40, 4, 2, 40)]


def test_bounds_stand_beside_and_no_zero_is_negative():
    lost = np.r_[np.full(20, 0.1), np.full(20, 0.1 - 1e-7)]
    header, grid = bias_grid(table_of(compared("M", 0.5 - lost)), AGAIN)
    line = dict(zip(header, grid[0], strict=True))
    assert (line["All"].value, line["All"].paper) == (
        f"{MINUS}0.1000",
        f"{MINUS}0.1000, {MINUS}0.1000",
    )
    assert (line["Propagation bias"].value, line["Propagation bias"].paper) == (
        "0.0000",
        "",  # the same for whichever users: no interval
    )


# --- what is shown


def test_notes():
    (note,) = bias_notes(table_of(compared("M", 0.4, similar=12)), "by hand", FEW, AGAIN, 10)
    assert note.startswith(
        "Protocol: by hand. Numbers are NDCG@10 of a method less Retrain's, user by user; below 0 "
    )
    assert (
        "95% intervals over users (bootstrap); one seed. Users: all: 40 users; similar: 12 users; far: 28 users"
        in note
    )
    (note,) = bias_notes(table_of(compared("M", 0.4, seeds=(1, 2))), "by hand", FEW, AGAIN, 10)
    assert "a mean over 2 seeds (of split and training) comes first" in note


def test_it_can_be_rendered(tmp_path):
    rows = [
        compared(method, 0.4, [0.45, 0.52], backbone)
        for backbone in ("BPR", "LightGCN")
        for method in ("M", "N")
    ]
    table = table_of(*rows)
    header, grid = bias_grid(table, AGAIN)
    shown = re.sub(" +", " ", markdown(header, grid, "c"))
    assert f"| BPR | M | {MINUS}0.1000 | {MINUS}0.1000 |" in shown  # all lose alike: no interval
    text = latex(header, grid, "c", "tab:5", bias_notes(table, "by hand", FEW, AGAIN, 10))
    assert "$-$0.1000" in text
    check_it_fits(compiled(tmp_path, text))


# --- its files


@pytest.fixture
def files(tmp_path):
    """What a row has under one seed: five users, of whom the last is not evaluated; user 1's second list is shorter."""
    paths = {}

    def write(name, frame, columns):
        paths[name] = str(tmp_path / f"{name}.parquet")
        write_parquet(paths[name], frame.astype(columns), columns)

    groups = ["similar", "far", "far", "far", "forgotten"]
    write(
        "user_groups",
        pd.DataFrame({"user": range(5), "group": groups, "training_rows": [3, 1, 1, 1, 0]}),
        USER_GROUPS,
    )
    write("item_rows", pd.DataFrame({"item": range(4), "training_rows": [3, 2, 1, 0]}), ITEM_ROWS)
    for name, ndcg in (
        ("method", [0.1, 0.2, 0.3, 0.4]),
        ("retrain", [0.5] * 4),
        ("again_1", [0.6] * 4),
        ("again_2", [0.3] * 4),
    ):
        write(f"{name}_per_user", per_user(ndcg), PER_USER)
        rows = [(user, rank, (user + rank) % 4) for user in range(4) for rank in (1, 2)]
        lists = pd.DataFrame(rows, columns=list(LISTS))
        write(f"{name}_lists", lists if name != "again_1" else lists.drop(index=3), LISTS)
    return paths


def test_lists_are_read_with_their_gaps(files):
    found = read_lists(files)
    assert found.users.tolist() == [0, 1, 2, 3]
    assert found.method.tolist() == [[1, 2], [2, 3], [3, 0], [0, 1]]
    whole = [[1, 2], [2, 3], [3, 0], [0, 1]]
    assert found.retrain.tolist() == whole
    assert [own.tolist() for own in found.again] == [[[1, 2], [2, -1], [3, 0], [0, 1]], whole]
    assert found.training_rows.tolist() == [3, 2, 1, 0]


def of_seeds(files, *seeds, method="M"):
    names = {"dataset": "ML", "backbone": "BPR", "method": method}
    return [names | {"seed": seed} | files for seed in seeds]


def test_a_method_has_its_seeds_together(files):
    first, second = read_compared(
        [*of_seeds(files, 1), *of_seeds(files, 1, 2, method="N"), *of_seeds(files, 2)]
    )
    assert (first.names, second.names) == (("ML", "BPR", "M"), ("ML", "BPR", "N"))
    assert [*first.results] == [*first.lists] == [*second.results] == [1, 2]


def test_a_row_must_not_be_there_twice(files):
    with refused(place="ML, BPR, M, seed 1", what="there twice"):
        list(read_compared(of_seeds(files, 1, 2, 1)))


def test_lists_of_other_users_are_refused(files):
    lists = pd.DataFrame({"user": [0, 9], "rank": 1, "item": 0}).astype(LISTS)
    write_parquet(files["again_1_lists"], lists, LISTS)
    with refused(place=files["again_1_lists"], got=[1, 2, 3, 9]) as caught:
        read_lists(files)
    assert files["method_lists"] in str(caught.value)


def test_it_is_made(files, tmp_path):
    words = {"title": "by hand", "retrain": "Retrain"}
    outputs = make(
        "table", tmp_path, "bias_table", of_seeds(files, 1, 2), {"least_users": 3}, words
    )
    table = pd.read_csv(outputs["csv"]).set_index(["measure", "group"])
    assert table.loc[("delta", "all"), "value"] == pytest.approx(-0.25)
    nulls = table.loc[("delta", "all"), ["null", "null_low", "null_high"]]
    assert nulls.tolist() == pytest.approx([-0.05, -0.2, 0.1])
    assert table.loc[("delta", "far"), "value"] == pytest.approx(-0.2)
    assert table["n"].to_dict() == {
        ("delta", "all"): 4,
        ("delta", "forgotten"): 0,
        ("delta", "similar"): 1,
        ("delta", "far"): 3,
        ("propagation_bias", "similar - far"): 1,
        ("delta_sd", "all"): 4,
        ("worst_decile", "all"): 1,
        ("group_disparity", "active - inactive"): 1,
        ("disparity_change", "active - inactive"): 1,
        ("popularity_drift", "all"): 4,
    }
    assert set(table["seeds"]) == {2}
    assert "Users: all: 4 users; similar: 1 user; far: 3 users" in outputs["md"].read_text()
    assert r"\label{tab:made}" in outputs["tex"].read_text()
