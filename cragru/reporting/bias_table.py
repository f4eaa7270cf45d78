"""Table V: whom unlearning hurt, each method against Retrain, above what a second training of Retrain does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from cragru.evaluation.bias import Lists, Results, bias_table, popularity_drift
from cragru.evaluation.bootstrap import Resampling
from cragru.reporting.averages import counted
from cragru.reporting.grid import Text, interval_text

NAMES = ["dataset", "backbone", "method"]
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


def bias_grid(table: pd.DataFrame, again: str) -> tuple[list[str], list[list[Text]]]:
    """Header and texts of `whole_bias_table`: each value with its bounds; below the methods the null.

    Args:
        table: The table.
        again: Label of the row of the null.
    """
    header = ["Data set", "Backbone", "Method", *(column for column, _ in SHOWN.values())]
    grid = []
    for (dataset, backbone), rows in table.groupby(NAMES[:2], sort=False):
        measures = {method: own.set_index(["measure", "group"]) for method, own in rows.groupby("method", sort=False)}
        for method, own in measures.items():
            grid.append([*map(Text, (dataset, backbone, method)), *_texts(own, "value", "low", "high")])
        any_row = next(iter(measures.values()))  # the null is the same beside each
        grid.append([*map(Text, (dataset, backbone, again)), *_texts(any_row, "null", "null_low", "null_high")])
    return header, grid


def bias_notes(table: pd.DataFrame, title: str, resampling: Resampling, again: str, k: int) -> list[str]:
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
        f"Users: {sizes}; a number of too few is left out. {again}: the null, the same split and other random "
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
        interval_text(*(measures.loc[place, name] for name in numbers), digits) for place, (_, digits) in SHOWN.items()
    ]
