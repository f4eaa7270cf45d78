"""Figure 3: utility on what was forgotten beside utility on what remains (Section V-D of the paper)."""

from collections.abc import Sequence
from operator import itemgetter

import pandas as pd

from cragru.evaluation.completeness_columns import GROUPS
from cragru.evaluation.metrics import FORGET_REMAIN, METRICS, metrics_in
from cragru.reporting.averages import average, bars_note
from cragru.reporting.base import Drawing, Order
from cragru.reporting.checks import check_once, check_same_users, row_place
from cragru.reporting.labels import GROUP, NAMES, Row
from cragru.reporting.remembered import read_measure

GROUP_LABELS = dict(zip(GROUPS, ("forgotten", "remaining"), strict=True))
LABELS = [*NAMES, "seed"]
NUMBERS = ["mean", "se_users", "sd", "users", "seeds", "ratio"]
COLUMNS = [*NAMES, "metric", "k", "group", *NUMBERS]


def make(order: Order) -> Drawing:
    """Make Figure 3.

    Args:
        order: Rows have labels, `seed`, and what `read_measure` reads of their file `forget_remain`; the word is
            `note`, of the LLM.
    """
    rows = [(row, read_measure(row, "forget_remain")) for row in order.rows]
    data = forget_remain_data(rows)
    note = forget_remain_note(data, order.words["note"])
    return Drawing(data, forget_remain_bars(data), note)


def forget_remain_data(rows: Sequence[tuple[Row, pd.DataFrame]]) -> pd.DataFrame:
    """Average each bar.

    Args:
        rows: With `LABELS`, and columns of `cragru.evaluation.completeness_columns.FORGET_REMAIN`.

    Returns:
        One row per label, metric, K and group, `COLUMNS`: those of `cragru.reporting.averages.average`, and `ratio`:
        mean of the forget set / mean of the remain set (missing where that is 0).

    Raises:
        CragruError: If a row is there twice, or rows of a data set, backbone and seed are of different users.
    """
    check_once(map(itemgetter(0), rows), NAMES)
    frames, users = [], []
    for row, frame in rows:
        group = itemgetter(*GROUP, "seed")(row)
        users.append((group, row_place(row, NAMES), set(frame["user"])))
        labels = dict(zip(LABELS, itemgetter(*LABELS)(row), strict=True))
        frames.append(frame.assign(**labels))
    check_same_users(users)
    measures = list(metrics_in(FORGET_REMAIN))
    long = pd.concat(frames).melt([*LABELS, "user", "group", "k"], measures, "metric")
    pair = [*NAMES, "metric", "k"]  # what two bars share, one of each group
    table = average(long, [*pair, "group"])
    forget, remain = (table["mean"].xs(group, level="group") for group in GROUPS)
    ratio = (forget / remain.where(remain > 0)).rename("ratio")
    return table.reset_index().merge(ratio.reset_index(), on=pair, how="left")[COLUMNS]


def forget_remain_bars(data: pd.DataFrame) -> pd.DataFrame:
    """Return the bars of `forget_remain_data` for `draw_bars`: a panel for each metric, two bars for each model."""
    where = data["dataset"] + ", " + data["backbone"]
    labels = {name: f"{entry.label}@K" for name, entry in METRICS.items()}
    metric = data["metric"].map(labels)
    return data.assign(
        panel=where + ", " + metric,
        scale=data["dataset"] + ", " + metric,
        axis=metric,
        bar=data["method"] + ": " + data["group"].map(GROUP_LABELS),
        family=data["method"],
        error=data["se_users"],
    )


def forget_remain_note(data: pd.DataFrame, about: str) -> str:
    """Tell what a reader must know to trust the bars, and the ratio of each model's two bars at the largest K."""
    k = int(data["k"].max())
    last = data.query("k == @k and metric == 'ndcg' and group == 'forget'")
    ratios = []
    for (dataset, backbone), rows in last.groupby(GROUP, sort=False):
        numbers = rows["ratio"].map("{:.2f}".format).replace("nan", "undefined")
        own = rows["method"] + " " + numbers
        ratios.append(f"{dataset}, {backbone}: {', '.join(own)}")
    return (
        f"{bars_note(data)} Remaining rows are test rows. Each user has equally many rows of both kinds, so a model "
        f"that saw neither has equal bars but for chance. NDCG@{k} of forgotten rows / of remaining ones: "
        f"{'; '.join(ratios)}. {about}".strip()
    )
