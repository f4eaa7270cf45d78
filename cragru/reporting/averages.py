"""Averages over users and seeds, and what tables and figures say of them."""

from collections.abc import Iterable, Sequence

import pandas as pd


def average(long: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Average values over users and then over seeds, so that every seed counts the same.

    Args:
        long: Columns `keys`, `seed`, `user` and `value`.
        keys: What is averaged by.

    Returns:
        Indexed by `keys`, in the order of `long`: `mean` over seeds of the mean over users, `sd` over seeds (missing
        for one seed), `users` (mean number), `seeds`, `se_users` (standard error over users, of the mean over seeds;
        missing for one user).
    """
    keys = [*keys]
    per_seed = (
        long.groupby([*keys, "seed"], sort=False)["value"].agg(["mean", "size"]).reset_index()
    )
    table = per_seed.groupby(keys, sort=False).agg(
        mean=("mean", "mean"), sd=("mean", "std"), users=("size", "mean"), seeds=("seed", "nunique")
    )
    per_user = long.groupby([*keys, "user"], sort=False)["value"].mean()
    table["se_users"] = per_user.groupby(keys, sort=False).sem()
    return table


def counted(users: Iterable[float]) -> str:
    """How many users were averaged over, number by number: `32 users`, or `30 to 32 users` where numbers differ."""
    counts = sorted({round(count) for count in users})
    if counts == [1]:
        return "1 user"
    return f"{counts[0]} users" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} users"


def over_seeds(seeds: Iterable[int]) -> str:
    """How many seeds bars are averaged over, the most of them: `one seed`, or `mean over 3 seeds (…)`."""
    most = int(max(seeds))
    return f"mean over {most} seeds (of split and training)" if most > 1 else "one seed"
