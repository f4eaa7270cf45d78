"""From an LLM's scores to ranked lists."""

import itertools

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.names import NO_LLM
from cragru.core.seeds import numpy_stream
from cragru.ranking.fusion import Lists, fused

SCORES = {"user": "int32", "shown": "int32", "item": "int32", "score": "float64"}
"""What the LLM said: `shown` is the candidate's place in the prompt, from 1."""

RERANKED = {"variant": "object", "user": "int32", "rank": "int32", "item": "int32"}
"""Candidates in a new order, best first, rank from 1, under each of `VARIANTS`."""

VARIANTS = ("llm", "random-ties", NO_LLM)
"""The LLM's order with ties as shown; with ties broken at random; the backbone's own order, as if nobody had asked."""


def rerank(scores: pd.DataFrame, candidates: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Order each user's candidates: columns of `RERANKED`, variants as in `VARIANTS`, users as in `scores`.

    Nine in ten scores of a small LLM are ties, which keep the prompt's order; `random-ties` tells how much that is.

    Args:
        scores: Columns of `SCORES`.
        candidates: The backbone's candidates of at least these users (columns user, rank, item).
        seed: Seed of the stream that breaks ties.

    Raises:
        CragruError: If a user's scored items are not their candidates.
    """
    by_rank = candidates.sort_values(["user", "rank"]).groupby("user")["item"]
    own = {user: items.to_numpy() for user, items in by_rank}
    lists: dict[str, list[pd.DataFrame]] = {name: [] for name in VARIANTS}
    for user, shown in scores.groupby("user", sort=False):
        rows, wanted = shown.sort_values("shown"), own.get(user, np.empty(0, dtype=np.int64))
        if sorted(items := rows["item"].tolist()) != sorted(wanted):
            raise CragruError(f"not the {len(wanted)} candidates", place=f"user {user}", got=items)
        luck = numpy_stream(seed, "ties", int(user)).permutation(len(items))
        ranks = range(1, len(items) + 1)
        for name, order in _orders(rows, luck, wanted).items():
            columns = {"variant": name, "user": user, "rank": ranks, "item": order}
            lists[name].append(pd.DataFrame(columns))
    frames = itertools.chain.from_iterable(lists.values())
    return pd.concat(frames, ignore_index=True).astype(RERANKED)


def _orders(rows: pd.DataFrame, luck: np.ndarray, own: np.ndarray) -> dict[str, np.ndarray]:
    """Return a user's items under each of `VARIANTS`, from what was shown, lots for ties, and the backbone's order."""
    items, values = rows["item"].to_numpy(), rows["score"].to_numpy()
    return {
        "llm": items[np.argsort(-values, kind="stable")],
        "random-ties": items[np.lexsort((luck, -values))],
        NO_LLM: own,
    }


def scored_lists(scores: pd.DataFrame, candidates: pd.DataFrame) -> Lists:
    """Return the candidates of the users in `scores` with the scores `backbone` and `llm`, in the backbone's order."""
    both = candidates.merge(
        scores[["user", "item", "score"]], on=["user", "item"], suffixes=("", "_llm")
    )
    return Lists.of(both, backbone=both["score"], llm=both["score_llm"])


def fused_scores(scores: pd.DataFrame, candidates: pd.DataFrame, weight: float) -> pd.DataFrame:
    """Return scores with the z-scores of LLM and backbone fused, the LLM's by `weight`; columns of `SCORES`."""
    lists = scored_lists(scores, candidates)
    both = fused(lists.standardised("backbone"), lists.standardised("llm"), weight)
    row, place = np.nonzero(lists.items >= 0)
    columns = {"user": lists.users[row], "item": lists.items[row, place], "fused": both[row, place]}
    joined = scores.merge(pd.DataFrame(columns), on=["user", "item"], how="left", validate="1:1")
    return scores.assign(score=joined["fused"].to_numpy()).astype(SCORES)


def tie_rate(scores: pd.DataFrame) -> float:
    """Return the share of places that the LLM left open: 1 - distinct scores / candidates, the mean over users."""
    by_user = scores.groupby("user")["score"]
    return float((1 - by_user.nunique() / by_user.size()).mean())
