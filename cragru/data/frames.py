"""The frames that data stages exchange: raw tables as a loader reads them, and the schemas of what is prepared.

Schemas map a column to its dtype, for `write_parquet` and `read_parquet` of `cragru.kept.files`. Text columns are
``object`` (str, never missing: what a data set does not tell is the empty string).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pandas.api.types import infer_dtype

from cragru.core.errors import CragruError
from cragru.data.raw_files import refuse_repeats, row_error

INTERACTIONS = {"user": "int32", "item": "int32", "rating": "float32", "timestamp": "int64"}
"""Dense ids from 0, the rating as given, and seconds since 1970 (UTC); one row per (user, item) at the most."""
NOBODYS = -1  # the row of an item that was drawn for a history which is no user's

USERS = {
    "user": "int32",
    "raw_id": "object",
    "age": "object",
    "gender": "object",
    "occupation": "object",
    "zip": "object",
}
"""Row k is user k; `raw_id` is the publisher's id, the rest is readable text such as ``25-34`` or ``female``."""

PROFILE = ("age", "gender", "occupation", "zip")
"""What may be known of a user."""

ITEMS = {
    "item": "int32",
    "raw_id": "object",
    "title": "object",
    "year": "Int32",
    "genres": "object",
}
"""Row k is item k; `year` of release may be missing (<NA>), `genres` are joined by ``|``."""


KINDS = {"user": "iuO", "item": "iuO", "rating": "iuf", "timestamp": "iuf", "raw_id": "iuO"}
"""Kinds of numpy's that a column may have: an id is no floating number, a time no date of pandas' own."""


@dataclass(frozen=True)
class RawTables:
    """A data set under its publisher's ids, checked: ids exist, ratings are on the scale.

    An index that names files and lines, as `cragru.data.raw_files` gives it, says where a wrong row is; it is dropped
    here. Without one, errors count the rows of the table. Whether a pair may be there twice is for the rules of the
    data set's entry: `refuse_repeats` does, where they say so.

    Attributes:
        interactions: Columns user, item (raw ids, int64), rating (float32), timestamp (int64, seconds since 1970).
        users: Columns raw_id (int64), age, gender, occupation, zip (str); every raw_id once.
        items: Columns raw_id (int64), title (str), year (Int32), genres (str, joined by ``|``); every raw_id once.
        scale: The lowest and the highest rating that the data set allows.
        missing: Columns of interactions that the source has not: ratings are 1 then, and the place of a row in the
            file, from 0, stands for its timestamp.

    Raises:
        CragruError: If a column is not there or of another kind, a value is missing, a rating is off the scale, or an
            id is unknown or there twice.
    """

    interactions: pd.DataFrame
    users: pd.DataFrame
    items: pd.DataFrame
    scale: tuple[float, float]
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the tables, and what one must say about another."""
        rows = _located("interactions", self.interactions, INTERACTIONS)
        if rows.empty:
            raise CragruError("no rows", place="interactions")
        lowest, highest = self.scale
        outside = ~rows["rating"].between(lowest, highest)
        if outside.any():
            raise row_error(rows, outside, f"off the scale, {lowest:g} to {highest:g}", "rating")
        for column, table, schema in (("user", self.users, USERS), ("item", self.items, ITEMS)):
            frame = _located(f"{column}s", table, [name for name in schema if name != column])
            refuse_repeats(frame, "raw_id")
            unknown, file = ~rows[column].isin(frame["raw_id"]), Path(frame.index.name).name
            if unknown.any():
                raise row_error(rows, unknown, f"{file} has no such {column}", column)
            for name, dtype in schema.items():
                if dtype == "object" and name != "raw_id":
                    _refuse_guesses(frame, name)
        object.__setattr__(self, "_lines", rows.index)
        for name in ("interactions", "users", "items"):
            object.__setattr__(self, name, getattr(self, name).reset_index(drop=True))

    def refuse_repeats(self) -> None:
        """Refuse two interactions of the same user and item."""
        refuse_repeats(self.interactions.set_axis(self._lines, copy=False), "user", "item")


def unknown_users(raw_ids: pd.Series) -> pd.DataFrame:
    """Return users of whom nothing but an id is known, each once, as `RawTables` has them."""
    users = pd.DataFrame({"raw_id": raw_ids.drop_duplicates()})
    return users.assign(**dict.fromkeys(PROFILE, ""))


def _located(name: str, frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Return a table, of which no file says where its rows are, with their numbers; refuse columns that do not fit."""
    if frame.index.names[0] is None:
        frame = frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name=name))
    for column in columns:
        if column not in frame:
            names = list(map(str, frame))
            raise CragruError("no such column", place=name, got=column, allowed=names)
        kind = frame[column].dtype
        if kind.kind not in KINDS.get(column, kind.kind):
            raise CragruError("of another kind", place=f"{name}: {column}", got=str(kind))
        if column in KINDS and frame[column].isna().any():
            raise row_error(frame, frame[column].isna(), f"no {column}", column)
    return frame


def _refuse_guesses(frame: pd.DataFrame, column: str) -> None:
    """Refuse anything but text where text belongs, such as the missing number that a guess makes of a title ``NA``."""
    if infer_dtype(frame[column], skipna=False) in ("string", "empty"):
        return
    is_text = frame[column].map(lambda value: isinstance(value, str)).astype(bool)
    if not is_text.all():
        raise row_error(frame, ~is_text, f"no text for {column}", "raw_id", column)
