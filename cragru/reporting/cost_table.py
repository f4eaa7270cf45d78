"""What one request costs CRAGRU, stage by stage (the stages of Section IV of the paper)."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from cragru.core.errors import CragruError
from cragru.reporting.averages import counted
from cragru.reporting.base import Order, Table
from cragru.reporting.costs import STAGES, START, read_costs
from cragru.reporting.grid import Text, significant
from cragru.reporting.labels import GROUP

NAMES = [*GROUP, "strategy"]  # labels; a row of the table
MEASURES = [*STAGES, "prompt_tokens", "answer_tokens", "dropped", "tie_rate", START]
TOTAL = "total_seconds"
SHOWN = {
    "filter_seconds": "Filter [s]",
    "prompt_seconds": "Prompt [s]",
    "generation_seconds": "Generation [s]",
    TOTAL: "Total [s]",
    "prompt_tokens": "Tokens in",
    "answer_tokens": "Tokens out",
    "dropped": "Lines dropped",
    "tie_rate": "Ties [%]",
}


def make(order: Order) -> Table:
    """Make the table of what a request costs CRAGRU.

    Args:
        order: Rows have the labels `NAMES`, `seed`, and `cost`, a file; the word is `note`, of the LLM.
    """
    records = read_costs(order.rows)
    table = cost_table(records)
    devices = sorted({record["device"] for record in records if "device" in record})
    notes = cost_notes(table, " and ".join(devices), order.words["note"])
    return Table(table, *cost_grid(table), notes)


def cost_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Average each row over seeds.

    Args:
        records: One per row and seed, in the order of the table's rows: labels `dataset`, `backbone`, `strategy`;
            `seed`, `users`; means per user `filter_seconds`, `prompt_seconds`, `generation_seconds`, `prompt_tokens`,
            `answer_tokens`, `dropped` (history lines); `tie_rate` (0 to 1); `engine_start_seconds` (once, for all
            users).

    Returns:
        One row per strategy of a data set and backbone: for each of these numbers and `total_seconds` (the three
        stages) its mean over seeds and, with `_sd` after its name, its standard deviation over seeds (missing for one
        seed); `users` (mean), `seeds`.

    Raises:
        CragruError: If a record lacks a number, or a row is there twice under one seed.
    """
    records = list(records)
    for record in records:
        missing = [name for name in ["users", *MEASURES] if record.get(name) is None]
        if missing:
            raise CragruError(
                f"costs of {_name(record)}: {', '.join(missing)} missing; delete its cost.json and run again"
            )
    frame = pd.DataFrame(records)
    twice = frame.duplicated([*NAMES, "seed"])
    if twice.any():
        raise CragruError(
            f"costs of {_name(frame[twice].iloc[0])}: there twice; keep one, or give them two labels"
        )
    frame[TOTAL] = frame[STAGES].sum(axis="columns")
    measures = [*MEASURES, TOTAL]
    rows = frame.astype(dict.fromkeys(measures, float)).groupby(NAMES, sort=False)
    means, spreads = rows[["users", *measures]].mean(), rows[measures].std().add_suffix("_sd")
    return means.join(spreads).join(rows["seed"].nunique().rename("seeds")).reset_index()


def cost_grid(table: pd.DataFrame) -> tuple[list[str], list[list[Text]]]:
    """Header and texts of `cost_table`; the spread over seeds is shown of the total alone."""
    grid = []
    for row in table.to_dict("records"):
        numbers = {name: significant(row[name]) for name in SHOWN}
        if pd.notna(row[f"{TOTAL}_sd"]):
            numbers[TOTAL] += f" ± {significant(row[f'{TOTAL}_sd'], 2)}"
        numbers["tie_rate"] = f"{100 * row['tie_rate']:.1f}"
        grid.append([Text(row[name]) for name in NAMES] + [Text(text) for text in numbers.values()])
    return ["Data set", "Backbone", "Retrieval", *SHOWN.values()], grid


def cost_notes(table: pd.DataFrame, device: str, about: str = "") -> list[str]:
    """What the numbers are of, and what they leave out.

    Args:
        table: From `cost_table`.
        device: Where the LLM ran: `cpu` or a GPU's name; empty where it was not recorded.
        about: What the table does not tell: the cohort, the LLM.
    """
    seeds = int(table["seeds"].max())
    spread = f"mean over {seeds} seeds, ± their standard deviation" if seeds > 1 else "one seed"
    where = f" on {device}" if device else ""
    start = significant(table[START].mean())
    note = (
        f"Seconds per user with a warm engine{where}; n = {counted(table['users'])}; {spread}. Filter: the choice of "
        "the history (mean over all users with candidates), without what a strategy learns beforehand. Generation: "
        "wall time of a whole chunk of prompts, which are answered together, divided by its users: one user alone "
        "waits for longer. It is measured once, so other work on the machine shows: tokens compare better. Not in the "
        f"total: to start the engine, {start} s on average. Lines dropped: the oldest of the history, where the "
        "prompt would have been too long. Ties: candidates that the LLM's scores leave in the order shown, "
        "1 - distinct scores / candidates."
    )
    return [f"{note} {about}".strip()]


def _name(record: Mapping[str, Any]) -> str:
    return f"{', '.join(record[name] for name in NAMES)}, seed {record['seed']}"
