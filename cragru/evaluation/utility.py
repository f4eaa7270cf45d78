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
from cragru.ranking.full import pair_mask, top_items, user_batches

Parts = dict[str, pd.DataFrame]


def masks(parts: Parts, users: int, items: int) -> dict[str, Tensor]:
    """Return masks A and B, `[users, items]` bool: A hides training and validation rows, B the forgotten rows too."""
    known = pd.concat([parts["train"], parts["valid"]])
    seen = pair_mask(pairs(known), users, items)
    forgotten = pair_mask(pairs(parts["forget"]), users, items)
    return {"A": seen, "B": seen | forgotten}


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
    relevant = pair_mask(pairs(parts["test"]), users, items)
    hidden = masks(parts, users, items)
    for batch in user_batches(torch.unique(pairs(parts["test"])[0])):
        scores = scorer.score(batch).cpu()
        for name, mask in hidden.items():  # B hides more than A, so the scores can be reused
            best, ranked = top_items(scores, mask[batch], length)
            hits = relevant[batch].gather(1, best) & ranked
            yield name, batch, best.where(ranked, NOBODY), hits, relevant[batch].sum(dim=1)


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
    masked = masks(parts, users, items)["B"]
    frames = []
    for batch in user_batches(who):
        best, ranked = top_items(scorer.score(batch).cpu(), masked[batch], length)
        row, place = ranked.nonzero(as_tuple=True)
        columns = {
            "user": batch[row].numpy(),
            "rank": (place + 1).numpy(),
            "item": best[row, place].numpy(),
        }
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True).astype(LISTS)
