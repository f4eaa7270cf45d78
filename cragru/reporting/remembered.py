"""What models still know of forgotten rows, as rows of Table IV and bars of Figure 3 have it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.data.cohort import read_cohort
from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.completeness_columns import COMPLETENESS, FORGET_REMAIN, MEMBERSHIP, VARIANT
from cragru.evaluation.membership import membership_auc, membership_bootstrap
from cragru.kept.files import read_parquet
from cragru.reporting.labels import ROW

FILES = {"membership": MEMBERSHIP, "completeness": COMPLETENESS, "forget_remain": FORGET_REMAIN}


@dataclass(frozen=True)
class Remembered:
    """What one row still knows, under one seed.

    Attributes:
        names: Labels of the row: panel, data set, backbone, method.
        seed: The seed.
        auc: MIA-AUC.
        draws: MIA-AUC of `[draws]` resamples of the users, the same ones for every row of a group and every seed.
        members: Number of users who have both kinds of rows.
        per_user: Columns of `COMPLETENESS`.
    """

    names: tuple[str, str, str, str]
    seed: int
    auc: float
    draws: np.ndarray
    members: int
    per_user: pd.DataFrame


def read_remembered(
    rows: Sequence[Mapping[str, Any]], resampling: Resampling
) -> Iterator[Remembered]:
    """Read what each row of Table IV still knows.

    Args:
        rows: By name: panel, dataset, backbone, method, seed; files membership and completeness and the variant to take
            from them; cohort, a file of users, or None for all.
        resampling: Seed and number of the resamples of the MIA-AUC.

    Raises:
        CragruError: If a file lacks the variant, or rows of one panel, data set and seed are of different users.
    """
    everyone = _members(rows)
    for row in rows:
        members = read_measure(row, "membership")
        seeds = everyone[row["panel"], row["dataset"]]
        own, expected = set(members["user"]), seeds[row["seed"]]
        if own != expected:
            raise CragruError(
                f"{row['membership']}: {len(own ^ expected)} users are of it or of the other rows alone (seed "
                f"{row['seed']}); all must be of one split; delete it and run again"
            )
        of_any_seed = set().union(*seeds.values())
        yield Remembered(
            names=tuple(row[name] for name in ROW),
            seed=row["seed"],
            auc=membership_auc(members),
            draws=membership_bootstrap(
                members, resampling.seed, resampling.resamples, among=of_any_seed
            ),
            members=len(own),
            per_user=read_measure(row, "completeness"),
        )


def _members(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], dict[int, set[int]]]:
    """Users with both kinds of rows, by panel and data set and then by seed, as the first row of each has them."""
    found: dict[tuple[str, str], dict[int, set[int]]] = {}
    for row in rows:
        seeds = found.setdefault((row["panel"], row["dataset"]), {})
        if row["seed"] not in seeds:
            seeds[row["seed"]] = set(read_measure(row, "membership")["user"])
    return found


def read_measure(row: Mapping[str, Any], name: str) -> pd.DataFrame:
    """A file of a row: its variant alone, and of the cohort's users alone where it is for a cohort.

    Args:
        row: As in `read_remembered`.
        name: One of `FILES`.

    Raises:
        CragruError: If the file lacks the variant.
    """
    frame = read_parquet(row[name], VARIANT | FILES[name])
    own = frame[frame["variant"] == row["variant"]].drop(columns="variant")
    if own.empty and not frame.empty:
        raise CragruError(
            f"{row[name]}: lacks the variant {row['variant']!r}; delete it and run again"
        )
    if row["cohort"] is not None:
        own = own[own["user"].isin(read_cohort(row["cohort"]))]
    return own.reset_index(drop=True)
