"""Table III: what it takes to serve one deletion request."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from cragru.core.place import PathLike
from cragru.evaluation.printed_columns import OF_TIMES
from cragru.llm.counts import read_counts
from cragru.reporting.base import Order, Table
from cragru.reporting.checks import check_once
from cragru.reporting.costs import (
    COUNTS,
    NUMBER,
    PARALLEL,
    SEQUENTIAL,
    START,
    count_seconds,
    counted,
    counts_note,
    marked,
    read_costs,
    unit,
)
from cragru.reporting.grid import HeadedGrid, Text, filled, significant
from cragru.reporting.labels import GROUP, HEADS, NAMES, Row
from cragru.reporting.prompt_counts import Checks, prompt_counts
from cragru.written.printed import printed, printed_values

WORK = {"shards_touched": "Shards", "optimiser_steps": "Steps", "hessian_products": "HVPs"}
NEEDED = {**dict.fromkeys([SEQUENTIAL, *WORK], float), PARALLEL: NUMBER, "device": str}
COUNTED = ["requests", "seeds", "measured"]
PRINTED = "unlearning_seconds"  # the column of the paper's values
RATE = "steps_per_second"
TIMES_RETRAIN = "\N{MULTIPLICATION SIGN} Retrain"
QUANTILES = {"": 0.5, "_min": 0, "_q1": 0.25, "_q3": 0.75, "_max": 1}  # by their columns' ending


def make(order: Order) -> Table:
    """Make Table III.

    Args:
        order: Rows have the labels that `time_table` takes, `cost`, a file, and `check`, the file of the proof of a
            prompt, or None for a method; words are `title`, `retrain` (its label) and `note` (of the LLM); a further
            file may be `paper`.
    """
    records, words = read_costs(order.rows, NEEDED), order.words
    table = time_table(records, words["retrain"], order.further.get("paper"))
    devices, devices_of_llm, checks = set(), set(), []
    for record in records:
        if record["check"] is None:
            devices.add(record["device"])
            continue
        devices_of_llm.add(record["device"])
        model = f"{record['backbone']} on {record['dataset']}"
        checks.append((model, read_counts(record["check"])))
    notes = time_notes(table, words["title"], sorted(devices))
    if checks:
        notes.append(requester_note(checks, sorted(devices_of_llm), words["note"]))
    return Table(table, *time_grid(table), notes)


def time_table(records: Iterable[Row], retrain: str, paper: PathLike | None) -> pd.DataFrame:
    """Return the medians of each row over requests and seeds.

    Args:
        records: One per row, seed and request: labels `NAMES`; `printed`, what the paper calls the method; `ready`,
            for whom scores are ready; `seed`, `request`; the fields of `cragru.unlearning.base.Cost` and, for what an
            LLM answers, `engine_start_seconds`.
        retrain: Label of the row that is Retrain.
        paper: CSV of printed values; of several rows that the paper calls by one name, the first has its value.

    Returns:
        One row per label: wall seconds `seconds_sequential` and `seconds_parallel` (missing where a request has none),
        each the median and, with `_min`, `_q1`, `_q3` and `_max` after its name, the quartiles and the extremes;
        `counts`, which seconds count (`cragru.reporting.costs.count_seconds`), and the same of these, with `counted_`
        before the name; medians of `shards_touched`, `optimiser_steps`, `hessian_products` and
        `engine_start_seconds`; `steps_per_second`: median of optimiser steps / sequential seconds that count (missing
        without steps); `times_retrain`: sequential seconds that count of Retrain on the same data set and backbone /
        the row's own (missing without Retrain); `ready`; `measured` (numbers behind a median), `requests`, `seeds`;
        `paper`.

    Raises:
        CragruError: If a row has one request twice under one seed.
    """
    records = list(records)
    check_once(records, [*NAMES, "request"])
    spans = [SEQUENTIAL, PARALLEL]
    frame = count_seconds(records, spans, NAMES)
    if START not in frame:
        frame[START] = None
    frame = frame.astype(dict.fromkeys([*WORK, START], float))
    frame[RATE] = steps_per_second(frame)
    rows = frame.groupby(NAMES, sort=False)
    table = rows[["printed", "ready", COUNTS]].first()
    for name in (*map(counted, spans), *spans):
        table = table.join(_spread(rows[name]).add_prefix(name))
    table = table.join(rows[[*WORK, RATE, START]].median())
    table["measured"] = rows.size()
    table[["requests", "seeds"]] = rows[["request", "seed"]].nunique()
    table = table.reset_index()
    table["times_retrain"] = _times_retrain(table, retrain)
    table["paper"] = _paper_column(table, paper)
    return table


def time_grid(table: pd.DataFrame) -> HeadedGrid:
    """Return header and texts of `time_table`; the engine's start has a column where a row has one."""
    has_start = table[START].notna().any()
    seconds = unit(table[COUNTS])
    header = [*HEADS, f"Sequential [{seconds}]", f"Parallel [{seconds}]", *WORK.values()]
    header.append(TIMES_RETRAIN)
    header += ["Scores ready for", *(["Engine start [s]"] if has_start else [])]
    grid = []
    for row in table.to_dict("records"):
        texts = [Text(row[name]) for name in NAMES]
        sequential, parallel = (
            marked(_seconds(row, counted(name)), row[COUNTS], table[COUNTS])
            for name in (SEQUENTIAL, PARALLEL)
        )
        texts.append(Text(sequential, filled("{:,g}", row["paper"])))
        texts.append(Text(parallel))
        texts += map(Text, map(_count, itemgetter(*WORK)(row)))
        texts += map(Text, (significant(row["times_retrain"]), row["ready"]))
        if has_start:
            texts.append(Text(significant(row[START])))
        grid.append(texts)
    return header, grid


def time_notes(table: pd.DataFrame, title: str, devices: Sequence[str]) -> list[str]:
    """Tell what the numbers are of, the protocol's title and where methods ran."""
    spread = " (smallest\N{EN DASH}largest)" if (table["measured"] > 1).any() else ""
    return [
        f"Protocol: {title}. Median{spread} over {_counted(table)}; methods ran on {' and '.join(devices)}. "
        f"{counts_note(table[COUNTS])} "
        "Sequential: from the request's arrival until scores are ready, touched shards one after the other; parallel: "
        "the longest of what can run at the same time. Training before the request is in neither. "
        "Shards: models trained anew; Steps: of the optimiser, over all of them; HVPs: Hessian-vector products. "
        f"{TIMES_RETRAIN}: how many times as fast as Retrain, whose sequential seconds on the data set and backbone "
        "are divided by the row's own; below 1, to retrain is faster. What takes a method less than 5 s is measured "
        "three times, and the median counts. In brackets: printed in the paper, wall seconds of other machines; of "
        "several variants of a method, the first has it."
    ]


def requester_note(checks: Checks, devices: Sequence[str], about: str) -> str:
    """Tell what CRAGRU's rows are of, where the LLM ran, and `about` it."""
    lines, forgotten = prompt_counts(checks)
    history = (
        f"None of the {lines:,} history lines of their prompts is a forgotten interaction"
        if lines
        else "Nothing remains of those who ask, so their prompts show no history and no candidate is masked"
    )
    return (
        "CRAGRU trains nothing and has scores for who asks alone: seconds to gather what remains of them, to take "
        "candidates from the original model, to write the prompt and to have it answered, by itself, on "
        f"{' and '.join(devices)}. It is measured once. The engine is warm; its start, wall seconds once for all "
        "requests of a data set and seed, is a "
        f"column of its own. {about} {history}. The original model has not forgotten: share of candidates that are "
        f"training rows of the request: {forgotten}. The paper's seconds of CRAGRU are of Llama-3.1-8B."
    )


def steps_per_second(frame: pd.DataFrame) -> pd.Series:
    """Return optimiser steps / sequential seconds that count, of frames of `count_seconds`; missing without steps."""
    steps = frame["optimiser_steps"].astype(float)
    return steps.where(steps > 0) / frame[counted(SEQUENTIAL)]


def _spread(rows: Any) -> pd.DataFrame:
    """Return median, quartiles and extremes; missing where a request has no number."""
    spread = pd.DataFrame({name: rows.quantile(share) for name, share in QUANTILES.items()})
    return spread.where(rows.count() == rows.size(), axis="index")


def _times_retrain(table: pd.DataFrame, retrain: str) -> np.ndarray:
    """Return the ratio of Retrain's seconds that count to those of each row of its group."""
    own = table[counted(SEQUENTIAL)].to_numpy()
    seconds = table[table["method"] == retrain].set_index(GROUP)[counted(SEQUENTIAL)]
    return seconds.reindex(pd.MultiIndex.from_frame(table[GROUP])).to_numpy() / own


def _paper_column(table: pd.DataFrame, paper: PathLike | None) -> list[float | None]:
    """Return printed values, each once."""
    values = printed_values(paper, OF_TIMES)
    shown, column = set(), []
    for names in table[[*GROUP, "printed"]].itertuples(index=False, name=None):
        column.append(None if names in shown else printed(values, names, PRINTED))
        shown.add(names)
    return column


def _seconds(row: Row, name: str) -> str:
    """Write a median with the extremes, where there are several numbers."""
    median = significant(row[name])
    if not median or row["measured"] == 1:
        return median
    low, high = significant(row[f"{name}_min"]), significant(row[f"{name}_max"])
    return f"{median} ({low}\N{EN DASH}{high})"


def _count(number: float) -> str:
    return f"{number:,.1f}".removesuffix(".0")


def _counted(table: pd.DataFrame) -> str:
    requests, seeds, measured = map(int, table[COUNTED].max())
    asked = f"{requests} request{'s' * (requests > 1)}"
    of = f"{asked} under {'each of ' * (seeds > 1)}{seeds} seed{'s' * (seeds > 1)}"
    return f"n = {measured} ({of})"
