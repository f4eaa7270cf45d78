"""Tests of differences for a whole table: who is held against whom, one family, stars; by hand."""

import pandas as pd
import pytest
from documents import check_it_fits, compiled
from making import make
from metric_columns import metric_columns
from refusals import refused
from scipy import stats

from cragru.evaluation.columns import PER_USER
from cragru.kept.files import write_parquet
from cragru.reporting.differences import mark_differences, significance_note, significance_table
from cragru.reporting.grid import markdown
from cragru.reporting.latex import latex
from cragru.reporting.measured import Measured
from cragru.reporting.utility_table import utility_grid, utility_notes, utility_table

pytestmark = pytest.mark.usefixtures("hr_and_ndcg")
REFERENCES = {"all": "Retrain", "few": "CRAGRU"}


def per_user(hr, ks=(5,), mask="A"):
    metrics = metric_columns(hr=hr, ndcg=hr)
    frames = [
        pd.DataFrame({"user": range(len(hr)), "mask": mask, "k": k, **metrics, "relevant": 1})
        for k in ks
    ]
    return pd.concat(frames).astype(PER_USER)


def row(method, hits, users=10, panel="all", backbone="BPR", seeds=3, ks=(5,), source=None):
    """A row that hits for its first users, the same under every seed; a list of hits is of as many trainings."""
    found = []
    for training, number in enumerate(hits if isinstance(hits, list) else [hits]):
        frame = per_user([1.0] * number + [0.0] * (users - number), ks)
        facts = {"panel": panel, "training": training, "source": source}
        found += [
            Measured("ML", backbone, method, seed, frame, **facts) for seed in range(1, seeds + 1)
        ]
    return found


def compared(*rows, references=REFERENCES, retrain="Retrain", cutoffs=(5,)):
    return significance_table(
        [one for row in rows for one in row], "A", cutoffs, references, retrain
    )


def whole(seeds=3):
    """Both panels: SISA loses seven of ten users to Retrain; SISA and CRAGRU are alike on the four of the cohort."""
    everyone = [row("Retrain", [8, 8], seeds=seeds), row("SISA", 1, seeds=seeds)]
    few = [("SISA", 2), ("Retrain", [3, 3]), ("CRAGRU", 2)]
    return everyone + [row(method, hits, 4, "few", seeds=seeds) for method, hits in few]


# --- the tests


def test_each_panel_is_held_against_its_own_row():
    table = compared(*whole()).query("metric == 'hr'")
    assert [*table.columns[:7]] == [
        "panel",
        "dataset",
        "backbone",
        "comparison",
        "reference",
        "metric",
        "k",
    ]
    assert [*zip(table["panel"], table["comparison"], table["reference"], strict=True)] == [
        ("all", "SISA", "Retrain"),
        ("few", "SISA", "CRAGRU"),
        ("few", "Retrain", "CRAGRU"),
    ]
    assert table["difference"].tolist() == pytest.approx([-0.7, 0, 0.25])
    assert table["n"].tolist() == [10, 4, 4]


def test_the_null_is_the_range_of_the_panels_own_retrains():
    rows = [row("Retrain", [8, 7, 9]), row("SISA", 1)]
    rows += [row("Retrain", [3, 4], 4, "few"), row("CRAGRU", 2, 4, "few")]
    table = compared(*rows)
    assert table.groupby("panel")["null_high"].unique().map(list).to_dict() == {
        "all": [pytest.approx(0.2)],  # 9 hits less 7, of ten users
        "few": [pytest.approx(0.25)],  # 4 less 3, of four
    }
    assert table["null_low"].tolist() == (-table["null_high"]).tolist()


def test_the_whole_table_is_one_family():
    """Seven of ten users are worse by 1: t of -.7 and its error, nine degrees of freedom; six tests in all."""
    table = compared(*whole())
    first = table.iloc[0]
    p = stats.ttest_1samp([-1] * 7 + [0] * 3, 0).pvalue
    assert (first["metric"], first["worse"], first["p_users"]) == ("hr", 7, 2 / 128)
    assert first["p"] == pytest.approx(p)
    assert len(table) == 6
    assert first["p_holm"] == pytest.approx(6 * p)
    alone = compared(*whole()[:2])
    assert alone["p_holm"].tolist() == pytest.approx([2 * p] * 2)  # HR and NDCG are alike here


def test_trainings_that_differ_more_are_a_smaller_difference():
    """Retrain's trainings hit for 8, 4 and 9 users: SISA, of one training, has that noise, too."""
    calm, wild = (
        compared(row("Retrain", hits), row("SISA", 1)).iloc[0] for hits in ([7, 7, 7], [8, 4, 9])
    )
    assert calm["difference"] == pytest.approx(wild["difference"])
    assert calm["se_trainings"] == pytest.approx(0, abs=1e-12)
    # means .8, .4 and .9 have variance .07 under each seed: a third of it for each of three trainings, and once more
    assert wild["se_trainings"] ** 2 == pytest.approx(0.07 / 9 + 0.07 / 3)
    assert wild["p"] > calm["p"]


def test_orders_of_one_models_lists_are_apart_by_users_alone():
    """CRAGRU and its shuffled candidates are of one training; those of other candidates, or of none, are not."""
    rows = [row("Retrain", [2, 3, 1], 4, "few"), row("CRAGRU", 2, 4, "few", source="original")]
    rows += [
        row("CRAGRU, shuffled", 1, 4, "few", source="original"),
        row("CRAGRU, candidates of Retrain", 1, 4, "few", source="retrain"),
        row("SISA", 1, 4, "few"),
    ]
    table = compared(*rows).query("metric == 'hr'").set_index("comparison")
    assert (table["se_trainings"] == 0).to_dict() == {
        "Retrain": False,
        "CRAGRU, shuffled": True,
        "CRAGRU, candidates of Retrain": False,
        "SISA": False,
    }


def test_backbones_are_groups_of_their_own():
    other = [
        row(method, hits, backbone="LightGCN")
        for method, hits in (("Retrain", [2, 3]), ("SISA", 5))
    ]
    table = compared(*whole()[:2], *other).query("metric == 'hr'")
    assert table["backbone"].tolist() == ["BPR", "LightGCN"]
    assert table["difference"].tolist() == pytest.approx([-0.7, 0.25])
    assert table["null_high"].tolist() == pytest.approx([0, 0.1])


def test_a_group_without_its_reference_is_left_out():
    without = [row for row in whole() if row[0].method != "CRAGRU"]
    assert set(compared(*without)["panel"]) == {"all"}
    assert set(compared(*whole(), references={"few": "CRAGRU"})["panel"]) == {"few"}


def test_a_group_must_have_retrain():
    with refused(place="all, ML, BPR", got="Retrain"):
        compared(row("SISA", 1), row("IFRU", 3))


def test_rows_of_other_users_cannot_be_compared():
    with refused() as caught:
        compared(*whole()[:2], row("IFRU", 3, users=9))
    assert "IFRU" in str(caught.value)


# --- the stars


def stars(rows, tests, least_users=1):
    """Labels of rows and columns with a star."""
    table = utility_table([one for row in rows for one in row], "A", [5, 10], None)
    header, grid = utility_grid(mark_differences(table, tests), least_users)
    assert not [
        text for line in grid for text in line[: header.index("Method") + 1] if "*" in text.value
    ]
    return [
        (line[header.index("Method")].value, name)
        for line in grid
        for name, text in zip(header, line, strict=True)
        if text.value.endswith("*")
    ]


def found(reach=0.3, **p_holm):
    """Tests of SISA on all users, .4 below Retrain: corrected p by metric and K."""
    rows = [
        ("all", "ML", "BPR", "SISA", name[:-2].rstrip("_"), int(name[-2:]), p)
        for name, p in p_holm.items()
    ]
    columns = ["panel", "dataset", "backbone", "comparison", "metric", "k", "p_holm"]
    facts = {"p": 0.01, "difference": -0.4, "null_high": reach}
    return pd.DataFrame(rows, columns=columns).assign(**facts)


def test_stars_are_of_numbers_below_the_level():
    rows = [row(method, hits, ks=(5, 10)) for method, hits in (("Retrain", 5), ("SISA", 1))]
    tests = found(hr_05=0.049, ndcg_05=0.05, hr_10=float("nan"), ndcg_10=0.001)
    assert stars(rows, tests) == [("SISA", "HR@5"), ("SISA", "NDCG@10")]
    other = [row(method, 3, backbone="LightGCN", ks=(5, 10)) for method in ("Retrain", "SISA")]
    assert stars(other, tests) == []
    assert stars([row("SISA", 3, panel="few", ks=(5, 10))], tests) == []


@pytest.mark.parametrize(("reach", "is_starred"), [(0.39, True), (0.4, False), (0.5, False)])
def test_no_star_where_two_trainings_are_as_far_apart(reach, is_starred):
    rows = [row(method, hits, ks=(5, 10)) for method, hits in (("Retrain", 5), ("SISA", 1))]
    tests = found(reach, hr_05=0.001, ndcg_05=0.001)
    assert stars(rows, tests) == [("SISA", "HR@5"), ("SISA", "NDCG@5")] * is_starred


def marks(*rows, reach, least_users=1):
    """What each row is marked with, where two trainings may be `reach` apart."""
    table = utility_table([one for own in rows for one in own], "A", [5], None)
    tests = found(reach, hr_05=0.001, ndcg_05=0.001)
    header, grid = utility_grid(mark_differences(table, tests), least_users)
    place = header.index("Method")
    return {line[place].value: line[header.index("HR@5")].mark for line in grid}


@pytest.mark.parametrize(
    ("reach", "expected"),
    [
        (0.05, ["best", "second", "", ""]),  # .9, .8, .6 and .5
        (0.11, ["best", "best", "second", "second"]),  # nothing within reach of the best is second
        (0.31, ["best", "best", "best", "second"]),
        (0.5, ["best"] * 4),
    ],
)
def test_marks_are_of_what_lies_within_reach(reach, expected):
    names = ("Retrain", "SISA", "SCIF", "IFRU")
    rows = [row(name, hits) for name, hits in zip(names, (9, 8, 6, 5), strict=True)]
    rows.append(row("Original", 10))  # does not compete
    found_marks = marks(*rows, reach=reach)
    assert [found_marks.pop(name) for name in names] == expected
    assert found_marks == {"Original": ""}


def test_one_row_alone_is_neither_best_nor_second():
    assert set(marks(row("Retrain", 9), row("Original", 8), reach=0.1).values()) == {""}


def test_nothing_is_marked_where_few_users_were_evaluated():
    rows = row("Retrain", 9), row("SISA", 1)
    assert set(marks(*rows, reach=0.1, least_users=11).values()) == {""}
    assert set(marks(*rows, reach=0.1, least_users=10).values()) == {"best", "second"}


def test_no_stars_where_few_users_were_evaluated():
    rows = [row(method, hits) for method, hits in (("Retrain", [9, 9]), ("SISA", 0))]
    tests = compared(*rows)
    assert stars(rows, tests, least_users=10) == [("SISA", "HR@5"), ("SISA", "NDCG@5")]
    assert stars(rows, tests, least_users=11) == []


def test_under_fewer_than_three_seeds_nothing_is_tested():
    rows = whole(seeds=2)
    tests = compared(*rows)
    assert tests[["p", "p_holm"]].isna().all(axis=None)
    assert stars(rows[:2], tests) == []
    assert significance_note(tests, REFERENCES) == (
        "Differences from the row that a panel is held against (all: Retrain; few: CRAGRU) were not tested: that takes "
        "3 seeds. Their sizes and intervals are in the CSV of differences beside this table."
    )


def test_the_note_tells_what_a_star_is_and_how_large_the_family():
    note = significance_note(compared(*whole()), REFERENCES)
    assert note.startswith(
        "*: differs from the row that its panel is held against (all: Retrain; few: CRAGRU) by more than "
        "any two trainings of Retrain, and p < 0.05 over users and trainings "
    )
    assert "Holm over the table's 6 comparisons" in note
    assert "(all: Retrain)" in significance_note(compared(*whole()[:2]), REFERENCES)


def test_a_table_without_tests_has_no_stars_and_no_marks():
    table = utility_table([*row("M", 1), *row("N", 9)], "A", [5], None)
    shown = [(line[3].value, line[3].mark) for line in utility_grid(table, 1)[1]]
    assert shown == [("0.10 ± 0.00", ""), ("0.90 ± 0.00", "")]


def test_a_star_beside_a_mark_can_be_rendered(tmp_path):
    rows = [row(method, hits) for method, hits in (("Retrain", [0, 0]), ("SISA", 9), ("IFRU", 5))]
    table = utility_table([one for row in rows for one in row], "A", [5], None)
    tests = compared(*rows)
    header, grid = utility_grid(mark_differences(table, tests), 1)
    assert "| **0.90 ± 0.00*** " in markdown(header, grid, "c")
    text = latex(
        header,
        grid,
        "c",
        "tab:2",
        [*utility_notes(table, "by hand"), significance_note(tests, REFERENCES)],
    )
    assert r"\textbf{0.90 $\pm$ 0.00{*}}" in text
    check_it_fits(compiled(tmp_path, text))


# --- its files


def test_differences_and_their_stars_are_made(tmp_path):
    """The tests' file, and the table with its stars: what is read back has the same stars."""
    rows = []
    for one in [*row("Retrain", [9, 9]), *row("SISA", 0)]:
        path = tmp_path / f"{one.method}-{one.seed}-{one.training}.parquet"
        write_parquet(path, one.per_user, PER_USER)
        names = {
            "panel": "all",
            "dataset": "ML",
            "backbone": "BPR",
            "method": one.method,
            "printed": one.method,
        }
        names |= {"seed": one.seed, "training": one.training, "source": None}
        rows.append(names | {"per_user": path, "cohort": None, "cost": None, "check": None})
    spec, words = {"mask": "A", "cutoffs": [5]}, {"references": REFERENCES, "retrain": "Retrain"}
    (tests,) = make("differences", tmp_path, "differences", rows, spec, words).values()
    tests = tests.rename(tmp_path / "tests.csv")
    table = pd.read_csv(tests)
    assert [*zip(table["comparison"], table["metric"], strict=True)] == [
        ("SISA", "hr"),
        ("SISA", "ndcg"),
    ]
    assert table["p_users"].tolist() == pytest.approx([2 / 2**9] * 2)
    p = stats.ttest_1samp([-1] * 9 + [0], 0).pvalue
    assert table["p"].tolist() == pytest.approx([p] * 2)
    spec, words = spec | {"least_users": 10}, words | {"title": "by hand"}
    outputs = make("table", tmp_path, "utility_table", rows, spec, words, tests=tests)
    text = outputs["md"].read_text()
    assert text.count("0.00 ± 0.00*") == 2  # SISA's HR and NDCG
    assert (
        "\n*: differs from the row that its panel is held against (all: Retrain) by more than any two"
        in text
    )
    assert pd.read_csv(outputs["csv"]).groupby("method")["differs"].all().to_dict() == {
        "Retrain": False,
        "SISA": True,
    }
