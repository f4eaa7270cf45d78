"""The paper's headline, computed: how much quality CRAGRU keeps, how much faster it serves one request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.names import MEAN
from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.significance import paired_values
from cragru.kept.csv_files import read_csv
from cragru.reporting.base import RESAMPLING, Order, Table
from cragru.reporting.costs import SEQUENTIAL
from cragru.reporting.grid import Text
from cragru.reporting.labels import GROUP, NAMES
from cragru.reporting.measured import Measured, read_measured

COLUMNS = [*GROUP, "claim", "printed", "value", "low", "high", "n"]
TIMES = {
    **dict.fromkeys(NAMES, "object"),
    **dict.fromkeys([SEQUENTIAL, f"{SEQUENTIAL}_min", f"{SEQUENTIAL}_max", "speed_up"], "float64"),
    "measured": "int64",
}
"""Columns of the CSV of Table III that claims are made of."""

PRINTED_KEPT, PRINTED_SPEED = (
    0.9,
    4.5,
)  # the paper's third contribution: "approximately 90%", "4.5x"


@dataclass(frozen=True)
class Kept:
    """A claim that a row keeps a share of another row's ranking quality.

    Attributes:
        label: Of the row.
        reference: Label of the other.
        mask: Which mask's results.
        printed: What the paper says of it, if it does.
    """

    label: str
    reference: str
    mask: str
    printed: float | None = None


def make(order: Order) -> Table:
    """Make the table of headline claims.

    Args:
        order: Rows have what `read_measured` reads, of one panel; words are labels of rows, `cragru`, `no_llm`,
            `original` and `retrain`, and `note` (of the LLM); a further file is `times`, the CSV of Table III.
    """
    spec, words = order.spec, order.words
    measured, least_users = read_measured(order.rows), spec["least_users"]
    kept = kept_claims(measured, _shares(words), spec["cutoff"], RESAMPLING, least_users)
    speed = speed_claims(read_csv(order.further["times"], TIMES), words["cragru"])
    claims = pd.concat([kept, speed], ignore_index=True).sort_values(GROUP, kind="stable")
    table = mean_claims(claims)
    return Table(
        table, *claims_grid(table), [*claims_notes(RESAMPLING, least_users), words["note"]]
    )


def kept_claims(
    measured: Iterable[Measured],
    claims: Sequence[Kept],
    k: int,
    resampling: Resampling,
    least_users: int,
) -> pd.DataFrame:
    """Ratios of mean NDCG@k of two rows over the same users, with intervals over users.

    Args:
        measured: Every row under every seed, of one panel.
        claims: Which rows, for each data set and backbone that has them.
        k: Cut-off.
        resampling: How intervals are made; both rows' users are drawn together.
        least_users: A ratio of fewer users is missing.

    Returns:
        Columns `COLUMNS`.
    """
    groups: dict[tuple[str, str], dict[str, dict[int, pd.DataFrame]]] = {}
    for row in measured:
        groups.setdefault((row.dataset, row.backbone), {}).setdefault(row.method, {})[row.seed] = (
            row.per_user
        )
    found = []
    for names, rows in groups.items():
        for claim in claims:
            if claim.label not in rows or claim.reference not in rows:
                continue
            pair = {label: rows[label] for label in (claim.label, claim.reference)}
            values = paired_values(pair, "ndcg", claim.mask, k)
            text = f"NDCG@{k} of {claim.label} / of {claim.reference}, mask {claim.mask}"
            line = dict(zip(GROUP, names, strict=True)) | {
                "claim": text,
                "printed": claim.printed,
                "n": len(values),
            }
            if len(values) >= least_users:
                arrays = [values[label].to_numpy() for label in pair]
                interval = resampling.interval(
                    _ratio, arrays, "claims", claim.label, claim.reference, claim.mask
                )
                line |= {"value": interval.value, "low": interval.low, "high": interval.high}
            found.append(line)
    return pd.DataFrame(found, columns=COLUMNS)


def speed_claims(times: pd.DataFrame, label: str) -> pd.DataFrame:
    """How many times faster a row serves one request than the fastest other, from Table III.

    Args:
        times: From `cragru.reporting.time_table.time_table`.
        label: The row.

    Returns:
        Columns `COLUMNS`; the bounds are those of the row's fastest and slowest request, `n` is how many there were.

    Raises:
        CragruError: If no group has the row beside another.
    """
    found = []
    for names, rows in times.groupby(GROUP, sort=False):
        own, others = rows[rows["method"] == label], rows[rows["method"] != label]
        if own.empty or others.empty:
            continue
        fastest, row = others[SEQUENTIAL].min(), own.iloc[0]
        claim = f"Speed-up of {label} for one user over the fastest other method"
        line = dict(zip(GROUP, names, strict=True)) | {"claim": claim, "printed": PRINTED_SPEED}
        bounds = {
            "low": fastest / row[f"{SEQUENTIAL}_max"],
            "high": fastest / row[f"{SEQUENTIAL}_min"],
        }
        found.append(line | {"value": row["speed_up"], **bounds, "n": row["measured"]})
    if not found:
        raise CragruError(
            f"claims: the table of times has no row {label!r} beside another; set its key cragru to true"
        )
    return pd.DataFrame(found, columns=COLUMNS)


def mean_claims(table: pd.DataFrame) -> pd.DataFrame:
    """What the paper prints: each claim averaged over data sets and backbones, of those that have a value.

    Args:
        table: Of `kept_claims` and `speed_claims`.

    Returns:
        `table`, its printed values moved to new rows of means, which have no bounds; `n` is how many were averaged.
    """
    known = table.dropna(subset="value")
    means = known.groupby("claim", sort=False).agg(
        value=("value", "mean"), n=("value", "size"), printed=("printed", "first")
    )
    rows = means.reset_index().assign(dataset=MEAN, backbone=MEAN)
    return pd.concat([table.assign(printed=np.nan), rows], ignore_index=True)[COLUMNS]


def claims_grid(table: pd.DataFrame) -> tuple[list[str], list[list[Text]]]:
    """Header and texts: what is claimed, what the paper says, what was found."""
    grid = []
    for row in table.to_dict("records"):
        found = f"{row['value']:.3g}" if pd.notna(row["value"]) else ""
        found += f" ({row['low']:.3g} to {row['high']:.3g})" if pd.notna(row["low"]) else ""
        printed = f"{row['printed']:g}" if pd.notna(row["printed"]) else ""
        texts = (row["dataset"], row["backbone"], row["claim"], printed, found, f"{row['n']:.0f}")
        grid.append([Text(text) for text in texts])
    return ["Data set", "Backbone", "Claim", "Printed", "Here", "n"], grid


def claims_notes(resampling: Resampling, least_users: int) -> list[str]:
    """What a reader must know to trust the numbers."""
    return [
        f"NDCG: {resampling.level:.0%} intervals over the cohort's users (bootstrap, n users; blank below "
        f"{least_users}). Mask B hides the forgotten rows from both, as what the original model knows of them is no "
        "merit; mask A lets them compete. The row without the LLM shows how much of what is kept the backbone's order "
        "alone keeps. Speed: seconds of the fastest other method / CRAGRU's, medians of n requests, with CRAGRU's "
        "fastest and slowest; below 1 another method is faster, and its scores are ready for all users. The paper's "
        "values are averages over three data sets and two backbones, of another LLM on other devices; they stand by "
        "the means of the rows above, of which n are averaged."
    ]


def _shares(labels: Mapping[str, str]) -> list[Kept]:
    """What CRAGRU keeps, and beside it what its candidates keep without the LLM."""
    return [
        Kept(labels["cragru"], labels["original"], "B", PRINTED_KEPT),
        Kept(labels["cragru"], labels["retrain"], "A"),
        Kept(labels["no_llm"], labels["original"], "B"),
        Kept(labels["no_llm"], labels["retrain"], "A"),
    ]


def _ratio(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    return own.mean(axis=1) / other.mean(axis=1)
