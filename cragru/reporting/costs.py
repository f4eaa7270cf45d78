"""The files of what a request costs, and the names of their fields that several tables read."""

from collections.abc import Iterable, Mapping
from typing import Any

from cragru.kept.files import check_record, read_record
from cragru.kept.shapes import Each

SEQUENTIAL, PARALLEL = "seconds_sequential", "seconds_parallel"
STAGES = ["filter_seconds", "prompt_seconds", "generation_seconds"]  # of CRAGRU, seconds per user
START = "engine_start_seconds"
NO_NUMBERS = {"device": str, "stages": Each(float)}


def read_costs(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each row's labels and files, and the fields of its file `cost`.

    Raises:
        CragruError: If a file is not the record of a cost.
    """
    return [_read_cost(row["cost"]) | row for row in rows]


def _read_cost(path: str) -> dict[str, Any]:
    """The fields of a cost.json: numbers, but for those in `NO_NUMBERS`."""
    cost = read_record(path, dict)
    number = (float, type(None))
    check_record(path, cost, {name: NO_NUMBERS.get(name, number) for name in cost})
    return cost
