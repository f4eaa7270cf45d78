"""The paper's headline, computed: how much quality CRAGRU keeps, how much faster it serves one request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.names import MEAN
from cragru.evaluation.bootstrap import Resampling, ratio_of_means
from cragru.evaluation.significance import paired_values
from cragru.kept.csv_files import read_csv
from cragru.reporting.base import RESAMPLING, Order, Table
from cragru.reporting.costs import SEQUENTIAL, counted
from cragru.reporting.grid import HeadedGrid, Text, filled, has_width
from cragru.reporting.labels import GROUP, NAMES
from cragru.reporting.measured import Measured, by_group, read_measured

COLUMNS = [*GROUP, "claim", "printed", "value", "low", "high", "n", "unit"]
USERS, REQUESTS, AVERAGED = "users", "requests", "rows"  # what n counts
ABOVE = "Mean of the above"
ADD = "set the table's key cragru to true"  # an advice
HEADER = ["Data set", "Backbone", "Claim", "In the paper", "Here", "Over"]
SECONDS = counted(SEQUENTIAL)
LEAST, MOST = f"{SECONDS}_min", f"{SECONDS}_max"
TIMES = {
    **dict.fromkeys(NAMES, "object"),
    **dict.fromkeys([SECONDS, LEAST, MOST], "float64"),
    "measured": "int64",
}
"""Columns of the CSV of Table III that claims are made of."""

# the paper's third contribution: "approximately 90%", "4.5x"
PRINTED_KEPT, PRINTED_SPEED = 0.9, 4.5


@dataclass(frozen=True)
class Kept:
    """A claim that a row keeps a share of another row's ranking quality.

    Attributes:
        row: The row, by the key of its label.
        reference: The other row, likewise.
        mask: Which mask's results.
        printed: What the paper says of it, if it does.
    """

    row: str
    reference: str
    mask: str
    printed: float | None = None


SHARES = (
    Kept("cragru", "original", "B", PRINTED_KEPT),
    Kept("cragru", "retrain", "A"),
    Kept("no_llm", "original", "B"),
    Kept("no_llm", "retrain", "A"),
)
"""What CRAGRU keeps, and what its candidates keep without the LLM."""


def make(order: Order) -> Table:
    """Make the table of headline claims.

    Args:
        order: Rows have what `read_measured` reads, of one panel; words are labels of rows, `cragru`, `no_llm`,
            `original` and `retrain`, and `note` (of the LLM); a further file is `times`, the CSV of Table III.
    """
    spec, words = order.spec, order.words
    measured, least_users = read_measured(order.rows), spec["least_users"]
    kept = kept_claims(measured, SHARES, words, spec["cutoff"], RESAMPLING, least_users)
    speed = speed_claims(read_csv(order.further["times"], TIMES), words["cragru"])
    claims = pd.concat([kept, speed], ignore_index=True)
    table = mean_claims(claims.sort_values(GROUP, kind="stable"))
    notes = [*claims_notes(RESAMPLING, least_users), words["note"]]
    return Table(table, *claims_grid(table), notes)


def kept_claims(
    measured: Iterable[Measured],
    claims: Sequence[Kept],
    labels: Mapping[str, str],
    k: int,
    resampling: Resampling,
    least_users: int,
) -> pd.DataFrame:
    """Return the columns `COLUMNS`: ratios of mean NDCG@k of two rows, with intervals over their users.

    A claim is made of each data set and backbone that has its rows; `labels` has what these are called, by key. A ratio
    of fewer than `least_users` is missing.
    """
    found = []
    for names, rows in by_group(measured, GROUP).items():
        for claim in claims:
            label, reference, mask = labels[claim.row], labels[claim.reference], claim.mask
            if label not in rows or reference not in rows:
                continue
            pair = {label: rows[label], reference: rows[reference]}
            values = paired_values(pair, "ndcg", mask, k)
            line = dict(zip(GROUP, names, strict=True)) | {
                "claim": f"NDCG@{k} of {label} / of {reference}, mask {mask}",
                "printed": claim.printed,
                "n": len(values),
                "unit": USERS,
            }
            if len(values) >= least_users:
                arrays = [values[name].to_numpy() for name in pair]
                # one stream for all claims: equal rows have equal bounds, and no label is a seed
                line |= asdict(resampling.interval(ratio_of_means, arrays, "claims"))
            found.append(line)
    return pd.DataFrame(found, columns=COLUMNS)


def speed_claims(times: pd.DataFrame, label: str) -> pd.DataFrame:
    """Return how many times faster the row `label` serves one request than the fastest other row of Table III.

    Returns:
        Columns `COLUMNS`; the bounds are those of the row's fastest and slowest request, `n` is how many there were.

    Raises:
        CragruError: If no group has the row beside another.
    """
    is_own = times["method"] == label
    fastest = times[~is_own].groupby(GROUP)[SECONDS].min()
    found = times[is_own].merge(fastest.rename("fastest"), on=GROUP)
    if found.empty:
        raise CragruError("no such row beside another", place="times", got=label, advice=ADD)
    claim = f"Speed-up of {label} over the fastest other, one user"
    found = found.assign(
        claim=claim,
        printed=PRINTED_SPEED,
        value=found["fastest"] / found[SECONDS],
        low=found["fastest"] / found[MOST],
        high=found["fastest"] / found[LEAST],
        unit=REQUESTS,
    )
    return found.rename(columns={"measured": "n"})[COLUMNS]


def mean_claims(table: pd.DataFrame) -> pd.DataFrame:
    """Average each claim over the data sets and backbones that have a value, as the paper does.

    Returns:
        `table`, its printed values moved to new rows of means, which have no bounds; `n` is how many were averaged.
    """
    known = table.dropna(subset="value")
    means = known.groupby("claim", sort=False).agg(
        value=("value", "mean"),
        n=("value", "size"),
        printed=("printed", "first"),
    )
    rows = means.reset_index().assign(dataset=MEAN, backbone=MEAN, unit=AVERAGED)
    own = table.assign(printed=np.nan)
    return pd.concat([own, rows], ignore_index=True)[COLUMNS]


def claims_grid(table: pd.DataFrame) -> HeadedGrid:
    """Return header and texts: what is claimed, what the paper says, what was found, over how many of what."""
    grid = []
    for *names, claim, printed, value, low, high, n, unit in table[COLUMNS].itertuples(index=False):
        found, bounds = filled("{:.3g}", value), ""
        if has_width(low, high):
            bounds = f" ({low:.3g} to {high:.3g})"
        over = f"{n:.0f} {unit if n != 1 else unit.removesuffix('s')}"
        own = [ABOVE, ""] if unit == AVERAGED else names
        texts = (*own, claim, filled("{:g}", printed), found + bounds, over)
        grid.append(list(map(Text, texts)))
    return HEADER, grid


def claims_notes(resampling: Resampling, least_users: int) -> list[str]:
    """Tell what a reader must know to trust the numbers."""
    return [
        f"Over users (the cohort's): NDCG, with {resampling.level:.0%} intervals (bootstrap; blank below {least_users} "
        "users). Mask B hides the forgotten rows from both, as what the original model knows of them is no "
        "merit; mask A lets them compete. The row without the LLM shows how much of what is kept the backbone's order "
        "alone keeps; a ratio without an interval is the same for whichever users. Over requests: seconds, as "
        "Table III counts them (CPU seconds on a CPU), of the fastest other method / CRAGRU's, medians, with CRAGRU's "
        "slowest and fastest request; below 1 another method "
        "is faster, and its scores are ready for all users. Over rows: means of the rows above, beside the paper's "
        "values, which are averages over three data sets and two backbones, of another LLM on other devices."
    ]
