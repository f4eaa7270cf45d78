"""Paired tests between rows of a table over users and trainings, Holm over the table.

Two rows differ by chance for two reasons: other users would be better or worse off, and another training of the same
method gives another model. A test that knows users alone takes the second for an effect: of ten Retrains of one split
(BPR, ML-100K) it calls every third pair different. So a difference of means has two variances here, and its interval
and p come from both (`compare`). Every user's results are averaged over trainings and seeds first: a user under three
seeds is not three users.

Beside them stand tests of users alone, Wilcoxon's (NDCG) or the exact McNemar (HR): what their p says is that *these
trained models* differ on users like these.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy import stats

from cragru.core.errors import CragruError
from cragru.evaluation.metrics import BINARY, GRADED, METRICS, UTILITY, metrics_in

Row = Mapping[tuple[int, int], pd.DataFrame]
"""A table's row: per-user results (`PER_USER`) by seed and training."""

COHORT = "compare one cohort's results"  # an advice
LEAST_SEEDS = 3
LEVEL = 0.95  # of intervals
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
    retrain: Row,
    of_one_training: Collection[str] = (),
    least_seeds: int = LEAST_SEEDS,
) -> pd.DataFrame:
    """Compare each row with the reference, user by user and training by training.

    The variance of a difference of means is that over users (of their mean differences, divided by their number), plus
    that over trainings of either row: within a seed, of means over users, divided by the number of trainings. A row
    with one training under each seed has Retrain's, for one training cannot show it. The interval and the p are
    Student's, with the degrees of freedom of Welch and Satterthwaite (1946).

    Args:
        rows: By label, the reference and others, all under the same seeds. Under one seed all must be of the same
            users; a user whom one seed evaluates and another does not has the mean of the seeds that do.
        reference: The label that the others are compared with.
        mask: `A` or `B`.
        cutoffs: Values of K.
        retrain: Retrain's row of these users, with two trainings or more: how far apart trainings are.
        of_one_training: Labels of rows that have the reference's training, such as other orders of its lists. To them
            it is distant by users alone.
        least_seeds: Under fewer seeds no p is given: one split would pass for all.

    Returns:
        One row per label, metric (of those that stand in tables of utility) and K: `comparison`, `reference`, `metric`,
        `k`, `n` (users), `seeds`, `trainings` (of the comparison, under a seed), `difference` (mean over users of
        comparison minus reference) with bounds `low` and `high`, its standard errors `se_users` and `se_trainings`,
        `df`, `p`, `test`, `statistic`, `p_users`, `effect`, `better`, `worse` (`PairedTest`), `null_low` and
        `null_high` (the range of the differences of two of Retrain's trainings, each a mean over the seeds), `p_holm`
        over this frame. Where a table has several frames see `one_family`.

    Raises:
        CragruError: If rows differ in seeds, users or test rows.
    """
    rivals = [label for label in rows if label != reference]
    found, seeds = [], len(seeds_of(rows[reference]))
    for metric in metrics_in(UTILITY):
        for k in cutoffs:
            values = paired_values(rows, metric, mask, k)
            noise = {
                label: trainings_of(row, metric, mask, k, label) for label, row in rows.items()
            }
            of_retrain = trainings_of(retrain, metric, mask, k, "Retrain")
            reach = of_retrain.reach
            for label in rivals:
                head = {"comparison": label, "reference": reference, "metric": metric, "k": k}
                head |= {"seeds": seeds, "trainings": noise[label].least}
                pair = [] if label in of_one_training else [noise[label], noise[reference]]
                differences = (values[label] - values[reference]).round(DIGITS)
                own = _compared(differences, pair, of_retrain)
                tested = _of_users(differences, metric)
                found.append(head | own | tested | {"null_low": -reach, "null_high": reach})
    table = pd.DataFrame(found)
    if seeds < least_seeds:
        table[["p", "p_users"]] = np.nan
    return one_family([table])


@dataclass(frozen=True)
class Trainings:
    """Means over users of a row's trainings.

    Attributes:
        means: Of each training, by seed.
    """

    means: Mapping[int, Sequence[float]]

    @property
    def least(self) -> int:
        """The least number of trainings under a seed."""
        return min(map(len, self.means.values()))

    @property
    def df(self) -> int:
        """Degrees of freedom of the variance: trainings beyond the first of each seed."""
        return sum(len(own) - 1 for own in self.means.values())

    @property
    def variance(self) -> float:
        """The variance between trainings on one split, pooled over the seeds; missing where each has one."""
        squares = sum(len(own) * np.var(own) for own in self.means.values())
        return squares / self.df if self.df else np.nan

    @property
    def factor(self) -> float:
        """What the variance is multiplied by to be that of the row's mean over trainings and seeds."""
        shares = [1 / len(own) for own in self.means.values()]
        return sum(shares) / len(shares) ** 2

    @property
    def reach(self) -> float:
        """The largest difference of two trainings, each a mean over the seeds."""
        by_number = [np.mean(own) for own in zip(*self.means.values(), strict=False)]
        return float(np.ptp(by_number))


def trainings_of(row: Row, metric: str, mask: str, k: int, label: str) -> Trainings:
    """Return the means of a row's trainings."""
    means: dict[int, list[float]] = {}
    for (seed, _), frame in sorted(row.items()):
        own = _user_rows(frame, metric, mask, k, label)[metric]
        means.setdefault(seed, []).append(float(own.mean()))
    return Trainings(means)


def one_family(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put comparisons (`compare`) of one table together, with `p_holm` made anew over all of them.

    The frames have further columns that tell them apart: data set, backbone, panel.
    """
    table = pd.concat(frames, ignore_index=True)
    rest = table.drop(columns="p_holm", errors="ignore")
    return rest.assign(p_holm=holm(table["p"]))


def over_users_and_seeds(values: Sequence[pd.Series]) -> dict[str, float]:
    """Return a mean over users, with Student's interval over users and, where there are several, over seeds.

    The variance is that over users (of their means over seeds, divided by their number), plus that of the seeds' means
    over users, divided by the number of seeds; degrees of freedom as in `compare`.

    Args:
        values: Of each seed: by user, values or differences of rows that have one training.

    Returns:
        `value`, its bounds `low` and `high`, its standard error `se`, and `p` of a mean of 0, missing under fewer than
        `LEAST_SEEDS` seeds.
    """
    users = pd.concat(values).groupby(level="user").mean().round(DIGITS)
    means = [float(own.mean()) for own in values]
    found = _compared(users, [Trainings({0: means})] if len(means) > 1 else [])
    return {
        "value": found["difference"],
        "low": found["low"],
        "high": found["high"],
        "se": float(np.hypot(found["se_users"], found["se_trainings"])),
        "p": found["p"] if len(means) >= LEAST_SEEDS else np.nan,
    }


def seeds_of(row: Row) -> set[int]:
    """Return the seeds of a row."""
    return {seed for seed, _ in row}


def paired_values(rows: Mapping[str, Row], metric: str, mask: str, k: int) -> pd.DataFrame:
    """Return every user's mean over trainings and then seeds, of each row.

    Returns:
        User in the index (ascending), a column for each label.

    Raises:
        CragruError: If rows differ in seeds, or under a seed in users or test rows, or a frame is not as it should be.
    """
    first, of_first = next(iter(rows.items()))
    for label, row in rows.items():
        if seeds_of(row) != seeds_of(of_first):
            got = sorted(seeds_of(row))
            raise CragruError(f"not the seeds of {first}", place=label, got=got)
    per_seed = []
    for seed in sorted(seeds_of(of_first)):
        frames = []
        for label, row in rows.items():
            frames += [(label, frame) for (own, _), frame in sorted(row.items()) if own == seed]
        per_seed.append(_one_seed(frames, metric, mask, k))
    return pd.concat(per_seed).groupby(level="user").mean()


def _one_seed(
    frames: Sequence[tuple[str, pd.DataFrame]], metric: str, mask: str, k: int
) -> pd.DataFrame:
    """Return each user's mean over the trainings of a label, a column for each label."""
    chosen = [(label, _user_rows(frame, metric, mask, k, label)) for label, frame in frames]
    first, of_first = chosen[0]
    values: dict[str, list[pd.Series]] = {}
    for label, own in chosen:
        lone = own.index.symmetric_difference(of_first.index)
        if len(lone):
            got = lone.tolist()
            raise CragruError(f"not the users of {first}", place=label, got=got, advice=COHORT)
        if not own["relevant"].equals(of_first["relevant"]):
            raise CragruError(f"not the test rows of {first}", place=label)
        values.setdefault(label, []).append(own[metric])
    return pd.DataFrame({label: sum(own) / len(own) for label, own in values.items()})


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
    differences: pd.Series, pair: Sequence[Trainings], retrain: Trainings | None = None
) -> dict[str, float]:
    """Return a mean difference with its interval and p, over users and the trainings of a pair of rows, if any.

    Retrain is needed for a row of one training.
    """
    n, mean = len(differences), float(differences.mean())
    # Of each variance: it, and its degrees of freedom. One user has none.
    parts = [(float(differences.var(ddof=1)) / n, n - 1 or np.nan)]
    borrowed = 0.0
    for row in pair:
        if row.df:
            parts.append((row.variance * row.factor, row.df))
        else:
            borrowed += row.factor
    if borrowed:
        parts.append((retrain.variance * borrowed, retrain.df))
    of_users, *of_trainings = [variance for variance, _ in parts]
    total = of_users + sum(of_trainings)
    weights = sum(variance**2 / df for variance, df in parts)
    df = np.inf if weights == 0 else total**2 / weights
    error = np.sqrt(total)
    reach = stats.t.ppf((1 + LEVEL) / 2, df) * error
    p = float(mean == 0) if error == 0 else 2 * stats.t.sf(abs(mean) / error, df)
    return {
        "n": n,
        "difference": mean,
        "low": mean - reach,
        "high": mean + reach,
        "se_users": np.sqrt(of_users),
        "se_trainings": np.sqrt(sum(of_trainings)),
        "df": df,
        "p": float(p),
    }


def _of_users(differences: pd.Series, metric: str) -> dict[str, object]:
    """Return the test of users alone."""
    test = METRICS[metric].test
    found = asdict(TESTS[test](differences.to_numpy()))
    return {"test": test, "p_users": found.pop("p"), **found}


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
