"""What a method takes as a request grows (Section V-C of the paper): one user against a tenth of all interactions."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from cragru.data.parts import read_sizes
from cragru.kept.csv_files import read_csv
from cragru.reporting.base import Order, Table
from cragru.reporting.costs import (
    COUNTS,
    SEQUENTIAL,
    STAGES,
    count_seconds,
    counted,
    counts_note,
    marked,
    read_costs,
    unit,
)
from cragru.reporting.grid import HeadedGrid, Text, significant
from cragru.reporting.labels import GROUP, HEADS, NAMES, Row
from cragru.reporting.time_table import RATE, steps_per_second

COLUMNS = [
    *NAMES,
    "one_user",
    "one_user_counts",
    "large",
    "large_counts",
    "growth",
    "is_computed",
    "users_in_a_retraining",
    "one_user_steps_per_second",
    "large_steps_per_second",
    "one_user_wall",
    "large_wall",
]
SHOWN = ["one_user", "large", "growth", "users_in_a_retraining"]
PER_USER = "seconds_per_user"
STEPS = "optimiser_steps"
LIKE = 1.5  # most of two rates of the same work, one divided by the other

SMALL = counted(SEQUENTIAL)
TIMES = {
    **dict.fromkeys([*NAMES, COUNTS], "object"),
    **dict.fromkeys([SMALL, SEQUENTIAL, RATE], "float64"),
}
"""Columns of the CSV of Table III that are read."""


def make(order: Order) -> Table:
    """Make the table of times by size of the request.

    Args:
        order: Rows are of the large request: labels, `seed`, files `cost` and `statistics` (of the data set), and
            `cohort`, what the users are called whom an LLM answered, or None for a method; words are `titles` (of the
            small and of the large request's protocol) and `retrain` (its label); a further file is `times`, the CSV of
            Table III.
    """
    large = []
    for record in read_costs(order.rows, {}):
        if record["cohort"] is not None:  # an LLM's cost is of one user, a method's of the request
            record[PER_USER] = sum(record[name] for name in STAGES)
            cpus = [record.get(f"cpu_{name}") for name in STAGES]
            record[f"cpu_{PER_USER}"] = None if None in cpus else sum(cpus)
        large.append(record)
    users, words = {}, order.words
    for row in order.rows:
        users[row["dataset"]] = read_sizes(row["statistics"])[0]
    times = read_csv(order.further["times"], TIMES)
    table = size_table(times, large, users, words["retrain"])
    return Table(table, *size_grid(table), size_notes(table, words["titles"], users))


def size_table(
    times: pd.DataFrame, large: Iterable[Row], users: Mapping[str, int], retrain: str
) -> pd.DataFrame:
    """Return seconds of each method for a small and for a large request.

    Args:
        times: From `cragru.reporting.time_table.time_table`: one user.
        large: One record per row and seed of the large request: labels `NAMES`; `device`, `optimiser_steps`;
            `seconds_sequential` of it all, or, for what answers users one by one, `seconds_per_user`, and CPU seconds
            of either, with `cpu_` before the name.
        users: How many ask in the large request, by label of the data set.
        retrain: Label of the row that is Retrain.

    Returns:
        One row per label that has both, `COLUMNS`: median seconds that count for one user, mean seconds over seeds for
        the large request, and which seconds count in each; their ratio, `growth`; `is_computed`, whether the large one
        is seconds per user times users; for such rows how many users are served in the time of one retraining (missing
        for others); medians of optimiser steps per second; wall seconds. There is no growth where other seconds count
        in the two, or where their steps per second differ by more than half, and no number of users where those of
        Retrain do: they did not run alike.
    """
    small = times.set_index(NAMES)
    frame = count_seconds(large, [SEQUENTIAL, PER_USER], NAMES)
    if STEPS not in frame:
        frame[STEPS] = np.nan
    frame[RATE] = steps_per_second(frame)
    grouped = frame.groupby(NAMES, sort=False)
    rates = grouped[RATE].median()
    found, per_user = [], []
    for names, rows in grouped:
        if names not in small.index:
            continue
        own = small.loc[names]
        is_computed = bool(rows[PER_USER].notna().any())
        field, factor = (PER_USER, users[names[0]]) if is_computed else (SEQUENTIAL, 1)
        seconds = factor * rows[counted(field)].mean()
        counts, rate = rows[COUNTS].iloc[0], rates[names]
        is_like = own[COUNTS] == counts and not _differ(own[RATE], rate)
        growth = seconds / own[SMALL] if is_like else np.nan
        wall = own[SEQUENTIAL], factor * rows[field].mean()
        line = [*names, own[SMALL], own[COUNTS], seconds, counts, growth, is_computed, np.nan]
        found.append([*line, own[RATE], rate, *wall])
        per_user.append(rows[counted(PER_USER)].mean())
    table = pd.DataFrame(found, columns=COLUMNS)
    retraining = table[table["method"] == retrain].dropna(subset="growth").set_index(GROUP)["large"]
    keys = pd.MultiIndex.from_frame(table[GROUP])
    table["users_in_a_retraining"] = retraining.reindex(keys).to_numpy() / np.array(per_user)
    return table


def size_grid(table: pd.DataFrame) -> HeadedGrid:
    """Return header and texts of `size_table`."""
    counts = [*table["one_user_counts"], *table["large_counts"]]
    seconds = unit(counts)
    header = [*HEADS, f"One user [{seconds}]", f"A tenth of all rows [{seconds}]"]
    header += ["Ratio", "Users a retraining"]
    grid = []
    for row in table.to_dict("records"):
        small, large, growth, served = (significant(row[name]) for name in SHOWN)
        if row["is_computed"]:
            large += " *"
        small = marked(small, row["one_user_counts"], counts)
        large = marked(large, row["large_counts"], counts)
        names = [row[name] for name in NAMES]
        grid.append(list(map(Text, (*names, small, large, growth, served))))
    return header, grid


def size_notes(table: pd.DataFrame, titles: Sequence[str], users: Mapping[str, int]) -> list[str]:
    """Tell what the columns are: `titles` of the small and of the large request, how many ask in the large one."""
    asking = "; ".join(f"{dataset}: {count:,}" for dataset, count in users.items())
    counts = [*table["one_user_counts"], *table["large_counts"]]
    return [
        f"One user: {titles[0]}, median. A tenth of all rows: {titles[1]}; it touches all shards, "
        "which a GPU trains together. "
        f"{counts_note(counts)} "
        "Ratio: the second / the first. *: computed, not measured: mean seconds of a cohort's user, in a batch, "
        f"times all users ({asking}), for a tenth of the rows touches nearly everyone. Users a retraining: how many "
        "users such a method answers in the time in which Retrain serves all of them. A blank ratio: the optimiser's "
        "steps per second in the two requests differ by more than half (they are in the CSV), or one has CPU and the "
        "other wall seconds, so the ratio is not one of sizes alone. Where Retrain's is blank, so are the users a "
        "retraining."
    ]


def _differ(one: float, other: float) -> bool:
    """Say whether two rates differ by more than half; where one is missing, there is nothing to compare."""
    return max(one, other) > LIKE * min(one, other)
