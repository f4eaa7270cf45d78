"""The files of what a request costs, the names of their fields that several tables read, and which seconds count."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from cragru.core.clock import counts_cpu
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
COUNTS, CPU, WALL = "counts", "cpu", "wall"  # a column of tables, and what stands in it


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


def counted(name: str) -> str:
    """Return the column of the seconds that count, given the field of wall seconds."""
    return f"counted_{name}"


def count_seconds(
    records: Iterable[Row], names: Sequence[str], labels: Sequence[str]
) -> pd.DataFrame:
    """Decide which seconds count: on a CPU its own, which other work on the machine hardly changes; else wall seconds.

    Wall seconds count for a whole row, which is all records of the same `labels`, where one of its records ran
    elsewhere, or has no CPU seconds: a server answered it, or an older version kept it.

    Args:
        records: With fields of wall seconds, `names`; the CPU seconds of each have `cpu_` before its name.
        names: Of the fields.
        labels: Of a row.

    Returns:
        The records with the column `counts`, `cpu` or `wall`, and one of what counts for each of `names` (`counted`).
    """
    frame = pd.DataFrame(list(records))
    cpus = [f"cpu_{name}" for name in names]
    frame = frame.reindex(columns=list(dict.fromkeys([*frame, "device", *names, *cpus])))
    frame = frame.astype(dict.fromkeys([*names, *cpus], float))
    unknown = (frame[names].notna().to_numpy() & frame[cpus].isna().to_numpy()).any(axis=1)
    is_cpu = frame["device"].map(counts_cpu).astype(bool) & ~unknown
    is_cpu = is_cpu.groupby([frame[label] for label in labels]).transform("all")
    frame[COUNTS] = is_cpu.map({True: CPU, False: WALL})
    for name, cpu in zip(names, cpus, strict=True):
        frame[counted(name)] = frame[cpu].where(is_cpu, frame[name])
    return frame


def unit(counts: Iterable[str]) -> str:
    """Return what a header says of seconds, given what counts in each row."""
    return "CPU s" if CPU in set(counts) else "s"


def marked(text: str, own: str, counts: Iterable[str]) -> str:
    """Return the text of seconds, with the word *wall* where these count and CPU seconds do in other rows."""
    return f"{text} {WALL}" if text and own == WALL and CPU in set(counts) else text


def counts_note(counts: Iterable[str]) -> str:
    """Say which seconds a table has, given what counts in each row."""
    kinds, sentences = set(counts), []
    if CPU in kinds:
        sentences.append(
            "Seconds are CPU seconds, of all threads of the process and of its ended children: other work on the "
            "machine hardly shows in them. The CSV has wall seconds beside them."
        )
    if WALL in kinds:
        which = 'Those marked "wall"' if CPU in kinds else "Seconds"
        sentences.append(
            f"{which} are wall seconds, in which other work on the machine shows: CPU seconds say nothing of a GPU, "
            "and are unknown of a server and of answers that an older version kept."
        )
    return " ".join(sentences)
