"""Figure 3: utility on what was forgotten beside utility on what remains (Section V-D of the paper)."""

from collections.abc import Iterable

import pandas as pd

from cragru.errors import CragruError
from cragru.evaluation.completeness_schema import GROUPS
from cragru.reporting.averages import counted

NAMES = ["dataset", "backbone", "method"]
METRICS = {"hr": "HR@K", "ndcg": "NDCG@K"}
GROUP_LABELS = dict(zip(GROUPS, ("forgotten", "remaining"), strict=True))
COLUMNS = [*NAMES, "metric", "k", "group", "mean", "se_users", "sd", "users", "seeds", "ratio"]


def forget_remain_data(rows: Iterable[tuple[dict[str, object], pd.DataFrame]]) -> pd.DataFrame:
    """Average each bar.

    Args:
        rows: Labels of each row under each seed (`dataset`, `backbone`, `method`, `seed`), and its columns of
            `cragru.evaluation.completeness_schema.FORGET_REMAIN`; rows of a data set and backbone are of one set of
            users under each seed.

    Returns:
        One row per label, metric, K and group, `COLUMNS`: `mean` over seeds of the mean over users, `se_users`
        (standard error over users, of the mean over seeds; missing for one user), `sd` over seeds (missing for one
        seed), `users` (mean number), `seeds`, `ratio`: mean of the forget set / mean of the remain set (missing where
        that is 0).

    Raises:
        CragruError: If a row is there twice, or rows that stand beside each other are of different users.
    """
    frames, users, known = [], {}, set()
    for names, frame in rows:
        place = (names["dataset"], names["backbone"], names["seed"])
        where, own = f"{place[0]}, {place[1]}, seed {place[2]}", set(frame["user"])
        if (*place, names["method"]) in known:
            raise CragruError(f"{where}: {names['method']!r} is there twice; name each bar once")
        known.add((*place, names["method"]))
        label, others = users.setdefault(place, (names["method"], own))
        if own != others or not own:
            raise CragruError(
                f"{where}: {names['method']!r} has {len(own)} users, {label!r} {len(others)}, and {len(own & others)} "
                "are in both; all bars of a panel must be of the same users; give the results of one cohort"
            )
        frames.append(frame.assign(**{name: names[name] for name in [*NAMES, "seed"]}))
    long = pd.concat(frames).melt([*NAMES, "seed", "user", "group", "k"], list(METRICS), "metric")
    keys = [*NAMES, "metric", "k", "group"]
    seeds = long.groupby([*keys, "seed"], sort=False)["value"].agg(["mean", "size"]).reset_index()
    table = seeds.groupby(keys, sort=False).agg(
        mean=("mean", "mean"), sd=("mean", "std"), users=("size", "mean"), seeds=("seed", "nunique")
    )
    table["se_users"] = long.groupby([*keys, "user"], sort=False)["value"].mean().groupby(keys, sort=False).sem()
    wide = table["mean"].unstack("group")
    ratio = (wide[GROUPS[0]] / wide[GROUPS[1]].where(wide[GROUPS[1]] > 0)).rename("ratio")
    return table.reset_index().merge(ratio.reset_index(), on=keys[:-1], how="left")[COLUMNS]


def forget_remain_bars(data: pd.DataFrame) -> pd.DataFrame:
    """What `cragru.reporting.bars.draw_bars` draws of it: a panel for each metric, two bars for each model."""
    where = data["dataset"] + ", " + data["backbone"]
    metric = data["metric"].map(METRICS)
    names = data["method"] + ": " + data["group"].map(GROUP_LABELS)
    bars = data.assign(panel=where + ", " + metric, scale=data["dataset"] + ", " + metric, axis=metric, row=names)
    return bars.assign(kin=data["method"], error=data["se_users"])


def forget_remain_note(data: pd.DataFrame, about: str) -> str:
    """What a reader must know to trust the bars, and the ratio that each model's two bars have at the largest K."""
    seeds, k = int(data["seeds"].max()), int(data["k"].max())
    spread = f"mean over {seeds} seeds (of split and training)" if seeds > 1 else "one seed"
    last = data[(data["k"] == k) & (data["metric"] == "ndcg") & (data["group"] == GROUPS[0])]
    ratios = "; ".join(
        f"{dataset}, {backbone}: " + ", ".join(f"{row.method} {_ratio(row.ratio)}" for row in rows.itertuples())
        for (dataset, backbone), rows in last.groupby(NAMES[:2], sort=False)
    )
    return (
        f"n = {counted(data['users'])}; {spread}. Error bars: standard error over users. Remaining rows are test "
        "rows. Each user has equally many rows of both kinds, so a model that saw neither has equal bars but for "
        f"chance. NDCG@{k} of forgotten rows / of remaining ones: {ratios}. {about}".strip()
    )


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if pd.notna(ratio) else "undefined"
