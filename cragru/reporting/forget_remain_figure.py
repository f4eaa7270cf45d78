"""Figure 3: utility on what was forgotten beside utility on what remains (Section V-D of the paper)."""

from collections.abc import Sequence
from operator import itemgetter

import numpy as np
import pandas as pd

from cragru.evaluation.bootstrap import Resampling, column_mean
from cragru.evaluation.completeness_columns import GROUPS
from cragru.evaluation.metrics import FORGET_REMAIN, METRICS, metrics_in
from cragru.reporting.averages import average, bars_note, counted
from cragru.reporting.base import RESAMPLING, Drawing, Order
from cragru.reporting.checks import check_once, check_same_users, row_place
from cragru.reporting.grid import beside, interval_text
from cragru.reporting.labels import PANEL_GROUP, ROW, Row
from cragru.reporting.remembered import read_measure

GROUP_LABELS = dict(zip(GROUPS, ("forgotten", "remaining"), strict=True))
LABELS = [*ROW, "seed", "training"]
PAIR = [*ROW, "metric", "k"]  # what two bars share, one of each group
RATIO = ["ratio", "ratio_low", "ratio_high"]
NUMBERS = ["mean", "se_users", "sd", "users", "seeds", *RATIO]
COLUMNS = [*PAIR, "group", *NUMBERS]


def make(order: Order) -> Drawing:
    """Make Figure 3.

    Args:
        order: Rows have labels, `seed`, and what `read_measure` reads of their file `forget_remain`; the word is
            `note`, of the LLM.
    """
    rows = [(row, read_measure(row, "forget_remain")) for row in order.rows]
    data = forget_remain_data(rows, RESAMPLING)
    note = forget_remain_note(data, order.words["note"], RESAMPLING.level)
    return Drawing(data, forget_remain_bars(data), note)


def forget_remain_data(
    rows: Sequence[tuple[Row, pd.DataFrame]], resampling: Resampling
) -> pd.DataFrame:
    """Average each bar, and take the ratio of the two bars of a model.

    Args:
        rows: With `LABELS`, and columns of `cragru.evaluation.completeness_columns.FORGET_REMAIN`.
        resampling: How the intervals are made.

    Returns:
        One row per label, metric, K and group, `COLUMNS`, panel after panel: those of
        `cragru.reporting.averages.average`, and `ratio`: mean of the forget set / mean of the remain set (missing where
        that is 0), with bounds `ratio_low` and `ratio_high` (missing where a draw of users has no ratio).

    Raises:
        CragruError: If a row is there twice, or rows of a panel, data set, backbone and seed are of different users.
    """
    check_once(map(itemgetter(0), rows), ROW)
    frames, users = [], []
    for row, frame in rows:
        group = itemgetter(*PANEL_GROUP, "seed")(row)
        users.append((group, row_place(row, ROW), set(frame["user"])))
        labels = dict(zip(LABELS, itemgetter(*LABELS)(row), strict=True))
        frames.append(frame.assign(**labels))
    check_same_users(users)
    measures = list(metrics_in(FORGET_REMAIN))
    long = pd.concat(frames).melt([*LABELS, "user", "group", "k"], measures, "metric")
    panels = []
    for _, own in long.groupby("panel", sort=False):
        table = average(own, [*PAIR, "group"]).reset_index()
        panels.append(table.merge(_ratios(own, resampling), on=PAIR))
    return pd.concat(panels, ignore_index=True)[COLUMNS]


def forget_remain_bars(data: pd.DataFrame) -> pd.DataFrame:
    """Return the bars of `forget_remain_data` for `draw_bars`: axes for each metric, two bars for each model.

    All users and a cohort have scales of their own: the few users of a cohort have long error bars.
    """
    labels = {name: f"{entry.label}@K" for name, entry in METRICS.items()}
    metric, where = data["metric"].map(labels), data["dataset"] + ", " + data["backbone"]
    of_panel = data["panel"] + ", " if data["panel"].nunique() > 1 else ""
    return data.assign(
        panel=of_panel + where + ", " + metric,
        scale=data["panel"] + ", " + data["dataset"] + ", " + metric,
        axis=metric,
        bar=data["method"] + ": " + data["group"].map(GROUP_LABELS),
        family=data["method"],
        error=data["se_users"],
    )


def forget_remain_note(data: pd.DataFrame, about: str, level: float) -> str:
    """Tell what a reader must know to trust the bars, and the ratio of each model's two bars at the largest K."""
    k = int(data["k"].max())
    last = data.query("k == @k and metric == 'ndcg' and group == 'forget'")
    ratios = []
    for names, rows in last.groupby(PANEL_GROUP, sort=False):
        own = []
        for method, *numbers in rows[["method", *RATIO]].itertuples(index=False):
            text = interval_text(*numbers, n=0, digits=2)
            own.append(f"{method} {beside(text.value, text.paper)}")
        ratios.append(f"{', '.join(names)}: {', '.join(own)}")
    users = data.groupby("panel", sort=False)["users"].agg(counted)
    who = "n = " + ", ".join(f"{count} ({panel})" for panel, count in users.items())
    return (
        f"{bars_note(who, int(data['seeds'].max()))} Remaining rows are test rows. Each user has equally many rows of "
        f"both kinds, so a model that saw neither has equal bars but for chance. NDCG@{k} of forgotten rows / of "
        f"remaining ones [{level:.0%} interval over users, both bars of one draw]: {'; '.join(ratios)}. "
        f"{about}".strip()
    )


def ratio_of_means(forget: np.ndarray, remain: np.ndarray) -> np.ndarray:
    """Divide mean by mean, as a statistic: `[b, n, seeds]` each to `[b]`; missing where the divisor is 0.

    A mean is that of `average`: over users (NaN: the seed has no such user), then over seeds.
    """
    forgotten, remaining = (column_mean(values).mean(axis=1) for values in (forget, remain))
    has_ratio = remaining > 0
    return np.where(has_ratio, forgotten, np.nan) / np.where(has_ratio, remaining, 1)


def _ratios(long: pd.DataFrame, resampling: Resampling) -> pd.DataFrame:
    """Return `PAIR` and `RATIO`. A user is drawn with all seeds and both groups; all bars of one K have one stream."""
    found = []
    for names, own in long.groupby(PAIR, sort=False):
        values = own.pivot(index="user", columns=["group", "seed"], values="value")
        arrays = [values[group].to_numpy() for group in GROUPS]
        interval = resampling.interval(ratio_of_means, arrays, "forget-remain", *names[-2:])
        found.append([*names, interval.value, interval.low, interval.high])
    return pd.DataFrame(found, columns=[*PAIR, *RATIO])
