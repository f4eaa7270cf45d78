"""Read MovieLens 1M as its publisher lays it out."""

from pathlib import Path

from cragru.data import movielens
from cragru.data.frames import RawTables
from cragru.data.raw_files import Layout, read_rows

# Codes of ML-1M, from its README.
# fmt: off
AGES = {
    "1": "Under 18", "18": "18-24", "25": "25-34", "35": "35-44", "45": "45-49", "50": "50-55", "56": "56+",
}
OCCUPATIONS = (
    "other", "academic/educator", "artist", "clerical/admin", "college/grad student", "customer service",
    "doctor/health care", "executive/managerial", "farmer", "homemaker", "K-12 student", "lawyer", "programmer",
    "retired", "sales/marketing", "scientist", "self-employed", "technician/engineer", "tradesman/craftsman",
    "unemployed", "writer",
)
# fmt: on

RATINGS = Layout("ratings.dat", "::".join(movielens.RATING))
USERS = Layout(
    "users.dat",
    rf"{movielens.RAW_ID}::(?P<gender>[MF])::(?P<age>{'|'.join(AGES)})::(?P<occupation>1?[0-9]|20)::(?P<zip>.*)",
)
ITEMS = Layout("movies.dat", rf"{movielens.RAW_ID}::(?P<title>.+)::(?P<genres>[^:]*)")


def load(folder: Path) -> RawTables:
    """Read MovieLens 1M in its publisher's layout (ratings.dat, users.dat, movies.dat).

    Returns:
        The checked tables; ages and occupations as the words of its README, titles without the year.

    Raises:
        CragruError: If a file is missing, a line does not parse, a rating is off the scale, an id is unknown or twice.
    """
    users, items = read_rows(folder, USERS), read_rows(folder, ITEMS)
    occupations = users["occupation"].astype(int).map(OCCUPATIONS.__getitem__)
    ages = users["age"].map(AGES)
    user_frame = movielens.frame_of_users(users.assign(age=ages, occupation=occupations))
    named = items["title"].map(movielens.split_title)
    item_frame = movielens.frame_of_items(items["raw_id"], named, items["genres"])
    return movielens.tables_of(read_rows(folder, RATINGS), user_frame, item_frame)
