"""Histories that are nobody's: what an LLM makes of one says what it says without knowing the user."""

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.seeds import numpy_stream
from cragru.data.frames import NOBODYS
from cragru.retrieval.columns import SELECTION


def draw_histories(
    selection: pd.DataFrame,
    remaining: pd.DataFrame,
    left_out: pd.DataFrame,
    items: int,
    seed: int,
) -> pd.DataFrame:
    """Draw as many items of the catalogue for each user as a strategy chose of their history.

    An item is drawn as often as it has rows in the data, without repetition in a history, so that a drawn history looks
    like one. No user's rows enter it, and none of the user's own.

    Args:
        selection: Columns of `SELECTION`: what was chosen of each user's own history.
        remaining: Rows that remain, whose counts are what items are drawn by (column item).
        left_out: Columns user and item: what a user's drawn history may not have.
        items: Number of items.
        seed: The run's seed; random streams are ``other/<user>``.

    Returns:
        Columns of `SELECTION`, row `NOBODYS`; the items in the order drawn.

    Raises:
        CragruError: If fewer items are left than a history has.
    """
    counts = np.bincount(remaining["item"], minlength=items).astype(float)
    banned = {user: own.to_numpy() for user, own in left_out.groupby("user")["item"]}
    frames = []
    for user, size in selection.groupby("user").size().items():
        weights = counts.copy()
        weights[banned.get(user, [])] = 0
        if np.count_nonzero(weights) < size:
            at = f"user {user}"
            raise CragruError("too few items for another history", place=at, got=int(size))
        rng = numpy_stream(seed, "other", int(user))
        drawn = rng.choice(items, size, replace=False, p=weights / weights.sum())
        frames.append(pd.DataFrame({"user": user, "row": NOBODYS, "item": drawn}))
    return pd.concat(frames, ignore_index=True).astype(SELECTION)
