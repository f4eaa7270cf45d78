"""Read MovieLens 1M as its publisher lays it out."""

from pathlib import Path

from cragru.data.frames import RawTables
from cragru.data.movielens import SCALE, frame_of_items, frame_of_users, split_title
from cragru.data.raw_files import ITEM, RATING, RAW_ID, TIME, USER, Layout, RawFile, checked_tables

# Codes of ML-1M, from its README.
AGES = {
    "1": "Under 18",
    "18": "18-24",
    "25": "25-34",
    "35": "35-44",
    "45": "45-49",
    "50": "50-55",
    "56": "56+",
}
# fmt: off
OCCUPATIONS = (
    "other", "academic/educator", "artist", "clerical/admin", "college/grad student", "customer service",
    "doctor/health care", "executive/managerial", "farmer", "homemaker", "K-12 student", "lawyer", "programmer",
    "retired", "sales/marketing", "scientist", "self-employed", "technician/engineer", "tradesman/craftsman",
    "unemployed", "writer",
)
# fmt: on

RATINGS = Layout("ratings.dat", f"{USER}::{ITEM}::{RATING}::{TIME}", "user::item::rating::time")
USERS = Layout(
    "users.dat",
    rf"{RAW_ID}::(?P<gender>[MF])::(?P<age>{'|'.join(AGES)})::(?P<occupation>1?[0-9]|20)::(?P<zip>.*)",
    f"user::M or F::age code ({', '.join(AGES)})::occupation code (0 to 20)::zip code",
)
ITEMS = Layout("movies.dat", rf"{RAW_ID}::(?P<title>.+)::(?P<genres>[^:]*)", "item::title::genres")


def load(folder: Path) -> RawTables:
    """Read MovieLens 1M in its publisher's layout (ratings.dat, users.dat, movies.dat).

    Returns:
        The checked tables; ages and occupations as the words of its README, titles without the year.

    Raises:
        CragruError: If a file is missing, a line does not parse, a rating is off the scale, an id is unknown or twice.
    """
    users, items = RawFile(folder, USERS), RawFile(folder, ITEMS)
    occupations = users.rows["occupation"].astype(int).map(OCCUPATIONS.__getitem__)
    coded = users.rows.assign(age=users.rows["age"].map(AGES), occupation=occupations)
    named = items.rows["title"].map(split_title)
    item_frame = frame_of_items(items.rows["raw_id"], named, items.rows["genres"])
    ratings = RawFile(folder, RATINGS)
    return checked_tables(ratings, (users, frame_of_users(coded)), (items, item_frame), SCALE)
