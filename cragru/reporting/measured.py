"""Ranking quality of every user, as rows of tables and bars of figures have it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

import pandas as pd

from cragru.core.errors import CragruError
from cragru.data.cohort import read_cohort
from cragru.evaluation.columns import PER_USER
from cragru.kept.files import read_parquet, read_record
from cragru.reporting.checks import AGAIN, check_once
from cragru.reporting.labels import ROW, Row

ByMethod = dict[str, dict[tuple[int, int], pd.DataFrame]]
"""Per-user results of each method, by seed and training."""


@dataclass(frozen=True)
class Measured:
    """The per-user results of one row under one seed.

    Attributes:
        dataset: Label of the data set.
        backbone: Label of the backbone.
        method: Label of the method.
        seed: The seed.
        per_user: Rows per user, mask and cut-off (`cragru.evaluation.columns.PER_USER`).
        panel: On whom: a name for all users, or that of a cohort.
        ties: Tie rate of an LLM's scores, where the row has any.
        printed: What the paper's tables call the method; None: as ours do.
        training: Which of several trainings under the seed it is.
        source: The model whose candidates its lists are, where they are another model's lists in another order.
    """

    dataset: str
    backbone: str
    method: str
    seed: int
    per_user: pd.DataFrame
    panel: str = "all"
    ties: float | None = None
    printed: str | None = None
    training: int = 0
    source: str | None = None


def read_measured(rows: Sequence[Row]) -> Iterator[Measured]:
    """Read each row's per-user results, of the cohort's users where it is for a cohort.

    Args:
        rows: By name: panel, dataset, backbone, method, printed, seed, training, source; files per_user, cohort and
            cost, or None.

    Raises:
        CragruError: If a row is there twice under one seed, or a file lacks a user of the cohort.
    """
    check_once(rows, ROW)
    for row in rows:
        ties = None if row["cost"] is None else _tie_rate(row["cost"])
        names = (row[name] for name in ("dataset", "backbone", "method", "seed"))
        further = row["printed"], row["training"], row["source"]
        yield Measured(*names, _per_user(row), row["panel"], ties, *further)


def by_group(measured: Iterable[Measured], group: Sequence[str]) -> dict[tuple[str, ...], ByMethod]:
    """Return the results of rows, by the labels `group` that they share."""
    groups: dict[tuple[str, ...], ByMethod] = {}
    for row in measured:
        methods = groups.setdefault(attrgetter(*group)(row), {})
        methods.setdefault(row.method, {})[row.seed, row.training] = row.per_user
    return groups


def _tie_rate(cost: str) -> float:
    return read_record(cost, {"tie_rate": float})["tie_rate"]


def _per_user(row: Row) -> pd.DataFrame:
    path = row["per_user"]
    return of_cohort(read_parquet(path, PER_USER), path, row["cohort"])


def of_cohort(frame: pd.DataFrame, path: str, cohort: str | None) -> pd.DataFrame:
    """Return the rows of a cohort's users, of a frame that was read at `path`; all, where no cohort's file is named.

    Raises:
        CragruError: If a user of the cohort is not there.
    """
    if cohort is None:
        return frame
    wanted = read_cohort(cohort)
    missing = sorted(set(wanted) - set(frame["user"]))
    if missing:
        raise CragruError(f"lacks users of {cohort}", place=path, got=missing, advice=AGAIN)
    return frame[frame["user"].isin(wanted)]
