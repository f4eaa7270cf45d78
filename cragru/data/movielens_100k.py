"""Read MovieLens 100K as its publisher lays it out."""

from itertools import compress
from pathlib import Path

from cragru.data.frames import RawTables
from cragru.data.movielens import SCALE, frame_of_items, frame_of_users, split_title
from cragru.data.raw_files import ITEM, RATING, RAW_ID, TIME, USER, Layout, RawFile, checked_tables

RATINGS = Layout(
    "u.data", rf"{USER}\t{ITEM}\t{RATING}\t{TIME}", "user, item, rating, time, with tabs between"
)
USERS = Layout(
    "u.user",
    rf"{RAW_ID}\|(?P<age>[0-9]+)\|(?P<gender>[MF])\|(?P<occupation>[^|]+)\|(?P<zip>[^|]*)",
    "user|age|M or F|occupation|zip code",
)
ITEMS = Layout(
    "u.item",
    rf"{RAW_ID}\|(?P<title>[^|]+)\|[^|]*\|[^|]*\|[^|]*\|(?P<flags>[01](?:\|[01])*)",
    "item|title|date|video date|URL|genre flags",
)
GENRES = Layout("u.genre", r"(?P<genre>[^|]+)\|(?P<number>[0-9]{1,3})", "genre|number")


def load(folder: Path) -> RawTables:
    """Read MovieLens 100K in its publisher's layout (u.data, u.user, u.item, u.genre).

    Returns:
        The checked tables; titles without the year, genres in the order of u.genre.

    Raises:
        CragruError: If a file is missing, a line does not parse, a rating is off the scale, an id is unknown or twice.
    """
    users, items, genres = (RawFile(folder, layout) for layout in (USERS, ITEMS, GENRES))
    named = items.rows["title"].map(split_title)
    genre_names = _flagged_genres(items, genres)
    item_frame = frame_of_items(items.rows["raw_id"], named, genre_names)
    user_frame = frame_of_users(users.rows)
    return checked_tables(RawFile(folder, RATINGS), (users, user_frame), (items, item_frame), SCALE)


def _flagged_genres(items: RawFile, genres: RawFile) -> list[str]:
    """Return the genres of each item, joined."""
    names = _genres_by_number(genres)
    flags = items.rows["flags"]
    wrong = flags.str.count("[01]") != len(names)
    if wrong.any():
        raise items.error(wrong, f"{genres.name} has {len(names)} genres", "flags")
    return ["|".join(compress(names, map(int, one.split("|")))) for one in flags]


def _genres_by_number(genres: RawFile) -> list[str]:
    """Return the genres, place k for number k, as flags are; so no number may lack or be there twice."""
    rows = genres.rows.astype({"number": int})
    genres.refuse_repeats(rows[["genre"]])
    genres.refuse_repeats(rows[["number"]])
    gap = rows["number"] >= len(rows)
    if gap.any():
        raise genres.error(gap, f"the numbers of {len(rows)} genres have a gap", "number")
    return rows.sort_values("number")["genre"].tolist()
