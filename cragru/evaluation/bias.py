"""Table V: whom unlearning hurt, against Retrain.

Every measure is of a method's per-user results against Retrain's, and stands beside its null: the same measure of
Retrain trained again with another seed. A spread over users, a worst tenth and a divergence are not zero for two
trainings of one model either, so only what goes beyond the null is the method's doing.

Under protocol `paper` nearly everyone has forgotten rows and the other groups' cells are blank or tiny, so the table is
made under `released-code` and mask B.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.evaluation.bootstrap import Bounds, Resampling, Statistic, column_mean
from cragru.evaluation.significance import paired_values

MODELS = ("method", "retrain", "replicate")  # of `Results` and of `Lists`
FORGOTTEN, SIMILAR, FAR = "forgotten", "similar", "far"
ALL, ACTIVE, INACTIVE = "all", "active", "inactive"
COLUMNS = [
    "measure",
    "group",
    "value",
    "low",
    "high",
    "null",
    "null_low",
    "null_high",
    "n",
    "seeds",
]
DECILE, CLASSES = 10, 10  # one user of how many is the worst tenth; classes of items by popularity
# recommendations added to each class (Jeffreys), so that an empty one has a logarithm
SMOOTHING = 0.5
MEMORY = 2**22  # cosines held at a time


@dataclass(frozen=True)
class Results:
    """What is compared under one seed: three models of one split and one forget set.

    Attributes:
        method: The method's per-user results (`PER_USER`).
        retrain: Retrain's.
        replicate: Those of Retrain trained again with another seed.
        groups: `[users]`, from `user_groups`.
        training_rows: `[users]`, rows that Retrain was trained on.
    """

    method: pd.DataFrame
    retrain: pd.DataFrame
    replicate: pd.DataFrame
    groups: np.ndarray
    training_rows: np.ndarray


@dataclass(frozen=True)
class Lists:
    """What the three models of `Results` recommend, under one seed.

    Attributes:
        users: `[n]`.
        method: `[n, K]` item ids; -1 where a list is shorter. So are `retrain` and `replicate`.
        training_rows: `[items]`, rows that Retrain was trained on.
    """

    users: np.ndarray
    method: np.ndarray
    retrain: np.ndarray
    replicate: np.ndarray
    training_rows: np.ndarray


def user_groups(
    user_factors: np.ndarray, forgotten: Sequence[int], share: float = 0.1
) -> np.ndarray:
    """Sort users by how near they are to the forget set, in the original model's eyes (docs/evaluation.md).

    Args:
        user_factors: `[users, d]` of the original model.
        forgotten: Users with forgotten rows.
        share: Part of the other users that is called similar: those with the largest cosine with any forgotten user.

    Returns:
        `[users]` of `FORGOTTEN`, `SIMILAR` or `FAR`; the latter two are empty where everyone has forgotten rows.

    Raises:
        CragruError: If nobody has forgotten rows, an id is unknown, the share is no share or the factors no matrix.
    """
    factors = np.asarray(user_factors, dtype=np.float64)
    forgotten = np.unique(np.asarray(forgotten, dtype=np.int64))
    if factors.ndim != 2 or not np.isfinite(factors).all():
        raise CragruError(
            f"groups: user factors of shape {factors.shape}, expected a finite [users, d]"
        )
    if not len(forgotten) or forgotten[0] < 0 or forgotten[-1] >= len(factors):
        span = f"{forgotten[0]} to {forgotten[-1]}" if len(forgotten) else "nobody"
        raise CragruError(
            f"groups: forgotten users are {span}, expected one or more of 0 to {len(factors) - 1}"
        )
    _check_share("groups", share)
    groups = np.full(len(factors), FAR, dtype=object)
    groups[forgotten] = FORGOTTEN
    others = np.flatnonzero(groups == FAR)
    nearest_first = np.argsort(-_largest_cosine(factors, others, forgotten), kind="stable")
    similar = nearest_first[: round(share * len(others))]
    groups[others[similar]] = SIMILAR
    return groups


def active_users(training_rows: np.ndarray, share: float = 0.05) -> np.ndarray:
    """Who has most training rows: `[users]` of `ACTIVE`, `INACTIVE`, or "" for a user without any (forgotten whole).

    Args:
        training_rows: `[users]`.
        share: Part of the users with rows that is called active, at least one; whoever ties with the last is too.

    Raises:
        CragruError: If the share is no share.
    """
    _check_share("activity", share)
    rows = np.asarray(training_rows)
    ascending = np.sort(rows[rows > 0])
    count = max(1, round(share * len(ascending)))
    least = ascending[-count] if len(ascending) else 1
    activity = np.where(rows > 0, INACTIVE, "").astype(object)
    activity[rows >= least] = ACTIVE
    return activity


def popularity_classes(training_rows: np.ndarray) -> np.ndarray:
    """Sort items into `CLASSES` of about equal numbers of training rows, class 0 being the most popular items.

    An item's place is the share of rows that lies on more popular items, so that equally popular ones share a class
    whatever their ids. A class that one popular item spans is empty.

    Args:
        training_rows: `[items]`, not all 0.

    Returns:
        `[items]` int64; an item without rows is in the last class.
    """
    rows = np.asarray(training_rows, dtype=np.int64)
    ascending = np.sort(rows)
    cumulative = np.concatenate([[0], np.cumsum(ascending)])
    before = (
        cumulative[-1] - cumulative[np.searchsorted(ascending, rows, side="right")]
    )  # rows on more popular items
    return np.minimum(CLASSES * before // cumulative[-1], CLASSES - 1)


def bias_table(
    seeds: Mapping[int, Results],
    resampling: Resampling,
    mask: str = "B",
    k: int = 10,
    least_users: int = 20,
) -> pd.DataFrame:
    """Who lost how much against Retrain.

    A user's values are averaged over the seeds, in each group over the seeds that put the user there, before anything
    is measured: where the forget set changes with the seed, a similar user's mean is often of one seed alone. Users are
    resampled whole, so one who is in two groups by seed stays so.

    Args:
        seeds: What is compared, by seed.
        resampling: How the intervals are made.
        mask: Which mask's results.
        k: Cut-off of NDCG.
        least_users: A number of fewer users is blank; 2 or more.

    Returns:
        One row per measure and group, `COLUMNS`: `value` with its bounds, `null` with its own, `n` (users averaged
        over: of a difference the smaller group's, of the worst decile its own), `seeds`. Measures, all in NDCG@K:

        * `delta`: mean of method - Retrain, of all, forgotten, similar and far users;
        * `propagation_bias`: delta of similar minus delta of far users, 0 for a clean cut;
        * `delta_sd`: standard deviation of the difference over users (n - 1);
        * `worst_decile`: mean difference of the tenth of users who lost most;
        * `group_disparity`: the method's |NDCG of active - inactive users| (CURE); `disparity_change`: less Retrain's.

    Raises:
        CragruError: If the models were not evaluated on the same users and test rows, or a user is of no group.
    """
    _check_cells("bias", seeds, least_users)
    means = _group_means([_one_seed(results, mask, k) for results in seeds.values()])
    table = []
    for measure, of, statistic, part in MEASURES:
        smallest = min(len(means[group]) for group in of)
        n = -(-smallest // part)  # rounded up
        row = {"measure": measure, "group": " - ".join(of), "n": n, "seeds": len(seeds)}
        if n >= least_users:
            joint = pd.concat(
                {group: means[group] for group in of}, axis=1
            )  # NaN where a user is not of the group
            arrays = _beside_retrain(joint, of, "method")
            null = _beside_retrain(joint, of, "replicate")
            bounds: Bounds = "size" if statistic is _gap else "percentile"
            row |= resampling.beside_null(
                statistic, arrays, null, "bias", measure, *of, bounds=bounds
            )
        table.append(row)
    return pd.DataFrame(table, columns=COLUMNS)


def popularity_drift(
    seeds: Mapping[int, Lists], resampling: Resampling, least_users: int = 20
) -> pd.DataFrame:
    """How far the popularity of what is recommended moved away from Retrain's.

    KL(Retrain ‖ method) in nats between histograms of recommended items over `popularity_classes`, with `SMOOTHING`
    added to each class (over items, two lists of one model differ by sampling alone). A user's counts are averaged over
    the seeds first. Bounds are reflected: in simulations they covered the truth in .88 to .94, percentiles .21 to .88.

    Args:
        seeds: What is compared, by seed.
        resampling: How the intervals are made.
        least_users: With fewer users the number is blank.

    Returns:
        One row of `COLUMNS`, measure `popularity_drift`.

    Raises:
        CragruError: If there is no seed, or lists differ in users or hold unknown items.
    """
    _check_cells("popularity drift", seeds, least_users)
    means = {}
    for name in MODELS:
        counts = pd.concat([_class_counts(lists, name) for lists in seeds.values()])
        means[name] = counts.groupby(level=0).mean().to_numpy()
    n = len(means["retrain"])
    row = {"measure": "popularity_drift", "group": ALL, "n": n, "seeds": len(seeds)}
    if n >= least_users:
        arrays = [means["method"], means["retrain"]]
        null = [means["replicate"], means["retrain"]]
        found = resampling.beside_null(
            _divergence, arrays, null, "bias", "popularity_drift", bounds="reflected"
        )
        row |= {
            name: max(0.0, number) for name, number in found.items()
        }  # a reflected bound may fall below
    return pd.DataFrame([row], columns=COLUMNS)


def _delta(method: np.ndarray, retrain: np.ndarray) -> np.ndarray:
    return column_mean(method - retrain)


def _propagation(
    similar: np.ndarray, s_retrain: np.ndarray, far: np.ndarray, f_retrain: np.ndarray
) -> np.ndarray:
    return _delta(similar, s_retrain) - _delta(far, f_retrain)


def _spread(method: np.ndarray, retrain: np.ndarray) -> np.ndarray:
    return (method - retrain).std(axis=1, ddof=1)


def _worst(method: np.ndarray, retrain: np.ndarray) -> np.ndarray:
    count = -(-method.shape[1] // DECILE)  # rounded up
    ordered = np.partition(method - retrain, count - 1, axis=1)
    return ordered[:, :count].mean(axis=1)


def _gap(
    active: np.ndarray, a_retrain: np.ndarray, inactive: np.ndarray, i_retrain: np.ndarray
) -> np.ndarray:
    return column_mean(active) - column_mean(inactive)


def _change(
    active: np.ndarray, a_retrain: np.ndarray, inactive: np.ndarray, i_retrain: np.ndarray
) -> np.ndarray:
    of_method = column_mean(active) - column_mean(inactive)
    of_retrain = column_mean(a_retrain) - column_mean(i_retrain)
    return np.abs(of_method) - np.abs(of_retrain)


# Name, groups, statistic of the method's and Retrain's values in each group, and one user of how many is averaged over.
MEASURES: list[tuple[str, tuple[str, ...], Statistic, int]] = [
    ("delta", (ALL,), _delta, 1),
    ("delta", (FORGOTTEN,), _delta, 1),
    ("delta", (SIMILAR,), _delta, 1),
    ("delta", (FAR,), _delta, 1),
    ("propagation_bias", (SIMILAR, FAR), _propagation, 1),
    ("delta_sd", (ALL,), _spread, 1),
    ("worst_decile", (ALL,), _worst, DECILE),
    ("group_disparity", (ACTIVE, INACTIVE), _gap, 1),
    ("disparity_change", (ACTIVE, INACTIVE), _change, 1),
]


def _one_seed(results: Results, mask: str, k: int) -> pd.DataFrame:
    """NDCG of the three models and the groups of each evaluated user."""
    rows = {name: {0: getattr(results, name)} for name in MODELS}
    values = paired_values(rows, "ndcg", mask, k).reset_index()
    groups = np.asarray(results.groups, dtype=object)
    training_rows = np.asarray(results.training_rows)
    last = int(values["user"].max())
    known = min(len(groups), len(training_rows))
    if known <= last:
        raise CragruError(
            f"bias: groups or training rows of {known} users, but user {last} was evaluated; give all"
        )
    unknown = sorted(set(groups) - {FORGOTTEN, SIMILAR, FAR})
    if unknown:
        raise CragruError(f"bias: group {unknown[0]!r}, expected {FORGOTTEN}, {SIMILAR} or {FAR}")
    activity = active_users(training_rows)
    return values.assign(group=groups[values["user"]], activity=activity[values["user"]])


def _group_means(seeds: Sequence[pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Each user's means over the seeds that put the user into a group: by group, a column for each model.

    Args:
        seeds: From `_one_seed`.
    """
    values = pd.concat(seeds, ignore_index=True)
    groups = {ALL: values}
    for column, names in (("group", (FORGOTTEN, SIMILAR, FAR)), ("activity", (ACTIVE, INACTIVE))):
        for name in names:
            groups[name] = values[values[column] == name]
    return {name: rows.groupby("user")[list(MODELS)].mean() for name, rows in groups.items()}


def _beside_retrain(means: pd.DataFrame, groups: Sequence[str], model: str) -> np.ndarray:
    """What a statistic takes: for each group a model's means and Retrain's, `[2 * groups, users]`."""
    columns = []
    for group in groups:
        columns += [(group, model), (group, "retrain")]
    return means[columns].to_numpy().T


def _class_counts(lists: Lists, name: str) -> pd.DataFrame:
    """How many items of each class a model recommends to each user; user in the index, a column for each class."""
    items = np.asarray(getattr(lists, name))
    users = np.unique(lists.users)
    if items.ndim != 2 or not len(items) == len(users) == len(lists.users):
        shape = f"lists of shape {items.shape} for {len(users)} users"
        raise CragruError(f"popularity drift: {name} has {shape}, expected one list for each")
    known = len(lists.training_rows)
    if items.size and (items.min() < -1 or items.max() >= known):
        raise CragruError(
            f"popularity drift: {name} recommends items {items.min()} to {items.max()} of {known}"
        )
    class_of = np.append(
        popularity_classes(lists.training_rows), CLASSES
    )  # id -1 takes the one appended
    classes = class_of[items]
    counts = (classes[:, :, None] == np.arange(CLASSES)).sum(axis=1)
    return pd.DataFrame(counts.astype(np.float64), index=lists.users)


def _divergence(method: np.ndarray, retrain: np.ndarray) -> np.ndarray:
    """KL(Retrain ‖ method) of pooled counts; both `[b, n, classes]`, returns `[b]`."""
    p = _shares(retrain)
    q = _shares(method)
    return (p * np.log(p / q)).sum(axis=1)


def _shares(counts: np.ndarray) -> np.ndarray:
    """Smoothed share of each class in all users' counts; `[b, n, classes]` to `[b, classes]`."""
    totals = counts.sum(axis=1) + SMOOTHING
    return totals / totals.sum(axis=1, keepdims=True)


def _largest_cosine(factors: np.ndarray, others: np.ndarray, forgotten: np.ndarray) -> np.ndarray:
    """`[others]`; a user without direction (all factors 0) has cosine 0 with everyone."""
    norms = np.linalg.norm(factors, axis=1, keepdims=True)
    directions = factors / np.where(norms > 0, norms, 1)
    largest = []
    for part in np.array_split(others, 1 + len(others) * len(forgotten) // MEMORY):
        cosines = directions[part] @ directions[forgotten].T
        largest.append(cosines.max(axis=1))
    return np.concatenate(largest)


def _check_cells(what: str, seeds: Mapping[int, object], least_users: int) -> None:
    if not seeds:
        raise CragruError(f"{what}: no results under any seed; give one or more")
    if least_users < 2:
        raise CragruError(
            f"{what}: least_users is {least_users}, expected 2 or more: one user has no spread"
        )


def _check_share(what: str, share: float) -> None:
    if not 0 < share < 1:
        raise CragruError(f"{what}: share is {share}, expected a number between 0 and 1")
