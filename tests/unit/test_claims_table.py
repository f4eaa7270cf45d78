"""The headline claims and the times by size of the request, by hand."""

import pandas as pd
import pytest
from metric_columns import metric_columns

from cragru.errors import CragruError
from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.schema import PER_USER
from cragru.reporting.claims_table import Kept, claims_grid, kept_claims, mean_claims, speed_claims
from cragru.reporting.size_table import size_grid, size_table
from cragru.reporting.utility_table import Measured

RESAMPLING = Resampling(seed=1, resamples=200)


def measured(method, values, mask="A", seed=1):
    metrics = metric_columns(hr=1.0, ndcg=values)
    columns = {"user": range(len(values)), "mask": mask, "k": 10, **metrics, "relevant": 2}
    return Measured("Toy", "BPR", method, seed, pd.DataFrame(columns).astype(PER_USER), "cohort")


def times(**seconds):
    """One user: median, fastest and slowest by method."""
    rows = [
        {"dataset": "Toy", "backbone": "BPR", "method": name, "seconds_sequential": middle}
        | {"seconds_sequential_min": least, "seconds_sequential_max": most, "measured": 3}
        for name, (middle, least, most) in seconds.items()
    ]
    table = pd.DataFrame(rows)
    fastest = [table.loc[table["method"] != name, "seconds_sequential"].min() for name in table["method"]]
    return table.assign(speed_up=fastest / table["seconds_sequential"])


def test_what_is_kept_is_a_ratio_of_means():
    rows = [measured("CRAGRU", [0.2, 0.4, 0.0]), measured("Retrain", [0.4, 0.4, 0.4])]
    (found,) = kept_claims(rows, [Kept("CRAGRU", "Retrain", "A", 0.9)], 10, RESAMPLING, 2).to_dict("records")
    assert found["value"] == pytest.approx(0.5)
    assert found["low"] < 0.5 < found["high"]
    assert (found["printed"], found["n"]) == (0.9, 3)
    assert found["claim"] == "NDCG@10 of CRAGRU / of Retrain, mask A"


def test_users_are_averaged_over_seeds_first():
    rows = [measured("CRAGRU", [0.2, 0.2], seed=1), measured("CRAGRU", [0.4, 0.4], seed=2)]
    rows += [measured("Retrain", [0.5, 0.5], seed=seed) for seed in (1, 2)]
    (found,) = kept_claims(rows, [Kept("CRAGRU", "Retrain", "A")], 10, RESAMPLING, 2).to_dict("records")
    assert found["value"] == pytest.approx(0.6)


def test_too_few_users_leave_a_blank_with_their_number():
    rows = [measured("CRAGRU", [0.2, 0.4]), measured("Retrain", [0.4, 0.4])]
    table = kept_claims(rows, [Kept("CRAGRU", "Retrain", "A")], 10, RESAMPLING, 20)
    assert table["value"].isna().all()
    _, ((*_, found, n),) = claims_grid(table)
    assert (found.value, n.value) == ("", "2")


def test_a_group_without_the_rows_makes_no_claim():
    assert kept_claims([measured("Retrain", [0.4])], [Kept("CRAGRU", "Retrain", "A")], 10, RESAMPLING, 2).empty


def test_the_speed_up_is_over_the_fastest_other():
    table = speed_claims(times(Retrain=(10, 9, 11), SCIF=(2, 1, 3), CRAGRU=(4, 2, 8)), "CRAGRU")
    (found,) = table.to_dict("records")
    assert (found["value"], found["low"], found["high"], found["n"]) == (0.5, 0.25, 1.0, 3)
    with pytest.raises(CragruError, match="has no row 'CRAGRU' beside another"):
        speed_claims(times(Retrain=(10, 9, 11)), "CRAGRU")


def test_printed_averages_stand_beside_means():
    rows = [("BPR", 0.8, 0.9), ("LightGCN", 1.0, 0.9), ("LightGCN", float("nan"), 0.9)]
    columns = ["dataset", "backbone", "claim", "printed", "value", "low", "high", "n"]
    table = pd.DataFrame([["Toy", name, "kept", said, got, 0.1, 2.0, 24] for name, got, said in rows], columns=columns)
    *own, mean = mean_claims(table).to_dict("records")
    assert all(pd.isna(row["printed"]) for row in own)
    assert (mean["dataset"], mean["value"], mean["printed"], mean["n"]) == ("mean", pytest.approx(0.9), 0.9, 2)
    _, grid = claims_grid(mean_claims(table))
    assert [text.value for text in grid[-1]] == ["mean", "mean", "kept", "0.9", "0.9", "2"]


LARGE = [
    {"dataset": "Toy", "backbone": "BPR", "method": "Retrain", "seconds_sequential": 30.0},
    {"dataset": "Toy", "backbone": "BPR", "method": "Retrain", "seconds_sequential": 50.0},
    {"dataset": "Toy", "backbone": "BPR", "method": "CRAGRU", "seconds_per_user": 2.0},
    {"dataset": "Toy", "backbone": "BPR", "method": "SISA", "seconds_sequential": 1.0},  # has no small request
]


def test_sizes_by_hand():
    """Retrain: 10 s, then the mean of 30 and 50; CRAGRU: 4 s, then 2 s for each of 100 users; 40 s are 20 users."""
    table = size_table(times(Retrain=(10, 9, 11), CRAGRU=(4, 2, 8)), LARGE, {"Toy": 100}, "Retrain")
    assert table[["method", "one_user", "large", "growth", "is_computed"]].values.tolist() == [
        ["Retrain", 10, 40, 4, False],
        ["CRAGRU", 4, 200, 50, True],
    ]
    assert pd.isna(table["users_in_a_retraining"][0]) and table["users_in_a_retraining"][1] == 20
    _, grid = size_grid(table)
    assert [text.value for text in grid[1]] == ["Toy", "BPR", "CRAGRU", "4.00", "200 *", "50.0", "20.0"]


def test_a_table_of_nothing_is_an_error():
    with pytest.raises(CragruError, match="no method serves both"):
        size_table(times(Retrain=(1, 1, 1)), LARGE[3:], {"Toy": 100}, "Retrain")
