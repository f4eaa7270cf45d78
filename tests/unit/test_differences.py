"""Tests of differences for a whole table: who is held against whom, one family, stars; by hand."""

import pandas as pd
import pytest
from documents import check_it_fits, compiled
from making import make
from metric_columns import metric_columns
from refusals import refused

from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.columns import PER_USER
from cragru.kept.files import write_parquet
from cragru.reporting.differences import mark_differences, significance_note, significance_table
from cragru.reporting.grid import markdown
from cragru.reporting.latex import latex
from cragru.reporting.measured import Measured
from cragru.reporting.utility_table import utility_grid, utility_notes, utility_table

pytestmark = pytest.mark.usefixtures("hr_and_ndcg")
FEW = Resampling(seed=1, resamples=20)
NULL = ("Retrain", "Retrain, replicate")
REFERENCES = {"all": "Retrain", "few": "CRAGRU"}


def per_user(hr, ks=(5,), mask="A"):
    metrics = metric_columns(hr=hr, ndcg=hr)
    frames = [
        pd.DataFrame({"user": range(len(hr)), "mask": mask, "k": k, **metrics, "relevant": 1})
        for k in ks
    ]
    return pd.concat(frames).astype(PER_USER)


def row(method, hits, users=10, panel="all", backbone="BPR", seeds=3, ks=(5,)):
    """A row that hits for its first users, the same under every seed."""
    frame = per_user([1.0] * hits + [0.0] * (users - hits), ks)
    return [Measured("ML", backbone, method, seed, frame, panel) for seed in range(1, seeds + 1)]


def compared(*rows, references=REFERENCES, null=NULL, cutoffs=(5,)):
    return significance_table(
        [one for row in rows for one in row], "A", cutoffs, references, null, FEW
    )


def whole(seeds=3):
    """Both panels: SISA loses seven of ten users to Retrain; SISA and CRAGRU are alike on the four of the cohort."""
    everyone = [
        row("Retrain", 8, seeds=seeds),
        row("SISA", 1, seeds=seeds),
        row(NULL[1], 7, seeds=seeds),
    ]
    few = [("SISA", 2), ("Retrain", 3), ("CRAGRU", 2), (NULL[1], 4)]
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


def test_the_null_is_the_panels_own_and_no_row():
    table = compared(*whole())
    assert table.groupby("panel")["null"].unique().map(list).to_dict() == {
        "all": [pytest.approx(-0.1)],  # 7 hits less 8
        "few": [pytest.approx(0.25)],  # 4 less 3
    }
    assert NULL[1] not in set(table["comparison"]) | set(table["reference"])


def test_the_whole_table_is_one_family():
    """Seven discordant users, all worse: McNemar's p is 2 / 2^7; six tests in all."""
    table = compared(*whole())
    first = table.iloc[0]
    assert (first["metric"], first["worse"], first["p"]) == ("hr", 7, 2 / 128)
    assert len(table) == 6
    assert first["p_holm"] == pytest.approx(6 * 2 / 128)
    alone = compared(*whole()[:3])
    assert alone["p_holm"].tolist() == pytest.approx(
        [2 * 2 / 128] * 2
    )  # HR, and NDCG with all signs alike


def test_backbones_are_groups_of_their_own():
    other = [
        row(method, hits, backbone="LightGCN")
        for method, hits in (("Retrain", 2), ("SISA", 5), (NULL[1], 2))
    ]
    table = compared(*whole()[:3], *other).query("metric == 'hr'")
    assert table["backbone"].tolist() == ["BPR", "LightGCN"]
    assert table["difference"].tolist() == pytest.approx([-0.7, 0.3])
    assert table["null"].tolist() == pytest.approx([-0.1, 0])


def test_a_group_without_its_reference_is_left_out():
    without = [row for row in whole() if row[0].method != "CRAGRU"]
    assert set(compared(*without)["panel"]) == {"all"}
    assert set(compared(*whole(), references={"few": "CRAGRU"})["panel"]) == {"few"}


NO_NULL = [(whole()[:2], NULL[1]), (whole()[1:3], NULL[0])]


@pytest.mark.parametrize(("rows", "missing"), NO_NULL)
def test_a_group_must_have_the_rows_that_tell_noise(rows, missing):
    with refused(place="all, ML, BPR", got=missing):
        compared(*rows)


def test_rows_of_other_users_cannot_be_compared():
    with refused() as caught:
        compared(*whole()[:3], row("IFRU", 3, users=9))
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


def found(**p_holm):
    """Tests of SISA on all users: corrected p by metric and K."""
    rows = [
        ("all", "ML", "BPR", "SISA", name[:-2].rstrip("_"), int(name[-2:]), p)
        for name, p in p_holm.items()
    ]
    columns = ["panel", "dataset", "backbone", "comparison", "metric", "k", "p_holm"]
    return pd.DataFrame(rows, columns=columns).assign(p=0.01)


def test_stars_are_of_numbers_below_the_level():
    rows = [row(method, hits, ks=(5, 10)) for method, hits in (("Retrain", 5), ("SISA", 1))]
    tests = found(hr_05=0.049, ndcg_05=0.05, hr_10=float("nan"), ndcg_10=0.001)
    assert stars(rows, tests) == [("SISA", "HR@5"), ("SISA", "NDCG@10")]
    other = [row(method, 3, backbone="LightGCN", ks=(5, 10)) for method in ("Retrain", "SISA")]
    assert stars(other, tests) == []
    assert stars([row("SISA", 3, panel="few", ks=(5, 10))], tests) == []


def test_no_stars_where_few_users_were_evaluated():
    rows = [row(method, hits) for method, hits in (("Retrain", 9), ("SISA", 0))]
    tests = compared(*rows, row(NULL[1], 9))
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
        "*: differs from the row that its panel is held against (all: Retrain; few: CRAGRU), p < 0.05 "
    )
    assert "Holm over the table's 6 comparisons" in note
    assert "(all: Retrain)" in significance_note(compared(*whole()[:3]), REFERENCES)


def test_a_table_without_tests_has_no_stars():
    table = utility_table(row("M", 1), "A", [5], None)
    assert utility_grid(table, 1)[1][0][3].value == "0.10 ± 0.00"


def test_a_star_beside_a_mark_can_be_rendered(tmp_path):
    rows = [row(method, hits) for method, hits in (("Retrain", 0), ("SISA", 9), ("IFRU", 5))]
    table = utility_table([one for row in rows for one in row], "A", [5], None)
    tests = compared(*rows, row(NULL[1], 0))
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
    for one in [*row("Retrain", 9), *row("SISA", 0), *row(NULL[1], 9)]:
        path = tmp_path / f"{one.method}-{one.seed}.parquet"
        write_parquet(path, one.per_user, PER_USER)
        names = {
            "panel": "all",
            "dataset": "ML",
            "backbone": "BPR",
            "method": one.method,
            "printed": one.method,
        }
        rows.append(
            names
            | {"seed": one.seed, "per_user": path, "cohort": None, "cost": None, "check": None}
        )
    spec, words = {"mask": "A", "cutoffs": [5]}, {"references": REFERENCES}
    (tests,) = make(
        "differences", tmp_path, "differences", rows, spec, words | {"null": [*NULL]}
    ).values()
    tests = tests.rename(tmp_path / "tests.csv")
    table = pd.read_csv(tests)
    assert [*zip(table["comparison"], table["metric"], strict=True)] == [
        ("SISA", "hr"),
        ("SISA", "ndcg"),
    ]
    assert table["p"].tolist() == pytest.approx([2 / 2**9] * 2)
    spec, words = spec | {"least_users": 10}, words | {"title": "by hand"}
    outputs = make("table", tmp_path, "utility_table", rows[:6], spec, words, tests=tests)
    text = outputs["md"].read_text()
    assert text.count("0.00 ± 0.00*") == 2  # SISA's HR and NDCG
    assert (
        "\n*: differs from the row that its panel is held against (all: Retrain), p < 0.05" in text
    )
    assert pd.read_csv(outputs["csv"]).groupby("method")["differs"].all().to_dict() == {
        "Retrain": False,
        "SISA": True,
    }
