"""Table V: whom unlearning hurt, each method against Retrain, above what further trainings of Retrain do."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import pandas as pd

from cragru.evaluation.bias import Results, bias_table
from cragru.evaluation.bias_columns import ITEM_ROWS, LIST_LENGTH, LISTS, MASK, USER_GROUPS
from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.columns import PER_USER
from cragru.evaluation.popularity import Lists, popularity_drift
from cragru.kept.files import read_parquet
from cragru.reporting.averages import counted
from cragru.reporting.base import RESAMPLING, Order, Table
from cragru.reporting.checks import check_once, check_same_users
from cragru.reporting.grid import HeadedGrid, Text, interval_texts
from cragru.reporting.labels import GROUP, HEADS, NAMES, Row, again, further

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
HEADER = [*HEADS, *dict(SHOWN.values())]
OWN = ["value", "low", "high", "n"]
NULL = ["null", "null_low", "null_high", "n"]


@dataclass(frozen=True)
class Compared:
    """A method under all seeds.

    Attributes:
        names: Labels of the row: data set, backbone, method.
        results: What is compared, by seed.
        lists: What is recommended, by seed.
    """

    names: tuple[str, str, str]
    results: dict[int, Results]
    lists: dict[int, Lists]


def make(order: Order) -> Table:
    """Make Table V.

    Args:
        order: Rows have what `read_compared` reads; words are `title` and `retrain`, the label of Retrain.
    """
    least_users, null = order.spec["least_users"], again(order.words["retrain"])
    table = whole_bias_table(read_compared(order.rows), RESAMPLING, MASK, LIST_LENGTH, least_users)
    notes = bias_notes(table, order.words["title"], RESAMPLING, null, LIST_LENGTH)
    return Table(table, *bias_grid(table, null), notes)


def read_compared(rows: Sequence[Row]) -> Iterator[Compared]:
    """Read each method's results and lists of all seeds.

    Args:
        rows: Labels `NAMES`, seed; files user_groups, item_rows and, for the method, Retrain and each of its further
            trainings (`again_1`, …), `…_per_user` and `…_lists`.

    Raises:
        CragruError: If a row is there twice under one seed, or its lists are of different users.
    """
    check_once(rows, NAMES)
    methods: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        names = itemgetter(*NAMES)(row)
        methods.setdefault(names, []).append(row)
    for names, own in methods.items():
        compared = Compared(names, {}, {})
        for row in own:
            compared.results[row["seed"]] = read_results(row)
            compared.lists[row["seed"]] = read_lists(row)
        yield compared


def read_results(row: Row) -> Results:
    """Read the results that a row of `read_compared` compares."""
    method, retrain, *others = [
        read_parquet(row[f"{name}_per_user"], PER_USER) for name in _models(row)
    ]
    users = read_parquet(row["user_groups"], USER_GROUPS)
    groups, training_rows = users["group"], users["training_rows"]
    return Results(method, retrain, others, groups.to_numpy(), training_rows.to_numpy())


def _models(row: Row) -> list[str]:
    """Return the names of a row's models: the method, Retrain, and its further trainings."""
    return [name.removesuffix("_lists") for name in row if name.endswith("_lists")]


def read_lists(row: Row) -> Lists:
    """Read the lists of a row of `read_compared`; -1 where a list is shorter than another."""
    wide, same = [], []
    for name in _models(row):
        path = row[f"{name}_lists"]
        lists = read_parquet(path, LISTS).pivot(index="user", columns="rank", values="item")
        wide.append(lists)
        same.append(("lists", path, list(lists.index)))
    check_same_users(same, least=0)
    ranks = sorted(set().union(*wide))
    items = []
    for lists in wide:
        filled = lists.reindex(columns=ranks).fillna(-1)
        items.append(filled.to_numpy(dtype=np.int64))
    training_rows = read_parquet(row["item_rows"], ITEM_ROWS)["training_rows"]
    method, retrain, *others = items
    users = wide[0].index.to_numpy()
    return Lists(users, method, retrain, others, training_rows.to_numpy())


def whole_bias_table(
    rows: Iterable[Compared], resampling: Resampling, mask: str, k: int, least_users: int
) -> pd.DataFrame:
    """Return all measures of each row: columns of `NAMES` and of `cragru.evaluation.bias.bias_table`."""
    frames = []
    for row in rows:
        users = bias_table(row.results, resampling, mask, k, least_users)
        drift = popularity_drift(row.lists, resampling, least_users)
        labels = dict(zip(NAMES, row.names, strict=True))
        frames += [frame.assign(**labels) for frame in (users, drift) if not frame.empty]
    return pd.concat(frames).set_index(NAMES).reset_index()  # the names stand first


def bias_grid(table: pd.DataFrame, again: str) -> HeadedGrid:
    """Return header and texts of `whole_bias_table`: values with their bounds, and the null below the methods."""
    grid = []
    for names, rows in table.groupby(GROUP, sort=False):
        for method, own in rows.groupby("method", sort=False):
            measures = own.set_index(["measure", "group"])
            labels = map(Text, (*names, method))
            grid.append([*labels, *interval_texts(measures, SHOWN, OWN)])
        labels = map(Text, (*names, again))  # the null is the same beside each method
        grid.append([*labels, *interval_texts(measures, SHOWN, NULL)])
    return HEADER, grid


def bias_notes(
    table: pd.DataFrame, title: str, resampling: Resampling, again: str, k: int
) -> list[str]:
    """Tell what a reader must know to trust the numbers."""
    seeds, sizes = int(table["seeds"].max()), []
    count = int(table["nulls"].max())
    deltas = table[table["measure"] == "delta"]
    for group, rows in deltas.groupby("group", sort=False):
        if rows["n"].max():
            sizes.append(f"{group}: {counted(rows['n'])}")
    return [
        f"Protocol: {title}. Numbers are NDCG@{k} of a method less Retrain's, user by user; below 0 the method is "
        f"worse. In brackets: {resampling.level:.0%} intervals over users (bootstrap); "
        f"{f'a mean over {seeds} seeds (of split and training) comes first' if seeds > 1 else 'one seed'}. "
        f"Users: {'; '.join(sizes)}; a number of too few is left out. {again}: the null, {further(count)}, "
        "on the same split with other random streams, as mean and, in brackets, range; only what goes beyond it is a "
        "method's doing. Similar: the tenth of the remaining users whose "
        "embedding in the original model is nearest to a forgotten user's; far: the others. Propagation bias: "
        "similar less far. Worst decile: mean of the tenth of users who lost most. Disparity change: how much "
        "wider the distance became between the most active twentieth of users and the rest. Popularity drift: KL "
        "divergence from Retrain's, in nats, of the popularity of recommended items; sampling pushes it up, which"
        " its interval takes off, so it may lie below."
    ]
