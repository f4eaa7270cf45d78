"""CRAGRU serves one deletion request: what remains of who asks, their candidates, their prompt; and what that takes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from cragru.backbones.base import Scorer
from cragru.core.clock import Seconds, now
from cragru.llm.building import PromptBuilder, shown_order
from cragru.llm.records import PromptRecord
from cragru.ranking.full import top_items

Choice = Callable[[int, np.ndarray, np.ndarray], np.ndarray]
"""Of a user, their items (oldest first) and their candidates: ascending places of the items that the prompt shows."""


@dataclass(frozen=True)
class Desk:
    """Serves users, with all that serving needs in memory.

    Attributes:
        scorer: The deployed model, which the candidates come from. It is not trained again.
        remaining: Training and validation rows that remain, of all users and in canonical order; columns row, user,
            item and rating.
        length: How many candidates a prompt shows.
        choose: The retrieval strategy.
        builder: Writes prompts.
        order: How a prompt lists the candidates (`cragru.llm.building.shown_order`).
    """

    scorer: Scorer
    remaining: pd.DataFrame
    items: int
    length: int
    choose: Choice
    builder: PromptBuilder
    order: str
    seed: int

    def serve(self, user: int) -> tuple[PromptRecord, dict[str, Seconds]]:
        """Return the prompt of a user, and the seconds of the stages `filter`, `candidates` and `prompt`."""
        begun = now()
        own = self.remaining[self.remaining["user"] == user]
        seen = own["item"].to_numpy()
        found = now()
        candidates = self._candidates(user, seen)
        taken = now()
        chosen = own.iloc[self.choose(user, seen, np.asarray(candidates))]
        filtered = now()
        shown = shown_order(candidates, self.order, self.seed, user)
        record = self.builder.build(user, chosen, shown)
        written = now()
        seconds = {
            "filter": (found - begun) + (filtered - taken),
            "candidates": taken - found,
            "prompt": written - filtered,
        }
        return record, seconds

    def _candidates(self, user: int, seen: np.ndarray) -> list[int]:
        """Return the best items of one user, as `cragru.retrieval.selection.top_candidates` has them for many."""
        masked = torch.zeros(1, self.items, dtype=torch.bool)
        masked[0, torch.from_numpy(seen).long()] = True
        scores = self.scorer.score(torch.tensor([user]))
        best, ranked = top_items(scores, masked, self.length)
        return best[ranked].tolist()
