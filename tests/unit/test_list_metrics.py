"""Coverage, Gini and novelty by hand, and the table of them."""

import numpy as np
import pandas as pd
import pytest
from making import make

from cragru.evaluation.bias_columns import ITEM_ROWS, LISTS, USER_GROUPS
from cragru.evaluation.list_metrics import NOBODY, Recommended, coverage, gini, novelty
from cragru.kept.files import write_json, write_parquet
from cragru.reporting.lists_table import lists_table
from tests.refusals import refused

ROWS = [8, 4, 1, 0]  # of four items, among eight users with training rows
WORDS = {"title": "by hand", "retrain": "Retrain", "note": ""}


def recommended(*lists, rows=ROWS, users=8):
    return Recommended(np.array(lists), np.array(rows), users)


def test_by_hand():
    """Item 0 stands on three lists, 1 and 2 on one, 3 on none; they have 0, 1, 3 and (as of one user) 3 bits."""
    three = recommended([0, 1], [2, 0], [0, NOBODY])
    assert coverage(three) == 3 / 4
    # counts in order 0, 1, 1, 3; weights -3, -1, 1, 3: (-1 + 1 + 9) / (4 * 5)
    assert gini(three) == pytest.approx(9 / 20)
    assert novelty(three) == pytest.approx((1 / 2 + 3 / 2 + 0) / 3)


def test_the_ends_of_the_scales():
    equal = recommended([0, 1], [2, 3])
    assert (coverage(equal), gini(equal)) == (1, 0)
    same = recommended([1], [1], [1])
    assert coverage(same) == 1 / 4
    assert gini(same) == 3 / 4  # (n - 1) / n
    assert novelty(same) == 1
    assert novelty(recommended([0], [0])) == 0  # everybody has it


def test_an_item_that_nobody_has_is_as_novel_as_one_that_one_user_has():
    assert novelty(recommended([3])) == novelty(recommended([2])) == 3


def test_recboles_formula():
    """Item coverage and Gini as RecBole 1.2.1 writes them, over the items that stand on lists alone."""
    rng = np.random.default_rng(1)
    items = np.stack([rng.permutation(50)[:5] for _ in range(9)])
    counts = np.sort(np.unique(items, return_counts=True)[1])
    index = np.arange(50 - len(counts) + 1, 51)
    wanted = ((2 * index - 50 - 1) * counts).sum() / items.size / 50
    own = recommended(*items, rows=[1] * 50)
    assert gini(own) == pytest.approx(wanted)
    assert coverage(own) == len(counts) / 50


# --- the table


@pytest.fixture
def row(tmp_path):
    """A function that writes the lists of a row, by user, and returns the row."""
    users = pd.DataFrame({"user": range(9), "group": "", "training_rows": [2] * 8 + [0]})
    items = pd.DataFrame({"item": range(4), "training_rows": ROWS})
    write_parquet(tmp_path / "users.parquet", users, USER_GROUPS)
    write_parquet(tmp_path / "items.parquet", items, ITEM_ROWS)

    def write(method, lists, seed=1, panel="all users", cohort=None, training=0):
        rows = [(u, 1 + n, i) for u, own in lists.items() for n, i in enumerate(own)]
        path = tmp_path / f"{method}-{panel}-{seed}-{training}.parquet"
        write_parquet(path, pd.DataFrame(rows, columns=list(LISTS)).astype(LISTS), LISTS)
        names = {"panel": panel, "dataset": "ML", "backbone": "BPR", "method": method, "seed": seed}
        names["training"] = training
        files = {"lists": path, "user_groups": tmp_path / "users.parquet"}
        files |= {"item_rows": tmp_path / "items.parquet", "cohort": cohort}
        return names | {name: path and str(path) for name, path in files.items()}

    return write


def test_a_table_by_hand(row, tmp_path):
    lists = {0: [0, 1], 1: [2, 0], 2: [0]}
    rows = [row("Retrain", lists), row("Original", {0: [0, 1], 1: [0, 1], 2: [0, 1]})]
    write_json(tmp_path / "cohort.json", {"users": [1], "eligible": 3})
    rows.append(row("CRAGRU", lists, panel="cohort pilot", cohort=tmp_path / "cohort.json"))
    made = make("table", tmp_path, "lists_table", rows, {"cutoffs": [2, 1]}, WORDS)
    table = pd.read_csv(made["csv"]).set_index(["method", "metric", "k"])["mean"]
    shipped = table["Retrain"].loc[["coverage", "gini", "novelty"]]
    assert shipped.to_dict() == pytest.approx(
        {
            ("coverage", 1): 2 / 4,  # first places: 0, 2, 0
            ("gini", 1): (1 * 1 + 3 * 2) / 12,
            ("novelty", 1): (0 + 3 + 0) / 3,
            ("coverage", 2): 3 / 4,
            ("gini", 2): 9 / 20,
            ("novelty", 2): 2 / 3,
        }
    )
    assert table["Original"]["coverage", 2] == 2 / 4
    assert table["CRAGRU"]["novelty", 2] == 3 / 2  # user 1 alone
    text = made["md"].read_text()
    assert "| Coverage@1" in text
    assert "| Novelty@2" in text
    assert "all users: n = 3 users; cohort pilot: n = 1 user; one seed." in text
    assert "**" not in text  # nothing is best


def test_seeds_are_averaged(row):
    rows = [row("M", {0: [0], 1: [0]}), row("M", {0: [0], 1: [1], 2: [2]}, seed=2)]
    (line,) = lists_table(rows, [1]).query("metric == 'coverage'").to_dict("records")
    assert (line["mean"], line["seeds"], line["users"]) == (1 / 2, 2, 2.5)
    assert line["sd"] == pytest.approx(np.std([1 / 4, 3 / 4], ddof=1))


def test_further_trainings_are_a_row_of_their_own(row):
    """Coverages of 1/4 and 2/4 under one seed, 2/4 and 1/4 under the other."""
    rows = [row("Retrain", {0: [0], 1: [0]}, seed) for seed in (1, 2)]
    for seed, training, items in ((1, 1, [0, 0]), (1, 2, [0, 1]), (2, 1, [0, 1]), (2, 2, [1, 1])):
        rows.append(row("Retrain", {u: [i] for u, i in enumerate(items)}, seed, training=training))
    own, again = lists_table(rows, [1]).query("metric == 'coverage'").to_dict("records")
    assert (own["method"], own["mean"], own["seeds"]) == ("Retrain", 1 / 4, 2)
    assert (again["method"], again["mean"], again["seeds"]) == ("Retrain, again", 3 / 8, 2)
    assert again["sd"] == pytest.approx(np.std([1, 2, 2, 1], ddof=1) / 4)


def test_rows_that_are_compared_are_of_the_same_users(row):
    with refused(got=[1, 2]):
        lists_table([row("M", {0: [0], 1: [1]}), row("N", {0: [0], 2: [1]})], [1])
