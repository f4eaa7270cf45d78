"""Read MovieLens 100K as its publisher lays it out."""

from itertools import compress
from pathlib import Path

import pandas as pd

from cragru.data import movielens
from cragru.data.frames import RawTables
from cragru.data.raw_files import Layout, read_rows, refuse_repeats, row_error

RATINGS = Layout("u.data", r"\t".join(movielens.RATING))
USERS = Layout(
    "u.user",
    rf"{movielens.RAW_ID}\|(?P<age>[0-9]+)\|(?P<gender>[MF])\|(?P<occupation>[^|]+)\|(?P<zip>[^|]*)",
)
ITEMS = Layout(
    "u.item",
    rf"{movielens.RAW_ID}\|(?P<title>[^|]+)\|[^|]*\|[^|]*\|[^|]*\|(?P<flags>[01](?:\|[01])*)",
)
GENRES = Layout("u.genre", r"(?P<genre>[^|]+)\|(?P<number>[0-9]{1,3})")


def load(folder: Path) -> RawTables:
    """Read MovieLens 100K in its publisher's layout (u.data, u.user, u.item, u.genre).

    Returns:
        The checked tables; titles without the year, genres in the order of u.genre.

    Raises:
        CragruError: If a file is missing, a line does not parse, a rating is off the scale, an id is unknown or twice.
    """
    users, items = read_rows(folder, USERS), read_rows(folder, ITEMS)
    genres = _flagged_genres(items, read_rows(folder, GENRES))
    named = items["title"].map(movielens.split_title)
    item_frame = movielens.frame_of_items(items["raw_id"], named, genres)
    user_frame = movielens.frame_of_users(users)
    return movielens.tables_of(read_rows(folder, RATINGS), user_frame, item_frame)


def _flagged_genres(items: pd.DataFrame, genres: pd.DataFrame) -> list[str]:
    """Return the genres of each item, joined."""
    names = _genres_by_number(genres)
    flags = items["flags"]
    wrong = flags.str.count("[01]") != len(names)
    if wrong.any():
        raise row_error(items, wrong, f"{GENRES.name} has {len(names)} genres", "flags")
    return ["|".join(compress(names, map(int, one.split("|")))) for one in flags]


def _genres_by_number(genres: pd.DataFrame) -> list[str]:
    """Return the genres, place k for number k, as flags are; so no number may lack or be there twice."""
    rows = genres.astype({"number": int})
    refuse_repeats(rows, "genre")
    refuse_repeats(rows, "number")
    gap = rows["number"] >= len(rows)
    if gap.any():
        raise row_error(rows, gap, f"the numbers of {len(rows)} genres have a gap", "number")
    return rows.sort_values("number")["genre"].tolist()
