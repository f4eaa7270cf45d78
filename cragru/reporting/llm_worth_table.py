"""What an LLM is worth: its orders of a model's candidates, between orders at random, without an LLM, and at best."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import pandas as pd

from cragru.core.names import (
    BEST_ORDER,
    CONTENT,
    FUSED_POPULARITY,
    NO_LLM,
    OTHER,
    OWN,
    POPULARITY,
)
from cragru.evaluation.bootstrap import Resampling, ratio_of_means
from cragru.evaluation.significance import LEAST_SEEDS, over_users_and_seeds, paired_values
from cragru.kept.files import read_record
from cragru.reporting.base import RESAMPLING, Order, Table
from cragru.reporting.costs import (
    COUNTS,
    STAGES,
    count_seconds,
    counted,
    counts_note,
    marked,
    read_costs,
    unit,
)
from cragru.reporting.escapes import MINUS
from cragru.reporting.grid import (
    HeadedGrid,
    Text,
    decimals,
    filled,
    has_width,
    significant,
)
from cragru.reporting.labels import GROUP, ROW, Row
from cragru.reporting.measured import by_group, read_measured

Results = Mapping[tuple[int, int], pd.DataFrame]
"""Per-user results of an order, by seed and training."""

SERVABLE = (NO_LLM, POPULARITY, FUSED_POPULARITY, CONTENT)
"""Orders without an LLM, but for that at random and the best, which knows the test rows."""
AGAINST = {
    "less_candidates": NO_LLM,
    "less_popularity": FUSED_POPULARITY,
    "less_content": CONTENT,
    "own_less_other": OTHER,
}
"""Columns of differences, and what is taken away."""
GROUPED = [*GROUP, "source"]  # orders of the same candidates
LABELS = [*GROUP, "candidates_of", "panel", "order", "control", "fused"]
ENDS = ("", "_low", "_high", "_se", "_p")
HEADROOM = [f"headroom{end}" for end in ENDS[:3]]
TOKENS = ["prompt_tokens", "answer_tokens"]
COST = dict.fromkeys([*STAGES, *TOKENS, "tie_rate"], float)  # of cost.json
OF_COST = ["seconds", "wall_seconds", "tokens", "ties"]
WEIGHT = {"weight": float, "gain": float, "error": float}  # of fusion.json
COLUMNS = [
    *LABELS,
    "users",
    "seeds",
    *(f"ndcg{end}" for end in ENDS[:-1]),
    *(f"{name}{end}" for name in AGAINST for end in ENDS),
    *HEADROOM,
    *WEIGHT,
    COUNTS,
    *OF_COST,
]
SHOWN = {
    "less_candidates": "Less candidates",
    "less_content": "Less content",
    "own_less_other": "Own less other",
}
MOST_DIGITS = 4  # past the point, as in Table II


def make(order: Order) -> Table:
    """Make the table of what an LLM is worth.

    Args:
        order: As `worth_table` takes it; further words are `title` and `note` (of the LLM).
    """
    table = worth_table(order)
    notes = worth_notes(table, order.words, RESAMPLING.level)
    return Table(table, *worth_grid(table, order.words["cutoff"]), notes)


def worth_table(order: Order) -> pd.DataFrame:
    """Hold every order of candidates against those of the same candidates that need no LLM.

    Args:
        order: Rows have what `read_measured` reads; `order`, what the table calls the row, and `candidates_of`, whose
            candidates it has; `control`, the name of an order without an LLM, or `history`, whose an LLM was shown;
            `fused` and `other`, the `method` of the same scores beside the backbone's, and with a drawn history; the
            file `weight`. What a row does not have is None. Words are `mask` and `cutoff`.

    Returns:
        A line for each row but those with drawn histories, with the columns `COLUMNS`: its labels, what `worth_of`
        finds, and, where it has them, `weight`, `gain` and `error` of its weight (`cragru.ranking.fusion.Choice`), and
        what a user takes: `counts`, which seconds do, these `seconds`, `wall_seconds`, `tokens` in and out, and `ties`.
        All these are means over seeds.
    """
    mask, k = order.words["mask"], order.words["cutoff"]
    panels = by_group(read_measured(order.rows), [*GROUPED, "panel"])
    weights, costs = _weights(order.rows), _costs(order.rows)
    controls: dict[tuple, dict[str, Results]] = {}
    lines: dict[tuple, dict[str, Any]] = {}
    for row in order.rows:
        group, key = itemgetter(*GROUPED)(row), itemgetter(*ROW)(row)
        if row["control"]:
            own = panels[*group, row["panel"]][row["method"]]
            controls.setdefault(group, {})[row["control"]] = own
        if row["history"] != OTHER:
            lines[key] = {name: row[name] for name in (*LABELS, *GROUPED, "method", "other")}
    for key, line in lines.items():
        group = itemgetter(*GROUPED)(line)
        panel, against = panels[*group, line["panel"]], dict(controls[group])
        if line["other"]:
            against[OTHER] = panel[line["other"]]
        line |= worth_of(panel[line["method"]], against, mask, k, RESAMPLING)
        line |= weights.get(key, {}) | costs.get(key, {})
    return pd.DataFrame(list(lines.values()), columns=COLUMNS)


def worth_of(
    own: Results, against: Mapping[str, Results], mask: str, k: int, resampling: Resampling
) -> dict[str, float]:
    """Hold an order of candidates against others of the same candidates, on its own users.

    Args:
        own: Its results.
        against: Those of others under the same seeds, of its users or more: `NO_LLM`, `BEST_ORDER`, and those that
            `AGAINST` names, if they are there.
        mask: `A` or `B`.
        k: Cut-off.
        resampling: How the interval of a ratio is made.

    Returns:
        `users`, `seeds`; `ndcg` and the differences of `AGAINST`, each with `…_low`, `…_high`, `…_se` and `…_p`
        (`cragru.evaluation.significance.over_users_and_seeds`), none from itself; `headroom`, the gain over the
        candidates divided by that of the best order, with bounds from users drawn anew.

    Raises:
        CragruError: If another lacks a user.
    """
    seeds = []
    for key, frame in own.items():
        rows = {OWN: {key: frame}}
        for name, other in against.items():
            rows[name] = {key: other[key][other[key]["user"].isin(frame["user"])]}
        seeds.append(paired_values(rows, "ndcg", mask, k))
    values = {"ndcg": [seed[OWN] for seed in seeds]}
    for column, name in AGAINST.items():
        if name in against and against[name] is not own:
            values[column] = [seed[OWN] - seed[name] for seed in seeds]
    users = pd.concat(seeds).groupby(level="user").mean()
    found: dict[str, float] = {"users": len(users), "seeds": len(seeds)}
    for column, of_seeds in values.items():
        for name, number in over_users_and_seeds(of_seeds).items():
            found[column if name == "value" else f"{column}_{name}"] = number
    gains = [(users[name] - users[NO_LLM]).to_numpy() for name in (OWN, BEST_ORDER)]
    share = resampling.interval(ratio_of_means, gains, "headroom")
    return found | {
        "headroom": share.value,
        "headroom_low": share.low,
        "headroom_high": share.high,
    }


def worth_grid(table: pd.DataFrame, cutoff: int) -> HeadedGrid:
    """Return header and texts of `worth_table`: behind ± stands half of an interval."""
    counts, most = table[COUNTS].dropna(), table["seeds"].max()
    header = ["Data set", "Backbone", "Candidates of", "Order", "Users", f"NDCG@{cutoff}"]
    header += [*SHOWN.values(), "Headroom [%]", "w", "Ties [%]"]
    header += [unit(counts), "Tokens"]
    return header, [_texts(line, counts, most) for line in table.to_dict("records")]


def worth_notes(table: pd.DataFrame, words: Mapping[str, Any], level: float) -> list[str]:
    """Tell what the columns are, what they say, and what is asked of the LLM: words as `make` takes them."""
    cutoff, seeds, over = words["cutoff"], int(table["seeds"].max()), intervals_over(table)
    about = (
        f"Protocol: {words['title']}. Candidates of a model, in several orders. Behind ±: half of the {level:.0%} "
        f"interval over {over}. Differences of NDCG@{cutoff} are paired by user, on the row's own users. Less "
        "candidates: less the model's own order. Content: a regression on the model's score, counts in train, and the "
        "likeness of genres and years to the history. Own less other: less the same with histories drawn from the "
        "catalogue, which are nobody's. Headroom: the gain over the model's order, of what the best order gains "
        "(interval: bootstrap over users). w: weight of a score beside the model's, chosen on validation lists, on "
        "which Content is fitted, too. A fused row has the model's score in it, as Content has: less content is the "
        "column that counts for it. Ties: candidates that the scores leave in the order shown. Seconds and tokens are "
        "of a user, with a warm engine; an encoder's tokens are the catalogue's, shared by users. "
        f"{counts_note(table[COUNTS].dropna())}"
    )
    notes = [about.strip(), " ".join([*_best_orders(table), *_readings(table)])]
    few = f" Fewer than {LEAST_SEEDS} seeds: another split or training may differ more."
    notes[1] += f" One interval in {1 / (1 - level):.0f} leaves out 0 by chance."
    notes[1] += few if seeds < LEAST_SEEDS else ""
    return [*notes, words["note"]] if words["note"] else notes


def intervals_over(table: pd.DataFrame) -> str:
    """Return what the intervals of `worth_table` are over, in words."""
    seeds = int(table["seeds"].max())
    return f"users and {seeds} seeds" if seeds > 1 else "users, under one seed"


def _best_orders(table: pd.DataFrame) -> Iterable[str]:
    """Yield the best orders without an LLM, and which order is recommended, each with the candidates that it is of."""
    found: dict[str, list[str]] = {}
    for _, rows in table.groupby([*GROUP, "candidates_of"], sort=False):
        servable = rows[rows["control"].isin(SERVABLE)]
        best = servable.loc[servable["ndcg"].idxmax()]
        is_better = rows["weight"].notna() & rows["control"].isna() & (rows["less_content_low"] > 0)
        advice = "it is recommended, as no fused row's gain over content is beyond chance"
        if is_better.any():
            name = rows.loc[rows.loc[is_better, "less_content"].idxmax(), "order"]
            advice = f"{name} is recommended, as its gain over content is beyond chance"
        said = f"the best order without an LLM is {best['order']}; {advice}."
        found.setdefault(said, []).append(_place(best))
    for said, candidates in found.items():
        yield f"{'; '.join(candidates)}: {said}"


def _readings(table: pd.DataFrame) -> Iterable[str]:
    """Yield which LLMs read tastes and which do not: of scores that stand alone, with drawn histories beside."""
    asked = table[table["weight"].isna()].dropna(subset="own_less_other")
    is_personal = asked["own_less_other_low"] > 0
    for rows, said in (
        (asked[is_personal], "above 0, so that part of what the LLM reads is personal, for"),
        (
            asked[~is_personal],
            "not above 0, so that the LLM ranks titles, not tastes, as far as these users show, for",
        ),
    ):
        names = []
        for order, own in rows.groupby("order", sort=False):
            candidates = [f"{_place(line)}, n = {line['users']}" for line in own.to_dict("records")]
            names.append(f"{order} ({'; '.join(candidates)})")
        if names:
            yield f"Own less other is {said} {', '.join(names)}."


def _texts(line: Mapping[Hashable, Any], counts: Iterable[str], most: int) -> list[Text]:
    """Return the texts of a line, given which seconds count in each, and how many seeds the table has at most."""
    names = (*GROUP, "candidates_of", "order")
    share = {name: 100 * line[name] for name in HEADROOM}
    return [
        *(Text(line[name]) for name in names),
        Text(f"{line['users']:,}" + (f" ({line['seeds']} seed)" if line["seeds"] < most else "")),
        _with_half(line, "ndcg", "", _digits(line, "ndcg")),
        *(_with_half(line, name, "+", _digits(line, name)) for name in SHOWN),
        _with_half(share, "headroom", "", 0),
        Text(filled("{:.2f}", line["weight"])),
        Text(filled("{:.0f}", 100 * line["ties"])),
        Text(marked(significant(line["seconds"], 2), line[COUNTS], counts)),
        Text(significant(line["tokens"])),
    ]


def _digits(line: Mapping[Hashable, Any], name: str) -> int:
    return decimals(line[f"{name}_se"], MOST_DIGITS)


def _with_half(line: Mapping[Hashable, Any], name: str, sign: str, digits: int) -> Text:
    """Return a number with half of its interval, where it has one; nothing where it is missing."""
    value, low, high = (line[f"{name}{end}"] for end in ENDS[:3])
    half = f" ± {(high - low) / 2:.{digits}f}" if has_width(low, high) else ""
    return Text(filled(f"{{:{sign}z.{digits}f}}", value).replace("-", MINUS) + half)


def _weights(rows: Iterable[Row]) -> dict[Hashable, dict[str, float]]:
    """Return the weights of fused rows, by the labels `ROW`."""
    found = []
    for row in rows:
        if row["weight"]:
            name = row["control"]
            record = read_record(row["weight"], {name: WEIGHT} if name else WEIGHT)
            own = record[name] if name else record
            found.append({label: row[label] for label in ROW} | {key: own[key] for key in WEIGHT})
    return pd.DataFrame(found, columns=[*ROW, *WEIGHT]).groupby(ROW).mean().to_dict("index")


def _costs(rows: Sequence[Row]) -> dict[Hashable, dict[str, Any]]:
    """Return what a user takes, of rows that an LLM ordered, by the labels `ROW`."""
    answered = [row for row in rows if row["cost"]]
    if not answered:
        return {}
    frame = count_seconds(read_costs(answered, COST), STAGES, ROW)
    frame["seconds"] = frame[[*map(counted, STAGES)]].sum(axis="columns")
    frame["wall_seconds"] = frame[STAGES].sum(axis="columns")
    frame["tokens"] = frame[TOKENS].sum(axis="columns")
    frame["ties"] = frame["tie_rate"]
    own = frame.groupby(ROW)
    return own[[COUNTS]].first().join(own[OF_COST].mean()).to_dict("index")


def _place(line: Mapping[Hashable, Any]) -> str:
    """Return which candidates a line is of, in words."""
    return f"{line['dataset']}, {line['backbone']}, candidates of {line['candidates_of']}"
