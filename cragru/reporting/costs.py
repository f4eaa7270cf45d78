"""The files of what a request costs, and the names of their fields that several tables read."""

from collections.abc import Iterable, Mapping
from typing import Any

from cragru.kept.files import check_record, read_record
from cragru.kept.shapes import Shape
from cragru.reporting.labels import Row

SEQUENTIAL, PARALLEL = "seconds_sequential", "seconds_parallel"
STAGES = ["filter_seconds", "prompt_seconds", "generation_seconds"]  # of CRAGRU, seconds per user
START = "engine_start_seconds"
NUMBER = float | None
NO_NUMBERS = {
    "device": str,
    "stages": dict[str, float],
    "cpu_stages": dict[str, float],
    "spread": dict[str, list[float]],
}


def read_costs(rows: Iterable[Row], needed: Mapping[str, Shape]) -> list[dict[str, Any]]:
    """Return each row with the fields of its file `cost`, which has those `needed` (`cragru.kept.shapes`).

    Raises:
        CragruError: If a file is not the record of a cost, or lacks a field.
    """
    return [_read_cost(row["cost"], needed) | row for row in rows]


def _read_cost(path: str, needed: Mapping[str, Shape]) -> dict[str, Any]:
    """Read a cost.json: its fields are numbers, but for those in `NO_NUMBERS`."""
    cost = read_record(path, needed)
    check_record(path, cost, {name: NO_NUMBERS.get(name, NUMBER) for name in cost})
    return cost
