"""The files of what a request costs, and the names of their fields that several tables read."""

from collections.abc import Iterable, Mapping
from typing import Any

from cragru.io import read_json

SEQUENTIAL, PARALLEL = "seconds_sequential", "seconds_parallel"
STAGES = ["filter_seconds", "prompt_seconds", "generation_seconds"]  # of CRAGRU, seconds per user
START = "engine_start_seconds"


def read_costs(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each row's labels and files, and the fields of its file `cost`."""
    return [read_json(row["cost"]) | row for row in rows]
