"""Read MovieLens 100K as its publisher lays it out."""

from itertools import compress
from pathlib import Path

from cragru.data import movielens
from cragru.data.frames import RawTables
from cragru.data.raw_files import Layout, RawFile

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
    users, items = RawFile(folder, USERS), RawFile(folder, ITEMS)
    genres = _flagged_genres(items, RawFile(folder, GENRES))
    named = items.rows["title"].map(movielens.split_title)
    item_frame = movielens.frame_of_items(items.rows["raw_id"], named, genres)
    user_frame = movielens.frame_of_users(users.rows)
    return movielens.tables_of(RawFile(folder, RATINGS), users, items, user_frame, item_frame)


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
