"""Sets of pairs that a test writes as a matrix."""

from cragru.ranking.full import PairSet


def set_of(mask):
    """The pairs that are marked in `[users, items]` bool."""
    return PairSet(mask.nonzero().T, *mask.shape)
