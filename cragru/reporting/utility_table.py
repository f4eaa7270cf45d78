"""Table II: ranking quality of every method, averaged over users and then over seeds."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from operator import attrgetter

import pandas as pd

from cragru.core.names import ORIGINAL_LABEL
from cragru.core.place import PathLike
from cragru.evaluation.metrics import METRICS, UTILITY, metrics_in
from cragru.evaluation.printed_columns import OF_UTILITY
from cragru.kept.csv_files import read_csv
from cragru.kept.files import read_record
from cragru.llm.counts import read_counts
from cragru.reporting.averages import average, counted
from cragru.reporting.base import Order, Table
from cragru.reporting.differences import TESTS, mark_differences, significance_note
from cragru.reporting.grid import HeadedGrid, Text, decimals, filled
from cragru.reporting.labels import HEADS, PANEL_GROUP, ROW
from cragru.reporting.measured import Measured, read_measured
from cragru.reporting.prompt_counts import Checks, prompt_counts
from cragru.written.printed import printed, printed_values

MOST_DIGITS = 4  # past the point, as the paper prints


def make(order: Order) -> Table:
    """Make Table II, or another table of its kind.

    Args:
        order: Rows have what `read_measured` reads and, where an LLM wrote prompts, `group`, whose candidates, and
            `check`, the file of the proof, else None; words are `title`, `note` (of the LLM) and `references` (by
            panel); further files may be `paper` and `tests`, the differences.
    """
    spec, words, further = order.spec, order.words, order.further
    measured = read_measured(order.rows)
    table = utility_table(measured, spec["mask"], spec["cutoffs"], further.get("paper"))
    notes = utility_notes(table, words["title"])
    if "tests" in further:
        tests = read_csv(further["tests"], TESTS)
        table = mark_differences(table, tests)
        notes.append(significance_note(tests, words["references"]))
    answered = [row for row in order.rows if row["check"]]
    if answered:
        checks = [(row["group"], read_counts(row["check"])) for row in answered]
        dropped = sum(_lines_left_out(row["cost"]) for row in answered)
        notes.append(words["note"] + " " + candidates_note(checks, dropped))
    return Table(table, *utility_grid(table, spec["least_users"]), notes)


def utility_table(
    measured: Iterable[Measured], mask: str, cutoffs: Sequence[int], paper: PathLike | None
) -> pd.DataFrame:
    """Average each row, for a mask (`A` or `B`) and values of K; `paper` is a CSV of printed values.

    Returns:
        One line per row, metric and K, with the columns of `cragru.reporting.averages.average`, `ties` (mean tie rate;
        missing where no LLM scored), and `paper`, in the first panel that has the method (missing where there is none).
    """
    measured = list(measured)
    frames, called = [], {}
    for row in measured:
        frames.append(_one_seed(row, mask, cutoffs))
        called[row.method] = row.printed or row.method
    per_user = pd.concat(frames, ignore_index=True)
    table = average(per_user, [*ROW, "metric", "k"]).reset_index()
    table["ties"] = table.set_index(ROW).index.map(_mean_ties(measured))
    table["paper"] = _paper_column(table, called, paper)
    return table


def utility_grid(table: pd.DataFrame, least_users: int) -> HeadedGrid:
    """Return header and texts of `utility_table`: best bold and second underlined within a data set and backbone.

    Numbers of a panel and metric have the digits that the largest standard error of these leaves (`decimals`), and
    those that are True in a column `differs` get a star. What lies within `reach` of the best is best, too: two
    trainings of one method are that far apart. Nothing is marked without that column, or where fewer than
    `least_users` were evaluated: the order would be noise. Nor is the original model, which has forgotten nothing and
    does not compete.
    """
    enough = table["users"] >= least_users
    errors = table.groupby(["panel", "metric"])["se_users"].transform("max")
    digits = errors.map(partial(decimals, most=MOST_DIGITS))
    table = table.assign(mark="", star="", digits=digits)
    if "differs" in table:
        table["mark"] = _marks(table, enough)
        table.loc[table["differs"] & enough, "star"] = "*"
    shown = table[["metric", "k"]].drop_duplicates().sort_values("k", kind="stable")
    columns = list(shown.itertuples(index=False, name=None))  # HR@5, NDCG@5, HR@10, …
    header = [*HEADS, *(f"{METRICS[metric].label}@{k}" for metric, k in columns)]
    has_panels = table["panel"].nunique() > 1
    if has_panels:
        header = ["Users", *header, "Ties [%]"]
    grid = []
    for (panel, *names), rows in table.groupby(ROW, sort=False):
        numbers = rows.set_index(["metric", "k"])
        line = [*map(Text, names)]
        line += [_text(numbers.loc[column]) for column in columns]
        if has_panels:
            ties = filled("{:.0f}", 100 * rows["ties"].iloc[0])
            line = [Text(panel), *line, Text(ties)]
        grid.append(line)
    return header, grid


def utility_notes(table: pd.DataFrame, title: str) -> list[str]:
    """Tell what a reader must know to trust the numbers: protocol, users, seeds, spread."""
    panels = []
    for panel, rows in table.groupby("panel", sort=False):
        error = f"standard error over users at most {rows['se_users'].max():.4f}"
        panels.append(f"{panel}: n = {counted(rows['users'])}, {error}")
    return [
        f"Protocol: {title}. {'; '.join(panels)}; {_spread(table)}. Original: the model before the request, which has "
        "forgotten nothing and does not compete. Bold: best, underlined: second of a data set and backbone, where "
        "enough users were evaluated, with what is no farther away than two trainings of Retrain are. In brackets: "
        "printed in the paper."
    ]


def _spread(table: pd.DataFrame) -> str:
    """Return what means and standard deviations are over: seeds, and trainings under each."""
    seeds = int(table["seeds"].max())
    of_seeds = f"{seeds} seeds (of split and training)" if seeds > 1 else "one seed"
    numbers = table.groupby("method", sort=False)["trainings"].max()
    again = numbers[numbers > 1]
    if again.empty and seeds == 1:
        return "one seed, so no spread over seeds"
    often = (
        f", {int(again.max())} trainings of {', '.join(again.index)} under each"
        if len(again)
        else ""
    )
    return f"mean ± standard deviation over {of_seeds}{often}"


def candidates_note(checks: Checks, dropped: int) -> str:
    """Tell what the proofs of the prompts say, `checks` as in `prompt_counts`; `dropped` history lines had no room."""
    lines, forgotten = prompt_counts(checks)
    return (
        f"The prompts show {lines:,} of {lines + dropped:,} history lines, the newest. None is forgotten. "
        f"Share of candidates that their user asked to forget: {forgotten}. Ties: candidates that the LLM's scores "
        "leave in the order shown, 1 - distinct scores / candidates. The paper's values of CRAGRU are "
        "of Llama-3.1-8B and all users."
    )


def _lines_left_out(cost: str) -> int:
    """Return how many history lines all prompts of a cell left out, by its cost.json."""
    record = read_record(cost, {"users": int, "dropped": float})
    return round(record["users"] * record["dropped"])


def _mean_ties(measured: Iterable[Measured]) -> pd.Series:
    """Return mean tie rates over seeds, by row."""
    rows = pd.DataFrame(map(vars, measured)).astype({"ties": float})
    return rows.groupby(ROW)["ties"].mean()


def _one_seed(row: Measured, mask: str, cutoffs: Sequence[int]) -> pd.DataFrame:
    rows = row.per_user.query("mask == @mask and k in @cutoffs")
    long = rows.melt(["user", "k"], list(metrics_in(UTILITY)), "metric")
    names = [*ROW, "seed", "training"]
    return long.assign(**dict(zip(names, attrgetter(*names)(row), strict=True)))


def _paper_column(
    table: pd.DataFrame, called: Mapping[str, str], paper: PathLike | None
) -> list[float | None]:
    """Return printed values, each at the first of the rows that the paper calls by one name (`called`, by method)."""
    values = printed_values(paper, OF_UTILITY)
    first: dict[tuple, tuple] = {}
    column = []
    for row in table.to_dict("records"):
        names = (row["dataset"], row["backbone"], called[row["method"]])
        own = (row["panel"], row["method"])
        is_first = first.setdefault(names, own) == own
        value = printed(values, (*names, row["k"]), row["metric"])
        column.append(value if is_first else None)
    return column


def _marks(table: pd.DataFrame, enough: pd.Series) -> pd.Series:
    """Return `best`, `second` or nothing for each number; what differs by less than two trainings do is alike."""
    competing = table["mean"].where(enough & (table["method"] != ORIGINAL_LABEL))
    group = [table[name] for name in (*PANEL_GROUP, "metric", "k")]
    best = competing.groupby(group).transform("max") - table["reach"]
    rest = competing.where(competing < best)
    second = rest.groupby(group).transform("max") - table["reach"]
    is_marked = competing.groupby(group).transform("count") > 1
    marks = pd.Series("", index=table.index)
    marks[is_marked & (rest >= second)] = "second"
    marks[is_marked & (competing >= best)] = "best"
    return marks


def _text(row: pd.Series) -> Text:
    own = f".{row['digits']}f"
    value = f"{row['mean']:{own}}{filled(f' ± {{:{own}}}', row['sd'])}{row['star']}"
    return Text(value, filled(f"{{:.{MOST_DIGITS}f}}", row["paper"]), row["mark"])
