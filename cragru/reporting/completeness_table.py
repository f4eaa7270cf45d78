"""Table IV: what is still known of the forgotten rows after a request, against Retrain."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from cragru.core.names import ORIGINAL_LABEL
from cragru.evaluation.bootstrap import Bounds, Interval, Resampling, column_mean, counts_of
from cragru.evaluation.completeness_columns import LIST_LENGTH, MEASURES
from cragru.evaluation.membership import Calibrated
from cragru.reporting.averages import counted
from cragru.reporting.base import RESAMPLING, Order, Table
from cragru.reporting.grid import HeadedGrid, Text, decimals, interval_texts
from cragru.reporting.labels import HEADS, PANEL_GROUP, ROW, again, further
from cragru.reporting.remembered import Remembered, read_remembered

AUC, GAP, OVERLAP = "mia-auc", "mia-gap", f"overlap@{LIST_LENGTH}"
CALIBRATED, TWO_SIDED, LEFT = "calibrated-auc", "two-sided-auc", "shift-left"
AT_1, AT_01 = "tpr@1%", "tpr@0.1%"
FIFTHS = {f"{CALIBRATED}-fifth-{number}": number for number in range(1, 6)}
UNDEFINED = Interval(np.nan, np.nan, np.nan)
COLUMNS = [*ROW, "measure", "value", "low", "high", "sd", "n", "seeds", "trainings"]
NUMBERS = ["value", "low", "high", "n"]  # what is shown of a measure
BOUNDS_APART = 4  # standard errors, about, between the bounds of an interval of 95 %
SHOWN = {  # measure: column and digits
    AUC: ("MIA-AUC", 3),
    CALIBRATED: ("Calibrated AUC", 3),
    TWO_SIDED: ("Two-sided AUC", 3),
    AT_1: ("TPR at 1 % FPR", 3),
    AT_01: ("TPR at .1 % FPR", 4),
    LEFT: ("Shift left", 2),
    f"forget-hr@{LIST_LENGTH}": (f"Forget-HR@{LIST_LENGTH}", 3),
    OVERLAP: (f"Overlap@{LIST_LENGTH}", 3),
    "js": ("JS [nats]", 4),
    "rank-change": ("Rank change", 1),
}
HEADER = ["Users", *HEADS, *dict(SHOWN.values()), "n"]
BySeed = dict[int, Remembered]
OfUsers = Callable[[Calibrated, np.ndarray], np.ndarray]
OF_SCORES: dict[str, OfUsers] = {
    CALIBRATED: Calibrated.auc,
    TWO_SIDED: Calibrated.two_sided_auc,
    AT_1: lambda rows, weights: rows.found_at(0.01, weights),
    AT_01: lambda rows, weights: rows.found_at(0.001, weights),
}
"""Measures of calibrated scores, given weights of users."""


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
    """Average each row over seeds, with intervals over users; of Retrain's further trainings, their mean and range.

    A user's values are averaged over the seeds before users are resampled. Gaps are taken user by user to the row
    `retrain`, which each group has, with the same seeds. A number of fewer than `least_users` is missing.

    Returns:
        One row per label and measure, `COLUMNS`: `value` with bounds `low` and `high`; `sd` over seeds (missing for
        one; of the gap with its sign); `n`, users that have it under any seed, 0 where the measure is not defined;
        `seeds`, `trainings` (under a seed). Measures: `mia-auc`; `mia-gap`, its absolute distance to Retrain's (not
        defined for Retrain); those of calibrated scores (`cragru.evaluation.membership.Calibrated`), whose unit is a
        row: `calibrated-auc`, also of the items of each fifth, `two-sided-auc`, `tpr@1%` and `tpr@0.1%` (forgotten
        rows above a threshold that so many held-out rows exceed), `shift-left` (the row's shift as a share of the
        original's); `MEASURES`. Further trainings of Retrain are one row (`again`), whose bounds are the least and
        the largest of their values.
    """
    grouped: dict[tuple[str, ...], dict[int, BySeed]] = {}
    for row in rows:
        trainings = grouped.setdefault(row.names, {})
        trainings.setdefault(row.training, {})[row.seed] = row
    frames, only_values = [], Resampling(resampling.seed, resamples=1)
    for names, trainings in grouped.items():
        *group, method = names
        aim = grouped[*group, retrain][0]
        original = grouped.get((*group, ORIGINAL_LABEL), {0: {}})[0]
        own_aim = {} if method == retrain else aim
        frames.append(_one_row(names, trainings[0], own_aim, original, resampling))
        called = (*group, again(method))
        others = [own for number, own in trainings.items() if number]
        if others:
            each = [_one_row(called, own, aim, original, only_values) for own in others]
            frames.append(_range_of(each))
    table = pd.concat(frames, ignore_index=True)[COLUMNS]
    few = table["n"] < least_users
    table.loc[few, ["value", "low", "high", "sd"]] = np.nan
    return table


def _one_row(
    names: Sequence[str], seeds: BySeed, aim: BySeed, original: BySeed, resampling: Resampling
) -> pd.DataFrame:
    """Return all measures of a row; without an aim there is no gap, and without an original no share of its shift."""
    aucs = [row.aucs for row in seeds.values()]
    gaps = [row.aucs - aim[seed].aucs for seed, row in seeds.items()] if aim else []
    found = [_mean(AUC, aucs, resampling), _mean(GAP, gaps, resampling, "size")]
    found += _of_scores(seeds, original, resampling)
    for measure in MEASURES:
        per_seed = _per_seed(measure, seeds.values())
        found.append(_mean(measure, per_seed, resampling))
    labels = dict(zip(ROW, names, strict=True)) | {"seeds": len(seeds), "trainings": 1}
    return pd.DataFrame(found).assign(**labels)


def _of_scores(seeds: BySeed, original: BySeed, resampling: Resampling) -> Iterator[dict[str, Any]]:
    """Yield the measures of calibrated scores, over the seeds with rows of both kinds; a re-ranked list has none."""
    whole = {seed: row.membership for seed, row in seeds.items() if len(row.membership)}
    if not whole or pd.concat(whole)["calibrated"].isna().any():
        for measure in (*OF_SCORES, LEFT, *FIFTHS):
            yield _measured(measure)
        return
    users = sorted(set().union(*(rows["user"] for rows in whole.values())))
    own = [Calibrated(rows, users) for rows in whole.values()]
    for measure, function in OF_SCORES.items():
        yield _of_draws(measure, own, function, len(users), resampling)
    for measure, fifth in FIFTHS.items():
        parts = [rows[rows["fifth"] == fifth] for rows in whole.values()]
        some = [rows for rows in parts if rows["member"].nunique() == 2]
        own_users = len(set().union(*(rows["user"] for rows in some)))
        scores = [Calibrated(rows, users) for rows in some]
        found = _of_draws(measure, scores, Calibrated.auc, len(users), resampling)
        yield found | {"n": own_users}
    before = [Calibrated(original[seed].membership, users) for seed in whole if seed in original]

    def left(drawn: np.ndarray) -> np.ndarray:
        weights = counts_of(drawn)
        return _average(own, Calibrated.shift, weights) / _average(
            before, Calibrated.shift, weights
        )

    everyone = np.arange(len(users))
    if len(before) < len(own):
        yield _measured(LEFT)
        return
    interval = resampling.interval(left, [everyone], "completeness", LEFT)
    yield _measured(LEFT, interval, [], len(users))


def _of_draws(
    measure: str, own: Sequence[Calibrated], function: OfUsers, n: int, resampling: Resampling
) -> dict[str, Any]:
    """Return a measure of calibrated scores, the mean over seeds, with its interval over users."""
    if not own:
        return _measured(measure)
    everyone = np.arange(n)
    interval = resampling.interval(
        lambda drawn: _average(own, function, counts_of(drawn)),
        [everyone],
        "completeness",
        measure,
    )
    each = np.ones((1, n), dtype=np.int64)
    return _measured(measure, interval, [float(function(one, each)[0]) for one in own], n)


def _average(own: Sequence[Calibrated], function: OfUsers, weights: np.ndarray) -> np.ndarray:
    return np.mean([function(one, weights) for one in own], axis=0)


def _range_of(rows: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the mean of rows of further trainings; its bounds are the least and the largest."""
    table = rows[0].copy()
    values = np.array([row["value"] for row in rows], dtype=np.float64)
    table["value"], table["sd"] = values.mean(axis=0), np.nan
    table["low"], table["high"] = values.min(axis=0), values.max(axis=0)
    return table.assign(trainings=len(rows))


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
    count = int(table["trainings"].max())
    return [
        f"Protocol: {title}. In brackets: {resampling.level:.0%} intervals over {who} (bootstrap, users drawn whole); "
        f"{f'means over {seeds} seeds of split and training' if seeds > 1 else 'one seed'}. "
        f"The aim of every column is {retrain}'s value, not zero. {again(retrain)}: {further(count)}, on the "
        "same split with other random streams, as mean and, in brackets, range; what lies inside is chance. MIA-AUC: "
        "the chance that a forgotten row of a user is ranked above a held-out row of the same user, mean over users. "
        "The next five columns take out how high a row stands anyway: scores, in standard deviations of a user's, less "
        f"the mean of the same of further trainings of {retrain}, none of them the row's own. Calibrated AUC: that a "
        "forgotten row's is above a held-out row's; two-sided: that its size is, for rows pushed too far show, too; "
        "TPR: share of forgotten rows above a threshold that so many held-out rows exceed; shift left: how much larger "
        f"sizes of forgotten rows are, as a share of the original's. Forget-HR@{LIST_LENGTH}: share of users with a "
        f"forgotten item on their list. Overlap@{LIST_LENGTH} (Jaccard index) and JS divergence compare a list with "
        f"those of the same further trainings; so {retrain}'s own value is what chance leaves, the ceiling of an "
        f"overlap ({'; '.join(ceilings) or 'too few users'}). Rank change: places that forgotten items sank since the "
        "original model. n: users with forgotten and held-out rows; a number of too few users is left out. A dash: not "
        "defined, as for a re-ranked list, which has an order but no scores."
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
