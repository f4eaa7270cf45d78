"""Table II: ranking quality of every method, averaged over users and then over seeds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.names import ORIGINAL_LABEL
from cragru.core.place import PathLike
from cragru.evaluation.metrics import METRICS, UTILITY, metrics_in
from cragru.evaluation.printed_columns import OF_UTILITY
from cragru.kept.csv_files import read_csv
from cragru.llm.counts import read_counts
from cragru.reporting.averages import average, counted
from cragru.reporting.base import Order, Table
from cragru.reporting.differences import TESTS, mark_differences, significance_note
from cragru.reporting.grid import Text
from cragru.reporting.labels import NAMES, PANEL_GROUP, ROW
from cragru.reporting.measured import Measured, read_measured
from cragru.reporting.prompt_counts import prompt_counts
from cragru.written.printed import printed, printed_values


def make(order: Order) -> Table:
    """Make Table II, or another table of its kind.

    Args:
        order: Rows have what `read_measured` reads and, where an LLM wrote prompts, `group`, whose candidates, and
            `check`, the file of the proof, else None; words are `title`, `note` (of the LLM) and `references` (by
            panel); further files may be `paper` and `tests`, the differences.
    """
    spec, words, further = order.spec, order.words, order.further
    table = utility_table(
        read_measured(order.rows), spec["mask"], spec["cutoffs"], further.get("paper")
    )
    notes = utility_notes(table, words["title"])
    if "tests" in further:
        tests = read_csv(further["tests"], TESTS)
        table = mark_differences(table, tests)
        notes.append(significance_note(tests, words["references"]))
    checks = [(row["group"], read_counts(row["check"])) for row in order.rows if row["check"]]
    if checks:
        notes.append(words["note"] + " " + candidates_note(checks))
    return Table(table, *utility_grid(table, spec["least_users"]), notes)


def utility_table(
    measured: Iterable[Measured], mask: str, cutoffs: Sequence[int], paper: PathLike | None
) -> pd.DataFrame:
    """Average each row.

    Args:
        measured: Every row under every seed, in the order of the table; the first panel has the printed values
            of the methods that it shows.
        mask: Which mask's results, `A` or `B`.
        cutoffs: Values of K.
        paper: CSV of printed values.

    Returns:
        One line per row, metric and K: `mean` over seeds of the mean over users, `sd` over seeds (missing for one
        seed), `users` (mean number evaluated), `se_users` (standard error over users, of the mean over seeds),
        `seeds`, `ties` (mean tie rate; missing where no LLM scored), `paper` (missing where the paper has none).

    Raises:
        CragruError: If a row is there twice under one seed.
    """
    measured = list(measured)
    _check_once(measured)
    per_user = pd.concat([_one_seed(row, mask, cutoffs) for row in measured], ignore_index=True)
    keys = [*ROW, "metric", "k"]
    table = average(per_user, keys).reset_index()
    table["ties"] = table.set_index(ROW).index.map(_mean_ties(measured))
    names = {row.method: row.printed or row.method for row in measured}
    table["paper"] = _paper_column(
        table.assign(method=table["method"].map(names)), paper, table["method"]
    )
    return table


def utility_grid(table: pd.DataFrame, least_users: int) -> tuple[list[str], list[list[Text]]]:
    """Header and texts of `utility_table`: best bold and second underlined within a data set and backbone.

    Args:
        table: From `utility_table`; its numbers that are True in a column `differs` get a star.
        least_users: Nothing is marked where fewer users were evaluated: the order would be noise. Nor is the original
            model, which has forgotten nothing and so does not compete.
    """
    enough = table["users"] >= least_users
    stars = (table["differs"] & enough).map({True: "*", False: ""}) if "differs" in table else ""
    table = table.assign(mark=_marks(table, least_users), star=stars)
    columns = list(dict.fromkeys(zip(table["metric"], table["k"], strict=True)))
    columns.sort(key=lambda column: column[1])  # HR@5, NDCG@5, HR@10, …
    header = [
        "Data set",
        "Backbone",
        "Method",
        *(f"{METRICS[metric].label}@{k}" for metric, k in columns),
    ]
    panels = table["panel"].nunique() > 1
    if panels:
        header = ["Users", *header, "Ties [%]"]
    grid = []
    for names, rows in table.groupby(ROW, sort=False):
        found = rows.set_index(["metric", "k"])
        line = [*map(Text, names[1:]), *(_text(found.loc[column]) for column in columns)]
        ties = rows["ties"].iloc[0]
        ties_text = Text(f"{100 * ties:.0f}" if pd.notna(ties) else "")
        grid.append([Text(names[0]), *line, ties_text] if panels else line)
    return header, grid


def utility_notes(table: pd.DataFrame, title: str) -> list[str]:
    """What a reader must know to trust the numbers: protocol, users, seeds, spread."""
    panels = "; ".join(_panel(name, rows) for name, rows in table.groupby("panel", sort=False))
    seeds = int(table["seeds"].max())
    spread = (
        f"mean ± standard deviation over {seeds} seeds (of split and training)"
        if seeds > 1
        else "one seed, so no spread over seeds"
    )
    return [
        f"Protocol: {title}. {panels}; {spread}. "
        "Original: the model before the request, which has forgotten nothing and does not compete. Bold: best, "
        "underlined: second of a data set and backbone, where enough users were evaluated. In brackets: printed in the "
        "paper."
    ]


def candidates_note(checks: Iterable[tuple[str, Mapping[str, int]]]) -> str:
    """What the proofs of the prompts say of the candidates.

    Args:
        checks: Whose candidates, and counts of `cragru.llm.proof.check_prompts`, of every prompt file of the table.
    """
    lines, forgotten = prompt_counts(checks)
    return (
        f"None of the {lines:,} history lines is a forgotten interaction. Share of candidates that their user asked to "
        f"forget: {forgotten}. Ties: candidates that the LLM's scores leave in the order shown, "
        "1 - distinct scores / candidates. The paper's values of CRAGRU are of Llama-3.1-8B and all users."
    )


def _check_once(measured: Sequence[Measured]) -> None:
    """A row that is there twice would count its users twice."""
    rows = Counter((row.panel, row.dataset, row.backbone, row.method, row.seed) for row in measured)
    for (panel, dataset, backbone, method, seed), times in rows.items():
        if times > 1:
            where = f"{panel}, {dataset}, {backbone}, {method}, seed {seed}"
            raise CragruError(f"a table has the row {where} {times} times; name each once")


def _mean_ties(measured: Sequence[Measured]) -> pd.Series:
    """Tie rates over seeds, by row."""
    ties = pd.DataFrame([_labels(row) | {"ties": row.ties} for row in measured])
    return ties.astype({"ties": float}).groupby(ROW)["ties"].mean()


def _labels(row: Measured) -> dict[str, str]:
    return {name: getattr(row, name) for name in ROW}


def _one_seed(row: Measured, mask: str, cutoffs: Sequence[int]) -> pd.DataFrame:
    rows = row.per_user.query("mask == @mask and k in @cutoffs")
    long = rows.melt(
        id_vars=["user", "k"],
        value_vars=list(metrics_in(UTILITY)),
        var_name="metric",
        value_name="value",
    )
    return long.assign(**_labels(row), seed=row.seed)


def _paper_column(
    table: pd.DataFrame, paper: PathLike | None, methods: pd.Series
) -> list[float | None]:
    """Printed values, each once: where the first row stands that has them.

    Args:
        table: The table, its methods called as in the paper.
        paper: CSV of printed values.
        methods: What the table calls them: several variants may have one printed row.
    """
    values = printed_values(paper, OF_UTILITY)
    first: dict[tuple, tuple] = {}
    found = []
    for panel, own, dataset, backbone, method, k, metric in zip(
        table["panel"], methods, *(table[name] for name in [*NAMES, "k", "metric"]), strict=True
    ):
        shown = first.setdefault((dataset, backbone, method), (panel, own)) == (panel, own)
        found.append(printed(values, (dataset, backbone, method, k), metric) if shown else None)
    return found


def _panel(panel: str, rows: pd.DataFrame) -> str:
    return f"{panel}: n = {counted(rows['users'])}, standard error over users at most {rows['se_users'].max():.4f}"


def _marks(table: pd.DataFrame, least_users: int) -> pd.Series:
    means = table["mean"].where(table["method"] != ORIGINAL_LABEL)
    rivals = means.groupby([table[name] for name in [*PANEL_GROUP, "metric", "k"]])
    marked = (table["users"] >= least_users) & (rivals.transform("count") > 1)
    return (
        rivals.rank(method="min", ascending=False)
        .map({1.0: "best", 2.0: "second"})
        .where(marked)
        .fillna("")
    )


def _text(row: pd.Series) -> Text:
    spread = f" ± {row['sd']:.4f}" if pd.notna(row["sd"]) else ""
    return Text(
        f"{row['mean']:.4f}{spread}{row['star']}",
        f"{row['paper']:.4f}" if pd.notna(row["paper"]) else "",
        row["mark"],
    )
