"""Figure 4: what each retrieval strategy does for the ranking (Section V-E of the paper)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter

import pandas as pd

from cragru.evaluation.bootstrap import Resampling, column_mean
from cragru.evaluation.significance import DIGITS, LEAST_SEEDS, paired_values
from cragru.reporting.averages import bars_note, counted
from cragru.reporting.base import RESAMPLING, Drawing, Order
from cragru.reporting.checks import check_same_users, row_place
from cragru.reporting.grid import beside, interval_text
from cragru.reporting.labels import GROUP, NAMES
from cragru.reporting.measured import Measured, by_group, read_measured
from cragru.reporting.utility_table import utility_table

BAR = [*GROUP, "row", "k"]
BASELINES = {"no_llm": "the candidates alone", "random": "random histories"}
"""What bars are held against, and what the note calls it."""
DIFFERENCES = [f"from_{name}{end}" for name in BASELINES for end in ("", "_low", "_high")]
COLUMNS = [*BAR, "mean", "se_users", "sd", "users", "seeds", *DIFFERENCES]
FEW_USERS = 200  # fewer have rough intervals; Table II marks no difference of theirs


def make(order: Order) -> Drawing:
    """Make Figure 4.

    Args:
        order: Rows have what `read_measured` reads, of the cohort, and for each of `BASELINES` the label of the bar
            that they are held against, or None; the word is `note`, of the LLM.
    """
    spec = order.spec
    measured = read_measured(order.rows)
    against = {
        itemgetter(*NAMES)(row): {name: row[name] for name in BASELINES} for row in order.rows
    }
    data = strategies_data(measured, spec["mask"], spec["cutoffs"], against, RESAMPLING)
    note = strategies_note(data, order.words["note"], RESAMPLING.level)
    return Drawing(data, strategies_bars(data), note)


def strategies_data(
    measured: Iterable[Measured],
    mask: str,
    cutoffs: Sequence[int],
    against: Mapping[tuple[str, ...], Mapping[str, str | None]],
    resampling: Resampling,
) -> pd.DataFrame:
    """Average NDCG@K of each bar, whose label is the `method`, and its differences from other bars.

    Args:
        measured: The bars.
        mask: `A` or `B`.
        cutoffs: Values of K.
        against: By data set, backbone and method: the labels of the bars that it is held against, by `BASELINES`; None
            where it is held against none.
        resampling: How the intervals are made.

    Returns:
        One row per panel (`dataset`, `backbone`), bar (`row`) and `k`, with the columns of
        `cragru.reporting.averages.average`, and for each of `BASELINES` the mean difference over users, `from_no_llm`
        and `from_random`, with bounds `…_low` and `…_high`; missing where the bar is held against none.

    Raises:
        CragruError: If two bars of a panel and seed are not of the same users at every K.
    """
    measured = list(measured)
    check_same_users(_users(measured, mask, cutoffs))
    table = utility_table(measured, mask, cutoffs, None)
    ndcg = table[table["metric"] == "ndcg"].rename(columns={"method": "row"})
    found = []
    for names, methods in by_group(measured, GROUP).items():
        for k in cutoffs:
            values = paired_values(methods, "ndcg", mask, k)
            for label in methods:
                own = dict(zip(BAR, (*names, label, k), strict=True))
                for name, other in against[*names, label].items():
                    if other is not None:
                        own |= _difference(name, values[label] - values[other], k, resampling)
                found.append(own)
    differences = pd.DataFrame(found, columns=[*BAR, *DIFFERENCES])
    return ndcg.merge(differences, on=BAR)[COLUMNS]


def strategies_note(data: pd.DataFrame, about: str, level: float) -> str:
    """Tell what a reader must know to trust the bars, and which differ; `about`, of the LLM, ends the note."""
    who = f"n = {counted(data['users'])}, the same for all bars of a panel"
    seeds = int(data["seeds"].max())
    return f"{bars_note(who, seeds)} {_differences_note(data, seeds, level)}{about}".strip()


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


def _difference(name: str, per_user: pd.Series, k: int, resampling: Resampling) -> dict[str, float]:
    """Return the columns of a difference. All of one K have one stream, so that bars are of the same draws of users."""
    values = per_user.round(DIGITS).to_numpy()
    mean = resampling.interval(column_mean, [values], "strategies", k)
    own = f"from_{name}"
    return {own: mean.value, f"{own}_low": mean.low, f"{own}_high": mean.high}


def _differences_note(data: pd.DataFrame, seeds: int, level: float) -> str:
    """Tell which intervals of differences leave out 0 at the largest K, or that none does."""
    last = data[data["k"] == data["k"].max()]
    told = []
    for name, called in BASELINES.items():
        known = last.dropna(subset=f"from_{name}")
        if len(known):
            told.append((called, _beyond_zero(known, name) or "no bar"))
    if not told:
        return ""
    (first, bars), *others = told
    parts = [
        f"NDCG@{last['k'].iloc[0]}, user by user, less that of {first}: the {level:.0%} interval over users leaves "
        f"out 0 for {bars}."
    ]
    parts += [f"Less that of {called}: it leaves out 0 for {bars}." for called, bars in others]
    parts.append(f"One interval in {1 / (1 - level):.0f} leaves out 0 by chance.")
    if data["users"].min() < FEW_USERS:
        parts.append(f"Fewer than {FEW_USERS} users: the intervals are rough.")
    if seeds < LEAST_SEEDS:
        parts.append(f"Fewer than {LEAST_SEEDS} seeds: another split or training may differ more.")
    return " ".join(parts) + " "


def _beyond_zero(data: pd.DataFrame, name: str) -> str:
    """Name the bars whose interval leaves out 0, with it, panel after panel."""
    columns = [f"from_{name}{end}" for end in ("", "_low", "_high")]
    _, low, high = (data[column] for column in columns)
    panels = []
    for names, rows in data[(low > 0) | (high < 0)].groupby(GROUP, sort=False):
        own = []
        for label, *numbers in rows[["row", *columns]].itertuples(index=False):
            text = interval_text(*numbers, n=0, digits=3)
            own.append(f"{label} {beside(text.value, text.paper)}")
        panels.append(f"{', '.join(names)}: {', '.join(own)}")
    return "; ".join(panels)
