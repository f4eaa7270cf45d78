"""Read MovieLens 100K as the wheel of RecBole carries it."""

import re
from pathlib import Path

from cragru.data.frames import RawTables
from cragru.data.movielens import GENDERS, SCALE, frame_of_items, frame_of_users
from cragru.data.movielens_100k import RATINGS as PUBLISHED
from cragru.data.raw_files import ID, Layout, RawFile, checked_tables

# Title and year of the items that RecBole's conversion of ML-100K got wrong, as the publisher has them.
PATCHES: dict[int, tuple[str, int | None]] = {
    267: ("unknown", None),
    1412: ("Land Before Time III: The Time of the Great Giving", 1995),
}

RATINGS = Layout(
    "ml-100k.inter",
    PUBLISHED.pattern,
    PUBLISHED.words,
    encoding="utf-8",
    header="user_id:token\titem_id:token\trating:float\ttimestamp:float",
)
USERS = Layout(
    "ml-100k.user",
    rf"{ID}\t([0-9]+)\t([MF])\t([^\t]+)\t([^\t]*)",
    "user, age, M or F, occupation, zip code, with tabs between",
    encoding="utf-8",
    header="user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token",
)
ITEMS = Layout(
    "ml-100k.item",
    rf"{ID}\t([^\t]+)\t([^\t]*)\t([^\t]*)",
    "item, title, year, genres, with tabs between",
    encoding="utf-8",
    header="item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq",
)


def load(folder: Path) -> RawTables:
    """Read MovieLens 100K as the recbole wheel carries it (ml-100k.inter, .user, .item), its slips put right.

    Args:
        folder: Where the raw files are.

    Returns:
        The checked tables, equal to those of `cragru.data.movielens_100k`.

    Raises:
        CragruError: If a file is missing, a line does not parse, a rating is off the scale, an id is unknown or twice.
    """
    users, items = RawFile(folder, USERS), RawFile(folder, ITEMS)
    user, age, gender, occupation, zip_code = users.columns()
    user_frame = frame_of_users(
        user,
        age=age,
        gender=[GENDERS[letter] for letter in gender],
        occupation=occupation,
        zip=zip_code,
    )
    named = []
    for row, (item, title, year, _) in enumerate(items.rows):
        patch = PATCHES.get(int(item))
        if patch is None and not re.fullmatch(r"[0-9]{4}", year):
            raise items.error(row, f"{year!r} is not a year")
        named.append(patch or (title, int(year)))
    item_column, _, _, genres = items.columns()
    item_frame = frame_of_items(item_column, named, [words.replace(" ", "|") for words in genres])
    return checked_tables(RawFile(folder, RATINGS), (users, user_frame), (items, item_frame), SCALE)
