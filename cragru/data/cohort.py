"""Cohorts: whom an LLM scores. All cohorts of a data set are prefixes of one order of its users."""

import logging

import numpy as np
import pandas as pd

from cragru.core.place import PathLike
from cragru.core.seeds import numpy_stream
from cragru.kept.files import read_record

log = logging.getLogger(__name__)


def draw_cohort(
    dataset: str, users: int, test: pd.DataFrame, forget: pd.DataFrame | None, size: int | None
) -> dict[str, list[int] | int]:
    """Draw the first `size` users, in the data set's one random order, who can be judged.

    The order depends on the data set alone, so that seeds and runs share their users as far as the splits allow, and
    a small cohort is the beginning of a large one.

    Args:
        dataset: The data set's name, which seeds the order.
        users: Number of its users.
        test: Test rows; users without one cannot be evaluated.
        forget: Forgotten rows, where only users who have one are wanted; None where all are.
        size: How many users; None for all of them.

    Returns:
        `users` in their order, and `eligible`, how many could have been taken.
    """
    order = numpy_stream(0, "cohort", dataset).permutation(users)
    can_be_judged = np.isin(order, test["user"].to_numpy())
    if forget is not None:
        can_be_judged &= np.isin(order, forget["user"].to_numpy())
    eligible = order[can_be_judged]
    if size is not None and size > len(eligible):
        log.warning(
            "cohort of %s: %d users asked for, %d can be judged; taking these",
            *(dataset, size, len(eligible)),
        )
    return {"users": eligible[:size].tolist(), "eligible": len(eligible)}


def read_cohort(path: PathLike) -> list[int]:
    """Return the users of a cohort's file, in their order.

    Raises:
        CragruError: If it is not the record of a cohort.
    """
    return read_record(path, {"users": [int]})["users"]
