"""Leave rows of a data set out by the rules of its entry, and count them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from cragru.config.datasets import Keep
from cragru.core.errors import CragruError
from cragru.core.seeds import numpy_stream

Rule = Callable[[pd.DataFrame, Any], np.ndarray]
"""Says of which rows a rule keeps, `[n]` true or false, given its value."""


def kept_rows(rows: pd.DataFrame, keep: Keep) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the rows that are kept, and what each rule left out, in the order in which rules apply.

    Args:
        rows: Columns user, item, rating, timestamp, in the order of the file.
        keep: The rules.

    Returns:
        The rows, in the same order; for each rule its name (`rule`), `value`, and how many `interactions`, `users` and
        `items` it left out.

    Raises:
        CragruError: If a rule leaves no row, or there are fewer users than shall be drawn.
    """
    rules: dict[str, tuple[Rule, Any]] = {
        "repeats": (_without_repeats, None if keep.repeats == "refuse" else keep.repeats),
        "least_rating": (_rated, keep.least_rating),
        "core": (_in_core, keep.core),
        "users": (lambda left, count: _of_drawn_users(left, count, keep.seed), keep.users),
    }
    left_out = []
    for name, (rule, value) in rules.items():
        if value is None:
            continue
        before, rows = _counts(rows), rows[rule(rows, value)]
        written = keep.rules[name]
        if rows.empty:
            raise CragruError("leaves no row", place=f"keep.{name}", got=written, advice="ask less")
        after = _counts(rows)
        gone = {one: before[one] - after[one] for one in before}
        left_out.append({"rule": name, "value": written} | gone)
    return rows, left_out


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    users, items = rows["user"].nunique(), rows["item"].nunique()
    return {"interactions": len(rows), "users": users, "items": items}


def _without_repeats(rows: pd.DataFrame, which: str) -> np.ndarray:
    """Keep one row of each user and item: the first or last by time, then by the order of the file."""
    in_time = rows["timestamp"].to_numpy().argsort(kind="stable")
    repeated = rows.iloc[in_time].duplicated(["user", "item"], keep=which)
    kept = np.empty(len(rows), dtype=bool)
    kept[in_time] = ~repeated.to_numpy()
    return kept


def _rated(rows: pd.DataFrame, least: float) -> np.ndarray:
    # a file's rating is float32, and 3.7 as float64 is more than that
    return rows["rating"].to_numpy("float32") >= np.float32(least)


def _in_core(rows: pd.DataFrame, core: Any) -> np.ndarray:
    """Keep the largest set of rows in which each user and each item has so many."""
    users, items = (pd.factorize(rows[name])[0] for name in ("user", "item"))
    kept, count = np.ones(len(rows), dtype=bool), -1
    while count != (count := int(kept.sum())):
        for codes, least in ((users, core.users), (items, core.items)):
            kept &= (np.bincount(codes[kept], minlength=codes.max() + 1) >= least)[codes]
    return kept


def _of_drawn_users(rows: pd.DataFrame, count: int, seed: int) -> np.ndarray:
    """Keep the rows of so many users, drawn of their ids in ascending order: the file's order draws no others."""
    everyone = np.unique(rows["user"])
    if count > len(everyone):
        raise CragruError(
            f"only {len(everyone)} users are left",
            place="keep.users",
            got=count,
            advice="draw fewer",
        )
    drawn = numpy_stream(seed, "keep", "users").choice(everyone, count, replace=False)
    return rows["user"].isin(drawn).to_numpy()
