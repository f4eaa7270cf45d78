"""Columns of labels that name a row of a table or figure."""

from collections.abc import Mapping
from typing import Any

from cragru.core.names import AGAIN

Row = Mapping[str, Any]
"""A row as its maker is given it: labels, `seed` and files, by name."""

GROUP = ["dataset", "backbone"]  # rows of one group are compared
NAMES = [*GROUP, "method"]  # as the paper's tables have them
PANEL_GROUP = ["panel", *GROUP]  # where a table has panels: rows on all users, rows on a cohort's
ROW = ["panel", *NAMES]
HEADS = ["Data set", "Backbone", "Method"]  # of the columns `NAMES`


def again(retrain: str) -> str:
    """Return what tables call further trainings of Retrain, given its label."""
    return retrain + AGAIN


def further(count: int) -> str:
    """Return how many further trainings there are, in words."""
    return f"{count} further training{'s' * (count > 1)} of it under a seed"
