"""Bootstrap over users (percentiles: Efron and Tibshirani, 1993, chapter 13) for any statistic of per-user arrays.

An interval says how far a number would move with other users of the same kind. It does not say how far it would move
with another training: that is what the range of several Retrains beside it is for.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Literal

import numpy as np

from cragru.core.seeds import numpy_stream

Statistic = Callable[..., np.ndarray]
Bounds = Literal["percentile", "reflected", "size"]
ELEMENTS = 2**22  # most numbers that are gathered at a time from one array: 32 MiB of float64


@dataclass(frozen=True)
class Interval:
    """The statistic of the users as they are, with its lower and upper bound, in its unit."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Resampling:
    """How a table's intervals are made: the seed, how many times the users are drawn anew, the coverage (0 to 1)."""

    seed: int
    resamples: int = 2000
    level: float = 0.95

    def interval(
        self,
        statistic: Statistic,
        arrays: Sequence[np.ndarray],
        *names: str | int,
        bounds: Bounds = "percentile",
    ) -> Interval:
        """Run `bootstrap` on a stream of its own, named for what the interval is of."""
        rng = numpy_stream(self.seed, "bootstrap", *names)
        return bootstrap(statistic, arrays, rng, self.resamples, self.level, bounds)

    def beside_nulls(
        self,
        statistic: Statistic,
        arrays: Sequence[np.ndarray],
        nulls: Sequence[Sequence[np.ndarray]],
        *names: str | int,
        bounds: Bounds = "percentile",
    ) -> dict[str, float]:
        """Return a statistic of a method, and the mean and range of the same of Retrains: columns by name."""
        own = self.interval(statistic, arrays, *names, bounds=bounds)
        values = [float(statistic(*[array[None] for array in null])[0]) for null in nulls]
        if bounds == "size":
            values = list(map(abs, values))
        return asdict(own) | {
            "null": fmean(values),
            "null_low": min(values),
            "null_high": max(values),
            "nulls": len(values),
        }


def bootstrap(
    statistic: Statistic,
    arrays: Sequence[np.ndarray],
    rng: np.random.Generator,
    resamples: int = 2000,
    level: float = 0.95,
    bounds: Bounds = "percentile",
) -> Interval:
    """Find the bounds of a statistic, from users drawn with replacement.

    The same users are drawn in all arrays, so that what is paired stays paired.

    Args:
        statistic: Takes the arrays with an axis of resamples put in front, each `[b, n, ...]`; returns `[b]`.
        arrays: What is known of each user, each `[n, ...]` in one order of users.
        rng: What draws.
        resamples: How many times `n` users are drawn.
        level: Coverage; the bounds are the quantiles at (1 ± level) / 2. They are missing where the statistic was
            missing in any resample.
        bounds: `reflected` turns the quantiles over at the value ("basic" bootstrap, Davison and Hinkley, 1997, section
            5.2), for a statistic that sampling noise pushes up, such as a divergence. `size` gives value and bounds of
            the statistic's absolute value, from 0 where its sign is open: percentiles of sizes would never reach 0.

    """
    arrays = list(map(np.asarray, arrays))
    n = len(arrays[0])
    largest = max(array.size for array in arrays)
    size = max(1, ELEMENTS // largest)
    drawn = []
    for start in range(0, resamples, size):
        draws = min(size, resamples - start)
        users = rng.integers(n, size=(draws, n))
        drawn.append(statistic(*[array[users] for array in arrays]))
    low, high = quantiles(np.concatenate(drawn), level)
    (value,) = statistic(*[array[None] for array in arrays])
    if bounds == "reflected":
        low, high = 2 * value - high, 2 * value - low
    elif bounds == "size":
        value = abs(value)
        low, high = size_bounds(low, high)
    return Interval(float(value), float(low), float(high))


def counts_of(drawn: np.ndarray) -> np.ndarray:
    """Return how often each user was drawn, `[b, n]` int64, from users drawn by their numbers, `[b, n]`."""
    draws, users = drawn.shape
    numbered = drawn + users * np.arange(draws)[:, None]
    return np.bincount(numbered.ravel(), minlength=draws * users).reshape(draws, users)


def quantiles(draws: np.ndarray, level: float) -> tuple[float, float]:
    """Return the bounds between which resamples lie, but for equal shares on both sides, `1 - level` together."""
    beyond = (1 - level) / 2
    low, high = np.quantile(draws, [beyond, (1 + level) / 2])
    return float(low), float(high)


def size_bounds(low: float, high: float) -> tuple[float, float]:
    """Return the bounds of a number's absolute value from its own: from 0 where its sign is open."""
    return max(0.0, low, -high), max(-low, high)


def column_mean(values: np.ndarray) -> np.ndarray:
    """Take the mean over users, as a statistic: `[b, n]` to `[b]`.

    NaN marks a user who is not of the group; a resample without any user of the group has no mean, so NaN.
    """
    present = ~np.isnan(values)
    with np.errstate(invalid="ignore"):  # 0 / 0
        return np.where(present, values, 0).sum(axis=1) / present.sum(axis=1)


def ratio_of_means(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Divide the mean over users by that of another number, as a statistic: twice `[b, n]` to `[b]`."""
    return own.mean(axis=1) / other.mean(axis=1)
