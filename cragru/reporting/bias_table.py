"""Table V: whom unlearning hurt, each method against Retrain, above what a second training of Retrain does."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.evaluation.bias import Results, bias_table
from cragru.evaluation.bias_columns import ITEM_ROWS, LIST_LENGTH, LISTS, MASK, USER_GROUPS
from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.columns import PER_USER
from cragru.evaluation.popularity import Lists, popularity_drift
from cragru.kept.files import read_parquet
from cragru.reporting.averages import counted
from cragru.reporting.base import RESAMPLING, Order, Table
from cragru.reporting.grid import Text, interval_text
from cragru.reporting.labels import GROUP, NAMES

MODELS = ("method", "retrain", "replicate")  # whose results and lists are compared
SHOWN = {  # measure and group: column, digits
    ("delta", "all"): ("All", 4),
    ("delta", "similar"): ("Similar", 4),
    ("delta", "far"): ("Far", 4),
    ("propagation_bias", "similar - far"): ("Propagation bias", 4),
    ("delta_sd", "all"): ("SD over users", 4),
    ("worst_decile", "all"): ("Worst decile", 4),
    ("disparity_change", "active - inactive"): ("Disparity change", 4),
    ("popularity_drift", "all"): ("Popularity drift", 4),
}


@dataclass(frozen=True)
class Compared:
    """A method under all seeds.

    Attributes:
        names: Labels of the row: data set, backbone, method.
        results: What is compared, by seed.
        lists: What is recommended, by seed.
    """

    names: tuple[str, str, str]
    results: Mapping[int, Results]
    lists: Mapping[int, Lists]


def make(order: Order) -> Table:
    """Make Table V.

    Args:
        order: Rows have what `read_compared` reads; words are `title` and `replicate`, the label of the null.
    """
    least_users, replicate = order.spec["least_users"], order.words["replicate"]
    table = whole_bias_table(read_compared(order.rows), RESAMPLING, MASK, LIST_LENGTH, least_users)
    notes = bias_notes(table, order.words["title"], RESAMPLING, replicate, LIST_LENGTH)
    return Table(table, *bias_grid(table, replicate), notes)


def read_compared(rows: Iterable[Mapping[str, Any]]) -> Iterator[Compared]:
    """Read each method's results and lists of all seeds.

    Args:
        rows: One a seed, by name: dataset, backbone, method, seed; files user_groups, item_rows and, for each of
            `MODELS`, `…_per_user` and `…_lists`.

    Raises:
        CragruError: If a row is there twice under one seed, or its lists are of different users.
    """
    methods: dict[tuple[str, str, str], dict[int, Mapping[str, Any]]] = {}
    for row in rows:
        names, seed = tuple(row[name] for name in NAMES), row["seed"]
        seeds = methods.setdefault(names, {})
        if seed in seeds:
            raise CragruError(f"{', '.join(names)}, seed {seed}: there twice; name each row once")
        seeds[seed] = row
    for names, seeds in methods.items():
        results = {seed: read_results(row) for seed, row in seeds.items()}
        lists = {seed: read_lists(row) for seed, row in seeds.items()}
        yield Compared(names, results, lists)


def read_results(row: Mapping[str, Any]) -> Results:
    """What is compared of a row of `read_compared`."""
    users = read_parquet(row["user_groups"], USER_GROUPS)
    per_user = {name: read_parquet(row[f"{name}_per_user"], PER_USER) for name in MODELS}
    return Results(
        **per_user,
        groups=users["group"].to_numpy(),
        training_rows=users["training_rows"].to_numpy(),
    )


def read_lists(row: Mapping[str, Any]) -> Lists:
    """What is recommended in a row of `read_compared`; -1 where a list is shorter than another."""
    files = [row[f"{name}_lists"] for name in MODELS]
    wide = [
        read_parquet(file, LISTS).pivot(index="user", columns="rank", values="item")
        for file in files
    ]
    users = wide[0].index
    for file, table in zip(files, wide, strict=True):
        if not table.index.equals(users):
            raise CragruError(
                f"{file}: its users are not those of {files[0]}; delete both and run again"
            )
    ranks = sorted(set().union(*(table.columns for table in wide)))
    items = [table.reindex(columns=ranks).fillna(-1).to_numpy(dtype=np.int64) for table in wide]
    training_rows = read_parquet(row["item_rows"], ITEM_ROWS)["training_rows"].to_numpy()
    return Lists(users.to_numpy(), *items, training_rows=training_rows)


def whole_bias_table(
    rows: Iterable[Compared], resampling: Resampling, mask: str, k: int, least_users: int
) -> pd.DataFrame:
    """All measures of each row: columns of `NAMES` and of `cragru.evaluation.bias.bias_table`."""
    frames = []
    for row in rows:
        measured = [
            bias_table(row.results, resampling, mask, k, least_users),
            popularity_drift(row.lists, resampling, least_users),
        ]
        own = pd.concat([frame for frame in measured if not frame.empty], ignore_index=True)
        frames.append(own.assign(**dict(zip(NAMES, row.names, strict=True))))
    table = pd.concat(frames, ignore_index=True)
    return table[[*NAMES, *(name for name in table if name not in NAMES)]]


def bias_grid(table: pd.DataFrame, replicate: str) -> tuple[list[str], list[list[Text]]]:
    """Header and texts of `whole_bias_table`: each value with its bounds; below the methods the null.

    Args:
        table: The table.
        replicate: Label of the row of the null.
    """
    header = ["Data set", "Backbone", "Method", *(column for column, _ in SHOWN.values())]
    grid = []
    for (dataset, backbone), rows in table.groupby(GROUP, sort=False):
        measures = {
            method: own.set_index(["measure", "group"])
            for method, own in rows.groupby("method", sort=False)
        }
        for method, own in measures.items():
            grid.append(
                [*map(Text, (dataset, backbone, method)), *_texts(own, "value", "low", "high")]
            )
        any_row = next(iter(measures.values()))  # the null is the same beside each
        grid.append(
            [
                *map(Text, (dataset, backbone, replicate)),
                *_texts(any_row, "null", "null_low", "null_high"),
            ]
        )
    return header, grid


def bias_notes(
    table: pd.DataFrame, title: str, resampling: Resampling, replicate: str, k: int
) -> list[str]:
    """What a reader must know to trust the numbers."""
    seeds = int(table["seeds"].max())
    sizes = "; ".join(
        f"{group}: {counted(rows['n'])}"
        for group, rows in table[table["measure"] == "delta"].groupby("group", sort=False)
        if rows["n"].max()
    )
    return [
        f"Protocol: {title}. Numbers are NDCG@{k} of a method less Retrain's, user by user; below 0 the method is "
        f"worse. In brackets: {resampling.level:.0%} intervals over users (bootstrap); "
        f"{f'a mean over {seeds} seeds (of split and training) comes first' if seeds > 1 else 'one seed'}. "
        f"Users: {sizes}; a number of too few is left out. {replicate}: the null, the same split and other random "
        "streams; only what goes beyond it is a method's doing. Similar: the tenth of the remaining users whose "
        "embedding in the original model is nearest to a forgotten user's; far: the others. Propagation bias: "
        "similar less far. Worst decile: mean of the tenth of users who lost most. Disparity change: how much "
        "wider the distance became between the most active twentieth of users and the rest. Popularity drift: KL "
        "divergence from Retrain's, in nats, of the popularity of recommended items; sampling pushes it up, which"
        " its interval takes off, so it may lie below."
    ]


def _texts(measures: pd.DataFrame, *columns: str) -> list[Text]:
    """A row's values with their bounds, or with n where there were too few users."""
    numbers = [*columns, "n"]
    return [
        interval_text(*(measures.loc[place, name] for name in numbers), digits)
        for place, (_, digits) in SHOWN.items()
    ]
