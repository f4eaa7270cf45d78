"""Read MovieLens 100K as the wheel of RecBole carries it."""

from pathlib import Path

from cragru.data import movielens
from cragru.data.frames import RawTables
from cragru.data.movielens_100k import RATINGS as PUBLISHED
from cragru.data.raw_files import Layout, read_rows, row_error

# Title and year of the items that RecBole's conversion of ML-100K got wrong, as the publisher has them.
PATCHES: dict[int, tuple[str, int | None]] = {
    267: ("unknown", None),
    1412: ("Land Before Time III: The Time of the Great Giving", 1995),
}

RATINGS = Layout(
    "ml-100k.inter",
    PUBLISHED.pattern,
    encoding="utf-8",
    header="user_id:token\titem_id:token\trating:float\ttimestamp:float",
)
USERS = Layout(
    "ml-100k.user",
    rf"{movielens.RAW_ID}\t(?P<age>[0-9]+)\t(?P<gender>[MF])\t(?P<occupation>[^\t]+)\t(?P<zip>[^\t]*)",
    encoding="utf-8",
    header="user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token",
)
ITEMS = Layout(
    "ml-100k.item",
    rf"{movielens.RAW_ID}\t(?P<title>[^\t]+)\t(?P<year>[^\t]*)\t(?P<genres>[^\t]*)",
    encoding="utf-8",
    header="item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq",
)


def load(folder: Path) -> RawTables:
    """Read MovieLens 100K as the recbole wheel carries it (ml-100k.inter, .user, .item), its slips put right.

    Returns:
        The checked tables, equal to those of `cragru.data.movielens_100k`.

    Raises:
        CragruError: If a file is missing, a line does not parse, a rating is off the scale, an id is unknown or twice.
    """
    users, items = read_rows(folder, USERS), read_rows(folder, ITEMS)
    rows = items.astype({"raw_id": "int64"})
    wrong = ~rows["raw_id"].isin(PATCHES.keys()) & ~rows["year"].str.fullmatch("[0-9]{4}")
    if wrong.any():
        raise row_error(rows, wrong, "not a year", "year")
    named = []
    for item, title, year, _ in rows.itertuples(index=False):
        named.append(PATCHES.get(item) or (title, int(year)))
    genres = rows["genres"].str.replace(" ", "|")
    item_frame = movielens.frame_of_items(rows["raw_id"], named, genres)
    user_frame = movielens.frame_of_users(users)
    return movielens.tables_of(read_rows(folder, RATINGS), user_frame, item_frame)
