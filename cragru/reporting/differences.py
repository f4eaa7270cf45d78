"""Whether rows of a table of ranking quality differ: paired tests per user, one family for the whole table."""

from collections.abc import Mapping, Sequence
from operator import attrgetter

import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.names import ORIGINAL_LABEL
from cragru.evaluation.significance import LEAST_SEEDS, compare, one_family
from cragru.reporting.base import Order
from cragru.reporting.labels import PANEL_GROUP
from cragru.reporting.measured import Measured, by_group, read_measured

LEVEL = 0.05

TESTS = {
    **dict.fromkeys([*PANEL_GROUP, "comparison", "metric"], "object"),
    "k": "int64",
    **dict.fromkeys(["difference", "null_high", "p", "p_holm"], "float64"),
}
"""Columns of the CSV of `significance_table` that a table reads of it."""


def differences(order: Order) -> pd.DataFrame:
    """Test the differences of a table of ranking quality.

    Args:
        order: Rows have what `read_measured` reads; the spec has `mask` and `cutoffs`; words are `references` (by
            panel) and `retrain`, the label of Retrain.
    """
    spec, words = order.spec, order.words
    measured = list(read_measured(order.rows))
    return significance_table(
        measured, spec["mask"], spec["cutoffs"], words["references"], words["retrain"]
    )


def significance_table(
    measured: Sequence[Measured],
    mask: str,
    cutoffs: Sequence[int],
    references: Mapping[str, str],
    retrain: str,
) -> pd.DataFrame:
    """Compare the rows of each panel, data set and backbone with one of them.

    Args:
        measured: The rows, under each seed and training.
        mask: `A` or `B`.
        cutoffs: Values of K.
        references: By panel, the label of the row that the others are held against; a group without it is left out.
        retrain: The label of Retrain, whose trainings show what chance does.

    Returns:
        Columns of `PANEL_GROUP` and of `cragru.evaluation.significance.compare`, `p_holm` over all rows.

    Raises:
        CragruError: If a group lacks Retrain, or rows cannot be paired.
    """
    sources = {(*attrgetter(*PANEL_GROUP)(row), row.method): row.source for row in measured}
    frames = []
    for names, rows in by_group(measured, PANEL_GROUP).items():
        if retrain not in rows:
            at = ", ".join(names)
            raise CragruError("no such row", place=at, got=retrain, advice="add that method")
        reference = references.get(names[0])
        if reference in rows and len(rows) > 1:
            source = sources[*names, reference]
            alike = [label for label in rows if source and sources[*names, label] == source]
            frame = compare(rows, reference, mask, cutoffs, rows[retrain], alike)
            frames.append(frame.assign(**dict(zip(PANEL_GROUP, names, strict=True))))
    table = one_family(frames)
    return table.set_index(PANEL_GROUP).reset_index()  # they stand first


def mark_differences(table: pd.DataFrame, tests: pd.DataFrame) -> pd.DataFrame:
    """Add two columns to a table of ranking quality: `differs`, and `reach`.

    A number differs from its panel's reference where the test says so and the difference is larger than that of any two
    Retrains, `reach`. The original model is not marked: where forgotten items compete they take places on its lists,
    and a difference would be that.
    """
    is_real = (tests["p_holm"] < LEVEL) & (tests["difference"].abs() > tests["null_high"])
    found = tests[is_real & (tests["comparison"] != ORIGINAL_LABEL)]
    found = found.rename(columns={"comparison": "method"})
    number = [*PANEL_GROUP, "metric", "k"]
    keys = [*number, "method"]
    rows, differing = map(pd.MultiIndex.from_frame, (table[keys], found[keys]))
    reaches = tests.groupby(number)["null_high"].first().rename("reach")
    return table.assign(differs=rows.isin(differing)).join(reaches, on=number)


def significance_note(tests: pd.DataFrame, references: Mapping[str, str]) -> str:
    """Tell what the marks mean, or why there is none."""
    tested, told = set(tests["panel"]), []
    for panel, label in references.items():
        if panel in tested:
            told.append(f"{panel}: {label}")
    against = "; ".join(told)
    size = int(tests["p"].notna().sum())
    if not size:
        return (
            f"Differences from the row that a panel is held against ({against}) were not tested: that takes "
            f"{LEAST_SEEDS} seeds. Their sizes and intervals are in the CSV of differences beside this table."
        )
    return (
        f"*: differs from the row that its panel is held against ({against}) by more than any two trainings of "
        f"Retrain, and p < {LEVEL:g} over users and trainings (Student's, Holm over the table's {size} comparisons); "
        "only where enough users were evaluated."
    )
