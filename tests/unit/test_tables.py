import math
import re

import pandas as pd
import pytest
from configuration import ROOT
from documents import check_it_fits, compiled
from making import make
from metric_columns import metric_columns
from refusals import refused

from cragru.config.base import load_yaml, parse
from cragru.evaluation.columns import PER_USER
from cragru.kept.files import write_json, write_parquet
from cragru.plan.tables import Tables
from cragru.reporting.base import Table
from cragru.reporting.datasets_table import datasets_grid, datasets_notes, datasets_table
from cragru.reporting.files import write_table
from cragru.reporting.grid import Text, decimals, interval_text, markdown
from cragru.reporting.latex import latex
from cragru.reporting.measured import Measured, read_measured
from cragru.reporting.utility_table import (
    candidates_note,
    utility_grid,
    utility_notes,
    utility_table,
)

pytestmark = pytest.mark.usefixtures("hr_and_ndcg")
HUNDRED_K = {
    "users": 943,
    "items": 1682,
    "interactions": 100_000,
    "interactions_per_user": 106.0445,
    "sparsity": 0.937,
}
STATISTICS = {"ML-100K": HUNDRED_K, "Mine": {**HUNDRED_K, "users": 12345, "sparsity": 0.5}}
PAPER_ONE = "dataset,users,items,interactions,avg_interactions,sparsity_percent\nML-100K,944,1683,100000,106,93.71\n"
PAPER_TWO = "dataset,backbone,method,k,hr,ndcg\nML,BPR,Retrain,5,0.6643,0.2914\nML,BPR,Retrain,10,0.7845,0.291\n"


@pytest.fixture
def paper(tmp_path):
    def written(text):
        path = tmp_path / "paper.csv"
        path.write_text(text)
        return path

    return written


def per_user(hr, ndcg=None, k=5, mask="A"):
    """Results of users 0, 1, ... at one cut-off under one mask."""
    metrics = metric_columns(hr=hr, ndcg=ndcg or hr)
    frame = {"user": range(len(hr)), "mask": mask, "k": k, **metrics, "relevant": 1}
    return pd.DataFrame(frame).astype(PER_USER)


def measured(method, *seeds, dataset="ML", backbone="BPR", **more):
    """A row of a table: one frame of results a seed."""
    return [
        Measured(dataset, backbone, method, number, frame, **more)
        for number, frame in enumerate(seeds, 1)
    ]


# --- Table II: the numbers


def test_mean_over_users():
    wanted = per_user([1, 0, 1, 0], [0.5, 0, 1, 0]), per_user([1, 1, 1, 0], [0.5, 0.25, 1, 0], k=10)
    frame = pd.concat([*wanted, per_user([9, 9, 9, 9], mask="B"), per_user([9, 9, 9, 9], k=3)])
    table = utility_table(measured("M", frame), "A", [5, 10], None)
    assert [*zip(table["metric"], table["k"], table["mean"], strict=True)] == [
        ("hr", 5, 0.5),
        ("hr", 10, 0.75),
        ("ndcg", 5, 0.375),
        ("ndcg", 10, 0.4375),
    ]
    assert table["users"].tolist() == [4] * 4
    assert table["seeds"].tolist() == [1] * 4
    assert table["sd"].isna().all()
    assert table["paper"].isna().all()
    assert utility_table(measured("M", frame), "B", [5], None)["mean"].tolist() == [9, 9]


def test_spread_over_seeds_and_error_over_users():
    table = utility_table(measured("M", per_user([1, 0, 1]), per_user([1, 0, 0])), "A", [5], None)
    row = table.iloc[0]
    assert row["mean"] == pytest.approx(1 / 2)  # of 2/3 and 1/3
    assert row["sd"] == pytest.approx((1 / 3) / math.sqrt(2))  # n - 1
    assert row["se_users"] == pytest.approx(
        0.5 / math.sqrt(3)
    )  # users' means 1, 0, 1/2: sd 1/2 (n - 1), 3 users
    assert (row["users"], row["seeds"]) == (3, 2)


def test_trainings_are_averaged_and_their_spread_is_shown():
    """Means 1/4, 1/2, 3/4 and 1/2 of two trainings under two seeds; users' means 1, .75, .25 and 0."""
    good = {(1, 0): 1, (1, 1): 2, (2, 0): 3, (2, 1): 2}
    rows = []
    for (seed, training), hits in good.items():
        frame = per_user([1.0] * hits + [0.0] * (4 - hits))
        rows.append(Measured("ML", "BPR", "M", seed, frame, training=training))
    row = utility_table(rows, "A", [5], None).iloc[0]
    assert (row["mean"], row["seeds"], row["trainings"], row["users"]) == (0.5, 2, 2, 4)
    assert row["sd"] == pytest.approx(math.sqrt(0.125 / 3))
    users = [1, 0.75, 0.25, 0]  # the first has a hit of each training
    deviations = sum((value - 0.5) ** 2 for value in users)
    assert row["se_users"] == pytest.approx(math.sqrt(deviations / 3 / 4))
    (note,) = utility_notes(utility_table(rows, "A", [5], None), "by hand")
    assert "over 2 seeds (of split and training), 2 trainings of M under each. Original" in note


def test_one_seed_of_many_trainings_has_a_spread():
    rows = [
        Measured("ML", "BPR", "M", 1, per_user([1.0, hit]), training=number)
        for number, hit in enumerate((0.0, 1.0))
    ]
    rows += measured("N", per_user([1.0, 0.0]))
    table = utility_table(rows, "A", [5], None).query("metric == 'hr'").set_index("method")
    assert table.loc["M", "sd"] == pytest.approx(0.5 / math.sqrt(2))
    assert math.isnan(table.loc["N", "sd"])
    (note,) = utility_notes(table.reset_index(), "by hand")
    assert "mean ± standard deviation over one seed, 2 trainings of M under each" in note


def test_seeds_count_the_same_whatever_users_they_have():
    table = utility_table(measured("M", per_user([1]), per_user([0, 0, 0])), "A", [5], None)
    assert (table["mean"][0], table["users"][0]) == (0.5, 2)


def test_rows_do_not_mix():
    rows = [
        measured("N", per_user([1, 1])),
        measured("M", per_user([0, 1])),
        measured("M", per_user([0, 0]), backbone="LightGCN"),
        measured("M", per_user([0.25, 0.25]), dataset="Other"),
    ]
    table = utility_table([one for row in rows for one in row], "A", [5], None)
    table = table[table["metric"] == "hr"]
    assert [
        *zip(table["dataset"], table["backbone"], table["method"], table["mean"], strict=True)
    ] == [
        ("ML", "BPR", "N", 1),
        ("ML", "BPR", "M", 0.5),
        ("ML", "LightGCN", "M", 0),
        ("Other", "BPR", "M", 0.25),
    ]


def test_printed_values_stand_beside_ours(paper):
    frame = pd.concat([per_user([1, 0], k=5), per_user([1, 1], k=10)])
    table = utility_table(
        measured("Original", frame) + measured("Retrain", frame), "A", [10, 5], paper(PAPER_TWO)
    )
    header, grid = utility_grid(table, 1)
    assert header == ["Data set", "Backbone", "Method", "HR@5", "NDCG@5", "HR@10", "NDCG@10"]
    assert [[text.value for text in row] for row in grid] == [
        ["ML", "BPR", name, "0.50", "0.50", "1.00", "1.00"] for name in ("Original", "Retrain")
    ]
    beside = ["", "", "", "0.6643", "0.2914", "0.7845", "0.2910"]
    assert [[text.paper for text in row] for row in grid] == [[""] * 7, beside]


def test_spread_is_shown():
    table = utility_table(measured("M", per_user([1, 0, 1]), per_user([1, 1, 1])), "A", [5], None)
    assert utility_grid(table, 1)[1][0][3].value == "0.83 ± 0.24"


# --- Table II: marks and notes


def with_reach(rows, reach=0.0):
    """Table II of rows whose differences were tested, none of them real, two trainings being `reach` apart."""
    return utility_table(rows, "A", [5], None).assign(differs=False, reach=reach)


def marks(*means, least_users=4, reach=0.0):
    """Marks of HR@5 of methods with these means (in quarters) over four users."""
    frames = [per_user([1.0] * mean + [0.0] * (4 - mean)) for mean in means]
    rows = [one for name, frame in enumerate(frames) for one in measured(f"M{name}", frame)]
    _, grid = utility_grid(with_reach(rows, reach), least_users)
    return [row[3].mark for row in grid]


MARKED = [
    ([1, 3, 2], ["", "best", "second"]),
    ([3, 3, 2, 1], ["best", "best", "second", ""]),
    ([3, 2, 2, 1], ["best", "second", "second", ""]),
    ([2, 2], ["best", "best"]),
    ([3], [""]),
]


@pytest.mark.parametrize(("means", "expected"), MARKED)
def test_best_and_second(means, expected):
    assert marks(*means) == expected


def test_what_two_trainings_are_apart_is_no_second():
    """Means .75, .5 and 0."""
    assert marks(3, 2, 0, reach=0.25) == ["best", "best", "second"]
    assert marks(3, 2, 0, reach=0.24) == ["best", "second", ""]
    assert marks(3, 2, 0, reach=0.75) == ["best"] * 3
    assert marks(4, 2, 1, reach=0.25) == ["best", "second", "second"]


def test_no_marks_where_few_users_were_evaluated():
    assert marks(1, 3, least_users=4) == ["second", "best"]
    assert marks(1, 3, least_users=5) == ["", ""]


def test_marks_are_of_a_data_set_and_backbone():
    rows = measured("M", per_user([1.0])) + measured("N", per_user([0.0]))
    rows += measured("M", per_user([0.0]), backbone="LightGCN") + measured(
        "N", per_user([1.0]), backbone="LightGCN"
    )
    rows += measured("M", per_user([1.0]), dataset="Other")
    _, grid = utility_grid(with_reach(rows), 1)
    assert [row[3].mark for row in grid] == ["best", "second", "second", "best", ""]


def test_notes_tell_users_seeds_and_spread():
    one = utility_table(measured("M", per_user([1, 0])), "A", [5], None)
    assert utility_notes(one, "by hand")[0].startswith(
        "Protocol: by hand. all: n = 2 users, standard error over users at most 0.5000; one seed, so no spread over "
        "seeds. Original: "
    )
    more = measured("M", per_user([1, 0]), per_user([1, 0])) + measured(
        "N", per_user([1, 0, 0]), per_user([1, 0, 0])
    )
    (note,) = utility_notes(utility_table(more, "A", [5], None), "by hand")
    assert (
        "all: n = 2 to 3 users, standard error over users at most 0.5000; mean ± standard deviation over 2 "
        in note
    )
    assert "over 2 seeds (of split and training). Original" in note


# --- Table II: two panels

PAPER_CRAGRU = PAPER_TWO + "ML,BPR,CRAGRU,5,0.6,0.25\n"


def panels(seeds=1, few=2, many=4):
    """SISA and Retrain on many users, then these and CRAGRU with its control on few of them."""

    def row(method, good, users, panel, ties=(None, None)):
        frame = per_user([1.0] * good + [0.0] * (users - good))
        return [
            Measured("ML", "BPR", method, seed, frame, panel, ties[seed - 1])
            for seed in range(1, seeds + 1)
        ]

    return [
        *row("SISA", 1, many, "all"),
        *row("Retrain", 3, many, "all"),
        *row("SISA", 2, few, "pilot"),
        *row("Retrain", 0, few, "pilot"),
        *row("CRAGRU", 1, few, "pilot", (0.85, 0.96)),
        *row("Candidates, no LLM", 2, few, "pilot"),
    ]


PANELS = [
    ("all", "SISA"),
    ("all", "Retrain"),
    ("pilot", "SISA"),
    ("pilot", "Retrain"),
    ("pilot", "CRAGRU"),
    ("pilot", "Candidates, no LLM"),
]


def test_panels_do_not_mix():
    table = utility_table(panels(), "A", [5], None).query("metric == 'hr'")
    assert [*zip(table["panel"], table["method"], strict=True)] == PANELS
    assert table["mean"].tolist() == [0.25, 0.75, 1, 0, 0.5, 1]
    assert table["users"].tolist() == [4, 4, 2, 2, 2, 2]


def test_ties_are_the_mean_over_seeds_and_missing_where_no_llm_scored():
    table = utility_table(panels(seeds=2), "A", [5], None)
    for metric in ("hr", "ndcg"):
        rows = table[table["metric"] == metric].set_index(["panel", "method"])
        assert rows["ties"].dropna().to_dict() == {("pilot", "CRAGRU"): pytest.approx(0.905)}
    assert utility_table(panels()[:2], "A", [5], None)["ties"].isna().all()


def test_ties_are_a_row_s_own():
    rows = [*panels()[:2], *measured("CRAGRU", per_user([1, 0]), panel="pilot", ties=0.5)]
    rows += measured("CRAGRU", per_user([1, 0]), panel="pilot", ties=0.25, backbone="LightGCN")
    rows += measured("CRAGRU", per_user([1, 0]), panel="pilot", ties=0.0, dataset="Other")
    assert utility_table(rows, "A", [5], None).query("metric == 'hr'")["ties"].tolist()[2:] == [
        0.5,
        0.25,
        0,
    ]
    assert [row[-1].value for row in utility_grid(utility_table(rows, "A", [5], None), 1)[1]] == [
        "",
        "",
        "50",
        "25",
        "0",
    ]


def test_two_panels_have_columns_of_users_and_ties():
    header, grid = utility_grid(utility_table(panels(), "A", [5], None), 1)
    assert header == ["Users", "Data set", "Backbone", "Method", "HR@5", "NDCG@5", "Ties [%]"]
    assert [(row[0].value, row[3].value) for row in grid] == PANELS
    assert [row[4].value for row in grid] == [
        "0.25",
        "0.75",
        "1.00",
        "0.00",
        "0.50",
        "1.00",
    ]
    assert [row[-1] for row in grid] == [Text(text) for text in ("", "", "", "", "85", "")]


@pytest.mark.parametrize("panel", ["all", "pilot"])
def test_one_panel_has_no_such_columns(panel):
    table = utility_table([one for one in panels() if one.panel == panel], "A", [5], None)
    header, grid = utility_grid(table, 1)
    assert header == ["Data set", "Backbone", "Method", "HR@5", "NDCG@5"]
    assert [row[0].value for row in grid] == ["ML"] * len(grid)


def test_variants_share_a_printed_row_and_the_first_shows_it(paper):
    frame = per_user([1, 0])
    rows = [
        one for name in ("R (one)", "R (two)") for one in measured(name, frame, printed="Retrain")
    ]
    table = utility_table(rows, "A", [5], paper(PAPER_TWO)).set_index("method")
    assert table.loc["R (one)", "paper"].notna().all()
    assert table.loc["R (two)", "paper"].isna().all()


def test_printed_values_are_shown_once(paper):
    """A method of both panels has them in the first, one of the second alone there."""
    _, grid = utility_grid(utility_table(panels(), "A", [5], paper(PAPER_CRAGRU)), 1)
    shown = {(row[0].value, row[3].value): (row[4].paper, row[5].paper) for row in grid}
    beside = {names: both for names, both in shown.items() if any(both)}
    assert beside == {
        ("all", "Retrain"): ("0.6643", "0.2914"),
        ("pilot", "CRAGRU"): ("0.6000", "0.2500"),
    }


def test_the_original_does_not_compete():
    rows = [
        made
        for name, hr in (("Original", 0.9), ("A", 0.5), ("B", 0.4))
        for made in measured(name, per_user([hr]))
    ]
    _, grid = utility_grid(with_reach(rows), 1)
    assert [row[3].mark for row in grid] == ["", "best", "second"]


def test_marks_are_of_a_panel():
    _, grid = utility_grid(with_reach(panels()), 1)
    assert [row[4].mark for row in grid] == ["second", "best", "best", "", "second", "best"]
    assert {text.mark for row in grid for text in [*row[:4], row[-1]]} == {""}


@pytest.mark.parametrize(
    ("few", "many", "marked"),
    [(199, 200, {"all"}), (199, 199, set()), (200, 200, {"all", "pilot"})],
)
def test_no_marks_in_a_panel_of_fewer_than_200_users(few, many, marked):
    least_users = (
        parse(Tables, load_yaml(ROOT / "config/tables.yaml"), "tables.yaml")
        .tables["table2"]
        .least_users
    )
    assert least_users == 200
    _, grid = utility_grid(with_reach(panels(few=few, many=many)), least_users)
    assert {row[0].value for row in grid if any(text.mark for text in row)} == marked


def test_notes_count_each_panel():
    (note,) = utility_notes(utility_table(panels(few=3), "A", [5], None), "by hand")
    errors = "all: n = 4 users, standard error over users at most 0.2500; pilot: n = 3 users, standard error over users"
    assert note.startswith(
        f"Protocol: by hand. {errors} at most 0.3333; one seed, so no spread over seeds. "
    )


def test_panels_can_be_rendered():
    header, grid = utility_grid(utility_table(panels(), "A", [5], None), 1)
    assert "| pilot   | ML         | BPR        | CRAGRU " in markdown(header, grid, "c")
    shown = rows(latex(header, grid, "c", "l"))
    assert shown[0] == r"Method & HR@5 & NDCG@5 & Ties {[}\%] \\"
    heading = r"\multicolumn{4}{@{}l}{\textit{%s, ML, BPR}} \\"
    assert [shown[2], shown[5]] == [heading % "all", r"\midrule " + heading % "pilot"]
    assert [line.split("&")[0].strip() for line in shown[6:]] == [
        "SISA",
        "Retrain",
        "CRAGRU",
        "Candidates, no LLM",
    ]


ERRORS = [(0.5, 2), (0.03, 2), (0.0299, 4), (0.0001, 4), (math.nan, 4)]


@pytest.mark.parametrize(("error", "digits"), ERRORS)
def test_digits_that_a_standard_error_leaves(error, digits):
    assert decimals(error, 4) == digits
    assert decimals(error, 1) == 1


def test_a_panel_of_few_users_has_two_digits_beside_one_of_many_with_four():
    """Of 24 users half have a hit: a standard error of .10. Of 1,600 it is .0125."""
    table = utility_table(panels(few=24, many=1600), "A", [5], None)
    assert table.groupby("panel", sort=False)["se_users"].max().round(4).tolist() == [
        0.0011,
        0.0576,
    ]
    _, grid = utility_grid(table, 1)
    assert [row[4].value for row in grid] == ["0.0006", "0.0019", "0.08", "0.00", "0.04", "0.08"]
    assert table["mean"].iloc[0] == 1 / 1600  # the CSV has all digits


def test_note_on_candidates():
    checks = [
        {
            "history_rows": 1500,
            "candidates": 300,
            "forgotten_candidates": 30,
            "prompts": 15,
            "forgotten_in_history": 0,
        },
        {
            "history_rows": 500,
            "candidates": 100,
            "forgotten_candidates": 15,
            "prompts": 5,
            "forgotten_in_history": 0,
        },
    ]
    of_three = [("BPR", checks[0]), ("LightGCN", checks[1]), ("BPR", checks[1])]
    assert candidates_note(iter(of_three), 700).startswith(
        "The prompts show 2,500 of 3,200 history lines, the newest. None is forgotten. Share of candidates that "
        "their user asked to forget: BPR: 11.2%; LightGCN: 15.0%. Ties: "
    )


# --- Table II: its files


@pytest.fixture
def files(tmp_path):
    """Per-user results of users 0 to 3, a cohort of two of them, and an LLM's costs."""
    paths = {name: tmp_path / name for name in ("per-user.parquet", "cohort.json", "cost.json")}
    frame = pd.concat([per_user([1, 0, 0.5, 0.25]), per_user([0, 0, 0, 0], mask="B")])
    write_parquet(paths["per-user.parquet"], frame, PER_USER)
    write_json(paths["cohort.json"], {"users": [3, 1], "eligible": 4})
    write_json(paths["cost.json"], {"tie_rate": 0.9, "users": 2, "dropped": 30.5})
    return {name: str(path) for name, path in paths.items()}


def named(files, panel="all", cohort=None, cost=None, **changed):
    """A row as the workflow names it."""
    names = {
        "panel": panel,
        "dataset": "ML",
        "backbone": "BPR",
        "method": "M",
        "printed": changed.get("method", "M"),
        "seed": 7,
        "training": 0,
        "source": None,
    }
    found = {"cohort": files.get(cohort), "cost": files.get(cost)}
    return {**names, "per_user": files["per-user.parquet"], **found, **changed}


def test_rows_are_read_from_their_files(files):
    everyone, few = read_measured(
        [named(files), named(files, "pilot", "cohort.json", "cost.json", method="CRAGRU")]
    )
    assert (everyone.dataset, everyone.backbone, everyone.method, everyone.seed) == (
        "ML",
        "BPR",
        "M",
        7,
    )
    assert (everyone.panel, everyone.ties, len(everyone.per_user)) == ("all", None, 8)
    assert (few.method, few.panel, few.ties) == ("CRAGRU", "pilot", 0.9)
    assert few.per_user["user"].tolist() == [1, 3, 1, 3]
    table = utility_table([everyone, few], "A", [5], None).query("metric == 'hr'")
    assert table["mean"].tolist() == [0.4375, 0.125]


def test_a_cohort_without_an_llms_row_has_no_ties(files):
    (row,) = read_measured([named(files, "pilot", "cohort.json")])
    assert (row.panel, row.ties, set(row.per_user["user"])) == ("pilot", None, {1, 3})


def test_results_that_lack_users_of_the_cohort_are_told(files):
    write_json(files["cohort.json"], {"users": [3, 9, 1, 8], "eligible": 4})
    with refused(place=files["per-user.parquet"], got=[8, 9]) as caught:
        list(read_measured([named(files, "pilot", "cohort.json")]))
    assert str(caught.value) == (
        f"{files['per-user.parquet']}: lacks users of {files['cohort.json']}, got [8, 9]; "
        "delete both and make them again, of one split and one cohort"
    )


def test_a_row_must_not_be_there_twice(files):
    """In another panel, under another seed, or of another training it is another row."""
    rows = [named(files), named(files, "pilot"), named(files, seed=8), named(files, training=2)]
    assert [row.training for row in read_measured(rows)] == [0, 0, 0, 2]
    with refused(place="all, ML, BPR, M, seed 7, training 2", what="there twice"):
        list(read_measured([*rows, named(files, training=2)]))
    with refused(place="all, ML, BPR, M, seed 7") as caught:
        list(read_measured([*rows, named(files)]))
    assert str(caught.value) == "all, ML, BPR, M, seed 7: there twice"


def test_table_two_is_made(files, tmp_path, paper):
    write_json(
        tmp_path / "checked.json",
        {
            "prompts": 1,
            "forgotten_in_history": 0,
            "history_rows": 40,
            "candidates": 20,
            "forgotten_candidates": 2,
        },
    )
    check = {"group": "BPR", "check": str(tmp_path / "checked.json")}
    rows = [
        named(files, group=None, check=None),
        named(files, "pilot", "cohort.json", "cost.json", method="CRAGRU", **check),
    ]
    spec = {"mask": "A", "cutoffs": [5], "least_users": 1}
    words = {"title": "by hand", "note": "Scored by hand."}
    made = make("table", tmp_path, "utility_table", rows, spec, words, paper=paper(PAPER_CRAGRU))
    text = made["md"].read_text()
    for part in (
        "| Users ",
        "| CRAGRU ",
        "[0.6000]",
        "| 90 ",
        "Protocol: by hand. all: n = 4 users",
        "Scored by hand. The prompts show 40 of 101 history lines, the newest. None is forgotten.",
        "forget: BPR: 10.0%.",
    ):
        assert part in text
    table = pd.read_csv(made["csv"])
    assert [*table.columns] == [
        *(
            "panel",
            "dataset",
            "backbone",
            "method",
            "metric",
            "k",
            "mean",
            "sd",
            "users",
            "seeds",
            "trainings",
            "se_users",
        ),
        *("ties", "paper"),
    ]
    assert r"\label{tab:made}" in made["tex"].read_text()
    made = make("table", tmp_path, "utility_table", rows[:1], spec, words)
    assert "Scored by hand" not in made["md"].read_text()


# --- Table I


def test_table_one(paper):
    table = datasets_table(STATISTICS, paper(PAPER_ONE))
    header, grid = datasets_grid(table)
    assert header[0] == "Data set"
    known = [
        ("943", "944"),
        ("1,682", "1,683"),
        ("100,000", "100,000"),
        ("106.04", "106"),
        ("93.70", "93.71"),
    ]
    own = [("12,345", ""), ("1,682", ""), ("100,000", ""), ("106.04", ""), ("50.00", "")]
    assert [[(text.value, text.paper) for text in row[1:]] for row in grid] == [known, own]
    assert [row[0] for row in grid] == [Text("ML-100K"), Text("Mine")]
    assert "| 943 [944] | 1,682 [1,683] |" in markdown(header, grid, "c")
    assert "943 [944] & 1,682 [1,683] &" in re.sub(" +", " ", latex(header, grid, "c", "l"))


def test_table_one_without_printed_values():
    table = datasets_table(STATISTICS, None)
    assert table[[name for name in table if name.startswith("paper_")]].isna().all(axis=None)
    assert table.loc[0, "sparsity_percent"] == pytest.approx(93.7)


def test_table_one_notes_what_is_missing_and_left_out():
    core = {"rule": "core", "value": {"users": 5, "items": 2}}
    core |= {"interactions": 1234, "users": 3, "items": 1}
    drawn = {"rule": "users", "value": 7315, "interactions": 9, "users": 8, "items": 0}
    facts = {"missing": ["rating"], "left_out": [core, drawn]}
    assert datasets_notes({"ML-100K": HUNDRED_K, "Mine": HUNDRED_K | facts}) == [
        "Mine: without ratings, so that each interaction has the rating 1; the core, with at least 5 for users, "
        "2 for items, left out 1,234 interactions, 3 users and 1 items; drawing 7,315 users left out "
        "9 interactions, 8 users and 0 items."
    ]


def test_table_one_is_made(tmp_path, paper):
    rows = []
    for number, (label, statistics) in enumerate(STATISTICS.items()):
        path = tmp_path / f"{number}.json"
        write_json(path, statistics)
        rows.append({"dataset": label, "statistics": str(path)})
    made = make("table", tmp_path, "datasets_table", rows, {}, {}, paper=paper(PAPER_ONE))
    expected = datasets_table(STATISTICS, paper(PAPER_ONE))
    assert made["csv"].read_text() == expected.to_csv(index=False)
    assert made["md"].read_text() == markdown(*datasets_grid(expected), "Made")


# --- text

GRID = [
    [Text("A|B"), Text("x"), Text("0.5", "0.4", "best"), Text("1")],
    [Text("A|B"), Text("y"), Text("0.4", "", "second"), Text("1")],
    [Text("A|B"), Text("z"), Text("0.3"), Text("2")],
    [Text("C_D"), Text("y"), Text("0.2 ± 0.1"), Text("3", "4")],
]
HEADER = ["Set", "Kind|s", "HR@5", "%"]


def rows(text):
    """Lines of a LaTeX table between the rules, without the spaces that align them."""
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    return [re.sub(" +", " ", line).strip() for line in body.splitlines()[1:]]


def test_markdown():
    lines = markdown(HEADER, GRID, "All of it", ["Note one.", "Note two."]).split("\n")
    assert [re.sub(" +", " ", line) for line in lines if not line.startswith("|:")] == [
        "All of it",
        "",
        r"| Set | Kind\|s | HR@5 | % |",
        r"| A\|B | x | **0.5** [0.4] | 1 |",
        r"| A\|B | y | <u>0.4</u> | 1 |",
        r"| A\|B | z | 0.3 | 2 |",
        "| C_D | y | 0.2 ± 0.1 | 3 [4] |",
        *["", "Note one.", "", "Note two.", ""],
    ]


def test_latex_marks_escapes_and_groups():
    assert rows(latex(HEADER, GRID, "c", "l")) == [
        r"Kind\textbar{}s & HR@5 & \% \\",
        r"\midrule",
        r"\multicolumn{3}{@{}l}{\textit{A\textbar{}B}} \\",
        r"x & \textbf{0.5} [0.4] & 1 \\",
        r"y & \underline{0.4} & 1 \\",
        r"z & 0.3 & 2 \\",
        r"\midrule \multicolumn{3}{@{}l}{\textit{C\_D}} \\",
        r"y & 0.2 $\pm$ 0.1 & 3 [4] \\",
    ]


def test_latex_puts_printed_values_below_ours_where_that_makes_fewer_parts():
    grid = [
        [Text(name), *(Text("0.5000 ± 0.01", paper) for _ in range(5))]
        for name, paper in (("a", "0.4000"), ("b", ""))
    ]
    ours = r" & 0.5000 $\pm$ 0.01" * 5
    assert rows(latex("abcdef", grid, "c", "l"))[2:] == [
        rf"a{ours} \\",
        r"& {[}0.4000] & {[}0.4000] & {[}0.4000] & {[}0.4000] & {[}0.4000] \\",
        rf"b{ours} \\",
    ]


INTERVALS = [
    ((0.12345, 0.1, 0.2, 30), Text("0.123", "0.100, 0.200")),
    ((-0.5, -1, -0.0001, 30), Text("\N{MINUS SIGN}0.500", "\N{MINUS SIGN}1.000, 0.000")),
    ((-0.0001, math.nan, math.nan, 2), Text("0.000")),  # too few of them for bounds
    ((1, 1, 1 + 1e-12, 30), Text("1.000")),  # an interval without width is none
    ((math.nan, math.nan, math.nan, 19.0), Text("(n = 19)")),
    ((math.nan, math.nan, math.nan, 0), Text("\N{EN DASH}")),
]


@pytest.mark.parametrize(("numbers", "text"), INTERVALS)
def test_texts_with_bounds(numbers, text):
    assert interval_text(*numbers, digits=3) == text


def test_latex_has_minus_signs_beside_and_below():
    grid = [[Text("a"), interval_text(-0.5, -1, 0, 9, digits=1)]]
    assert rows(latex("ab", grid, "c", "l"))[2:] == [r"a & $-$0.5 [$-$1.0, 0.0] \\"]
    wide = [[Text("a"), *[interval_text(-0.5, -1, 0, 9, digits=3)] * 5]]
    assert rows(latex("abcdef", wide, "c", "l"))[3:] == ["" + r"& {[}$-$1.000, 0.000] " * 5 + r"\\"]


def test_latex_escapes_caption_and_notes_but_not_the_label():
    text = latex(HEADER, GRID, "10 % of a_b", "tab:a_b", ["[*] ~ & D"])
    for part in (r"\caption{10 \% of a\_b}", r"\label{tab:a_b}", r"{[}{*}] \textasciitilde{} \& D"):
        assert part in text


def test_files_of_a_table(tmp_path):
    table = pd.DataFrame({"mean": [1 / 3], "paper": [None]})
    paths = {ending: tmp_path / f"t.{ending}" for ending in ("csv", "md", "tex")}
    write_table(
        Table(table, HEADER, GRID, ["Note."]),
        {"caption": "All", "label": "tab:all", "compact": False},
        paths,
    )
    assert paths["csv"].read_text() == "mean,paper\n0.3333333333333333,\n"
    assert paths["md"].read_text() == markdown(HEADER, GRID, "All", ["Note."])
    assert paths["tex"].read_text() == latex(HEADER, GRID, "All", "tab:all", ["Note."])


# --- what LaTeX makes of it


def test_latex_compiles_and_fits_the_page(tmp_path, paper):
    special = "[\\]*&%$#_{}~^±\N{EN DASH}|<>"
    seeds = [pd.concat([per_user(hr, k=k) for k in (5, 10, 20)]) for hr in ([1, 0, 1], [1, 1, 0.5])]
    names = ["Original", "Retrain", *map(str, range(120)), special]
    rows = [one for name in names for one in measured(name, *seeds)]
    two = utility_table(rows, "A", [5, 10, 20], paper(PAPER_TWO))
    first = latex(
        *datasets_grid(datasets_table(STATISTICS | {special: HUNDRED_K}, paper(PAPER_ONE))),
        special,
        "tab:1",
    )
    second = latex(*utility_grid(two, 1), "Wide and high", "tab:2", utility_notes(two, special))
    check_it_fits(compiled(tmp_path, first, second))
