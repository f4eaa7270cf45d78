"""Table V: whom unlearning hurt, against Retrain.

Every measure is of a method's per-user results against Retrain's, and stands beside its null: the same measure of
every further training of Retrain, their mean and range. A spread over users, a worst tenth and a divergence are not
zero for two trainings of one model either, so only what goes beyond the null is the method's doing.

Under protocol `paper` nearly everyone has forgotten rows and the other groups' cells are blank or tiny, so the table is
made under `released-code` and mask B.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cragru.evaluation.bootstrap import Bounds, Resampling, Statistic, column_mean
from cragru.evaluation.groups import ACTIVE, FAR, FORGOTTEN, INACTIVE, SIMILAR, active_users
from cragru.evaluation.significance import paired_values

ALL = "all"
NUMBERS = ["value", "low", "high", "null", "null_low", "null_high", "nulls"]
COLUMNS = ["measure", "group", *NUMBERS, "n", "seeds"]
DECILE = 10  # one user of how many is the worst tenth


def named(again: Sequence[Any]) -> dict[str, Any]:
    """Return what is known of Retrain's further trainings, by a name for each."""
    return {f"again_{number}": one for number, one in enumerate(again, 1)}


@dataclass(frozen=True)
class Results:
    """What is compared under one seed: models of one split and one forget set.

    Attributes:
        method: The method's per-user results (`PER_USER`).
        retrain: Retrain's.
        again: Those of Retrain's further trainings.
        groups: `[users]`, from `cragru.evaluation.groups.user_groups`.
        training_rows: `[users]`, rows that Retrain was trained on.
    """

    method: pd.DataFrame
    retrain: pd.DataFrame
    again: Sequence[pd.DataFrame]
    groups: np.ndarray
    training_rows: np.ndarray


def bias_table(
    seeds: Mapping[int, Results],
    resampling: Resampling,
    mask: str = "B",
    k: int = 10,
    least_users: int = 20,
) -> pd.DataFrame:
    """Measure who lost how much against Retrain, in NDCG@k.

    A user's values are averaged over the seeds, in each group over the seeds that put the user there, before anything
    is measured: where the forget set changes with the seed, a similar user's mean is often of one seed alone. Users are
    resampled whole, so one who is in two groups by seed stays so. A number of fewer than `least_users` is blank; it is
    2 or more, for one user has no spread.

    Returns:
        One row per measure and group, `COLUMNS`: `value` with its bounds; `null`, the mean of the same measure of
        Retrain's further trainings, with the least and the largest, `null_low` and `null_high`, and their number,
        `nulls`; `n` (users averaged over: of a difference the smaller group's, of the worst decile its own), `seeds`.
        Measures, all in NDCG@K:

        * `delta`: mean of method - Retrain, of all, forgotten, similar and far users;
        * `propagation_bias`: delta of similar minus delta of far users, 0 for a clean cut;
        * `delta_sd`: standard deviation of the difference over users (n - 1);
        * `worst_decile`: mean difference of the tenth of users who lost most;
        * `group_disparity`: the method's |NDCG of active - inactive users| (CURE); `disparity_change`: less Retrain's.

    Raises:
        CragruError: If the models were not evaluated on the same users and test rows.
    """
    means = _group_means([_one_seed(results, mask, k) for results in seeds.values()])
    again = list(named(next(iter(seeds.values())).again))
    table = []
    for measure, of, statistic, part in MEASURES:
        own = {group: means[group] for group in of}
        smallest = min(map(len, own.values()))
        n = -(-smallest // part)  # rounded up
        row = {"measure": measure, "group": " - ".join(of), "n": n, "seeds": len(seeds)}
        if n >= least_users:
            joint = pd.concat(own, axis=1)  # NaN where a user is not of the group
            arrays = _beside_retrain(joint, of, "method")
            nulls = [_beside_retrain(joint, of, name) for name in again]
            bounds: Bounds = "size" if statistic is _gap else "percentile"
            names = ("bias", measure, *of)
            row |= resampling.beside_nulls(statistic, arrays, nulls, *names, bounds=bounds)
        table.append(row)
    return pd.DataFrame(table, columns=COLUMNS)


def _delta(method: np.ndarray, retrain: np.ndarray) -> np.ndarray:
    return column_mean(method - retrain)


def _propagation(*values: np.ndarray) -> np.ndarray:
    similar, retrain_of_similar, far, retrain_of_far = values
    return _delta(similar, retrain_of_similar) - _delta(far, retrain_of_far)


def _spread(method: np.ndarray, retrain: np.ndarray) -> np.ndarray:
    return (method - retrain).std(axis=1, ddof=1)


def _worst(method: np.ndarray, retrain: np.ndarray) -> np.ndarray:
    count = -(-method.shape[1] // DECILE)  # rounded up
    ordered = np.partition(method - retrain, count - 1, axis=1)
    return ordered[:, :count].mean(axis=1)


def _gap(*values: np.ndarray) -> np.ndarray:
    active, _, inactive, _ = values
    return column_mean(active) - column_mean(inactive)


def _change(*values: np.ndarray) -> np.ndarray:
    active, retrain_of_active, inactive, retrain_of_inactive = values
    of_method = column_mean(active) - column_mean(inactive)
    of_retrain = column_mean(retrain_of_active) - column_mean(retrain_of_inactive)
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
    """Return NDCG of the models and the groups of each evaluated user."""
    models = {"method": results.method, "retrain": results.retrain, **named(results.again)}
    rows = {name: {(0, 0): per_user} for name, per_user in models.items()}
    values = paired_values(rows, "ndcg", mask, k).reset_index()
    groups = np.asarray(results.groups, dtype=object)
    training_rows = np.asarray(results.training_rows)
    activity = active_users(training_rows)
    return values.assign(group=groups[values["user"]], activity=activity[values["user"]])


def _group_means(seeds: Sequence[pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return each user's means over the seeds that put the user into a group: by group, a column for each model."""
    values = pd.concat(seeds, ignore_index=True)
    groups = {ALL: values}
    for name in (FORGOTTEN, SIMILAR, FAR):
        groups[name] = values[values["group"] == name]
    for name in (ACTIVE, INACTIVE):
        groups[name] = values[values["activity"] == name]
    means = {}
    for name, rows in groups.items():
        means[name] = rows.drop(columns=["group", "activity"]).groupby("user").mean()
    return means


def _beside_retrain(means: pd.DataFrame, groups: Sequence[str], model: str) -> np.ndarray:
    """Return what a statistic takes: for each group a model's means and Retrain's, `[2 * groups, users]`."""
    columns = []
    for group in groups:
        columns += [(group, model), (group, "retrain")]
    return means[columns].to_numpy().T
