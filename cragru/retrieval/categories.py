"""Item categories: k-means on genre vectors, or on the backbone's item factors where a data set has no genres."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy import ndarray
from sklearn.cluster import KMeans

from cragru.core.seeds import stream_key
from cragru.kept.csv_files import read_csv, write_csv
from cragru.retrieval.base import FitContext

FILE = "categories.csv"


def genre_vectors(genres: list[str]) -> ndarray:
    """One row an item, one column a genre, rows of length 1 (so that many genres do not mean far away).

    Args:
        genres: Each item's genres joined by ``|``; empty where there are none.

    Returns:
        `[items, genres]` float64; a zero row where an item has no genre.
    """
    named = [set(own.split("|")) - {""} for own in genres]
    names = sorted(set().union(*named))
    vectors = np.zeros((len(named), len(names)))
    for item, own in enumerate(named):
        vectors[item] = [name in own for name in names]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths.clip(min=1e-12)


def item_categories(vectors: ndarray, count: int, seed: int) -> ndarray:
    """Cluster items (the paper's map f_c from items to categories, eq. 2).

    Args:
        vectors: `[items, features]`.
        count: Number of categories; cut to the number of distinct vectors.
        seed: Seed of k-means++.

    Returns:
        `[items]` int64 category of each item.
    """
    distinct = len(np.unique(vectors, axis=0))
    clustering = KMeans(min(count, distinct), n_init=10, random_state=seed)
    return clustering.fit_predict(vectors).astype(np.int64)


def fit_categories(context: FitContext, count: int, folder: Path) -> ndarray:
    """Cluster the items of a data set into `count` categories and write each one's; returns `[items]`."""
    has_genres = any(context.genres)
    vectors = genre_vectors(context.genres) if has_genres else context.item_factors.double().numpy()
    seed = stream_key(context.seed, "categories")[0]
    categories = item_categories(vectors, count, seed)
    frame = pd.DataFrame(
        {"item": np.arange(len(categories)), "category": categories, "genres": context.genres}
    )
    write_csv(folder / FILE, frame)
    return categories


def load_categories(folder: Path) -> ndarray:
    """Read the category of each item, `[items]` int64."""
    return read_csv(folder / FILE, {"category": "int64"})["category"].to_numpy()
