"""Averages over users and seeds, and what tables and figures say of them."""

from collections.abc import Iterable, Sequence

import pandas as pd


def average(long: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Average `value` over users and then over seeds, by `keys`, so that every seed counts the same.

    Returns:
        Indexed by `keys`, in the order of `long`: `mean` over seeds of the mean over users, `sd` over seeds (missing
        for one seed), `users` (mean number), `seeds`, `se_users` (standard error over users, of the mean over seeds;
        missing for one user).
    """
    keys = [*keys]
    by_seed = long.groupby([*keys, "seed"], sort=False)["value"]
    seeds = by_seed.agg(["mean", "size"]).reset_index()
    table = seeds.groupby(keys, sort=False).agg(
        mean=("mean", "mean"),
        sd=("mean", "std"),
        users=("size", "mean"),
        seeds=("seed", "nunique"),
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
