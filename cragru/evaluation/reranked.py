"""A scorer of re-ranked lists, so that the evaluation can rank with them as with a model."""

import pandas as pd
import torch

from cragru.backbones.base import Scorer


class RerankedScorer:
    """A scorer whose users have their candidates on top, in a given order; below them, the base scorer's order."""

    def __init__(self, base: Scorer, lists: pd.DataFrame) -> None:
        """Take up lists (columns user, rank and item) of candidates that came from `base`."""
        self._base = base
        self._lists = {}
        for user, rows in lists.groupby("user"):
            ordered = rows.sort_values("rank")["item"].to_numpy(dtype="int64")
            self._lists[int(user)] = torch.from_numpy(ordered)

    def score(self, users: torch.Tensor) -> torch.Tensor:
        """Score every item for each of `users` (`[B]` int64), who all have a list; returns `[B, items]`."""
        scores = self._base.score(users).cpu()
        for row, user in zip(scores, users.tolist(), strict=True):
            items = self._lists[user]
            falling = torch.arange(len(items), 0, -1, dtype=row.dtype)
            # finfo.max would leave no room for distinct values; whole numbers above the maximum have it
            row[items] = row.max().ceil() + falling
        return scores
