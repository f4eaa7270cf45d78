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

from cragru.core.errors import CragruError, nearest
from cragru.evaluation.bootstrap import Resampling, column_mean
from cragru.evaluation.columns import PER_USER
from cragru.evaluation.metrics import BINARY, GRADED, METRICS, UTILITY, metrics_in

Row = Mapping[int, pd.DataFrame]  # a table's row: per-user results (`PER_USER`) by seed

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
    """Wilcoxon's signed-rank test with Pratt's ranks: zeros are ranked and then left out of the sums.

    Up to `EXACT` users that differ the p is exact given the zeros and ties (all sign patterns, counted by
    convolution): there the normal approximation is too bold, e.g. p = .045 where 4 of 24 users differ, all alike, and
    .125 is right. Above, it is the normal approximation with correction for ties (Cureton, 1967), without continuity
    correction. The effect is the matched-pairs rank-biserial correlation (W⁺ - W⁻) / (W⁺ + W⁻), Kerby (2014).

    Args:
        differences: `[n]`.
    """
    differences = _rounded(differences)
    ranks = stats.rankdata(np.abs(differences))
    above, below = ranks[differences > 0], ranks[differences < 0]
    signed = np.concatenate([above, below])
    if not len(signed):
        return PairedTest(0.0, 1.0, np.nan, 0, 0)
    if len(signed) <= EXACT:
        p = _exact_p(signed, min(above.sum(), below.sum()))
    else:
        p = stats.wilcoxon(
            differences, zero_method="pratt", correction=False, method="asymptotic"
        ).pvalue
    effect = (above.sum() - below.sum()) / signed.sum()
    return PairedTest(
        float(min(above.sum(), below.sum())), float(p), float(effect), len(above), len(below)
    )


def mcnemar(differences: np.ndarray) -> PairedTest:
    """Exact McNemar test: do as many users gain as lose?

    With one seed a difference is -1, 0 or 1 and this is the textbook's test, binomial on the discordant users. With
    several, a user is discordant where the shares of seeds with a hit differ, whatever by. This is exact for any number
    of seeds under the null that the two methods could be swapped for each user. Counting seeds as users would
    multiply the evidence; a majority of seeds would leave ties under an even number and lose a user with 1/3 against
    0. A test for each seed would need a combination of p values that depend on each other. The price is that a small
    difference counts as much as a large one, so p goes with `better` and `worse`, the interval with the mean.
    The effect is the odds ratio better / worse; the risk difference is the mean difference.

    Args:
        differences: `[n]` of the users' shares of seeds with a hit.
    """
    differences = _rounded(differences)
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    if better + worse == 0:
        return PairedTest(0.0, 1.0, np.nan, 0, 0)
    p = stats.binomtest(better, better + worse, 0.5).pvalue
    return PairedTest(
        float(min(better, worse)), float(p), better / worse if worse else np.inf, better, worse
    )


TESTS = {GRADED: signed_rank, BINARY: mcnemar}  # by what a metric's entry calls them


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjust p values for one family of tests (Holm, 1979); returns `[m]` in the given order.

    Args:
        p_values: `[m]`; a missing one (NaN) was not tested, so it is not of the family and stays missing.

    Raises:
        CragruError: If one is not between 0 and 1.
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(p_values))
    wrong = [float(p) for p in p_values[tested] if not 0 <= p <= 1]
    if wrong:
        raise CragruError(f"holm: p value {wrong[0]}, expected 0 to 1")
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
        rows: By label, the reference among them, all under the same seeds. Under one seed all must be of the same
            users; a user whom one seed evaluates and another does not has the mean of the seeds that do.
        reference: The label that the others are compared with.
        mask: Which mask's results, `A` or `B`.
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
        CragruError: If the reference or its rivals are missing, or rows differ in seeds, users or test rows.
    """
    if reference not in rows:
        raise CragruError(f"comparison with {reference!r}: no such row; {nearest(reference, rows)}")
    if len(rows) == 1:
        raise CragruError(f"comparison with {reference!r}: no other row; give two or more")
    found, seeds = [], len(rows[reference])
    for metric in metrics_in(UTILITY):
        for k in cutoffs:
            values = paired_values(rows, metric, mask, k)
            noise = _null_columns(null, metric, mask, k, resampling)
            for label in rows:
                if label != reference:
                    head = {
                        "comparison": label,
                        "reference": reference,
                        "metric": metric,
                        "k": k,
                        "seeds": seeds,
                    }
                    found.append(
                        head
                        | _compared(values[label] - values[reference], metric, k, resampling)
                        | noise
                    )
    table = pd.DataFrame(found)
    if seeds < least_seeds:
        table[["p", "null_p"]] = np.nan
    return one_family([table])


def one_family(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put comparisons of one table together and correct them as one family.

    Args:
        frames: From `compare`, with the columns that tell them apart (data set, backbone, panel) added.

    Returns:
        All rows, `p_holm` made anew over all of them.
    """
    table = pd.concat(frames, ignore_index=True)
    return table.drop(columns="p_holm", errors="ignore").assign(p_holm=holm(table["p"]))


def paired_values(rows: Mapping[str, Row], metric: str, mask: str, k: int) -> pd.DataFrame:
    """Every user's mean over the seeds, of each row; user in the index (ascending), a column for each label.

    Raises:
        CragruError: If rows differ in seeds, or under a seed in users or test rows, or a frame is not as it should be.
    """
    seeds = {label: sorted(row) for label, row in rows.items()}
    first = next(iter(rows))
    for label, own in seeds.items():
        if not own:
            raise CragruError(f"{label}: no results under any seed; give one or more")
        if own != seeds[first]:
            raise CragruError(
                f"{label} has seeds {own}, {first} has {seeds[first]}; compare them under the same"
            )
    per_seed = [
        _one_seed({label: row[seed] for label, row in rows.items()}, metric, mask, k)
        for seed in seeds[first]
    ]
    return pd.concat(per_seed).groupby(level="user").mean()


def _one_seed(frames: Mapping[str, pd.DataFrame], metric: str, mask: str, k: int) -> pd.DataFrame:
    chosen = {label: _user_rows(frame, metric, mask, k, label) for label, frame in frames.items()}
    first, of_first = next(iter(chosen.items()))
    for label, own in chosen.items():
        if not own.index.equals(of_first.index):
            lone = len(own.index.symmetric_difference(of_first.index))
            raise CragruError(
                f"{label} and {first}: {lone} users are of one alone (mask {mask}, k {k}); compare one cohort's results"
            )
        if not own["relevant"].equals(of_first["relevant"]):
            raise CragruError(
                f"{label} and {first}: numbers of test rows differ; compare results of one split"
            )
    return pd.DataFrame({label: own[metric] for label, own in chosen.items()})


def _user_rows(frame: pd.DataFrame, metric: str, mask: str, k: int, label: str) -> pd.DataFrame:
    """A row's results under one seed, mask and cut-off, by user."""
    missing = [name for name in PER_USER if name not in frame]
    if missing:
        raise CragruError(f"{label}: columns {missing} are missing; expected {list(PER_USER)}")
    if metric not in METRICS:
        raise CragruError(f"metric {metric!r}: not known; {nearest(metric, METRICS)}")
    own = frame[(frame["mask"] == mask) & (frame["k"] == k)].set_index("user").sort_index()
    if own.empty:
        raise CragruError(
            f"{label}: no results for mask {mask} and k {k}; evaluate them or ask for others"
        )
    if not own.index.is_unique:
        user = own.index[own.index.duplicated()][0]
        raise CragruError(
            f"{label}: user {user} is there twice for mask {mask} and k {k}; keep one"
        )
    binary = METRICS[metric].test == BINARY
    allowed = own[metric].isin([0, 1]) if binary else own[metric].between(0, 1 + 10.0**-DIGITS)
    if not allowed.all():
        user = own.index[~allowed][0]
        expected = "0 or 1" if binary else "0 to 1"
        raise CragruError(
            f"{label}: {metric} of user {user} is {own.loc[user, metric]}, expected {expected}"
        )
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
    values = paired_values({"Retrain": null[0], "Retrain, replicate": null[1]}, metric, mask, k)
    found = _compared(values["Retrain, replicate"] - values["Retrain"], metric, k, resampling)
    return {
        "null": found["difference"],
        "null_low": found["low"],
        "null_high": found["high"],
        "null_p": found["p"],
    }


def _exact_p(ranks: np.ndarray, smaller: float) -> float:
    """Two-sided p of a rank sum, every sign of every rank being equally likely.

    Args:
        ranks: `[m]` of the users that differ; ties have halves, so that twice a rank is a whole number.
        smaller: The smaller of the two sums.
    """
    doubled = np.rint(2 * ranks).astype(np.int64)
    chance = np.zeros(doubled.sum() + 1)  # of each doubled sum
    chance[0] = 1
    for rank in doubled:
        chance[rank:] = (
            chance[rank:] + chance[:-rank]
        ) / 2  # the right-hand side is a copy, made first
        chance[:rank] /= 2
    return min(1.0, 2 * chance[: int(np.rint(2 * smaller)) + 1].sum())


def _rounded(differences: np.ndarray) -> np.ndarray:
    return np.round(np.asarray(differences, dtype=np.float64), DIGITS)
