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
LABELS = [
    *("MIA-AUC", "Calibrated AUC", "Two-sided AUC", "TPR at 1 % FPR", "TPR at .1 % FPR"),
    *("Shift left", "Forget-HR@10", "Overlap@10", "JS [nats]", "Rank change"),
]


def per_user(values, users=None):
    """A frame of `COMPLETENESS` from each measure's values of users 0, 1, ... or those given."""
    rows = [
        (user, name, value)
        for name, own in values.items()
        for user, value in zip(users or range(len(own)), own, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(COMPLETENESS)).astype(COMPLETENESS)


def scored(members, others, fifths=1):
    """A frame of `MEMBERSHIP` from each user's calibrated scores of forgotten and of held-out rows."""
    rows = [
        (user, kind, 0.5, score)
        for kind, scores in ((True, members), (False, others))
        for user, own in enumerate(scores)
        for score in own
    ]
    frame = pd.DataFrame(rows, columns=["user", "member", "percentile", "calibrated"])
    return frame.assign(fifth=fifths).astype(MEMBERSHIP)


LISTS = scored([[np.nan]] * 9, [[np.nan]] * 9)  # re-ranked ones, which have no scores


def remembered(
    method,
    aucs=(0.5,) * 9,
    seed=1,
    values=None,
    users=None,
    panel="all",
    training=0,
    membership=LISTS,
):
    """A row; `aucs` and values of users 0, 1, ... or those given."""
    names = (panel, "ML", "BPR", method)
    own = pd.Series(aucs[: len(users)] if users else aucs, users, dtype=float)
    return Remembered(names, seed, training, membership, own, per_user(values or {}, users))


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
    shown = ["(n = 3)"] * 2 if is_blank else ["0.500", "0.200"]
    assert [line[place].value for place in (3, 10)] == shown


# --- calibrated scores


def known(table, method):
    """Values of the measures of calibrated scores by measure."""
    own = table[table["method"] == method].set_index("measure")["value"]
    return own.loc[["calibrated-auc", "two-sided-auc", "tpr@1%", "tpr@0.1%", "shift-left"]].tolist()


ORIGINAL = scored([[2.0], [3.0]], [[0.0], [1.0]])
LEFT = scored([[1.0], [-2.0]], [[0.5], [-0.5]])


def test_calibrated_scores_by_hand():
    """The original shifts by 2.5 - .5. M has 1 and -2 beside .5 and -.5: a shift of 1, half of it, to both sides."""
    rows = [remembered("Retrain", membership=scored([[0.0], [1.0]], [[0.0], [1.0]]))]
    rows += [remembered("M", membership=LEFT), remembered("Original", membership=ORIGINAL)]
    table = table_of(*rows)
    assert known(table, "Original") == [1, 1, 1, 1, 1]
    # M: one of two forgotten rows is above both held-out rows, the other below; sizes are above
    assert known(table, "M") == pytest.approx([0.5, 1, 0.5, 0.5, 0.5])
    # Retrain: 0 and 1 beside 0 and 1, and nothing above 1
    assert known(table, "Retrain") == pytest.approx([0.5, 0.5, 0, 0, 0])
    found = number(table, "M", "calibrated-auc")
    assert (found["n"], found["seeds"]) == (2, 1)
    assert found["low"] <= found["value"] <= found["high"]


def test_without_the_original_no_share_of_its_shift_is_known():
    table = table_of(remembered("Retrain", membership=LEFT))
    found = number(table, "Retrain", "shift-left")
    assert np.isnan(found["value"])
    assert found["n"] == 0
    assert number(table, "Retrain", "two-sided-auc")["value"] == 1


def test_seeds_are_averaged_and_the_shares_are_of_means():
    """AUCs 1 and .5; shifts 2 and 1 of the original's 2 and 2."""
    rows = [remembered("Retrain", seed=seed, membership=LEFT) for seed in (1, 2)]
    rows += [remembered("Original", seed=seed, membership=ORIGINAL) for seed in (1, 2)]
    rows += [remembered("M", membership=ORIGINAL), remembered("M", seed=2, membership=LEFT)]
    table = table_of(*rows)
    found = number(table, "M", "calibrated-auc")
    assert (found["value"], found["seeds"]) == (0.75, 2)
    assert found["sd"] == pytest.approx(0.5 / np.sqrt(2))
    assert number(table, "M", "shift-left")["value"] == pytest.approx(0.75)


def test_a_seed_in_which_nobody_has_rows_of_both_kinds_is_no_zero():
    rows = [remembered("Retrain", membership=LEFT)]
    rows += [remembered("Original", membership=ORIGINAL)]
    nobody = {"seed": 2, "membership": LISTS.iloc[:0]}
    rows += [remembered(name, [], **nobody) for name in ("Retrain", "Original")]
    table = table_of(*rows)
    assert known(table, "Retrain") == [0.5, 1, 0.5, 0.5, 0.5]
    assert number(table, "Retrain", "two-sided-auc")["n"] == 2
    alone = table_of(*rows[2:])
    assert alone["value"].isna().all()
    assert set(alone["n"]) == {0}


def test_fifths_are_of_popularity():
    """Rows of the first fifth are told apart, of the fifth one they are not; the others have none."""
    first, last = scored([[2.0], [2.0]], [[1.0], [1.0]]), scored([[1.0]], [[1.0]], fifths=5)
    both = pd.concat([first, last], ignore_index=True)
    table = table_of(remembered("Retrain", membership=both))
    found = {
        fifth: number(table, "Retrain", f"calibrated-auc-fifth-{fifth}") for fifth in range(1, 6)
    }
    assert {fifth: own["n"] for fifth, own in found.items()} == {1: 2, 2: 0, 3: 0, 4: 0, 5: 1}
    assert found[1]["value"] == 1
    assert np.isnan(found[5]["value"])  # of one user, which are too few
    alone = number(
        table_of(remembered("Retrain", membership=both), least_users=1),
        *(("Retrain", "calibrated-auc-fifth-5")),
    )
    assert alone["value"] == 0.5


def test_further_trainings_are_a_row_of_their_own_with_their_range():
    """AUCs .6 of Retrain; .5, .7 and .9 of its further trainings, so gaps of .1, .1 and .3."""
    rows = [remembered("Retrain", [0.6] * 9, values={"js": [0.2] * 9}, membership=LEFT)]
    for training, auc in ((1, 0.5), (2, 0.7), (3, 0.9)):
        own = {"values": {"js": [auc] * 9}, "membership": ORIGINAL if training == 3 else LEFT}
        rows.append(remembered("Retrain", [auc] * 9, training=training, **own))
    rows.append(remembered("Original", membership=ORIGINAL))
    table = table_of(*rows)
    assert table["method"].drop_duplicates().tolist() == ["Retrain", "Retrain, again", "Original"]
    assert number(table, "Retrain", "mia-auc")["value"] == pytest.approx(0.6)

    def ranges(measure):
        found = number(table, "Retrain, again", measure)
        return [found[name] for name in ("value", "low", "high")]

    assert ranges("mia-auc") == pytest.approx([0.7, 0.5, 0.9])
    assert ranges("mia-gap") == pytest.approx([0.5 / 3, 0.1, 0.3])
    assert ranges("js") == pytest.approx([0.7, 0.5, 0.9])
    assert ranges("calibrated-auc") == pytest.approx([2 / 3, 0.5, 1])
    assert ranges("shift-left") == pytest.approx([2 / 3, 0.5, 1])
    found = number(table, "Retrain, again", "mia-auc")
    assert (found["n"], np.isnan(found["sd"])) == (9, True)


def test_further_trainings_have_the_same_seeds():
    """.5 and .7 under two seeds are one training, of .6."""
    rows = [remembered("Retrain", seed=seed) for seed in (1, 2)]
    rows += [
        remembered("Retrain", [auc] * 9, seed, training=1) for seed, auc in ((1, 0.5), (2, 0.7))
    ]
    found = number(table_of(*rows), "Retrain, again", "mia-auc")
    assert [found[name] for name in ("value", "low", "high")] == pytest.approx([0.6] * 3)
    assert found["seeds"] == 2


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
    dash = ("\N{EN DASH}", "")
    assert retrain[1] == ("0.600", "0.567, 0.633")
    assert retrain[2:7] == [dash] * 5  # lists have no scores
    assert retrain[7] == ("0.67", "0.33, 1.00")  # a third digit would say nothing
    # all alike: there is no interval
    assert retrain[8:11] == [("0.250", ""), ("0.0123", ""), ("0.0", "")]
    minus = "\N{MINUS SIGN}"
    assert cragru[9:11] == [dash, (f"{minus}12.3", "")]  # JS is not defined, which is no 0 users
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
    rows += [(user, False, 0.7) for user in users]
    frame = pd.DataFrame(rows, columns=["user", "member", "percentile"])
    return frame.assign(calibrated=frame["percentile"], fifth=1).astype(MEMBERSHIP)


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
            "training": 0,
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
    assert found.training == 0
    pd.testing.assert_frame_equal(found.membership, members(range(4)))
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


def test_a_further_training_is_no_second_row(row):
    rows = [row(), row(training=3)]
    assert [found.training for found in read_remembered(rows)] == [0, 3]
    with refused(place="all, ML, BPR, Retrain, seed 1, training 3", what="there twice"):
        list(read_remembered([*rows, rows[1]]))


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
