"""The frames that data stages exchange: raw tables as a loader reads them, and the schemas of what is prepared.

Schemas map a column to its dtype, for `write_parquet` and `read_parquet` of `cragru.kept.files`. Text columns are
``object`` (str, never missing: what a data set does not tell is the empty string).
"""

from dataclasses import dataclass

import pandas as pd

INTERACTIONS = {"user": "int32", "item": "int32", "rating": "float32", "timestamp": "int64"}
"""Dense ids from 0, the rating as given, and seconds since 1970 (UTC); one row per (user, item) at the most."""

USERS = {
    "user": "int32",
    "raw_id": "object",
    "age": "object",
    "gender": "object",
    "occupation": "object",
    "zip": "object",
}
"""Row k is user k; `raw_id` is the publisher's id, the rest is readable text such as ``25-34`` or ``female``."""

ITEMS = {
    "item": "int32",
    "raw_id": "object",
    "title": "object",
    "year": "Int32",
    "genres": "object",
}
"""Row k is item k; `year` of release may be missing (<NA>), `genres` are joined by ``|``."""


@dataclass(frozen=True)
class RawTables:
    """A data set under its publisher's ids, checked: ids exist, pairs are unique, ratings are on the scale.

    Attributes:
        interactions: Columns user, item (raw ids, int64), rating (float32), timestamp (int64, seconds since 1970).
        users: Columns raw_id (int64), age, gender, occupation, zip (str); every raw_id once.
        items: Columns raw_id (int64), title (str), year (Int32), genres (str, joined by ``|``); every raw_id once.
        scale: The lowest and the highest rating that the data set allows.
    """

    interactions: pd.DataFrame
    users: pd.DataFrame
    items: pd.DataFrame
    scale: tuple[float, float]
