"""What the layouts of MovieLens share: codes, titles with years, frames of users and items."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

SCALE = (1.0, 5.0)
GENDERS = {"M": "male", "F": "female"}

# Some titles have no space before the year, some end in one, and direct-to-video films have '(V)' after it.
_TITLE = re.compile(r"(.*?)\s*\(([0-9]{4})\)\s*(?:\([A-Z]+\))?\s*")


def frame_of_users(raw_id: tuple[str, ...], **columns: list[str] | tuple[str, ...]) -> pd.DataFrame:
    """The users, as `cragru.data.frames.RawTables` has them."""
    return pd.DataFrame({"raw_id": np.array(raw_id, dtype=np.int64), **columns})


def frame_of_items(
    raw_id: tuple[str, ...], named: list[tuple[str, int | None]], genres: Sequence[str]
) -> pd.DataFrame:
    """The items, as `cragru.data.frames.RawTables` has them; `named` has the title and the year of each."""
    titles, years = zip(*named, strict=True)
    return pd.DataFrame(
        {
            "raw_id": np.array(raw_id, dtype=np.int64),
            "title": titles,
            "year": pd.array(years, dtype="Int32"),
            "genres": genres,
        }
    )


def split_title(title: str) -> tuple[str, int | None]:
    """Part ``Toy Story (1995)`` into title and year; the year is None where there is none."""
    match = _TITLE.fullmatch(title)
    return (match[1], int(match[2])) if match else (title.strip(), None)
