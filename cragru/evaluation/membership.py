"""MIA-AUC from where each row stands, apart from the code that ranks, so that tables need no torch."""

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


def auc(members: np.ndarray, others: np.ndarray) -> float:
    """Return the chance that one of `members` is above one of `others`, ties counted half; NaN if either is empty."""
    if not len(members) or not len(others):
        return float("nan")
    ordered = np.sort(others)
    below = np.searchsorted(ordered, members, side="left")
    up_to = np.searchsorted(ordered, members, side="right")
    return float((below + up_to).mean() / 2 / len(others))
