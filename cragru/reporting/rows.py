"""Rows of tables and figures as the workflow names them, read from their files."""

from collections.abc import Iterable, Iterator
from typing import Any

from cragru.errors import CragruError
from cragru.evaluation.schema import PER_USER
from cragru.io import read_json, read_parquet
from cragru.reporting.utility_table import Measured


def read_measured(rows: Iterable[dict[str, Any]]) -> Iterator[Measured]:
    """Read each row's per-user results, of the cohort's users where it is for a cohort.

    Args:
        rows: By name: panel, dataset, backbone, method, printed, seed; files per_user, cohort and cost, or None.

    Raises:
        CragruError: If a file lacks a user of the cohort.
    """
    for row in rows:
        per_user = read_parquet(row["per_user"], PER_USER)
        if row["cohort"] is not None:
            wanted = read_json(row["cohort"])["users"]
            missing = set(wanted) - set(per_user["user"])
            if missing:
                raise CragruError(
                    f"{row['per_user']}: lacks {len(missing)} users of {row['cohort']}; delete it and run again"
                )
            per_user = per_user[per_user["user"].isin(wanted)]
        ties = None if row["cost"] is None else read_json(row["cost"])["tie_rate"]
        names = (row[name] for name in ("dataset", "backbone", "method", "seed"))
        yield Measured(*names, per_user, row["panel"], ties, row["printed"])
