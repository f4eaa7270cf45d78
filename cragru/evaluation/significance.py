"""Paired tests per user between rows of a table: Wilcoxon (NDCG) or exact McNemar (HR), Holm over the table.

The user is the unit. Every user's results are averaged over the seeds before any test, for a user under three seeds is
not three users. What a small p says is that *these trained models* differ on users like these. Two trainings of one
method differ as well, so the same comparison of Retrain with Retrain stands beside each (`null`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy import stats

from cragru.core.errors import CragruError
from cragru.evaluation.bootstrap import Resampling, column_mean
from cragru.evaluation.metrics import BINARY, GRADED, METRICS, UTILITY, metrics_in

Row = Mapping[int, pd.DataFrame]  # a table's row: per-user results (`PER_USER`) by seed

COHORT = "compare one cohort's results"  # an advice
LEAST_SEEDS = 3
EXACT = 50  # users that differ, up to which the Wilcoxon test counts sign patterns
DIGITS = 12  # of differences: means over seeds in another order differ by 1e-17, which is a tie and no difference


@dataclass(frozen=True)
class PairedTest:
    """What a paired, two-sided test found.

    Attributes:
        statistic: Smaller rank sum (Wilcoxon) or smaller number of discordant users (McNemar).
        p: Two-sided.
        effect: Rank-biserial correlation, -1 to 1 (Wilcoxon), or odds ratio, 0 to infinity (McNemar); missing where
            no user differs.
        better: Users with a positive difference.
        worse: Users with a negative one.
    """

    statistic: float
    p: float
    effect: float
    better: int
    worse: int


def signed_rank(differences: np.ndarray) -> PairedTest:
    """Run Wilcoxon's signed-rank test with Pratt's ranks: zeros are ranked and then left out of the sums.

    Up to `EXACT` users that differ the p is exact given the zeros and ties (all sign patterns, counted by
    convolution): there the normal approximation is too bold, e.g. p = .045 where 4 of 24 users differ, all alike, and
    .125 is right. Above, it is the normal approximation with correction for ties (Cureton, 1967), without continuity
    correction. The effect is the matched-pairs rank-biserial correlation (W⁺ - W⁻) / (W⁺ + W⁻), Kerby (2014).
    """
    differences = _rounded(differences)
    ranks = stats.rankdata(np.abs(differences))
    above, below = ranks[differences > 0], ranks[differences < 0]
    signed = np.concatenate([above, below])
    if not len(signed):
        return PairedTest(0.0, 1.0, np.nan, 0, 0)
    gained, lost = above.sum(), below.sum()
    if len(signed) <= EXACT:
        p = _exact_p(signed, min(gained, lost))
    else:
        options = {"zero_method": "pratt", "correction": False, "method": "asymptotic"}
        p = stats.wilcoxon(differences, **options).pvalue
    effect = (gained - lost) / signed.sum()
    statistic = float(min(gained, lost))
    return PairedTest(statistic, float(p), float(effect), len(above), len(below))


def mcnemar(differences: np.ndarray) -> PairedTest:
    """Run the exact McNemar test: do as many users gain as lose?

    The differences are `[n]`, of the users' shares of seeds with a hit. With one seed this is the textbook's test,
    binomial on the discordant users. With several, a user is discordant where the shares differ, whatever by: exact
    under the null that the two methods could be swapped for each user. Counting seeds as users would multiply the
    evidence, and a majority of seeds would leave ties and lose a user with 1/3 against 0. The price: a small difference
    counts as much as a large one, so p goes with `better` and `worse`, the interval with the mean. The effect is the
    odds ratio better / worse.
    """
    differences = _rounded(differences)
    better = int((differences > 0).sum())
    worse = int((differences < 0).sum())
    if better + worse == 0:
        return PairedTest(0.0, 1.0, np.nan, 0, 0)
    p = stats.binomtest(better, better + worse, 0.5).pvalue
    odds = better / worse if worse else np.inf
    return PairedTest(float(min(better, worse)), float(p), odds, better, worse)


TESTS = {GRADED: signed_rank, BINARY: mcnemar}  # by what a metric's entry calls them


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjust p values for one family of tests (Holm, 1979); returns `[m]` in the given order.

    Args:
        p_values: `[m]`; a missing one (NaN) was not tested, so it is not of the family and stays missing.

    """
    p_values = np.asarray(p_values, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    adjusted = np.full(p_values.shape, np.nan)
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1)
    return adjusted


def compare(
    rows: Mapping[str, Row],
    reference: str,
    mask: str,
    cutoffs: Sequence[int],
    resampling: Resampling,
    null: tuple[Row, Row] | None = None,
    least_seeds: int = LEAST_SEEDS,
) -> pd.DataFrame:
    """Compare each row with the reference, user by user.

    Args:
        rows: By label, the reference and others, all under the same seeds. Under one seed all must be of the same
            users; a user whom one seed evaluates and another does not has the mean of the seeds that do.
        reference: The label that the others are compared with.
        mask: `A` or `B`.
        cutoffs: Values of K.
        resampling: How the intervals are made.
        null: Two trainings of Retrain that differ in nothing but the training seed, each under all seeds.
        least_seeds: Under fewer seeds no p is given: results are averaged over seeds before any test.

    Returns:
        One row per label, metric (of those that stand in tables of utility) and K: `comparison`, `reference`, `metric`,
        `k`, `n` (users), `seeds`, `difference` (mean over users of comparison minus reference) with bounds `low` and
        `high`, `test`, `statistic`, `p`, `effect`, `better`, `worse` (`PairedTest`), `null`, `null_low`, `null_high`,
        `null_p` (the same of the null, which is of no family), `p_holm` over this frame. Where a table has several
        frames see `one_family`.

    Raises:
        CragruError: If rows differ in seeds, users or test rows.
    """
    rivals = [label for label in rows if label != reference]
    found, seeds = [], len(rows[reference])
    for metric in metrics_in(UTILITY):
        for k in cutoffs:
            values = paired_values(rows, metric, mask, k)
            noise = _null_columns(null, metric, mask, k, resampling)
            for label in rivals:
                head = {"comparison": label, "reference": reference, "metric": metric, "k": k}
                differences = values[label] - values[reference]
                own = _compared(differences, metric, k, resampling)
                found.append(head | {"seeds": seeds} | own | noise)
    table = pd.DataFrame(found)
    if seeds < least_seeds:
        table[["p", "null_p"]] = np.nan
    return one_family([table])


def one_family(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put comparisons (`compare`) of one table together, with `p_holm` made anew over all of them.

    The frames have further columns that tell them apart: data set, backbone, panel.
    """
    table = pd.concat(frames, ignore_index=True)
    rest = table.drop(columns="p_holm", errors="ignore")
    return rest.assign(p_holm=holm(table["p"]))


def paired_values(rows: Mapping[str, Row], metric: str, mask: str, k: int) -> pd.DataFrame:
    """Return every user's mean over the seeds, of each row; user in the index (ascending), a column for each label.

    Raises:
        CragruError: If rows differ in seeds, or under a seed in users or test rows, or a frame is not as it should be.
    """
    first, of_first = next(iter(rows.items()))
    for label, row in rows.items():
        if row.keys() != of_first.keys():
            raise CragruError(f"not the seeds of {first}", place=label, got=sorted(row))
    per_seed = []
    for seed in sorted(of_first):
        frames = {label: row[seed] for label, row in rows.items()}
        per_seed.append(_one_seed(frames, metric, mask, k))
    return pd.concat(per_seed).groupby(level="user").mean()


def _one_seed(frames: Mapping[str, pd.DataFrame], metric: str, mask: str, k: int) -> pd.DataFrame:
    chosen = {label: _user_rows(frame, metric, mask, k, label) for label, frame in frames.items()}
    first, of_first = next(iter(chosen.items()))
    for label, own in chosen.items():
        lone = own.index.symmetric_difference(of_first.index)
        if len(lone):
            got = lone.tolist()
            raise CragruError(f"not the users of {first}", place=label, got=got, advice=COHORT)
        if not own["relevant"].equals(of_first["relevant"]):
            raise CragruError(f"not the test rows of {first}", place=label)
    return pd.DataFrame({label: own[metric] for label, own in chosen.items()})


def _user_rows(frame: pd.DataFrame, metric: str, mask: str, k: int, label: str) -> pd.DataFrame:
    """Return a row's results under one seed, mask and cut-off, by user."""
    where = f"{label}: mask {mask}, k {k}"
    is_asked_for = (frame["mask"] == mask) & (frame["k"] == k)
    own = frame[is_asked_for].set_index("user").sort_index()
    if own.empty:
        raise CragruError("no results", place=where, advice="evaluate them")
    values = own[metric]
    allowed = values.between(0, 1 + 10.0**-DIGITS)
    if METRICS[metric].test == BINARY:
        allowed = values.isin([0, 1])
    for user, got in values[~allowed].items():
        raise CragruError(f"no value of {metric}", place=f"{where}: user {user}", got=got)
    return own


def _compared(
    differences: pd.Series, metric: str, k: int, resampling: Resampling
) -> dict[str, object]:
    values = _rounded(differences.to_numpy())
    mean = resampling.interval(column_mean, [values], "significance", metric, k)
    test = METRICS[metric].test
    head = {
        "n": len(values),
        "difference": mean.value,
        "low": mean.low,
        "high": mean.high,
        "test": test,
    }
    return head | asdict(TESTS[test](values))


def _null_columns(
    null: tuple[Row, Row] | None, metric: str, mask: str, k: int, resampling: Resampling
) -> dict[str, float]:
    if null is None:
        return dict.fromkeys(["null", "null_low", "null_high", "null_p"], np.nan)
    pair = {"Retrain": null[0], "Retrain, replicate": null[1]}
    values = paired_values(pair, metric, mask, k)
    found = _compared(values["Retrain, replicate"] - values["Retrain"], metric, k, resampling)
    return {
        "null": found["difference"],
        "null_low": found["low"],
        "null_high": found["high"],
        "null_p": found["p"],
    }


def _exact_p(ranks: np.ndarray, smaller: float) -> float:
    """Return the two-sided p of the smaller rank sum, every sign of every rank being equally likely.

    The ranks are `[m]` of the users that differ; ties have halves, so that twice a rank is a whole number.
    """
    doubled = np.rint(2 * ranks).astype(np.int64)
    chance = np.zeros(doubled.sum() + 1)  # of each doubled sum
    chance[0] = 1
    for rank in doubled:
        added = chance[rank:] + chance[:-rank]  # a copy, made before its place is written to
        chance[rank:] = added / 2
        chance[:rank] /= 2
    largest = int(np.rint(2 * smaller))
    return min(1.0, 2 * chance[: largest + 1].sum())


def _rounded(differences: np.ndarray) -> np.ndarray:
    return np.round(np.asarray(differences, dtype=np.float64), DIGITS)
