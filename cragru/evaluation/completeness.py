"""What a model still knows of the rows that it was told to forget: Table IV and Figure 3 (paper, §V-D).

Every measure is kept per user, and Retrain's value of it is the aim, not zero: what was forgotten still resembles what
remains. Two masks, as everywhere: A hides training and validation rows, B the forgotten rows too.

* Membership, metrics of forgotten rows (forget-hr, forget-ndcg), rank-change, decline-ratio and Figure 3 look at
  forgotten rows, so these must stand in the ranking: mask A.
* overlap and js compare a whole list with Retrain's: mask B, as every comparison with the original model. Under A the
  forgotten items on its list would be counted a second time, on top of the measures above; under B what is left is how
  far the forgotten rows still bend the ranking of everything else.

The first kind needs a forgotten row of a user, the second a test row. So the lists of users who were forgotten whole
are compared with nobody's: Retrain never saw them, and its list for them is its random start.

A scorer of a cohort alone (`cragru.evaluation.reranked.RerankedScorer`) takes the cohort's rows alone: see `of_users`.
"""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cragru.backbones.base import Scorer, pairs
from cragru.core.seeds import numpy_stream
from cragru.evaluation import completeness_columns as schema
from cragru.evaluation.calibration import calibrated_scores, z_scores
from cragru.evaluation.completeness_columns import LIST_LENGTH
from cragru.evaluation.groups import popularity_classes
from cragru.evaluation.metrics import COMPLETENESS, FORGET_REMAIN, Metric, metrics_in, values_of
from cragru.evaluation.percentiles import percentiles
from cragru.evaluation.reranked import RerankedScorer
from cragru.evaluation.utility import Parts, mask
from cragru.ranking.full import PairSet, best_items, top_items, user_batches

FIFTHS = 5  # into how many classes of popularity membership rows are sorted


def of_users(parts: Parts, users: Collection[int]) -> Parts:
    """Take the rows of some users of every part: nothing here looks across users, so their values stay as they were."""
    return {name: part[part["user"].isin(users)] for name, part in parts.items()}


def membership_rows(
    scorer: Scorer, shadows: Sequence[Scorer], parts: Parts, users: int, items: int
) -> pd.DataFrame:
    """Rank forgotten rows (members) and held-out positives of the same users (non-members) among unseen items.

    Held-out positives are the users' test rows and, where requests take whole users or test rows along, their part of
    `forget-heldout`. Random pairs would be told from members by plain relevance, even by a model that saw neither.

    Returns:
        Columns of `MEMBERSHIP`, ordered by user, members last; users with rows of one kind only are left out. A
        percentile is the share of the user's other items under mask A that stand below, ties counted half: a matter of
        order alone, so re-ranked lists have it too. A calibrated score is the row's z-score among the same items, less
        the mean of its z-scores under the shadows: Retrains of this split and of other trainings than the scorer.
    """
    members = parts["forget"].assign(member=True)
    others = pd.concat([parts["test"], parts["forget-heldout"]]).assign(member=False)
    rows = pd.concat([members, others])
    has_both = rows.groupby("user")["member"].transform("nunique") == 2
    by_user = ["user", "member", "item"]  # as `percentiles` answers
    rows = rows[has_both].sort_values(by_user, ignore_index=True)
    seen = mask("A", parts, users, items)
    rows["percentile"] = percentiles(scorer, pairs(rows), seen).numpy()
    rows["calibrated"] = np.nan  # a re-ranked list's scores keep an order, and no more
    if not isinstance(scorer, RerankedScorer):
        rows["calibrated"] = calibrated_scores(scorer, shadows, pairs(rows), seen).numpy()
    known = np.bincount(parts["train"]["item"], minlength=items)
    rows["fifth"] = 1 + popularity_classes(known, FIFTHS)[rows["item"]]
    return rows[list(schema.MEMBERSHIP)].astype(schema.MEMBERSHIP)


def per_user_completeness(
    scorer: Scorer,
    original: Scorer,
    references: Sequence[Scorer],
    parts: Parts,
    users: int,
    items: int,
) -> pd.DataFrame:
    """Measure a model's forgetting, user by user.

    * ``forget-hr@10``, ``forget-ndcg@10``: utility with the forgotten rows as what is relevant; the same of every
      metric that stands in tables of completeness.
    * ``rank-change``: mean over the user's forgotten rows of rank under `scorer` minus rank under `original`, rank 1
      best, ties at their mean rank; in places, above 0 where they sank. ``decline-ratio``: share of them that sank.
    * ``overlap@10``: Jaccard index of the two lists' items, the mean over `references`.
    * ``js``: see `js_divergence`, the mean over `references`. Left out if one of the two is a re-ranked list: its
      candidates' scores are whole numbers made up to keep an order, and a softmax would weigh their distance. On ranks
      it would say nothing either, for 20 re-ordered places of 1,600 are lost in it.

    `references` are Retrain models of this split, for one of another has trained on this one's forgotten rows; and of
    training seeds other than those of the scorer and of the `original`, the model before the request: models of one
    seed start from one table and agree by that alone (original, BPR, ML-100K: overlap .55, with another seed .46).

    Returns:
        Columns of `COMPLETENESS`, ordered by user and measure.

    """
    seen, hidden = (mask(name, parts, users, items) for name in ("A", "B"))
    metrics, group = metrics_in(COMPLETENESS), {"forget": parts["forget"]}
    utility = _group_utility(scorer, group, metrics, (LIST_LENGTH,), seen)
    wide = [
        utility.drop(columns=["group", "k"]).rename(columns=schema.OF_METRIC),
        _rank_changes(scorer, original, parts["forget"], seen),
        _agreement(scorer, references, parts["test"], hidden),
    ]
    return _long(wide)


def forget_remain_utility(
    scorer: Scorer, parts: Parts, users: int, items: int, seed: int
) -> pd.DataFrame:
    """Measure, for Figure 3, utility on the forget set and on the remain set, with equally many rows of every user.

    The remain set is represented by its test rows: its other rows are hidden from every list (mask A), and CRAGRU's
    candidates hold none of them. As many of a user's test rows are drawn as the user has forgotten rows; of a user with
    fewer test rows, as many forgotten rows. Otherwise the ratio would mostly tell how large the two sets are.

    Both groups are read off one list. Forgotten rows, and test rows that were not drawn, stay on it: so each group
    competes with equally many other positives, and under a protocol that forgets at random the two are exchangeable
    for a model that saw neither. Retrain's ratio is then 1 but for chance; the original's is above it. Every model is
    asked for the same rows under one seed.

    Returns:
        Columns of `FORGET_REMAIN`; users without rows of both kinds are left out.
    """
    groups = _equal_groups(parts["forget"], parts["test"], seed)
    seen = mask("A", parts, users, items)
    metrics = metrics_in(FORGET_REMAIN)
    table = _group_utility(scorer, groups, metrics, schema.FIGURE_CUTOFFS, seen)
    return table.astype(schema.FORGET_REMAIN).sort_values(["user", "group", "k"], ignore_index=True)


def top_overlap(first: Tensor, second: Tensor, masked: Tensor, k: int) -> Tensor:
    """Return the Jaccard index |A ∩ B| / |A ∪ B| of the best `k` unmasked items under two scorings.

    Scores and mask (bool) are `[B, items]`, a row has an unmasked item at least; returns `[B]` float64.
    """
    one = _listed(first, masked, k)
    two = _listed(second, masked, k)
    common = (one & two).sum(dim=1)
    return common.double() / (one | two).sum(dim=1)


def js_divergence(first: Tensor, second: Tensor, masked: Tensor) -> Tensor:
    """Return the Jensen–Shannon divergence between softmaxes of each row's unmasked z-scores under two scorings.

    Inner products of different methods have different scales, hence z-scores; they are 0 where all are equal. Shapes
    are those of `top_overlap`; returns nats, from 0 to ln 2.
    """
    one = _softmax(first.double(), masked)
    two = _softmax(second.double(), masked)
    mixed = _entropy((one + two) / 2)
    own = _entropy(one) + _entropy(two)
    return (mixed - own / 2).clamp(0, np.log(2))


def _listed(scores: Tensor, masked: Tensor, k: int) -> Tensor:
    """Tell which items are among the best `k` unmasked ones, `[B, items]` bool."""
    best, ranked = top_items(scores.clone(), masked, k)
    return torch.zeros_like(masked).scatter_(1, best, ranked)


def _entropy(shares: Tensor) -> Tensor:
    """Return the entropy of each row, in nats."""
    return torch.special.entr(shares).sum(dim=1)


def _softmax(scores: Tensor, masked: Tensor) -> Tensor:
    """Return the softmax over each row's unmasked items of their z-scores; 0 where masked."""
    return z_scores(scores, masked).masked_fill(masked, -torch.inf).softmax(dim=1)


def _group_utility(
    scorer: Scorer,
    groups: Parts,
    metrics: dict[str, Metric],
    cutoffs: Sequence[int],
    seen: PairSet,
) -> pd.DataFrame:
    """Return metrics of groups of rows that share their users: a row for each user, group and K."""
    relevant = {name: PairSet(pairs(group), *seen.shape) for name, group in groups.items()}
    some_group = next(iter(groups.values()))
    frames = []
    for batch in user_batches(torch.unique(pairs(some_group)[0])):
        scores = scorer.score(batch).cpu()
        seen.hide(scores, batch)
        best, ranked = best_items(scores, max(cutoffs))
        for name, wanted in relevant.items():
            hits = wanted.has(batch, best) & ranked
            counts = wanted.counts(batch)
            for k in cutoffs:
                head = {"user": batch.numpy(), "group": name, "k": k}
                frames.append(pd.DataFrame(head | values_of(metrics, hits, counts, k)))
    return pd.concat(frames)


def _rank_changes(
    scorer: Scorer, original: Scorer, forget: pd.DataFrame, seen: PairSet
) -> pd.DataFrame:
    rows = forget.sort_values(["user", "item"])
    places = pairs(rows)
    share_before = percentiles(original, places, seen)
    share_now = percentiles(scorer, places, seen)
    rivals = seen.shape[1] - seen.counts(places[0]) - 1
    change = (share_before - share_now) * rivals  # rank = 1 + (1 - percentile) · rivals
    columns = {
        "user": places[0].numpy(),
        "rank-change": change.numpy(),
        "decline-ratio": (change > 0).numpy(),
    }
    return pd.DataFrame(columns).groupby("user", as_index=False).mean()


def _agreement(
    scorer: Scorer, references: Sequence[Scorer], test: pd.DataFrame, known: PairSet
) -> pd.DataFrame:
    """Return overlap and, where all have scores, divergence of users with test rows: means over the references."""
    ordinal = any(isinstance(model, RerankedScorer) for model in (scorer, *references))
    frames = []
    for batch in user_batches(torch.unique(pairs(test)[0])):
        hidden = known.rows(batch)
        totals = torch.zeros(len(schema.AGREEMENT), len(batch), dtype=torch.float64)
        own = scorer.score(batch).cpu()
        for reference in references:
            other = reference.score(batch).cpu()
            totals[0] += top_overlap(own, other, hidden, LIST_LENGTH)
            totals[1] += 0 if ordinal else js_divergence(own, other, hidden)
        means = totals.T.numpy() / len(references)
        frame = pd.DataFrame(means, columns=list(schema.AGREEMENT))
        frame.insert(0, "user", batch.numpy())
        frames.append(frame)
    missing = list(schema.NEED_SCORES) if ordinal else []
    return pd.concat(frames).drop(columns=missing)


def _equal_groups(forget: pd.DataFrame, remain: pd.DataFrame, seed: int) -> Parts:
    """Draw as many rows of each of two sets for every user: the larger is cut at random, the smaller kept."""
    forgotten, remaining = _items_by_user(forget), _items_by_user(remain)
    drawn: dict[str, list[tuple[int, int]]] = {name: [] for name in schema.GROUPS}
    for user in sorted(forgotten.keys() & remaining.keys()):
        own = (forgotten[user], remaining[user])
        rng = numpy_stream(seed, "figure3", int(user))
        size = min(map(len, own))
        for name, items in zip(schema.GROUPS, own, strict=True):
            chosen = rng.choice(items, size, replace=False)
            drawn[name] += [(user, item) for item in chosen]
    return {
        name: pd.DataFrame(rows, columns=["user", "item"], dtype="int64")
        for name, rows in drawn.items()
    }


def _items_by_user(rows: pd.DataFrame) -> dict[int, np.ndarray]:
    """Return the ascending items of each user that has rows."""
    return {user: np.sort(items) for user, items in rows.groupby("user")["item"]}


def _long(wide: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Turn frames with a column for each measure into columns of `COMPLETENESS`."""
    long = [frame.melt("user", var_name="measure") for frame in wide]
    table = pd.concat(long).astype(schema.COMPLETENESS)
    return table.sort_values(["user", "measure"], ignore_index=True)
