"""Table II: ranking quality of every method, averaged over users and then over seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from cragru.io import PathLike
from cragru.reporting.grid import Cell
from cragru.reporting.paper import printed, printed_values

METRICS = {"hr": "HR", "ndcg": "NDCG"}
CELL = ["dataset", "backbone", "method"]  # labels; a row of the table


@dataclass(frozen=True)
class Measured:
    """The per-user results of one cell under one seed.

    Attributes:
        dataset: Label of the data set.
        backbone: Label of the backbone.
        method: Label of the method.
        seed: The seed.
        per_user: Rows per user, mask and cut-off (`cragru.evaluation.schema.PER_USER`).
    """

    dataset: str
    backbone: str
    method: str
    seed: int
    per_user: pd.DataFrame


def utility_table(
    measured: Iterable[Measured], mask: str, cutoffs: Sequence[int], paper: PathLike | None
) -> pd.DataFrame:
    """Average each cell.

    Args:
        measured: Every cell under every seed, in the order of the table's rows.
        mask: Which mask's results, `A` or `B`.
        cutoffs: Values of K.
        paper: CSV of printed values.

    Returns:
        One row per cell, metric and K: `mean` over seeds of the mean over users, `sd` over seeds (missing for one
        seed), `users` (mean number evaluated), `se_users` (standard error over users, of the mean over seeds),
        `seeds`, `paper` (missing where the paper has none).
    """
    frames = [_one_seed(cell, mask, cutoffs) for cell in measured]
    per_user = pd.concat(frames, ignore_index=True)
    keys = [*CELL, "metric", "k"]
    per_seed = per_user.groupby([*keys, "seed"], sort=False)["value"].agg(["mean", "size"]).reset_index()
    table = per_seed.groupby(keys, sort=False).agg(
        mean=("mean", "mean"), sd=("mean", "std"), users=("size", "mean"), seeds=("seed", "nunique")
    )
    over_seeds = per_user.groupby([*keys, "user"], sort=False)["value"].mean()
    table["se_users"] = over_seeds.groupby(keys, sort=False).sem()
    values = printed_values(paper, [*CELL, "k"])
    table = table.reset_index()
    rows = zip(*(table[name] for name in keys), strict=True)
    table["paper"] = [printed(values, (d, b, m, k), metric) for d, b, m, metric, k in rows]
    return table


def utility_grid(table: pd.DataFrame, least_users: int) -> tuple[list[str], list[list[Cell]]]:
    """Header and cells of `utility_table`: best bold and second underlined within a data set and backbone.

    Args:
        table: From `utility_table`.
        least_users: Nothing is marked where fewer users were evaluated: the order would be noise.
    """
    table = table.assign(mark=_marks(table, least_users))
    columns = list(dict.fromkeys(zip(table["metric"], table["k"], strict=True)))
    columns.sort(key=lambda column: column[1])  # HR@5, NDCG@5, HR@10, …
    header = ["Data set", "Backbone", "Method", *(f"{METRICS[metric]}@{k}" for metric, k in columns)]
    grid = []
    for names, rows in table.groupby(CELL, sort=False):
        found = rows.set_index(["metric", "k"])
        grid.append([*map(Cell, names), *(_cell(found.loc[column]) for column in columns)])
    return header, grid


def utility_notes(table: pd.DataFrame, title: str) -> list[str]:
    """What a reader must know to trust the numbers: protocol, users, seeds, spread."""
    users = sorted({round(value) for value in table["users"]})
    counted = str(users[0]) if len(users) == 1 else f"{users[0]} to {users[-1]}"
    seeds = int(table["seeds"].max())
    spread = (
        f"mean ± standard deviation over {seeds} seeds (of split and training)"
        if seeds > 1
        else "one seed, so no spread over seeds"
    )
    error = table["se_users"].max()
    return [
        f"Protocol: {title}. n = {counted} users; {spread}; standard error over users at most {error:.4f}. "
        "Original: the model before the request, which has forgotten nothing. Bold: best, underlined: second of a data "
        "set and backbone. In brackets: printed in the paper."
    ]


def _one_seed(cell: Measured, mask: str, cutoffs: Sequence[int]) -> pd.DataFrame:
    rows = cell.per_user.query("mask == @mask and k in @cutoffs")
    long = rows.melt(id_vars=["user", "k"], value_vars=list(METRICS), var_name="metric", value_name="value")
    return long.assign(dataset=cell.dataset, backbone=cell.backbone, method=cell.method, seed=cell.seed)


def _marks(table: pd.DataFrame, least_users: int) -> pd.Series:
    rivals = table.groupby(["dataset", "backbone", "metric", "k"])["mean"]
    marked = (table["users"] >= least_users) & (rivals.transform("size") > 1)
    return rivals.rank(method="min", ascending=False).map({1.0: "best", 2.0: "second"}).where(marked).fillna("")


def _cell(row: pd.Series) -> Cell:
    spread = f" ± {row['sd']:.4f}" if pd.notna(row["sd"]) else ""
    return Cell(f"{row['mean']:.4f}{spread}", f"{row['paper']:.4f}" if pd.notna(row["paper"]) else "", row["mark"])
