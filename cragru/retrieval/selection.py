"""Candidates of every user (eq. 1), and what each strategy keeps of their histories."""

import numpy as np
import pandas as pd
import torch
from numpy import ndarray

from cragru.backbones.base import Scorer, pairs
from cragru.core.clock import Seconds, now
from cragru.core.errors import CragruError
from cragru.core.seeds import numpy_stream
from cragru.ranking.full import PairSet, best_items, user_batches
from cragru.retrieval.base import RetrievalStrategy
from cragru.retrieval.columns import CANDIDATES, SELECTION


def top_candidates(
    scorer: Scorer, seen: pd.DataFrame, users: ndarray, items: int, count: int
) -> pd.DataFrame:
    """Return the `count` best items of each user, what they have seen left out.

    Training and validation rows are seen; forgotten rows are not, for nobody may know them.

    Returns:
        Columns of `CANDIDATES`; rank from 1. Users with fewer unseen items have fewer rows.
    """
    everyone = int(max(users.max(), seen["user"].max())) + 1
    known = PairSet(pairs(seen), everyone, items)
    frames = []
    for batch in user_batches(torch.from_numpy(users).long()):
        scores = scorer.score(batch)
        known.hide(scores, batch)
        best, ranked = best_items(scores, count)
        row, place = ranked.nonzero(as_tuple=True)
        columns = {
            "user": batch[row].numpy(),
            "rank": place.numpy() + 1,
            "item": best[ranked].numpy(),
            "score": scores.gather(1, best)[ranked].numpy(),
        }
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True).astype(CANDIDATES)


def select_histories(
    strategy: RetrievalStrategy,
    name: str,
    history: pd.DataFrame,
    candidates: pd.DataFrame,
    limit: int | None,
    seed: int,
) -> tuple[pd.DataFrame, Seconds]:
    """Let a strategy choose from every user's remaining history.

    The history is of all users in canonical order; candidates are of the users that are wanted. The limit is K, or None
    where whole histories are wanted. Random streams are ``retrieve/<name>/<user>``.

    Returns:
        Columns of `SELECTION` in canonical order, and the seconds of the choice alone.

    Raises:
        CragruError: If the strategy breaks its contract.
    """
    own = history.groupby("user").indices
    rows, items = history["row"].to_numpy(), history["item"].to_numpy()
    chosen, seconds = [], Seconds()
    for user, shown in candidates.groupby("user"):
        places = own.get(user, np.empty(0, dtype=np.int64))
        rng = numpy_stream(seed, "retrieve", name, int(user))
        most = len(places) if limit is None else limit
        start = now()
        kept = strategy.select(items[places], shown["item"].to_numpy(), most, rng)
        seconds += now() - start
        is_ascending = bool(np.all(np.diff(kept) > 0))
        is_inside = bool(np.all((kept >= 0) & (kept < len(places))))
        if len(kept) > most or not is_ascending or not is_inside:
            at = f"strategy {name}: user {user}"
            raise CragruError(f"not {most} or fewer ascending places", place=at, got=kept.tolist())
        chosen.append(places[kept])
    picked = np.concatenate(chosen)
    users = history["user"].to_numpy()
    frame = pd.DataFrame({"user": users[picked], "row": rows[picked], "item": items[picked]})
    return frame.astype(SELECTION), seconds
