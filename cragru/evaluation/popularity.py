"""Table V: how far the popularity of what is recommended moved away from Retrain's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cragru.evaluation.bias import ALL, COLUMNS, named
from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.groups import CLASSES, popularity_classes

# recommendations added to each class (Jeffreys), so that an empty one has a logarithm
SMOOTHING = 0.5


@dataclass(frozen=True)
class Lists:
    """What the models of `cragru.evaluation.bias.Results` recommend, under one seed.

    Attributes:
        users: `[n]`.
        method: `[n, K]` item ids; -1 where a list is shorter. So are `retrain`, and each of `again`.
        training_rows: `[items]`, rows that Retrain was trained on.
    """

    users: np.ndarray
    method: np.ndarray
    retrain: np.ndarray
    again: Sequence[np.ndarray]
    training_rows: np.ndarray


def popularity_drift(
    seeds: Mapping[int, Lists], resampling: Resampling, least_users: int = 20
) -> pd.DataFrame:
    """Measure how far the popularity of what is recommended moved away from Retrain's.

    KL(Retrain ‖ method) in nats between histograms of recommended items over `popularity_classes`, with `SMOOTHING`
    added to each class (over items, two lists of one model differ by sampling alone). A user's counts are averaged over
    the seeds first. Bounds are reflected: in simulations they covered the truth in .88 to .94, percentiles .21 to .88.

    Returns:
        One row of `COLUMNS`, measure `popularity_drift`; blank with fewer than `least_users`.

    """
    means = {}
    for name in _items(next(iter(seeds.values()))):
        counts = pd.concat([_class_counts(lists, name) for lists in seeds.values()])
        means[name] = counts.groupby(level=0).mean().to_numpy()
    n = len(means["retrain"])
    row = {"measure": "popularity_drift", "group": ALL, "n": n, "seeds": len(seeds)}
    if n >= least_users:
        retrain = means.pop("retrain")
        arrays = [means.pop("method"), retrain]
        nulls = [[again, retrain] for again in means.values()]
        names = ("bias", "popularity_drift")
        found = resampling.beside_nulls(_divergence, arrays, nulls, *names, bounds="reflected")
        for name, number in found.items():
            row[name] = max(0.0, number)  # a reflected bound may fall below
    return pd.DataFrame([row], columns=COLUMNS)


def _items(lists: Lists) -> dict[str, np.ndarray]:
    """Return what each model recommends, by name."""
    return {"method": lists.method, "retrain": lists.retrain, **named(lists.again)}


def _class_counts(lists: Lists, name: str) -> pd.DataFrame:
    """Count the items of each class that a model recommends to each user: user in the index, classes in columns."""
    items = np.asarray(_items(lists)[name])
    class_of = np.append(popularity_classes(lists.training_rows), CLASSES)  # for the id -1
    classes = class_of[items]
    is_of_class = classes[:, :, None] == np.arange(CLASSES)
    counts = is_of_class.sum(axis=1)
    return pd.DataFrame(counts.astype(np.float64), index=lists.users)


def _divergence(method: np.ndarray, retrain: np.ndarray) -> np.ndarray:
    """Return KL(Retrain ‖ method) of pooled counts; both `[b, n, classes]`, returns `[b]`."""
    p = _shares(retrain)
    q = _shares(method)
    return (p * np.log(p / q)).sum(axis=1)


def _shares(counts: np.ndarray) -> np.ndarray:
    """Return the smoothed share of each class in all users' counts; `[b, n, classes]` to `[b, classes]`."""
    totals = counts.sum(axis=1) + SMOOTHING
    return totals / totals.sum(axis=1, keepdims=True)
