"""Averages over users and seeds, and what tables and figures say of them."""

from collections.abc import Iterable, Sequence

import pandas as pd


def average(long: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Average `value` over users and then over trainings and seeds, by `keys`, so that every seed counts the same.

    Args:
        long: Columns `keys`, `seed`, `training`, `user` and `value`; each seed has the same number of trainings.
        keys: Columns that name a number.

    Returns:
        Indexed by `keys`, in the order of `long`: `mean` of the means over users, `sd` of the same over trainings and
        seeds (missing for one), `users` (mean number), `seeds`, `trainings` (under a seed), `se_users` (standard error
        over users, of the mean over trainings and seeds; missing for one user).
    """
    keys = [*keys]
    by_training = long.groupby([*keys, "seed", "training"], sort=False)["value"]
    trainings = by_training.agg(["mean", "size"]).reset_index()
    table = trainings.groupby(keys, sort=False).agg(
        mean=("mean", "mean"),
        sd=("mean", "std"),
        users=("size", "mean"),
        seeds=("seed", "nunique"),
        trainings=("training", "nunique"),
    )
    by_user = long.groupby([*keys, "user"], sort=False)["value"]
    table["se_users"] = by_user.mean().groupby(keys, sort=False).sem()
    return table


def counted(users: Iterable[float]) -> str:
    """Tell how many users were averaged over: `32 users`, or `30 to 32 users` where numbers differ."""
    counts = sorted(set(map(round, users)))
    if counts == [1]:
        return "1 user"
    return f"{counts[0]} users" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} users"


def bars_note(who: str, seeds: int) -> str:
    """Tell whom bars are averaged over, `who`, and how many seeds, and what their error bars are."""
    over = f"mean over {seeds} seeds (of split and training)" if seeds > 1 else "one seed"
    return f"{who}; {over}. Error bars: standard error over users."
