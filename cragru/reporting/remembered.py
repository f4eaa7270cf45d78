"""What models still know of forgotten rows, as rows of Table IV and bars of Figure 3 have it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import pandas as pd

from cragru.data.cohort import read_cohort
from cragru.evaluation.completeness_columns import COMPLETENESS, FORGET_REMAIN, MEMBERSHIP, VARIANT
from cragru.evaluation.membership import membership_aucs
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
        training: Which of several trainings under the seed it is.
        membership: Columns of `MEMBERSHIP`.
        aucs: MIA-AUC of each user who has both kinds of rows, by user.
        per_user: Columns of `COMPLETENESS`.
    """

    names: tuple[str, str, str, str]
    seed: int
    training: int
    membership: pd.DataFrame
    aucs: pd.Series
    per_user: pd.DataFrame


def read_remembered(rows: Sequence[Row]) -> Iterator[Remembered]:
    """Read what each row of Table IV still knows.

    Args:
        rows: Labels `ROW`, seed, training; files membership and completeness and the variant to take from them;
            cohort, a file of users, or None for all.

    Raises:
        CragruError: If a row is there twice, or rows of one panel, data set and seed are of different users.
    """
    check_once(rows, ROW)
    results, found = [], []
    for row in rows:
        membership = read_measure(row, "membership")
        aucs = membership_aucs(membership)
        group = itemgetter("panel", "dataset", "seed")(row)
        results.append((group, row["membership"], set(aucs.index)))
        found.append((membership, aucs))
    check_same_users(results, least=0)
    for row, read in zip(rows, found, strict=True):
        per_user = read_measure(row, "completeness")
        yield Remembered(itemgetter(*ROW)(row), row["seed"], row["training"], *read, per_user)


def read_measure(row: Row, name: str) -> pd.DataFrame:
    """Read a file of a row, one of `FILES`: its variant alone, and where it is for a cohort, that one's users alone."""
    frame = read_parquet(row[name], VARIANT | FILES[name])
    own = frame[frame["variant"] == row["variant"]].drop(columns="variant")
    if row["cohort"] is not None:
        own = own[own["user"].isin(read_cohort(row["cohort"]))]
    return own.reset_index(drop=True)
