"""Figure 3: utility on what was forgotten beside utility on what remains (Section V-D of the paper)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from cragru.core.errors import CragruError
from cragru.evaluation.completeness_columns import GROUPS
from cragru.evaluation.metrics import FORGET_REMAIN, METRICS, metrics_in
from cragru.reporting.averages import average, counted, over_seeds
from cragru.reporting.base import Drawing, Order
from cragru.reporting.labels import GROUP, NAMES
from cragru.reporting.remembered import read_measure

GROUP_LABELS = dict(zip(GROUPS, ("forgotten", "remaining"), strict=True))
COLUMNS = [*NAMES, "metric", "k", "group", "mean", "se_users", "sd", "users", "seeds", "ratio"]


def make(order: Order) -> Drawing:
    """Make Figure 3.

    Args:
        order: Rows have labels, `seed`, and what `read_measure` reads of their file `forget_remain`; the word is
            `note`, of the LLM.
    """
    data = forget_remain_data((row, read_measure(row, "forget_remain")) for row in order.rows)
    return Drawing(data, forget_remain_bars(data), forget_remain_note(data, order.words["note"]))


def forget_remain_data(rows: Iterable[tuple[Mapping[str, Any], pd.DataFrame]]) -> pd.DataFrame:
    """Average each bar.

    Args:
        rows: Labels of each row under each seed (`dataset`, `backbone`, `method`, `seed`), and its columns of
            `cragru.evaluation.completeness_columns.FORGET_REMAIN`; rows of a data set and backbone are of one set of
            users under each seed.

    Returns:
        One row per label, metric, K and group, `COLUMNS`: `mean` over seeds of the mean over users, `se_users`
        (standard error over users, of the mean over seeds; missing for one user), `sd` over seeds (missing for one
        seed), `users` (mean number), `seeds`, `ratio`: mean of the forget set / mean of the remain set (missing where
        that is 0).

    Raises:
        CragruError: If a row is there twice, or rows that stand beside each other are of different users.
    """
    rows = list(rows)
    _check_users(rows)
    frames = [
        frame.assign(**{name: labels[name] for name in [*NAMES, "seed"]}) for labels, frame in rows
    ]
    long = pd.concat(frames).melt(
        [*NAMES, "seed", "user", "group", "k"], list(metrics_in(FORGET_REMAIN)), "metric"
    )
    bars = [*NAMES, "metric", "k"]  # two bars each, one of each group
    table = average(long, [*bars, "group"])
    forget, remain = (table["mean"].xs(group, level="group") for group in GROUPS)
    ratio = (forget / remain.where(remain > 0)).rename("ratio")
    return table.reset_index().merge(ratio.reset_index(), on=bars, how="left")[COLUMNS]


def forget_remain_bars(data: pd.DataFrame) -> pd.DataFrame:
    """What `cragru.reporting.bars.draw_bars` draws of it: a panel for each metric, two bars for each model."""
    where = data["dataset"] + ", " + data["backbone"]
    metric = data["metric"].map({name: f"{entry.label}@K" for name, entry in METRICS.items()})
    names = data["method"] + ": " + data["group"].map(GROUP_LABELS)
    bars = data.assign(
        panel=where + ", " + metric, scale=data["dataset"] + ", " + metric, axis=metric, row=names
    )
    return bars.assign(kin=data["method"], error=data["se_users"])


def forget_remain_note(data: pd.DataFrame, about: str) -> str:
    """What a reader must know to trust the bars, and the ratio that each model's two bars have at the largest K."""
    k = int(data["k"].max())
    last = data[(data["k"] == k) & (data["metric"] == "ndcg") & (data["group"] == GROUPS[0])]
    ratios = []
    for (dataset, backbone), rows in last.groupby(GROUP, sort=False):
        own = [f"{row.method} {_ratio(row.ratio)}" for row in rows.itertuples()]
        ratios.append(f"{dataset}, {backbone}: {', '.join(own)}")
    return (
        f"n = {counted(data['users'])}; {over_seeds(data['seeds'])}. Error bars: standard error over users. "
        "Remaining rows are test rows. Each user has equally many rows of both kinds, so a model that saw neither has "
        f"equal bars but for chance. NDCG@{k} of forgotten rows / of remaining ones: {'; '.join(ratios)}. "
        f"{about}".strip()
    )


def _check_users(rows: Sequence[tuple[Mapping[str, Any], pd.DataFrame]]) -> None:
    """Bars can be compared only where they are of the same users; a row that is there twice would count them twice."""
    first: dict[tuple, tuple[str, set[int]]] = {}
    known = set()
    for labels, frame in rows:
        panel = (labels["dataset"], labels["backbone"], labels["seed"])
        where, method, users = (
            "{}, {}, seed {}".format(*panel),
            labels["method"],
            set(frame["user"]),
        )
        if (*panel, method) in known:
            raise CragruError(f"{where}: {method!r} is there twice; name each bar once")
        known.add((*panel, method))
        label, others = first.setdefault(panel, (method, users))
        if users != others or not users:
            raise CragruError(
                f"{where}: {method!r} has {len(users)} users, {label!r} {len(others)}, and {len(users & others)} "
                "are in both; all bars of a panel must be of the same users; give the results of one cohort"
            )


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if pd.notna(ratio) else "undefined"
