"""What separates forgotten rows from held-out ones of the same users, apart from the code that ranks: no torch.

Two readings of the rows of `cragru.evaluation.completeness.membership_rows`. The raw one takes where a row stands in
its user's ranking (`membership_aucs`). But how high a row stands is mostly a matter of the row: what chance is left
to a model that never saw it is in its score, too. The calibrated one takes that out: a row's score, in standard
deviations of its user's scores, less the mean of the same of Retrains that have nothing to do with the model
(`Calibrated`; offline attacks with shadow models: Carlini et al. 2022, Watson et al. 2022).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def membership_aucs(rows: pd.DataFrame) -> pd.Series:
    """Return MIA-AUC of each user: the chance that a forgotten row of theirs stands above a held-out one of theirs.

    The rows are of `cragru.evaluation.completeness.membership_rows`, so each user has both kinds. Ties count half: the
    chance is 0.5 where the two cannot be told apart. Rows of two users are never compared: whose rows stand high is a
    matter of how active users are, and would be taken for membership where such users have a larger share of members.

    Returns:
        By user, ascending.
    """
    ranks = rows.groupby("user")[
        "percentile"
    ].rank()  # ties share the middle, so it is the Mann-Whitney statistic
    of_members = ranks.where(rows["member"])
    sums = pd.DataFrame({"ranks": of_members, "member": rows["member"]}).groupby(rows["user"])
    total = sums.size()
    members = sums["member"].sum()
    above = sums["ranks"].sum() - members * (members + 1) / 2
    return above / (members * (total - members))


class Calibrated:
    """Calibrated scores of rows, and what they give away, for any weights of users: a bootstrap draws users.

    Rows of two users are compared here, for what is a user's own has been taken out of a score. Where the weights leave
    no row of one kind, the value is missing.
    """

    def __init__(self, rows: pd.DataFrame, users: Sequence[int]) -> None:
        """Sort the rows.

        Args:
            rows: Columns user, member and calibrated.
            users: Of whom weights are given, in their order; each row's user is one of them.
        """
        place = pd.Series(np.arange(len(users)), index=users)
        self._owners = place[rows["user"]].to_numpy()
        self._members = rows["member"].to_numpy()
        self._scores = rows["calibrated"].to_numpy()

    def auc(self, weights: np.ndarray) -> np.ndarray:
        """Return the chance that a forgotten row's score is above a held-out row's, ties counted half.

        Weights are `[b, users]`; returns `[b]`.
        """
        return self._auc(self._scores, weights)

    def two_sided_auc(self, weights: np.ndarray) -> np.ndarray:
        """Return the same of absolute scores: rows that were pushed too far give themselves away as well."""
        return self._auc(np.abs(self._scores), weights)

    def found_at(self, share: float, weights: np.ndarray) -> np.ndarray:
        """Return the share of forgotten rows above a threshold that at most `share` of the held-out rows exceed."""
        members, of_members = self._falling(self._members)
        others, of_others = self._falling(~self._members)
        above = np.searchsorted(-members, -others, side="left")  # members above each of the others
        found, whole = np.empty((2, len(weights)))
        for draw, own in enumerate(weights):
            exceeding = own[of_others].cumsum()
            allowed = np.searchsorted(exceeding, share * exceeding[-1] * (1 + 1e-12), side="right")
            place = above[allowed] if allowed < len(above) else len(members)
            of_each = own[of_members]
            found[draw], whole[draw] = of_each[:place].sum(), of_each.sum()
        return _ratio(found, whole)

    def shift(self, weights: np.ndarray) -> np.ndarray:
        """Return by how much larger the mean absolute score of forgotten rows is than of held-out rows.

        It is in standard deviations of a user's scores. Weights are `[b, users]`; returns `[b]`.
        """
        sizes = np.abs(self._scores)
        means = []
        for chosen in (self._members, ~self._members):
            owners, users = self._owners[chosen], weights.shape[1]
            sums = np.bincount(owners, sizes[chosen], users)
            counts = np.bincount(owners, minlength=users)
            means.append(_ratio(weights @ sums, weights @ counts))
        return means[0] - means[1]

    def _falling(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return scores of the rows that are chosen, the largest first, and whose rows they are."""
        scores, owners = self._scores[chosen], self._owners[chosen]
        order = np.argsort(-scores)
        return scores[order], owners[order]

    def _auc(self, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
        others, members = scores[~self._members], scores[self._members]
        order = np.argsort(others)
        ascending = others[order]
        of_others, of_members = self._owners[~self._members][order], self._owners[self._members]
        below = np.searchsorted(ascending, members, side="left")
        up_to = np.searchsorted(ascending, members, side="right")
        has_ties = not np.array_equal(below, up_to)
        total = np.zeros(1 + len(others), dtype=weights.dtype)
        beaten, pairs = np.empty((2, len(weights)))
        for draw, own in enumerate(weights):
            np.cumsum(own[of_others], out=total[1:])
            weight = own[of_members]
            twice = total[below] + total[up_to] if has_ties else 2 * total[below]
            beaten[draw] = weight @ twice / 2
            pairs[draw] = weight.sum() * total[-1]
        return _ratio(beaten, pairs)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return the ratio of weights of rows; missing where there are none."""
    with np.errstate(invalid="ignore"):
        return np.divide(part, whole)
