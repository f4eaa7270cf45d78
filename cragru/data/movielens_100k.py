"""Read MovieLens 100K as its publisher lays it out."""

from collections.abc import Sequence
from pathlib import Path

from cragru.core.errors import excerpt
from cragru.data.frames import RawTables
from cragru.data.movielens import GENDERS, SCALE, frame_of_items, frame_of_users, split_title
from cragru.data.raw_files import ID, RATING, TIME, Layout, RawFile, checked_tables

RATINGS = Layout(
    "u.data", rf"{ID}\t{ID}\t{RATING}\t{TIME}", "user, item, rating, time, with tabs between"
)
USERS = Layout(
    "u.user", rf"{ID}\|([0-9]+)\|([MF])\|([^|]+)\|([^|]*)", "user|age|M or F|occupation|zip code"
)
ITEMS = Layout(
    "u.item",
    rf"{ID}\|([^|]+)\|[^|]*\|[^|]*\|[^|]*\|([01](?:\|[01])*)",
    "item|title|date|video date|URL|genre flags",
)
GENRES = Layout("u.genre", r"([^|]+)\|([0-9]{1,3})", "genre|number")


def load(folder: Path) -> RawTables:
    """Read MovieLens 100K in its publisher's layout (u.data, u.user, u.item, u.genre).

    Args:
        folder: Where the raw files are.

    Returns:
        The checked tables; titles without the year, genres in the order of u.genre.

    Raises:
        CragruError: If a file is missing, a line does not parse, a rating is off the scale, an id is unknown or twice.
    """
    users, items = RawFile(folder, USERS), RawFile(folder, ITEMS)
    user, age, gender, occupation, zip_code = users.columns()
    item, title, flags = items.columns()
    user_frame = frame_of_users(
        user,
        age=age,
        gender=[GENDERS[letter] for letter in gender],
        occupation=occupation,
        zip=zip_code,
    )
    genres = _flagged_genres(items, RawFile(folder, GENRES), flags)
    item_frame = frame_of_items(item, [split_title(one) for one in title], genres)
    return checked_tables(RawFile(folder, RATINGS), (users, user_frame), (items, item_frame), SCALE)


def _flagged_genres(items: RawFile, genres: RawFile, flags: Sequence[str]) -> list[str]:
    names = _genres_by_number(genres)
    joined = []
    for row, one in enumerate(flags):
        bits = one.split("|")
        if len(bits) != len(names):
            raise items.error(
                row, f"{len(bits)} genre flags, but {genres.name} lists {len(names)} genres"
            )
        joined.append("|".join(name for name, bit in zip(names, bits, strict=True) if bit == "1"))
    return joined


def _genres_by_number(genres: RawFile) -> list[str]:
    """Names of the genres, place k for number k, as flags are; so no number may lack or be there twice."""
    lines: dict[str | int, int] = {}
    names = [""] * len(genres.rows)
    for row, (name, digits) in enumerate(genres.rows):
        number = int(digits)
        for what, value in (("genre", name), ("number", number)):
            if value in lines:
                raise genres.error(
                    row, f"{what} {excerpt(value)} is there already, on line {lines[value]}"
                )
            lines[value] = genres.line(row)
        if number >= len(names):
            raise genres.error(
                row,
                f"number {number} of {len(names)} genres; expected 0 to {len(names) - 1} without a gap",
            )
        names[number] = name
    return names
