"""Whether rows of a table of ranking quality differ: paired tests per user, one family for the whole table."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter

import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.names import ORIGINAL_LABEL
from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.metrics import TEST_LABELS, UTILITY, metrics_in
from cragru.evaluation.significance import LEAST_SEEDS, compare, one_family
from cragru.reporting.base import RESAMPLING, Order
from cragru.reporting.labels import PANEL_GROUP
from cragru.reporting.measured import Measured, by_group, read_measured

LEVEL = 0.05

TESTS = {
    **dict.fromkeys([*PANEL_GROUP, "comparison", "metric"], "object"),
    "k": "int64",
    "p": "float64",
    "p_holm": "float64",
}
"""Columns of the CSV of `significance_table` that a table reads of it."""


def differences(order: Order) -> pd.DataFrame:
    """Test the differences of a table of ranking quality.

    Args:
        order: Rows have what `read_measured` reads; the spec has `mask` and `cutoffs`; words are `references` (by
            panel) and `null`, the labels of Retrain and of Retrain with other random streams.
    """
    spec, words = order.spec, order.words
    measured, null = read_measured(order.rows), tuple(words["null"])
    return significance_table(
        measured, spec["mask"], spec["cutoffs"], words["references"], null, RESAMPLING
    )


def significance_table(
    measured: Iterable[Measured],
    mask: str,
    cutoffs: Sequence[int],
    references: Mapping[str, str],
    null: tuple[str, str],
    resampling: Resampling,
) -> pd.DataFrame:
    """Compare the rows of each panel, data set and backbone with one of them.

    `references` has, by panel, the label of the row that the others are held against; a group without it is left out.
    `null` has the labels of Retrain and of Retrain with other random streams, whose difference stands beside every
    other; the second is no row of the table and is compared with nothing else.

    Returns:
        Columns of `PANEL_GROUP` and of `cragru.evaluation.significance.compare`, `p_holm` over all rows.

    Raises:
        CragruError: If a group lacks a label of `null`, or rows cannot be paired.
    """
    frames = []
    for names, rows in by_group(measured, PANEL_GROUP).items():
        for label in null:
            if label not in rows:
                at = ", ".join(names)
                raise CragruError("no such row", place=at, got=label, advice="add that method")
        noise = itemgetter(*null)(rows)
        compared = rows.copy()
        del compared[null[1]]  # it is no row of the table
        reference = references.get(names[0])
        if reference in compared and len(compared) > 1:
            frame = compare(compared, reference, mask, cutoffs, resampling, noise)
            frames.append(frame.assign(**dict(zip(PANEL_GROUP, names, strict=True))))
    table = one_family(frames)
    return table.set_index(PANEL_GROUP).reset_index()  # they stand first


def mark_differences(table: pd.DataFrame, tests: pd.DataFrame) -> pd.DataFrame:
    """Add the column `differs` to a table of ranking quality: whether a number differs from its panel's reference.

    The original model is not marked: where forgotten items compete they take places on its lists, and a difference
    would be that.
    """
    is_marked = (tests["p_holm"] < LEVEL) & (tests["comparison"] != ORIGINAL_LABEL)
    found = tests[is_marked].rename(columns={"comparison": "method"})
    keys = [*PANEL_GROUP, "method", "metric", "k"]
    rows, differing = map(pd.MultiIndex.from_frame, (table[keys], found[keys]))
    return table.assign(differs=rows.isin(differing))


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
        f"*: differs from the row that its panel is held against ({against}), p < {LEVEL:g} by paired tests per user "
        f"({_tests_of_metrics()}), Holm over the table's {size} comparisons; only where enough users were "
        "evaluated."
    )


def _tests_of_metrics() -> str:
    """Tell which test each metric has, such as ``NDCG: Wilcoxon, HR: McNemar``."""
    told = []
    for test, name in TEST_LABELS.items():
        labels = [entry.label for entry in metrics_in(UTILITY).values() if entry.test == test]
        if labels:
            told.append(f"{' and '.join(labels)}: {name}")
    return ", ".join(told)
