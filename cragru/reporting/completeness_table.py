"""Table IV: what is still known of the forgotten rows after a request, against Retrain."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from cragru.evaluation.bootstrap import Bounds, Interval, Resampling, column_mean
from cragru.evaluation.completeness_columns import LIST_LENGTH, MEASURES
from cragru.reporting.averages import counted
from cragru.reporting.base import RESAMPLING, Order, Table
from cragru.reporting.grid import HeadedGrid, Text, decimals, interval_texts
from cragru.reporting.labels import HEADS, PANEL_GROUP, ROW
from cragru.reporting.remembered import Remembered, read_remembered

AUC, GAP, OVERLAP = "mia-auc", "mia-gap", f"overlap@{LIST_LENGTH}"
UNDEFINED = Interval(np.nan, np.nan, np.nan)
COLUMNS = [*ROW, "measure", "value", "low", "high", "sd", "n", "seeds"]
NUMBERS = ["value", "low", "high", "n"]  # what is shown of a measure
BOUNDS_APART = 4  # standard errors, about, between the bounds of an interval of 95 %
SHOWN = {  # measure: column and digits
    AUC: ("MIA-AUC", 3),
    GAP: ("Gap to Retrain", 3),
    f"forget-hr@{LIST_LENGTH}": (f"Forget-HR@{LIST_LENGTH}", 3),
    OVERLAP: (f"Overlap@{LIST_LENGTH}", 3),
    "js": ("JS [nats]", 4),
    "rank-change": ("Rank change", 1),
}
HEADER = ["Users", *HEADS, *dict(SHOWN.values()), "n"]


def make(order: Order) -> Table:
    """Make Table IV.

    Args:
        order: Rows have what `read_remembered` reads; words are `title`, `retrain` (its label) and `note` (of the LLM,
            empty without one).
    """
    words, retrain = order.words, order.words["retrain"]
    rows = read_remembered(order.rows)
    table = completeness_table(rows, retrain, RESAMPLING, order.spec["least_users"])
    notes = completeness_notes(table, words["title"], retrain, RESAMPLING)
    if words["note"]:
        notes.append(words["note"])
    return Table(table, *completeness_grid(table), notes)


def completeness_table(
    rows: Iterable[Remembered], retrain: str, resampling: Resampling, least_users: int
) -> pd.DataFrame:
    """Average each row over seeds, with intervals over users.

    A user's values are averaged over the seeds before users are resampled. Gaps are taken user by user to the row
    `retrain`, which each group has, with the same seeds. A number of fewer than `least_users` is missing.

    Returns:
        One row per label and measure, `COLUMNS`: `value` with bounds `low` and `high`; `sd` over seeds (missing for
        one; of the gap with its sign); `n`, users that have it under any seed, 0 where the measure is not defined;
        `seeds`. Measures: `mia-auc`; `mia-gap`, its absolute distance to Retrain's (not defined for Retrain);
        `MEASURES`.
    """
    grouped: dict[tuple[str, ...], dict[int, Remembered]] = {}
    for row in rows:
        grouped.setdefault(row.names, {})[row.seed] = row
    frames = []
    for names, seeds in grouped.items():
        aim = {} if names[-1] == retrain else grouped[(*names[:-1], retrain)]
        aucs = [row.aucs for row in seeds.values()]
        gaps = [row.aucs - aim[seed].aucs for seed, row in seeds.items()] if aim else []
        found = [_mean(AUC, aucs, resampling), _mean(GAP, gaps, resampling, "size")]
        for measure in MEASURES:
            per_seed = _per_seed(measure, seeds.values())
            found.append(_mean(measure, per_seed, resampling))
        labels = dict(zip(ROW, names, strict=True)) | {"seeds": len(seeds)}
        frames.append(pd.DataFrame(found).assign(**labels))
    table = pd.concat(frames, ignore_index=True)[COLUMNS]
    few = table["n"] < least_users
    table.loc[few, ["value", "low", "high", "sd"]] = np.nan
    return table


def completeness_grid(table: pd.DataFrame) -> HeadedGrid:
    """Return header and texts of `completeness_table`: each value with its bounds beside it, n where it is missing.

    Numbers of a panel and measure have the digits that the widest interval of these leaves (`decimals`).
    """
    errors = (table["high"] - table["low"]) / BOUNDS_APART
    widest = errors.groupby([table["panel"], table["measure"]]).max()
    grid = []
    for names, rows in table.groupby(ROW, sort=False):
        measures = rows.set_index("measure")
        shown = {}
        for measure, (name, most) in SHOWN.items():
            shown[measure] = (name, decimals(widest[names[0], measure], most))
        values = interval_texts(measures, shown, NUMBERS)
        grid.append([*map(Text, names), *values, Text(f"{measures.loc[AUC, 'n']:.0f}")])
    if table["panel"].nunique() == 1:
        return HEADER[1:], [line[1:] for line in grid]
    return HEADER, grid


def completeness_notes(
    table: pd.DataFrame, title: str, retrain: str, resampling: Resampling
) -> list[str]:
    """Tell what a reader must know to trust the numbers."""
    seeds = int(table["seeds"].max())
    has_panels = table["panel"].nunique() > 1
    overlaps = table[(table["method"] == retrain) & (table["measure"] == OVERLAP)]
    known = overlaps[[*PANEL_GROUP, "value"]].dropna()
    ceilings = []
    for panel, *group, value in known.itertuples(index=False):
        ceilings.append(f"{', '.join([*group, panel] if has_panels else group)}: {value:.3f}")
    who = counted(table.loc[table["measure"] == AUC, "n"])
    return [
        f"Protocol: {title}. In brackets: {resampling.level:.0%} intervals over {who} (bootstrap, users drawn whole); "
        f"{f'means over {seeds} seeds of split and training' if seeds > 1 else 'one seed'}. "
        f"The aim of every column is {retrain}'s value, not zero. MIA-AUC: the chance that a forgotten row of a user "
        "is ranked above a held-out row of the same user, mean over users; .5 where they cannot be told apart; gap: "
        f"its distance to {retrain}'s. Forget-HR@{LIST_LENGTH}: share of users with a forgotten item on their list. "
        f"Overlap@{LIST_LENGTH} (Jaccard index) and JS divergence compare a list with that of a second {retrain} "
        f"of the same split, which differs in its random streams alone; so {retrain}'s own value is what chance "
        f"leaves, the ceiling of an overlap ({'; '.join(ceilings) or 'too few users'}). Rank change: places that "
        "forgotten items sank since the original model. n: users with forgotten and held-out rows; a number of too few "
        "users is left out. A dash: not defined, as JS for a re-ranked list, which has an order but no scores."
    ]


def _per_seed(measure: str, rows: Iterable[Remembered]) -> list[pd.Series]:
    """Return each user's value of a measure under each seed, by user."""
    found = []
    for row in rows:
        own = row.per_user[row.per_user["measure"] == measure]
        found.append(own.set_index("user")["value"])
    return found


def _mean(
    measure: str, seeds: Sequence[pd.Series], resampling: Resampling, bounds: Bounds = "percentile"
) -> dict[str, Any]:
    """Return the mean over users of their means over the seeds that have them."""
    per_seed = [own for own in seeds if len(own)]
    if not per_seed:
        return _measured(measure)
    users = pd.concat(per_seed).groupby(level=0).mean()
    names = ("completeness", measure)
    interval = resampling.interval(column_mean, [users.to_numpy()], *names, bounds=bounds)
    means = [own.mean() for own in per_seed]
    return _measured(measure, interval, means, len(users))


def _measured(
    measure: str, interval: Interval = UNDEFINED, per_seed: Sequence[float] = (), n: float = 0
) -> dict[str, Any]:
    sd = np.std(per_seed, ddof=1) if len(per_seed) > 1 else np.nan
    return {"measure": measure, **asdict(interval), "sd": sd, "n": n}
