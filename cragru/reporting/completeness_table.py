"""Table IV: what is still known of the forgotten rows after a request, against Retrain."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.evaluation.bootstrap import Resampling, column_mean, quantiles, size_bounds
from cragru.evaluation.completeness_columns import LIST_LENGTH, MEASURES
from cragru.reporting.averages import counted
from cragru.reporting.base import RESAMPLING, Order, Table
from cragru.reporting.grid import Text, interval_text
from cragru.reporting.labels import PANEL_GROUP, ROW
from cragru.reporting.remembered import Remembered, read_remembered

AUC, GAP = "mia-auc", "mia-gap"
COLUMNS = [*ROW, "measure", "value", "low", "high", "sd", "n", "seeds"]
NUMBERS = ["value", "low", "high", "n"]  # what is shown of a measure
SHOWN = {  # measure: column and digits
    AUC: ("MIA-AUC", 3),
    GAP: ("Gap to Retrain", 3),
    f"forget-hr@{LIST_LENGTH}": (f"Forget-HR@{LIST_LENGTH}", 3),
    f"overlap@{LIST_LENGTH}": (f"Overlap@{LIST_LENGTH}", 3),
    "js": ("JS [nats]", 4),
    "rank-change": ("Rank change", 1),
}


def make(order: Order) -> Table:
    """Make Table IV.

    Args:
        order: Rows have what `read_remembered` reads; words are `title`, `retrain` (its label) and `note` (of the LLM,
            empty without one).
    """
    spec, words, retrain = order.spec, order.words, order.words["retrain"]
    rows = read_remembered(order.rows, RESAMPLING)
    table = completeness_table(rows, retrain, RESAMPLING, spec["least_users"])
    notes = completeness_notes(table, words["title"], retrain, RESAMPLING)
    if words["note"]:
        notes.append(words["note"])
    return Table(table, *completeness_grid(table), notes)


def completeness_table(
    rows: Iterable[Remembered], retrain: str, resampling: Resampling, least_users: int
) -> pd.DataFrame:
    """Average each row over seeds, with intervals over users.

    A user's values are averaged over the seeds before users are resampled; of the MIA-AUC, which is of rows and not of
    users, the seeds' values are averaged, and so are their resamples.

    Args:
        rows: Every row under every seed, in the order of the table.
        retrain: Label of the row that gaps are taken to.
        resampling: How the intervals of per-user means are made, and their level.
        least_users: A number of fewer users is missing.

    Returns:
        One row per label and measure, `COLUMNS`: `value` with bounds `low` and `high`; `sd` over seeds (missing for
        one; of the gap with its sign); `n`, users it is of, 0 where the measure is not defined (of the MIA-AUC the mean
        over seeds, of the others all users that have it under any seed), `seeds`. Measures: `mia-auc`; `mia-gap`, its
        absolute distance to Retrain's (not defined for Retrain); `MEASURES`.

    Raises:
        CragruError: If a row is there twice under one seed, or a group has no Retrain row of the same seeds.
    """
    grouped: dict[tuple[str, ...], dict[int, Remembered]] = {}
    for row in rows:
        seeds = grouped.setdefault(row.names, {})
        if row.seed in seeds:
            raise CragruError(
                f"{', '.join(row.names)}, seed {row.seed}: there twice; name each row once"
            )
        seeds[row.seed] = row
    table = []
    for names, seeds in grouped.items():
        aim = grouped.get((*names[:-1], retrain), {})
        if set(aim) != set(seeds):
            where = ", ".join(names)
            raise CragruError(
                f"{where}: seeds {sorted(seeds)}, {retrain} has {sorted(aim)}; both must have the same"
            )
        found = _membership(seeds, None if names[-1] == retrain else aim, resampling.level)
        found += [_mean(measure, seeds, resampling) for measure in MEASURES]
        for measured in found:
            blank = (
                {}
                if measured["n"] >= least_users
                else dict.fromkeys(("value", "low", "high", "sd"), np.nan)
            )
            table.append(
                dict(zip(ROW, names, strict=True)) | measured | blank | {"seeds": len(seeds)}
            )
    return pd.DataFrame(table, columns=COLUMNS)


def completeness_grid(table: pd.DataFrame) -> tuple[list[str], list[list[Text]]]:
    """Header and texts of `completeness_table`: each value with its bounds beside it, n where it is missing."""
    header = [
        "Users",
        "Data set",
        "Backbone",
        "Method",
        *(column for column, _ in SHOWN.values()),
        "n",
    ]
    grid = []
    for names, rows in table.groupby(ROW, sort=False):
        measures = rows.set_index("measure")
        values = [
            interval_text(*measures.loc[name, NUMBERS], digits)
            for name, (_, digits) in SHOWN.items()
        ]
        grid.append([*map(Text, names), *values, Text(f"{measures.loc[AUC, 'n']:.0f}")])
    if table["panel"].nunique() == 1:
        return header[1:], [line[1:] for line in grid]
    return header, grid


def completeness_notes(
    table: pd.DataFrame, title: str, retrain: str, resampling: Resampling
) -> list[str]:
    """What a reader must know to trust the numbers."""
    seeds = int(table["seeds"].max())
    own = table[(table["method"] == retrain) & (table["measure"] == f"overlap@{LIST_LENGTH}")]
    ceilings = "; ".join(
        f"{dataset}, {backbone}{'' if table['panel'].nunique() == 1 else ', ' + panel}: {value:.3f}"
        for panel, dataset, backbone, value in zip(
            *(own[name] for name in (*PANEL_GROUP, "value")), strict=True
        )
        if pd.notna(value)
    )
    who = counted(table.loc[table["measure"] == AUC, "n"])
    return [
        f"Protocol: {title}. In brackets: {resampling.level:.0%} intervals over {who} (bootstrap, users drawn whole); "
        f"{f'means over {seeds} seeds of split and training' if seeds > 1 else 'one seed'}. "
        f"The aim of every column is {retrain}'s value, not zero. MIA-AUC: the chance that a forgotten row is "
        "ranked above a held-out row of the same users, .5 where they cannot be told apart; gap: its distance to "
        f"{retrain}'s. Forget-HR@{LIST_LENGTH}: share of users with a forgotten item on their list. "
        f"Overlap@{LIST_LENGTH} (Jaccard index) and JS divergence compare a list with that of a second {retrain} "
        f"of the same split, which differs in its random streams alone; so {retrain}'s own value is what chance "
        f"leaves, the ceiling of an overlap ({ceilings or 'too few users'}). Rank change: places that forgotten "
        "items sank since the original model. n: users with forgotten and held-out rows; a number of too few "
        "users is left out. A dash: not defined, as JS for a re-ranked list, which has an order but no scores."
    ]


def _membership(
    seeds: dict[int, Remembered], aim: dict[int, Remembered] | None, level: float
) -> list[dict[str, object]]:
    """MIA-AUC and, where there is an aim, its gap."""
    values = np.array([row.auc for row in seeds.values()])
    draws = np.mean([row.draws for row in seeds.values()], axis=0)
    n = float(np.mean([row.members for row in seeds.values()]))
    found = [_measured(AUC, values.mean(), *quantiles(draws, level), values, n)]
    if aim is None:
        return [*found, _measured(GAP, np.nan, np.nan, np.nan, np.array([np.nan]), 0)]
    gaps = np.array([row.auc - aim[seed].auc for seed, row in seeds.items()])
    bounds = quantiles(draws - np.mean([row.draws for row in aim.values()], axis=0), level)
    return [*found, _measured(GAP, abs(gaps.mean()), *size_bounds(*bounds), gaps, n)]


def _mean(measure: str, seeds: dict[int, Remembered], resampling: Resampling) -> dict[str, object]:
    """A per-user measure."""
    per_seed = [
        row.per_user[row.per_user["measure"] == measure].set_index("user")["value"]
        for row in seeds.values()
    ]
    if not sum(map(len, per_seed)):
        return _measured(measure, np.nan, np.nan, np.nan, np.array([np.nan]), 0)
    users = pd.concat(per_seed).groupby(level=0).mean()
    interval = resampling.interval(column_mean, [users.to_numpy()], "completeness", measure)
    means = np.array([own.mean() for own in per_seed if len(own)])
    return _measured(measure, interval.value, interval.low, interval.high, means, len(users))


def _measured(
    measure: str, value: float, low: float, high: float, per_seed: np.ndarray, n: float
) -> dict[str, object]:
    sd = per_seed.std(ddof=1) if len(per_seed) > 1 else np.nan
    return {"measure": measure, "value": float(value), "low": low, "high": high, "sd": sd, "n": n}
