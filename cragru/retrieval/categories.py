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
    """Return one row an item, one column a genre, rows of length 1: so many genres do not mean far away.

    Genres are joined by ``|``; the row of an item without any is zero.
    """
    dummies = pd.Series(genres, dtype=str).str.get_dummies()
    vectors = dummies.to_numpy(dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths.clip(min=1e-12)


def item_categories(vectors: ndarray, count: int, seed: int) -> ndarray:
    """Cluster items by their `[items, features]` (the paper's map f_c from items to categories, eq. 2).

    There are `count` categories, at most as many as distinct vectors. Of each item there is its own, `[items]` int64.
    """
    distinct = len(np.unique(vectors, axis=0))
    clustering = KMeans(min(count, distinct), n_init=10, random_state=seed)
    return clustering.fit_predict(vectors).astype(np.int64)


def fit_categories(context: FitContext, count: int, folder: Path) -> ndarray:
    """Cluster the items of a data set into `count` categories and write each one's; return `[items]`."""
    has_genres = any(context.genres)
    vectors = genre_vectors(context.genres) if has_genres else context.item_factors.double().numpy()
    seed = stream_key(context.seed, "categories")[0]
    categories = item_categories(vectors, count, seed)
    columns = {"item": range(len(categories)), "category": categories, "genres": context.genres}
    write_csv(folder / FILE, pd.DataFrame(columns))
    return categories


def load_categories(folder: Path) -> ndarray:
    """Read the category of each item, `[items]` int64."""
    return read_csv(folder / FILE, {"category": "int64"})["category"].to_numpy()
