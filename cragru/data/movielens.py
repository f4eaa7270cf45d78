"""What the layouts of MovieLens share: fields, codes, titles with years, and the tables that are made of the files."""

import re
from collections.abc import Iterable, Sequence

import pandas as pd

from cragru.data.frames import PROFILE, RawTables

RAW_ID = r"(?P<raw_id>[0-9]{1,9})"
RATING = (
    r"(?P<user>[0-9]{1,9})",
    r"(?P<item>[0-9]{1,9})",
    r"(?P<rating>-?[0-9]{1,3}(?:\.[0-9]{1,3})?)",
    r"(?P<timestamp>[0-9]{1,18})",
)
INTERACTIONS = {"user": "int64", "item": "int64", "rating": "float32", "timestamp": "int64"}
LOWEST, HIGHEST = 1.0, 5.0  # ratings
GENDERS = {"M": "male", "F": "female"}

# Some titles have no space before the year, some end in one, and direct-to-video films have '(V)' after it.
_TITLE = re.compile(r"(.*?)\s*\(([0-9]{4})\)\s*(?:\([A-Z]+\))?\s*")


def frame_of_users(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the users as `cragru.data.frames.RawTables` has them; a gender is a letter of `GENDERS`."""
    users = rows[["raw_id", *PROFILE]].astype({"raw_id": "int64"})
    return users.assign(gender=users["gender"].map(GENDERS))


def frame_of_items(
    raw_id: pd.Series, named: Iterable[tuple[str, int | None]], genres: Sequence[str] | pd.Series
) -> pd.DataFrame:
    """Return the items as `cragru.data.frames.RawTables` has them; `named` has the title and the year of each."""
    titles, years = zip(*named, strict=True)
    columns = {
        "raw_id": raw_id.astype("int64"),
        "title": titles,
        "year": pd.array(years, dtype="Int32"),
        "genres": genres,
    }
    return pd.DataFrame(columns, index=raw_id.index)


def split_title(title: str) -> tuple[str, int | None]:
    """Part ``Toy Story (1995)`` into title and year; the year is None where there is none."""
    match = _TITLE.fullmatch(title)
    return (match[1], int(match[2])) if match else (title.strip(), None)


def tables_of(
    ratings: pd.DataFrame, user_frame: pd.DataFrame, item_frame: pd.DataFrame
) -> RawTables:
    """Put the tables together, checked; ratings as they were read.

    Raises:
        CragruError: If a rating is off the scale, or an id or a pair is unknown or there twice.
    """
    return RawTables(ratings.astype(INTERACTIONS), user_frame, item_frame, (LOWEST, HIGHEST))
