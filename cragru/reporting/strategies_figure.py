"""Figure 4: what each retrieval strategy does for the ranking (Section V-E of the paper)."""

from collections.abc import Iterable, Sequence

import pandas as pd

from cragru.core.errors import CragruError
from cragru.reporting.averages import counted, over_seeds
from cragru.reporting.base import Drawing, Order
from cragru.reporting.labels import GROUP
from cragru.reporting.measured import Measured, read_measured
from cragru.reporting.utility_table import utility_table

COLUMNS = [*GROUP, "row", "k", "mean", "se_users", "sd", "users", "seeds"]


def make(order: Order) -> Drawing:
    """Make Figure 4.

    Args:
        order: Rows have what `read_measured` reads, of the cohort; the word is `note`, of the LLM.
    """
    spec = order.spec
    data = strategies_data(read_measured(order.rows), spec["mask"], spec["cutoffs"])
    return Drawing(data, strategies_bars(data), strategies_note(data, order.words["note"]))


def strategies_data(
    measured: Iterable[Measured], mask: str, cutoffs: Sequence[int]
) -> pd.DataFrame:
    """Average NDCG@K of each bar.

    Args:
        measured: Every bar under every seed, of the cohort's users alone; `method` is the bar's label. Panels and bars
            keep this order.
        mask: Which mask's results, `A` or `B`.
        cutoffs: Values of K.

    Returns:
        One row per panel (`dataset`, `backbone`), bar (`row`) and `k`: `mean` over seeds of the mean over users,
        `se_users` (standard error over users, of the mean over seeds; missing for one user), `sd` over seeds (missing
        for one seed), `users` (mean number), `seeds`.

    Raises:
        CragruError: If two bars of a panel and seed are not of the same users at every K.
    """
    measured = list(measured)
    _check_users(measured, mask, cutoffs)
    table = utility_table(measured, mask, cutoffs, None)
    return (
        table[table["metric"] == "ndcg"]
        .rename(columns={"method": "row"})[COLUMNS]
        .reset_index(drop=True)
    )


def strategies_note(data: pd.DataFrame, about: str) -> str:
    """What a reader must know to trust the bars.

    Args:
        data: From `strategies_data`.
        about: What the data do not tell: the protocol, the LLM.
    """
    who = f"n = {counted(data['users'])}, the same for all bars of a panel"
    return f"{who}; {over_seeds(data['seeds'])}. Error bars: standard error over users. {about}".strip()


def strategies_bars(data: pd.DataFrame) -> pd.DataFrame:
    """What `cragru.reporting.bars.draw_bars` draws of `strategies_data`: one scale for the backbones of a data set."""
    panel = data["dataset"] + ", " + data["backbone"]
    return data.assign(panel=panel, scale=data["dataset"], axis="NDCG@K", error=data["se_users"])


def _check_users(measured: Sequence[Measured], mask: str, cutoffs: Sequence[int]) -> None:
    """Bars can be compared only where they are of the same users."""
    first: dict[tuple, tuple[str, set[int]]] = {}
    for bar in measured:
        rows = bar.per_user[bar.per_user["mask"] == mask]
        for k in cutoffs:
            users = set(rows.loc[rows["k"] == k, "user"])
            label, others = first.setdefault(
                (bar.dataset, bar.backbone, bar.seed), (bar.method, users)
            )
            if users != others or not users:
                raise CragruError(
                    f"{bar.dataset}, {bar.backbone}, seed {bar.seed}, mask {mask}, K = {k}: {bar.method!r} has "
                    f"{len(users)} users, {label!r} {len(others)}, and {len(users & others)} are in both; all bars of "
                    "a panel must be of the same users; give the results of one cohort"
                )
