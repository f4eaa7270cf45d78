"""What the layouts of MovieLens share: codes, titles with years, frames of users and items."""

import re
from collections.abc import Iterable, Sequence

import pandas as pd

SCALE = (1.0, 5.0)
GENDERS = {"M": "male", "F": "female"}

# Some titles have no space before the year, some end in one, and direct-to-video films have '(V)' after it.
_TITLE = re.compile(r"(.*?)\s*\(([0-9]{4})\)\s*(?:\([A-Z]+\))?\s*")


def frame_of_users(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the users as `cragru.data.frames.RawTables` has them; a gender is a letter of `GENDERS`."""
    users = rows[["raw_id", "age", "gender", "occupation", "zip"]].astype({"raw_id": "int64"})
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
    return pd.DataFrame(columns)


def split_title(title: str) -> tuple[str, int | None]:
    """Part ``Toy Story (1995)`` into title and year; the year is None where there is none."""
    match = _TITLE.fullmatch(title)
    return (match[1], int(match[2])) if match else (title.strip(), None)
