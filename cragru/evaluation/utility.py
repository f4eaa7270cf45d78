"""Every metric of every user, by full ranking under two masks."""

from collections.abc import Iterator, Sequence

import pandas as pd
import torch
from torch import Tensor

from cragru.backbones.base import Scorer, pairs
from cragru.evaluation.bias_columns import LISTS
from cragru.evaluation.columns import PER_USER
from cragru.evaluation.list_metrics import NOBODY
from cragru.evaluation.metrics import CUTOFFS, METRICS, values_of
from cragru.ranking.full import PairSet, best_items, user_batches

Parts = dict[str, pd.DataFrame]
HIDDEN = {"A": ("train", "valid"), "B": ("train", "valid", "forget")}
"""The parts whose rows a mask hides."""


def mask(name: str, parts: Parts, users: int, items: int) -> PairSet:
    """Return what mask A or B hides: A training and validation rows, B the forgotten rows too."""
    hidden = [parts[part] for part in HIDDEN[name]]
    return PairSet(pairs(pd.concat(hidden)), users, items)


def per_user_utility(scorer: Scorer, parts: Parts, users: int, items: int) -> pd.DataFrame:
    """Evaluate a scorer on the test rows of a data set of so many users and items.

    Under mask A forgotten items compete for places. Users without a test row are left out.

    Returns:
        One row per user, mask and cut-off, columns of `PER_USER`; `relevant` counts the user's test rows.
    """
    frames = []
    for name, batch, _, hits, counts in hits_of_batches(scorer, parts, users, items, max(CUTOFFS)):
        for k in CUTOFFS:
            head = {"user": batch.numpy(), "mask": name, "k": k}
            values = values_of(METRICS, hits, counts, k)
            frames.append(pd.DataFrame(head | values | {"relevant": counts.numpy()}))
    return by_user(frames)


def hits_of_batches(
    scorer: Scorer, parts: Parts, users: int, items: int, length: int
) -> Iterator[tuple[str, Tensor, Tensor, Tensor, Tensor]]:
    """Yield the ranked lists of all users with a test row, batch by batch, under mask A and then B.

    Yields:
        The mask's name; the users `[B]`; the best items `[B, length]`, `NOBODY` where
        none is left; whether each is a hit, `[B, length]` bool; and how
        many test rows each user has, `[B]`.
    """
    relevant = PairSet(pairs(parts["test"]), users, items)
    hidden = {name: mask(name, parts, users, items) for name in HIDDEN}
    for batch in user_batches(torch.unique(pairs(parts["test"])[0])):
        scores, counts = scorer.score(batch).cpu(), relevant.counts(batch)
        for name, known in hidden.items():  # B hides more than A, so the scores can be reused
            known.hide(scores, batch)
            best, ranked = best_items(scores, length)
            hits = relevant.has(batch, best) & ranked
            yield name, batch, best.where(ranked, NOBODY), hits, counts


def by_user(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return results of batches, masks and cut-offs as one table by user, columns of `PER_USER`."""
    table = pd.concat(frames).astype(PER_USER)
    return table.sort_values(["user", "mask", "k"], ignore_index=True)


def recommended(
    scorer: Scorer, parts: Parts, who: Tensor, users: int, items: int, length: int
) -> pd.DataFrame:
    """Return the lists, of `length` items at most, of the users `who` under mask B.

    Returns:
        Columns of `cragru.evaluation.bias_columns.LISTS`, by user and rank.
    """
    known = mask("B", parts, users, items)
    frames = []
    for batch in user_batches(who):
        scores = scorer.score(batch).cpu()
        known.hide(scores, batch)
        best, ranked = best_items(scores, length)
        row, place = ranked.nonzero(as_tuple=True)
        columns = {
            "user": batch[row].numpy(),
            "rank": (place + 1).numpy(),
            "item": best[row, place].numpy(),
        }
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True).astype(LISTS)
