"""Table IV: means over seeds, gaps, blanks and notes by hand; its rows read from files."""

import re

import numpy as np
import pandas as pd
import pytest
from documents import check_it_fits, compiled
from making import make
from refusals import refused

from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.completeness_columns import COMPLETENESS, FORGET_REMAIN, MEMBERSHIP, VARIANT
from cragru.evaluation.membership import membership_auc, membership_bootstrap
from cragru.kept.files import write_json, write_parquet
from cragru.reporting.completeness_table import (
    COLUMNS,
    GAP,
    NUMBERS,
    completeness_grid,
    completeness_notes,
    completeness_table,
)
from cragru.reporting.grid import latex, markdown
from cragru.reporting.remembered import Remembered, read_measure, read_remembered

HALF = Resampling(seed=1, resamples=50, level=0.5)
LABELS = ["MIA-AUC", "Gap to Retrain", "Forget-HR@10", "Overlap@10", "JS [nats]", "Rank change"]


def per_user(values, users=None):
    """A frame of `COMPLETENESS` from each measure's values of users 0, 1, ... or those given."""
    rows = [
        (user, name, value)
        for name, own in values.items()
        for user, value in zip(users or range(len(own)), own, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(COMPLETENESS)).astype(COMPLETENESS)


def remembered(
    method, auc=0.5, draws=(0.5, 0.5), seed=1, members=9, values=None, users=None, panel="all"
):
    names = (panel, "ML", "BPR", method)
    return Remembered(names, seed, auc, np.array(draws), members, per_user(values or {}, users))


def table_of(*rows, least_users=2, resampling=HALF):
    table = completeness_table(rows, "Retrain", resampling, least_users)
    assert [*table.columns] == COLUMNS
    return table


def number(table, method, measure):
    (found,) = table[(table["method"] == method) & (table["measure"] == measure)].to_dict("records")
    return found


# --- the numbers


def test_auc_and_its_draws_are_averaged_over_seeds():
    """Draws .6, .8 on average; their quartiles are .65 and .75."""
    rows = [
        remembered("Retrain", 0.6, [0.5, 0.7], 1, members=8),
        remembered("Retrain", 0.9, [0.7, 0.9], 2, members=9),
    ]
    found = number(table_of(*rows), "Retrain", "mia-auc")
    assert [found[name] for name in ("value", "low", "high", "n")] == pytest.approx(
        [0.75, 0.65, 0.75, 8.5]
    )
    assert found["sd"] == pytest.approx(0.3 / np.sqrt(2))
    assert found["seeds"] == 2


def test_a_user_has_one_mean_over_the_seeds():
    """Users' means 1, 1/2, 1/2, 0; the seeds' are 2/3 and 1/3."""
    first, second = ({"forget-hr@10": hr} for hr in ([1, 0, 1], [1, 0, 0]))
    rows = [
        remembered("Retrain", values=first),
        remembered("Retrain", seed=2, values=second, users=[1, 2, 3]),
    ]
    found = number(table_of(*rows), "Retrain", "forget-hr@10")
    assert (found["value"], found["n"]) == (0.5, 4)
    assert found["sd"] == pytest.approx((1 / 3) / np.sqrt(2))
    assert found["low"] < 0.5 < found["high"]


def test_a_seed_without_the_measure_is_no_zero():
    rows = [remembered("Retrain", values={"js": [0.1, 0.3]}), remembered("Retrain", seed=2)]
    found = number(table_of(*rows), "Retrain", "js")
    assert (found["value"], found["n"]) == (pytest.approx(0.2), 2)
    assert np.isnan(found["sd"])


def test_one_seed_has_no_spread():
    assert table_of(remembered("Retrain", values={"js": [0.1, 0.3]}))["sd"].isna().all()


GAPS = [  # draws of a method and of Retrain, and the bounds of the gap at level .5
    ([0.8, 0.9], [0.5, 0.5], (0.325, 0.375)),
    ([0.2, 0.1], [0.5, 0.5], (0.325, 0.375)),  # a size: the same below
    ([0.3, 0.7], [0.5, 0.5], (0, 0.1)),  # quartiles -.1 and .1: the sign is open
    ([0.2, 0.9], [0.1, 0.8], (0.1, 0.1)),  # paired: each draw is .1 above Retrain's
]


@pytest.mark.parametrize(("draws", "aim", "bounds"), GAPS)
def test_the_gap_is_a_size_with_bounds_from_0_where_its_sign_is_open(draws, aim, bounds):
    rows = [remembered("Retrain", np.mean(aim), aim), remembered("M", np.mean(draws), draws)]
    found = number(table_of(*rows), "M", GAP)
    assert found["value"] == pytest.approx(abs(np.mean(draws) - np.mean(aim)))
    assert (found["low"], found["high"]) == pytest.approx(bounds)


def test_gaps_of_two_seeds_may_cancel_but_their_spread_does_not():
    rows = [remembered("Retrain", 0.5, seed=seed) for seed in (1, 2)]
    found = number(table_of(*rows, remembered("M", 0.6, seed=2), remembered("M", 0.4)), "M", GAP)
    assert found["value"] == pytest.approx(0)
    assert found["sd"] == pytest.approx(0.2 / np.sqrt(2))


def test_a_gap_is_to_the_retrain_of_the_same_panel():
    rows = [
        remembered(*row, panel=panel)
        for panel, row in (("all", ("Retrain", 0.5)), ("few", ("Retrain", 0.7)))
    ]
    found = table_of(*rows, remembered("M", 0.8, panel="few")).query(
        "measure == 'mia-gap' and method == 'M'"
    )
    assert found["value"].tolist() == [pytest.approx(0.1)]


@pytest.mark.parametrize(("least_users", "is_blank"), [(3, False), (4, True)])
def test_numbers_of_too_few_users_are_blank_and_tell_how_many(least_users, is_blank):
    rows = [
        remembered(name, members=3, values={"overlap@10": [0.1, 0.2, 0.3]})
        for name in ("Retrain", "M")
    ]
    table = table_of(*rows, least_users=least_users).query("method == 'M' and n > 0")
    assert table[["value", "low", "high"]].isna().to_numpy().all() == is_blank
    assert table["n"].tolist() == [3, 3, 3]
    line = completeness_grid(table_of(*rows, least_users=least_users))[1][1]
    shown = ["(n = 3)"] * 3 if is_blank else ["0.500", "0.000", "0.200"]
    assert [line[place].value for place in (3, 4, 6)] == shown


# --- what is shown


def shown_rows(panels=("all",)):
    """Retrain, and a re-ranked list that has no scores, in each panel; three users."""
    both = {"forget-hr@10": [1, 0, 1], "overlap@10": [0.25] * 3, "rank-change": [-0.04] * 3}
    rows = []
    for panel in panels:
        rows.append(
            remembered("Retrain", 0.6, [0.5, 0.7], values=both | {"js": [0.0123] * 3}, panel=panel)
        )
        rows.append(
            remembered(
                "CRAGRU", 0.7, [0.6, 0.8], values=both | {"rank-change": [-12.34] * 3}, panel=panel
            )
        )
    return rows


def test_texts():
    header, grid = completeness_grid(table_of(*shown_rows()))
    assert header == ["Data set", "Backbone", "Method", *LABELS, "n"]
    retrain, cragru = ([(text.value, text.paper) for text in line[2:]] for line in grid)
    assert (retrain[0], retrain[-1]) == (("Retrain", ""), ("9", ""))
    assert retrain[1:3] == [
        ("0.600", "0.550, 0.650"),
        ("\N{EN DASH}", ""),
    ]  # Retrain has no gap to itself
    assert retrain[4:7] == [
        ("0.250", "0.250, 0.250"),
        ("0.0123", "0.0123, 0.0123"),
        ("0.0", "0.0, 0.0"),
    ]
    assert cragru[2] == ("0.100", "0.100, 0.100")
    minus = "\N{MINUS SIGN}12.3"
    assert cragru[5:7] == [
        ("\N{EN DASH}", ""),
        (minus, f"{minus}, {minus}"),
    ]  # JS is not defined, which is no 0 users
    assert "| 0.600 [0.550, 0.650] | \N{EN DASH} " in re.sub(" +", " ", markdown(header, grid, "c"))


def test_two_panels_are_told_apart():
    header, grid = completeness_grid(table_of(*shown_rows(["all users", "cohort"])))
    assert header[:2] == ["Users", "Data set"]
    assert [line[0].value for line in grid] == ["all users", "all users", "cohort", "cohort"]


def test_the_note_has_the_ceiling_of_each_retrain():
    (note,) = completeness_notes(table_of(*shown_rows()), "by hand", "Retrain", HALF)
    assert note.startswith(
        "Protocol: by hand. In brackets: 50% intervals over 9 users (bootstrap, users drawn whole); one"
    )
    assert "the ceiling of an overlap (ML, BPR: 0.250)." in note
    (note,) = completeness_notes(
        table_of(*shown_rows(["all users", "cohort"])), "by hand", "Retrain", HALF
    )
    assert "(ML, BPR, all users: 0.250; ML, BPR, cohort: 0.250)" in note
    (note,) = completeness_notes(table_of(*shown_rows(), least_users=4), "by hand", "Retrain", HALF)
    assert "the ceiling of an overlap (too few users)." in note
    rows = [remembered("Retrain", seed=seed, members=8 + seed) for seed in (1, 2)]
    assert (
        "over 10 users (bootstrap, users drawn whole); means over 2 seeds of split"
        in (completeness_notes(table_of(*rows), "by hand", "Retrain", HALF)[0])
    )


def test_latex_compiles_and_fits_the_page(tmp_path):
    table = table_of(*shown_rows(["all users", "cohort a_b"]))
    notes = completeness_notes(table, "by hand", "Retrain", HALF)
    check_it_fits(
        compiled(tmp_path, latex(*completeness_grid(table), "What is known", "tab:4", notes))
    )


# --- its files


def members(users):
    """A member and two others of each user; the higher the user, the lower the member."""
    rows = [
        (user, kind, value)
        for user in users
        for kind, value in ((True, round(0.9 - user / 10, 1)), (False, 0.5))
    ]
    return pd.DataFrame(
        rows + [(user, False, 0.7) for user in users], columns=list(MEMBERSHIP)
    ).astype(MEMBERSHIP)


@pytest.fixture
def row(tmp_path):
    """Makes a row as the workflow names it, with files of it."""

    def made(method="Retrain", seed=1, users=range(4), cohort=None, variants=("model",), **changed):
        folder = tmp_path / f"{method}-{seed}"
        frames = {
            "membership": (MEMBERSHIP, members(users)),
            "completeness": (
                COMPLETENESS,
                per_user({"overlap@10": [user / 4 for user in users]}, list(users)),
            ),
        }
        names = {
            "panel": "all",
            "dataset": "ML",
            "backbone": "BPR",
            "method": method,
            "seed": seed,
            "variant": "model",
        }
        files = {"cohort": None}
        for name, (columns, frame) in frames.items():
            files[name] = str(folder / f"{name}.parquet")
            both = [frame.assign(variant=variant) for variant in variants]
            write_parquet(files[name], pd.concat(both, ignore_index=True), VARIANT | columns)
        if cohort is not None:
            files["cohort"] = str(folder / "cohort.json")
            write_json(files["cohort"], {"users": cohort})
        return names | files | changed

    return made


def test_rows_are_read_from_their_files(row):
    (found,) = read_remembered([row()], HALF)
    assert (found.names, found.seed, found.members) == (("all", "ML", "BPR", "Retrain"), 1, 4)
    assert (
        found.auc == membership_auc(members(range(4))) == (2 + 2 + 1.5 + 1) / 8
    )  # of .9, .8, .7, .6 over .5 and .7
    assert found.draws.tolist() == membership_bootstrap(members(range(4)), 1, 50).tolist()
    assert found.per_user["value"].tolist() == [0, 0.25, 0.5, 0.75]


def test_a_cohort_has_its_own_users_alone(row):
    (found,) = read_remembered([row(cohort=[1, 3, 77])], HALF)
    assert (found.members, found.auc) == (2, membership_auc(members([1, 3])))
    assert found.per_user["user"].tolist() == [1, 3]


def test_a_file_of_variants_gives_the_one_asked_for(row):
    made = row(variants=("llm", "no-llm"), variant="llm")
    assert list(read_measure(made, "membership")) == list(MEMBERSHIP)
    assert len(read_measure(made, "membership")) == 12
    other = row("M", variants=("llm",), variant="random-ties")
    with refused(place=other["membership"], got=[0, 1, 2, 3]):
        list(read_remembered([made, other], HALF))


def test_an_empty_file_lacks_no_variant(tmp_path):
    write_parquet(
        tmp_path / "none.parquet",
        pd.DataFrame(columns=["variant", *FORGET_REMAIN]),
        VARIANT | FORGET_REMAIN,
    )
    files = {"forget_remain": tmp_path / "none.parquet", "variant": "model", "cohort": None}
    assert read_measure(files, "forget_remain").empty


def test_one_draw_has_the_same_users_under_every_seed(row):
    """Else the mean over seeds would have a user drawn anew for each of them."""
    rows = [row(), row(seed=2, users=range(1, 5)), row(seed=3, users=range(2, 6))]
    found = list(read_remembered(rows, HALF))
    for own, users in zip(found, (range(4), range(1, 5), range(2, 6)), strict=True):
        expected = membership_bootstrap(members(users), 1, 50, among=range(6))
        np.testing.assert_array_equal(own.draws, expected)


def test_rows_of_other_users_cannot_be_paired(row):
    other = row("M", users=[0, 1, 5])
    with refused(place=other["membership"], got=[2, 3, 5]):
        list(read_remembered([row(), other], HALF))


def test_a_row_must_not_be_there_twice(row):
    with refused(place="all, ML, BPR, Retrain, seed 1", what="there twice"):
        list(read_remembered([row(), row("M"), row()], HALF))


def test_it_is_made(row, tmp_path):
    rows, spec = [row(), row("M")], {"least_users": 2}
    words = {"title": "by hand", "retrain": "Retrain", "note": "Of an LLM."}
    made = make("table", tmp_path, "completeness_table", rows, spec, words)
    text = made["md"].read_text()
    assert text.startswith("Made\n\n| Data set ")
    assert text.endswith("no scores.\n\nOf an LLM.\n")
    assert r"\label{tab:made}" in made["tex"].read_text()
    table = pd.read_csv(made["csv"])
    assert [*table.columns] == COLUMNS
    assert number(table, "M", "mia-auc")["value"] == 0.8125
    assert {NUMBERS[place]: number(table, "M", GAP)[NUMBERS[place]] for place in range(4)} == {
        **dict.fromkeys(("value", "low", "high"), 0),
        "n": 4,
    }
    made = make("table", tmp_path, "completeness_table", rows, spec, words | {"note": ""})
    assert "Of an LLM" not in made["md"].read_text()
