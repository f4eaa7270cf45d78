"""What lists are like, all users' together: coverage, concentration, novelty (`cragru.evaluation.list_metrics`)."""

from collections.abc import Iterator, Sequence
from operator import itemgetter

import numpy as np
import pandas as pd

from cragru.evaluation.bias_columns import ITEM_ROWS, LISTS, USER_GROUPS
from cragru.evaluation.list_metrics import LIST_METRICS, NOBODY, Recommended
from cragru.kept.files import read_parquet
from cragru.reporting.averages import counted
from cragru.reporting.base import Order, Table
from cragru.reporting.checks import check_once, check_same_users
from cragru.reporting.grid import HeadedGrid, Text, filled
from cragru.reporting.labels import HEADS, PANEL_GROUP, ROW, Row, again
from cragru.reporting.measured import of_cohort

MEASURE = ["metric", "k"]


def make(order: Order) -> Table:
    """Make the table.

    Args:
        order: Rows have the labels `ROW`, seed; files lists, cohort or None, user_groups and item_rows; words are
            `title`, `retrain` (its label), and `note` (of the LLM, if any).
    """
    table = lists_table(order.rows, order.spec["cutoffs"])
    return Table(table, *lists_grid(table), [lists_note(table, **order.words)])


def lists_table(rows: Sequence[Row], cutoffs: Sequence[int]) -> pd.DataFrame:
    """Return one line per row, metric and K: `mean` and `sd` over seeds (missing for one seed), `users`, `seeds`.

    Further trainings of a row are one row of their own (`again`), over seeds and trainings.

    Raises:
        CragruError: If a row is there twice under one seed, or rows that are compared are of different users.
    """
    check_once(rows, ROW)
    long = pd.DataFrame(_values(rows, cutoffs))
    groups = long.groupby([*ROW, *MEASURE], sort=False)
    found = groups.agg(
        mean=("value", "mean"),
        sd=("value", "std"),
        users=("users", "mean"),
        seeds=("seed", "nunique"),
    )
    return found.reset_index()


def lists_grid(table: pd.DataFrame) -> HeadedGrid:
    """Return header and texts of `lists_table`; nothing is best here, so nothing is marked."""
    columns = list(table[MEASURE].drop_duplicates().itertuples(index=False, name=None))
    header = ["Users", *HEADS, *(f"{LIST_METRICS[name].label}@{k}" for name, k in columns)]
    grid = []
    for names, rows in table.groupby(ROW, sort=False):
        numbers = rows.set_index(MEASURE)
        texts = [
            f"{one['mean']:.3f}{filled(' ± {:.3f}', one['sd'])}" for _, one in numbers.iterrows()
        ]
        grid.append([*map(Text, (*names, *texts))])
    return header, grid


def lists_note(table: pd.DataFrame, title: str, retrain: str, note: str) -> str:
    """Tell what a reader must know to read the numbers."""
    panels = []
    for panel, rows in table.groupby("panel", sort=False):
        panels.append(f"{panel}: n = {counted(rows['users'])}")
    seeds = int(table["seeds"].max())
    spread = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
    return (
        f"Protocol: {title}. {'; '.join(panels)}; {spread}. Lists hold nothing seen and nothing forgotten. Coverage: "
        "share of the data set's items that stand on somebody's list; of few users it is small, so compare within a "
        "panel. Gini: 0 where all items stand on equally many lists, near 1 where all lists are one. Novelty: bits of "
        "surprise, -log2 of the share of users whose training rows have an item, mean over lists. More is not better: "
        f"the aim is {retrain}'s value. {again(retrain)}: its further trainings on the same split; their distance from "
        f"it and from each other is chance. {note}"
    ).strip()


def _values(rows: Sequence[Row], cutoffs: Sequence[int]) -> Iterator[dict[str, object]]:
    """Yield each metric of each row, at each K."""
    users = []
    for row in rows:
        wide = _wide(row)
        users.append((itemgetter(*PANEL_GROUP, "seed")(row), row["lists"], wide.index))
        for k in sorted(cutoffs):
            recommended = Recommended(_first(wide, k), *_training(row))
            for name, metric in LIST_METRICS.items():
                names = {label: row[label] for label in (*ROW, "seed")}
                if row["training"]:
                    names["method"] = again(row["method"])
                value = metric.function(recommended)
                yield {**names, "metric": name, "k": k, "value": value, "users": len(wide)}
    check_same_users(users, least=0)


def _wide(row: Row) -> pd.DataFrame:
    """Return a row's lists, of the cohort's users where it is for a cohort: users in the index, ranks in columns."""
    lists = of_cohort(read_parquet(row["lists"], LISTS), row["lists"], row["cohort"])
    return lists.pivot(index="user", columns="rank", values="item")


def _first(wide: pd.DataFrame, k: int) -> np.ndarray:
    return wide.reindex(columns=range(1, k + 1)).fillna(NOBODY).to_numpy(dtype=np.int64)


def _training(row: Row) -> tuple[np.ndarray, int]:
    """Return the training rows of each item, and how many users have any."""
    items = read_parquet(row["item_rows"], ITEM_ROWS)["training_rows"]
    users = read_parquet(row["user_groups"], USER_GROUPS)["training_rows"]
    return items.to_numpy(), int((users > 0).sum())
