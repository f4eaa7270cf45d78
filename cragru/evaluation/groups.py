"""Groups of users, by how near each is to the forget set and how active; classes of items, by popularity."""

from collections.abc import Sequence

import numpy as np

from cragru.core.errors import CragruError

FORGOTTEN, SIMILAR, FAR = "forgotten", "similar", "far"
ACTIVE, INACTIVE = "active", "inactive"
CLASSES = 10  # of items by popularity
MEMORY = 2**22  # cosines held at a time


def user_groups(
    user_factors: np.ndarray, forgotten: Sequence[int], share: float = 0.1
) -> np.ndarray:
    """Sort users by how near they are to the forget set, in the original model's eyes.

    Args:
        user_factors: `[users, d]` of the original model.
        forgotten: Users with forgotten rows.
        share: Part of the other users that is called similar: those with the largest cosine with any forgotten user.

    Returns:
        `[users]` of `FORGOTTEN`, `SIMILAR` or `FAR`; the latter two are empty where everyone has forgotten rows.

    Raises:
        CragruError: If nobody has forgotten rows.
    """
    factors = np.asarray(user_factors, dtype=np.float64)
    forgotten = np.unique(np.asarray(forgotten, dtype=np.int64))
    if not len(forgotten):
        raise CragruError("nobody has forgotten rows", place="groups of users")
    groups = np.full(len(factors), FAR, dtype=object)
    groups[forgotten] = FORGOTTEN
    others = np.flatnonzero(groups == FAR)
    nearest_first = np.argsort(-_largest_cosine(factors, others, forgotten), kind="stable")
    similar = nearest_first[: round(share * len(others))]
    groups[others[similar]] = SIMILAR
    return groups


def active_users(training_rows: np.ndarray, share: float = 0.05) -> np.ndarray:
    """Tell who has most training rows, of `[users]`.

    A `share` of the users with rows is called active, at least one user; whoever ties with the last is too.

    Returns:
        `[users]` of `ACTIVE`, `INACTIVE`, or "" for a user without any row (forgotten whole).
    """
    rows = np.asarray(training_rows)
    ascending = np.sort(rows[rows > 0])
    count = max(1, round(share * len(ascending)))
    least = ascending[-count] if len(ascending) else 1
    activity = np.where(rows > 0, INACTIVE, "").astype(object)
    activity[rows >= least] = ACTIVE
    return activity


def _largest_cosine(factors: np.ndarray, others: np.ndarray, forgotten: np.ndarray) -> np.ndarray:
    """Return `[others]`; a user without direction (all factors 0) has cosine 0 with everyone."""
    norms = np.linalg.norm(factors, axis=1, keepdims=True)
    directions = factors / np.where(norms > 0, norms, 1)
    largest = []
    for part in np.array_split(others, 1 + len(others) * len(forgotten) // MEMORY):
        cosines = directions[part] @ directions[forgotten].T
        largest.append(cosines.max(axis=1))
    return np.concatenate(largest)


def popularity_classes(training_rows: np.ndarray, count: int = CLASSES) -> np.ndarray:
    """Sort items into `count` classes of about equal numbers of training rows, class 0 being the most popular items.

    An item's place is the share of rows that lies on more popular items, so that equally popular ones share a class
    whatever their ids. A class that one popular item spans is empty. The rows are `[items]`, not all 0.

    Returns:
        `[items]` int64; an item without rows is in the last class.
    """
    rows = np.asarray(training_rows, dtype=np.int64)
    ascending = np.sort(rows)
    cumulative = np.concatenate([[0], np.cumsum(ascending)])
    total = cumulative[-1]
    on_more_popular = total - cumulative[np.searchsorted(ascending, rows, side="right")]
    return np.minimum(count * on_more_popular // total, count - 1)
