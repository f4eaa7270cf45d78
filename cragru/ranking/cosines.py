"""How alike candidates and a history are, by vectors of the items."""

import numpy as np
import pandas as pd


def mean_cosines(
    vectors: np.ndarray, candidates: pd.DataFrame, histories: pd.DataFrame
) -> np.ndarray:
    """Return the mean cosine of each candidate to the items of its user's history, `[n]`; 0 without a history.

    Args:
        vectors: `[items, d]`, of length 1; of length 0 where nothing is known of an item.
        candidates: `n` rows with the columns user and item.
        histories: Rows with the columns user and item.
    """
    users, row = np.unique(candidates["user"], return_inverse=True)
    known = histories.groupby("user")["item"]
    # the product with a vector's mean over a history is the mean cosine to that history
    means = np.zeros((len(users), vectors.shape[1]))
    for number, user in enumerate(users):
        if user in known.groups:
            means[number] = vectors[known.get_group(user)].mean(axis=0)
    return np.einsum("nd,nd->n", vectors[candidates["item"]], means[row])
