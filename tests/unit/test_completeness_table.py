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
from cragru.evaluation.membership import membership_aucs
from cragru.kept.files import write_json, write_parquet
from cragru.reporting.completeness_table import (
    COLUMNS,
    GAP,
    NUMBERS,
    completeness_grid,
    completeness_notes,
    completeness_table,
)
from cragru.reporting.grid import markdown
from cragru.reporting.latex import latex
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


def remembered(method, aucs=(0.5,) * 9, seed=1, values=None, users=None, panel="all"):
    """A row; `aucs` and values of users 0, 1, ... or those given."""
    names = (panel, "ML", "BPR", method)
    own = pd.Series(aucs[: len(users)] if users else aucs, users, dtype=float)
    return Remembered(names, seed, own, per_user(values or {}, users))


def table_of(*rows, least_users=2, resampling=HALF):
    table = completeness_table(rows, "Retrain", resampling, least_users)
    assert [*table.columns] == COLUMNS
    return table


def number(table, method, measure):
    (found,) = table[(table["method"] == method) & (table["measure"] == measure)].to_dict("records")
    return found


# --- the numbers


def test_auc_is_averaged_over_a_users_seeds_and_then_over_users():
    """Users 0 to 3 have 1, (.5 + .7) / 2, (.6 + .8) / 2 and 0 under the seeds that have them."""
    rows = [
        remembered("Retrain", [1, 0.5, 0.6], 1),
        remembered("Retrain", [0.7, 0.8, 0], 2, users=[1, 2, 3]),
    ]
    found = number(table_of(*rows), "Retrain", "mia-auc")
    assert (found["value"], found["n"]) == (pytest.approx((1 + 0.6 + 0.7 + 0) / 4), 4)
    assert found["sd"] == pytest.approx(0.2 / np.sqrt(2))  # of .7 and .5
    assert 0 < found["low"] < found["value"] < found["high"] < 1
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


GAPS = [  # AUCs of a method's users and of Retrain's, and whether the gap's lower bound is 0
    ([0.8, 0.9, 0.8, 0.9], [0.5] * 4, False),
    ([0.2, 0.1, 0.2, 0.1], [0.5] * 4, False),  # a size: the same below
    ([0.3, 0.7, 0.3, 0.8], [0.5] * 4, True),  # the sign is open
]


@pytest.mark.parametrize(("aucs", "aim", "is_open"), GAPS)
def test_the_gap_is_a_size_with_bounds_from_0_where_its_sign_is_open(aucs, aim, is_open):
    found = number(table_of(remembered("Retrain", aim), remembered("M", aucs)), "M", GAP)
    assert found["value"] == pytest.approx(abs(np.mean(aucs) - np.mean(aim)))
    assert (found["low"] == 0) == is_open
    assert found["low"] <= found["value"] <= found["high"]


def test_the_gap_is_paired_by_user():
    """Each user is .1 above Retrain's, however far users are apart: the gap has no width."""
    aim = [0.1, 0.9, 0.3, 0.5]
    rows = [remembered("Retrain", aim), remembered("M", [value + 0.1 for value in aim])]
    found = number(table_of(*rows), "M", GAP)
    assert [found[name] for name in ("value", "low", "high")] == pytest.approx([0.1] * 3)


def test_gaps_of_two_seeds_may_cancel_but_their_spread_does_not():
    rows = [remembered("Retrain", seed=seed) for seed in (1, 2)]
    rows += [remembered("M", [0.6] * 9, seed=2), remembered("M", [0.4] * 9)]
    found = number(table_of(*rows), "M", GAP)
    assert found["value"] == pytest.approx(0)
    assert found["sd"] == pytest.approx(0.2 / np.sqrt(2))


def test_a_gap_is_to_the_retrain_of_the_same_panel():
    rows = [
        remembered("Retrain", [aim] * 2, panel=panel) for panel, aim in (("all", 0.5), ("few", 0.7))
    ]
    found = table_of(*rows, remembered("M", [0.8] * 2, panel="few")).query(
        "measure == 'mia-gap' and method == 'M'"
    )
    assert found["value"].tolist() == [pytest.approx(0.1)]


@pytest.mark.parametrize(("least_users", "is_blank"), [(3, False), (4, True)])
def test_numbers_of_too_few_users_are_blank_and_tell_how_many(least_users, is_blank):
    rows = [
        remembered(name, [0.4, 0.5, 0.6], values={"overlap@10": [0.1, 0.2, 0.3]})
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
        values = both | {"js": [0.0123] * 3}
        rows.append(remembered("Retrain", [0.5, 0.6, 0.7], values=values, panel=panel))
        values = both | {"rank-change": [-12.34] * 3}
        rows.append(remembered("CRAGRU", [0.6, 0.7, 0.8], values=values, panel=panel))
    return rows


def test_texts():
    header, grid = completeness_grid(table_of(*shown_rows()))
    assert header == ["Data set", "Backbone", "Method", *LABELS, "n"]
    retrain, cragru = ([(text.value, text.paper) for text in line[2:]] for line in grid)
    assert (retrain[0], retrain[-1]) == (("Retrain", ""), ("3", ""))
    assert retrain[1:3] == [
        ("0.600", "0.567, 0.633"),
        ("\N{EN DASH}", ""),
    ]  # Retrain has no gap to itself
    assert retrain[3] == ("0.67", "0.33, 1.00")  # a third digit would say nothing
    # all alike: there is no interval
    assert retrain[4:7] == [("0.250", ""), ("0.0123", ""), ("0.0", "")]
    assert cragru[2] == ("0.100", "")
    minus = "\N{MINUS SIGN}"
    assert cragru[5:7] == [
        ("\N{EN DASH}", ""),
        (f"{minus}12.3", ""),
    ]  # JS is not defined, which is no 0 users
    assert "| 0.600 [0.567, 0.633] | \N{EN DASH} " in re.sub(" +", " ", markdown(header, grid, "c"))


def test_two_panels_are_told_apart():
    header, grid = completeness_grid(table_of(*shown_rows(["all users", "cohort"])))
    assert header[:2] == ["Users", "Data set"]
    assert [line[0].value for line in grid] == ["all users", "all users", "cohort", "cohort"]


def test_the_note_has_the_ceiling_of_each_retrain():
    (note,) = completeness_notes(table_of(*shown_rows()), "by hand", "Retrain", HALF)
    assert note.startswith(
        "Protocol: by hand. In brackets: 50% intervals over 3 users (bootstrap, users drawn whole); one"
    )
    assert "the ceiling of an overlap (ML, BPR: 0.250)." in note
    (note,) = completeness_notes(
        table_of(*shown_rows(["all users", "cohort"])), "by hand", "Retrain", HALF
    )
    assert "(ML, BPR, all users: 0.250; ML, BPR, cohort: 0.250)" in note
    (note,) = completeness_notes(table_of(*shown_rows(), least_users=4), "by hand", "Retrain", HALF)
    assert "the ceiling of an overlap (too few users)." in note
    rows = [remembered("Retrain", [0.5] * (8 + seed), seed=seed) for seed in (1, 2)]
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
    (found,) = read_remembered([row()])
    assert (found.names, found.seed) == (("all", "ML", "BPR", "Retrain"), 1)
    # members of .9, .8, .7, .6, each held against .5 and .7 of the same user
    assert found.aucs.to_dict() == {0: 1, 1: 1, 2: 0.75, 3: 0.5}
    assert found.per_user["value"].tolist() == [0, 0.25, 0.5, 0.75]


def test_a_cohort_has_its_own_users_alone(row):
    (found,) = read_remembered([row(cohort=[1, 3, 77])])
    assert found.aucs.to_dict() == membership_aucs(members([1, 3])).to_dict() == {1: 1, 3: 0.5}
    assert found.per_user["user"].tolist() == [1, 3]


def test_a_file_of_variants_gives_the_one_asked_for(row):
    made = row(variants=("llm", "no-llm"), variant="llm")
    assert list(read_measure(made, "membership")) == list(MEMBERSHIP)
    assert len(read_measure(made, "membership")) == 12
    other = row("M", variants=("llm",), variant="random-ties")
    with refused(place=other["membership"], got=[0, 1, 2, 3]):
        list(read_remembered([made, other]))


def test_an_empty_file_lacks_no_variant(tmp_path):
    write_parquet(
        tmp_path / "none.parquet",
        pd.DataFrame(columns=["variant", *FORGET_REMAIN]),
        VARIANT | FORGET_REMAIN,
    )
    files = {"forget_remain": tmp_path / "none.parquet", "variant": "model", "cohort": None}
    assert read_measure(files, "forget_remain").empty


def test_rows_of_other_users_cannot_be_paired(row):
    other = row("M", users=[0, 1, 5])
    with refused(place=other["membership"], got=[2, 3, 5]):
        list(read_remembered([row(), other]))


def test_a_row_must_not_be_there_twice(row):
    with refused(place="all, ML, BPR, Retrain, seed 1", what="there twice"):
        list(read_remembered([row(), row("M"), row()]))


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
