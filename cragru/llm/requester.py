"""CRAGRU serves one deletion request: what remains of who asks, their candidates, their prompt; and what that takes."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from cragru.backbones.base import Scorer
from cragru.llm.base import Answer
from cragru.llm.building import PromptBuilder, shown_order
from cragru.llm.records import PromptRecord
from cragru.ranking import top_items

Choice = Callable[[int, np.ndarray, np.ndarray], np.ndarray]
"""Of a user, their items (oldest first) and their candidates: ascending places of the items that the prompt shows."""


@dataclass(frozen=True)
class Desk:
    """Serves users with all that this needs in memory.

    Attributes:
        scorer: The deployed model, which the candidates come from. It is not trained again.
        remaining: Training and validation rows that remain, of all users and in canonical order; columns row, user,
            item and rating.
        items: Number of items.
        length: How many candidates.
        choose: The retrieval strategy.
        builder: Writes prompts.
        order: How a prompt lists the candidates (`cragru.llm.building.shown_order`).
        seed: Of the random streams.
    """

    scorer: Scorer
    remaining: pd.DataFrame
    items: int
    length: int
    choose: Choice
    builder: PromptBuilder
    order: str
    seed: int

    def serve(self, user: int) -> tuple[PromptRecord, dict[str, float]]:
        """The prompt of a user, and the wall seconds of the stages `filter`, `candidates` and `prompt`."""
        begun = time.perf_counter()
        own = self.remaining[self.remaining["user"] == user]
        seen = own["item"].to_numpy()
        found = time.perf_counter()
        candidates = self._candidates(user, seen)
        taken = time.perf_counter()
        chosen = own.iloc[self.choose(user, seen, np.asarray(candidates))]
        filtered = time.perf_counter()
        record = self.builder.build(user, chosen, shown_order(candidates, self.order, self.seed, user))
        written = time.perf_counter()
        seconds = {
            "filter": found - begun + filtered - taken,
            "candidates": taken - found,
            "prompt": written - filtered,
        }
        return record, seconds

    def _candidates(self, user: int, seen: np.ndarray) -> list[int]:
        """The best items of one user, as `cragru.retrieval.selection.top_candidates` has them for many."""
        masked = torch.zeros(1, self.items, dtype=torch.bool)
        masked[0, torch.from_numpy(seen).long()] = True
        best, ranked = top_items(self.scorer.score(torch.tensor([user])), masked, self.length)
        return best[ranked].tolist()


def request_cost(
    before: Sequence[Mapping[str, float]], answers: Sequence[Answer], costs: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What a request took, with the fields that an unlearning method's cost.json has (`cragru.unlearning.base.Cost`).

    Args:
        before: Seconds of the stages before the answer, for each user of the request.
        answers: Their answers.
        costs: Of each answer, which was given alone, as the store has them.

    Returns:
        `seconds_sequential`: all users one after the other; `seconds_parallel`: the longest of them; `stages`: of all
        users; no model is trained. Beside these: `users`, `prompt_tokens` and `answer_tokens` of all of them, and
        `engine_start_seconds`, which is in none of the seconds.
    """
    stages = [{**seconds, "generation": cost["seconds"]} for seconds, cost in zip(before, costs, strict=True)]
    users = [sum(seconds.values()) for seconds in stages]
    return {
        "seconds_sequential": sum(users),
        "seconds_parallel": max(users),
        "shards_touched": 0,
        "optimiser_steps": 0,
        "hessian_products": 0,
        "device": " and ".join(sorted({cost["device"] for cost in costs})),
        "stages": {name: sum(seconds[name] for seconds in stages) for name in stages[0]},
        "users": len(users),
        "prompt_tokens": sum(answer.prompt_tokens for answer in answers),
        "answer_tokens": sum(answer.answer_tokens for answer in answers),
        "engine_start_seconds": max(cost["start_seconds"] for cost in costs),
    }
