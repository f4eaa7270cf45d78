"""Figure 4: what each retrieval strategy does for the ranking (Section V-E of the paper)."""

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from cragru.reporting.averages import bars_note, counted
from cragru.reporting.base import Drawing, Order
from cragru.reporting.checks import check_same_users, row_place
from cragru.reporting.labels import GROUP, NAMES
from cragru.reporting.measured import Measured, read_measured
from cragru.reporting.utility_table import utility_table

COLUMNS = [*GROUP, "row", "k", "mean", "se_users", "sd", "users", "seeds"]


def make(order: Order) -> Drawing:
    """Make Figure 4.

    Args:
        order: Rows have what `read_measured` reads, of the cohort; the word is `note`, of the LLM.
    """
    spec = order.spec
    measured = read_measured(order.rows)
    data = strategies_data(measured, spec["mask"], spec["cutoffs"])
    note = strategies_note(data, order.words["note"])
    return Drawing(data, strategies_bars(data), note)


def strategies_data(
    measured: Iterable[Measured], mask: str, cutoffs: Sequence[int]
) -> pd.DataFrame:
    """Average NDCG@K of each bar; its label is the `method`.

    Returns:
        One row per panel (`dataset`, `backbone`), bar (`row`) and `k`, with the columns of
        `cragru.reporting.averages.average`.

    Raises:
        CragruError: If two bars of a panel and seed are not of the same users at every K.
    """
    measured = list(measured)
    check_same_users(_users(measured, mask, cutoffs))
    table = utility_table(measured, mask, cutoffs, None)
    ndcg = table[table["metric"] == "ndcg"].rename(columns={"method": "row"})
    return ndcg[COLUMNS].reset_index(drop=True)


def strategies_note(data: pd.DataFrame, about: str) -> str:
    """Tell what a reader must know to trust the bars; `about`, of the LLM, ends the note."""
    who = f"n = {counted(data['users'])}, the same for all bars of a panel"
    return f"{bars_note(who, int(data['seeds'].max()))} {about}".strip()


def strategies_bars(data: pd.DataFrame) -> pd.DataFrame:
    """Return the bars of `strategies_data` for `draw_bars`: one scale for the backbones of a data set."""
    panel = data["dataset"] + ", " + data["backbone"]
    bars = data.rename(columns={"row": "bar", "se_users": "error"})
    return bars.assign(panel=panel, scale=data["dataset"], axis="NDCG@K")


def _users(
    measured: Iterable[Measured], mask: str, cutoffs: Sequence[int]
) -> Iterator[tuple[tuple, str, set[int]]]:
    """Yield the users of each bar, for `check_same_users`."""
    for bar in measured:
        panel = (bar.dataset, bar.backbone, bar.seed)
        own = row_place(vars(bar), NAMES)
        rows = bar.per_user[bar.per_user["mask"] == mask]
        for k in cutoffs:
            users = rows.loc[rows["k"] == k, "user"]
            yield panel, f"{own}, mask {mask}, K = {k}", set(users)
