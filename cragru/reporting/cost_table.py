"""What one request costs CRAGRU, stage by stage (the stages of Section IV of the paper)."""

from collections.abc import Iterable

import pandas as pd

from cragru.llm.counts import read_counts
from cragru.reporting.averages import counted as people
from cragru.reporting.base import Order, Table
from cragru.reporting.checks import check_once
from cragru.reporting.costs import (
    COUNTS,
    STAGES,
    START,
    count_seconds,
    counted,
    counts_note,
    marked,
    read_costs,
    unit,
)
from cragru.reporting.grid import HeadedGrid, Text, significant
from cragru.reporting.labels import GROUP, Row

STRATEGY = [*GROUP, "strategy"]  # labels of a row
LINES, CHOSEN = "lines", "lines_chosen"
READ = [*STAGES, "prompt_tokens", "answer_tokens", "dropped", "tie_rate", START]
NEEDED = dict.fromkeys(["users", *READ], float)  # of cost.json
MEASURES = [*READ, LINES, CHOSEN]
TOTAL = "total_seconds"
SECONDS = {
    counted("filter_seconds"): "Filter",
    counted("prompt_seconds"): "Prompt",
    counted("generation_seconds"): "Generation",
    counted(TOTAL): "Total",
}
SHOWN = {
    "prompt_tokens": "Tokens in",
    "answer_tokens": "Tokens out",
    LINES: "History lines",
    "tie_rate": "Ties [%]",
}


def make(order: Order) -> Table:
    """Make the table of what a request costs CRAGRU.

    Args:
        order: Rows have the labels `STRATEGY`, `seed`, and the files `cost` and `check`, the proof of the prompts; the
            word is `note`, of the LLM.
    """
    records = [_with_lines(record) for record in read_costs(order.rows, NEEDED)]
    table = cost_table(records)
    devices = {record["device"] for record in records if "device" in record}
    notes = cost_notes(table, " and ".join(sorted(devices)), order.words["note"])
    return Table(table, *cost_grid(table), notes)


def cost_table(records: Iterable[Row]) -> pd.DataFrame:
    """Average each row over seeds.

    Args:
        records: One per row and seed: labels `STRATEGY`, `seed`, the fields of `cragru.llm.collecting.cell_cost`, and
            per user the history `lines` that a prompt shows, and `lines_chosen`, which it would show had it room.

    Returns:
        One row per strategy of a data set and backbone: for each of `MEASURES` and `total_seconds` (the three stages)
        its mean over seeds and, with `_sd` after its name, its standard deviation over seeds (missing for one seed);
        the same of the seconds that count, with `counted_` before the name, and `counts`, which do
        (`cragru.reporting.costs.count_seconds`); `users` (mean), `seeds`.

    Raises:
        CragruError: If a row is there twice under one seed.
    """
    records = list(records)
    check_once(records, STRATEGY)
    frame = count_seconds(records, STAGES, STRATEGY)
    frame[TOTAL] = frame[STAGES].sum(axis="columns")
    frame[counted(TOTAL)] = frame[[*map(counted, STAGES)]].sum(axis="columns")
    measures = [*SECONDS, *MEASURES, TOTAL]
    rows = frame.astype(dict.fromkeys(measures, float)).groupby(STRATEGY, sort=False)
    means, spreads = rows[["users", *measures]].mean(), rows[measures].std().add_suffix("_sd")
    table = rows[[COUNTS]].first().join(means).join(spreads)
    return table.join(rows["seed"].nunique().rename("seeds")).reset_index()


def cost_grid(table: pd.DataFrame) -> HeadedGrid:
    """Return header and texts of `cost_table`; the spread over seeds is shown of the total alone."""
    texts = table[STRATEGY].join(table[[*SECONDS, *SHOWN]].map(significant))
    total = counted(TOTAL)
    for place, spread in table[f"{total}_sd"].dropna().items():
        texts.loc[place, total] += f" ± {significant(spread, 2)}"
    for name in SECONDS:
        pairs = zip(texts[name], table[COUNTS], strict=True)
        texts[name] = [marked(text, own, table[COUNTS]) for text, own in pairs]
    texts[LINES] += " of " + table[CHOSEN].map(significant)
    texts["tie_rate"] = (100 * table["tie_rate"]).map("{:.1f}".format)
    grid = [list(map(Text, row)) for row in texts.itertuples(index=False)]
    seconds = [f"{name} [{unit(table[COUNTS])}]" for name in SECONDS.values()]
    return ["Data set", "Backbone", "Retrieval", *seconds, *SHOWN.values()], grid


def cost_notes(table: pd.DataFrame, device: str, about: str = "") -> list[str]:
    """Tell what the numbers are of, and what they leave out; `about`, of the cohort and the LLM, ends the note."""
    seeds = int(table["seeds"].max())
    spread = f"mean over {seeds} seeds, ± their standard deviation" if seeds > 1 else "one seed"
    where = f" on {device}" if device else ""
    start = significant(table[START].mean())
    note = (
        f"Per user, with a warm engine{where}; n = {people(table['users'])}; {spread}. {counts_note(table[COUNTS])} "
        "Filter: the choice of the history (mean over all users with candidates), without what a strategy learns "
        "beforehand. Generation: a whole chunk of prompts, which are answered together, divided by its users: one "
        "user alone waits for longer. It is measured once. Not in the total: to start the engine, "
        f"{start} wall seconds on average. History lines: in a prompt, of those that the strategy "
        "chose; the oldest are left out where they do not fit. Ties: candidates that the LLM's scores leave in the "
        "order shown, 1 - distinct scores / candidates."
    )
    return [f"{note} {about}".strip()]


def _with_lines(record: Row) -> Row:
    """Return a record with the history lines of a prompt, as `cost_table` takes them."""
    counts = read_counts(record["check"])
    lines = counts["history_rows"] / record["users"]
    return {**record, LINES: lines, CHOSEN: lines + record["dropped"]}
