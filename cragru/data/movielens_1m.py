"""Read MovieLens 1M as its publisher lays it out."""

from pathlib import Path

from cragru.data.frames import RawTables
from cragru.data.movielens import GENDERS, SCALE, frame_of_items, frame_of_users, split_title
from cragru.data.raw_files import ID, RATING, TIME, Layout, RawFile, checked_tables

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

RATINGS = Layout("ratings.dat", f"{ID}::{ID}::{RATING}::{TIME}", "user::item::rating::time")
USERS = Layout(
    "users.dat",
    rf"{ID}::([MF])::({'|'.join(AGES)})::(1?[0-9]|20)::(.*)",
    f"user::M or F::age code ({', '.join(AGES)})::occupation code (0 to 20)::zip code",
)
ITEMS = Layout("movies.dat", rf"{ID}::(.+)::([^:]*)", "item::title::genres")


def load(folder: Path) -> RawTables:
    """Read MovieLens 1M in its publisher's layout (ratings.dat, users.dat, movies.dat).

    Args:
        folder: Where the raw files are.

    Returns:
        The checked tables; ages and occupations as the words of its README, titles without the year.

    Raises:
        CragruError: If a file is missing, a line does not parse, a rating is off the scale, an id is unknown or twice.
    """
    users, items = RawFile(folder, USERS), RawFile(folder, ITEMS)
    user, gender, age, occupation, zip_code = users.columns()
    item, title, genres = items.columns()
    user_frame = frame_of_users(
        user,
        age=[AGES[code] for code in age],
        gender=[GENDERS[letter] for letter in gender],
        occupation=[OCCUPATIONS[int(code)] for code in occupation],
        zip=zip_code,
    )
    item_frame = frame_of_items(item, [split_title(one) for one in title], genres)
    return checked_tables(RawFile(folder, RATINGS), (users, user_frame), (items, item_frame), SCALE)
