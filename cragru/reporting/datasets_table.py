"""Table I: what the data sets are."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cragru.core.place import PathLike
from cragru.evaluation.printed_columns import OF_DATASETS
from cragru.kept.files import read_record
from cragru.reporting.base import Order, Table
from cragru.reporting.grid import HeadedGrid, Text, filled
from cragru.written.printed import printed, printed_values

HEADER = ["Data set", "Users", "Items", "Interactions", "Interactions per user", "Sparsity (%)"]
PAPER_COLUMNS = {
    "users": "users",
    "items": "items",
    "interactions": "interactions",
    "interactions_per_user": "avg_interactions",
    "sparsity_percent": "sparsity_percent",
}
COUNTED = dict.fromkeys([*PAPER_COLUMNS][:4], float) | {"sparsity": float}  # of statistics.json
WHOLE = ("{:,.0f}", "{:,.0f}")  # how our values and printed ones are written
FORMATS = {"interactions_per_user": ("{:.2f}", "{:.0f}"), "sparsity_percent": ("{:.2f}", "{:.2f}")}

MISSING = {
    "rating": "without ratings, so that each interaction has the rating 1",
    "timestamp": "without times, so that interactions are in the order of the file",
}
RULES = {
    "repeats": "keeping the {value} of repeated pairs",
    "least_rating": "ratings from {value} on",
    "core": "the core, with at least {value},",
    "users": "drawing {value} users",
}
"""What `keep` of an entry does, rule by rule."""


def make(order: Order) -> Table:
    """Make Table I.

    Args:
        order: Rows have `dataset`, a label, and `statistics`, a file; a further file may be `paper`.
    """
    statistics = {}
    for row in order.rows:
        statistics[row["dataset"]] = read_record(row["statistics"], COUNTED)
    table = datasets_table(statistics, order.further.get("paper"))
    return Table(table, *datasets_grid(table), datasets_notes(statistics))


def datasets_table(
    statistics: Mapping[str, Mapping[str, Any]], paper: PathLike | None
) -> pd.DataFrame:
    """Return a row for each label of `statistics`: our values, and `paper_…` for each (missing where there is none)."""
    values = printed_values(paper, OF_DATASETS)
    rows = []
    for label, counted in statistics.items():
        counts = counted | {"sparsity_percent": 100 * counted["sparsity"]}
        row = {"dataset": label}
        for name in PAPER_COLUMNS:
            row[name] = counts[name]
        for name, column in PAPER_COLUMNS.items():
            row[f"paper_{name}"] = printed(values, (label,), column)
        rows.append(row)
    return pd.DataFrame(rows)


def datasets_grid(table: pd.DataFrame) -> HeadedGrid:
    """Return header and texts of `datasets_table`."""
    grid = []
    for row in table.to_dict("records"):
        texts = [Text(row["dataset"])]
        for name in PAPER_COLUMNS:
            ours, theirs = FORMATS.get(name, WHOLE)
            texts.append(Text(ours.format(row[name]), filled(theirs, row[f"paper_{name}"])))
        grid.append(texts)
    return HEADER, grid


def datasets_notes(statistics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a note for each data set that lacks columns, or of which rules left rows out."""
    notes = []
    for label, counted in statistics.items():
        parts = [MISSING[column] for column in counted.get("missing", ())]
        for one in counted.get("left_out", ()):
            rule = RULES[one["rule"]].format(value=_written(one["value"]))
            gone = [f"{one[name]:,} {name}" for name in ("interactions", "users", "items")]
            parts.append(f"{rule} left out {', '.join(gone[:2])} and {gone[2]}")
        if parts:
            notes.append(f"{label}: {'; '.join(parts)}.")
    return notes


def _written(value: Any) -> str:
    """Return the value of a rule: of a core its numbers by name."""
    if isinstance(value, Mapping):
        return ", ".join(f"{number:,} for {name}" for name, number in value.items())
    return value if isinstance(value, str) else f"{value:,g}" if value % 1 else f"{value:,.0f}"
