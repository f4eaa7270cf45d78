"""Mean cosines to a history: by hand."""

import numpy as np
import pandas as pd

from cragru.ranking.cosines import mean_cosines

VECTORS = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])


def pairs(*rows):
    return pd.DataFrame(rows, columns=["user", "item"])


def test_mean_cosines_by_hand():
    candidates = pairs((5, 2), (6, 1), (5, 0), (7, 0))
    histories = pairs((5, 0), (5, 1), (6, 2))
    scores = mean_cosines(VECTORS, candidates, histories)
    np.testing.assert_allclose(scores, [(0.6 + 0.8) / 2, 0.8, 0.5, 0])


def test_what_is_unknown_is_like_nothing():
    vectors = np.vstack([VECTORS, [0, 0]])
    scores = mean_cosines(vectors, pairs((5, 3), (5, 0)), pairs((5, 0), (5, 3)))
    np.testing.assert_allclose(scores, [0, 0.5])
