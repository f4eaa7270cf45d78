"""What models still know of forgotten rows, as rows of Table IV and bars of Figure 3 have it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import pandas as pd

from cragru.data.cohort import read_cohort
from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.completeness_columns import COMPLETENESS, FORGET_REMAIN, MEMBERSHIP, VARIANT
from cragru.evaluation.membership import membership_auc, membership_bootstrap
from cragru.kept.files import read_parquet
from cragru.reporting.checks import check_once, check_same_users
from cragru.reporting.labels import ROW, Row

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


def read_remembered(rows: Sequence[Row], resampling: Resampling) -> Iterator[Remembered]:
    """Read what each row of Table IV still knows.

    Args:
        rows: Labels `ROW`, seed; files membership and completeness and the variant to take from them; cohort, a file
            of users, or None for all.
        resampling: Of the MIA-AUC.

    Raises:
        CragruError: If a row is there twice, or rows of one panel, data set and seed are of different users.
    """
    check_once(rows, ROW)
    results, frames = [], []
    everyone: dict[tuple[str, str], set[int]] = {}  # users of a panel and data set, of any seed
    for row in rows:
        panel, frame = itemgetter("panel", "dataset")(row), read_measure(row, "membership")
        users = set(frame["user"])
        everyone.setdefault(panel, set()).update(users)
        results.append(((*panel, row["seed"]), row["membership"], users))
        frames.append(frame)
    check_same_users(results, least=0)
    for row, ((*panel, seed), _, users), frame in zip(rows, results, frames, strict=True):
        among = everyone[tuple(panel)]
        yield Remembered(
            names=itemgetter(*ROW)(row),
            seed=seed,
            auc=membership_auc(frame),
            draws=membership_bootstrap(frame, resampling.seed, resampling.resamples, among=among),
            members=len(users),
            per_user=read_measure(row, "completeness"),
        )


def read_measure(row: Row, name: str) -> pd.DataFrame:
    """Read a file of a row, one of `FILES`: its variant alone, and where it is for a cohort, that one's users alone."""
    frame = read_parquet(row[name], VARIANT | FILES[name])
    own = frame[frame["variant"] == row["variant"]].drop(columns="variant")
    if row["cohort"] is not None:
        own = own[own["user"].isin(read_cohort(row["cohort"]))]
    return own.reset_index(drop=True)
