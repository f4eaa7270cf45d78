"""What a method takes as a request grows (Section V-C of the paper): one user against a tenth of all interactions."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from cragru.data.parts import read_sizes
from cragru.kept.csv_files import read_csv
from cragru.reporting.base import Order, Table
from cragru.reporting.costs import SEQUENTIAL, STAGES, read_costs
from cragru.reporting.grid import HeadedGrid, Text, significant
from cragru.reporting.labels import GROUP, HEADS, NAMES, Row

COLUMNS = [*NAMES, "one_user", "large", "growth", "is_computed", "users_in_a_retraining"]
HEADER = [*HEADS, "One user [s]", "A tenth of all rows [s]", "Ratio", "Users a retraining"]

TIMES = {**dict.fromkeys(NAMES, "object"), SEQUENTIAL: "float64"}
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
            record["seconds_per_user"] = sum(record[name] for name in STAGES)
        large.append(record)
    users, words = {}, order.words
    for row in order.rows:
        users[row["dataset"]] = read_sizes(row["statistics"])[0]
    times = read_csv(order.further["times"], TIMES)
    table = size_table(times, large, users, words["retrain"])
    return Table(table, *size_grid(table), size_notes(words["titles"], users))


def size_table(
    times: pd.DataFrame, large: Iterable[Row], users: Mapping[str, int], retrain: str
) -> pd.DataFrame:
    """Return seconds of each method for a small and for a large request.

    Args:
        times: From `cragru.reporting.time_table.time_table`: one user.
        large: One record per row and seed of the large request: labels `NAMES`; `seconds_sequential` of it all, or, for
            what answers users one by one, `seconds_per_user`.
        users: How many ask in the large request, by label of the data set.
        retrain: Label of the row that is Retrain.

    Returns:
        One row per label that has both, `COLUMNS`: median seconds for one user, mean seconds over seeds for the large
        request, their ratio; `is_computed`, whether the large one is seconds per user times users; for such rows how
        many users are served in the time of one retraining (missing for others).
    """
    small = times.set_index(NAMES)[SEQUENTIAL]
    found = []
    for names, rows in pd.DataFrame(list(large)).groupby(NAMES, sort=False):
        if names not in small.index:
            continue
        per_user = rows["seconds_per_user"].mean() if "seconds_per_user" in rows else float("nan")
        is_computed = bool(pd.notna(per_user))
        seconds = per_user * users[names[0]] if is_computed else rows[SEQUENTIAL].mean()
        found.append([*names, small[names], seconds, seconds / small[names], is_computed, per_user])
    table = pd.DataFrame(found, columns=[*COLUMNS[:-1], "per_user"])
    retraining = table[table["method"] == retrain].set_index(GROUP)["large"]
    keys = pd.MultiIndex.from_frame(table[GROUP])
    table["users_in_a_retraining"] = retraining.reindex(keys).to_numpy() / table["per_user"]
    return table[COLUMNS]


def size_grid(table: pd.DataFrame) -> HeadedGrid:
    """Return header and texts of `size_table`."""
    grid = []
    for *names, small, large, growth, is_computed, served in table.itertuples(index=False):
        numbers = list(map(significant, (small, large, growth, served)))
        if is_computed:
            numbers[1] += " *"
        grid.append(list(map(Text, (*names, *numbers))))
    return HEADER, grid


def size_notes(titles: Sequence[str], users: Mapping[str, int]) -> list[str]:
    """Tell what the columns are: `titles` of the small and of the large request, how many ask in the large one."""
    asking = "; ".join(f"{dataset}: {count:,}" for dataset, count in users.items())
    return [
        f"One user: {titles[0]}, median. A tenth of all rows: {titles[1]}; it touches all shards, trained together. "
        "Ratio: the second / the first. *: computed, not measured: mean seconds of a cohort's user, in a batch, "
        f"times all users ({asking}), for a tenth of the rows touches nearly everyone. Users a retraining: how many "
        "users such a method answers in the time in which Retrain serves all of them."
    ]
