"""Make a data set of the columns of a person's own files: of interactions, and perhaps of items and users."""

import logging

import numpy as np
import pandas as pd

from cragru.data import movielens
from cragru.data.columns import TableColumns, ids
from cragru.data.frames import PROFILE, RawTables, unknown_users
from cragru.data.options import Words

log = logging.getLogger(__name__)


def tables_of(
    ratings: TableColumns,
    items: TableColumns | None,
    users: TableColumns | None,
    words: Words,
    scale: tuple[float, float] | None,
) -> RawTables:
    """Put the tables together, checked.

    Without ratings each interaction has the rating 1. Without times the place of a row in the file, from 0, is its
    time, so that rows keep their order. `RawTables.missing` names what lacks.

    Args:
        ratings: Columns user, item, perhaps rating and timestamp; title, year and genres where there is no `items`.
        items: Columns item, perhaps title, year and genres. An item without a title has its id for one.
        users: Columns user, perhaps age, gender, occupation and zip.
        words: How titles and genres are written.
        scale: The lowest and the highest rating; None: those that are there.

    Raises:
        CragruError: If a cell is not what its column holds, an id or a rating lacks, a rating is off the scale, or an
            id is unknown or there twice.
    """
    missing = tuple(name for name in ("rating", "timestamp") if name not in ratings)
    for name in missing:
        log.info("%s has no %s: %s", ratings.path.name, name, INSTEAD[name])
    user_ids = ids((ratings, "user"), *([(users, "user")] if users else []))
    item_ids = ids((ratings, "item"), *([(items, "item")] if items else []))
    columns = {"user": user_ids[0], "item": item_ids[0]}
    columns["rating"] = (
        pd.Series(1.0, index=ratings.lines) if "rating" in missing else ratings.number("rating")
    )
    columns["timestamp"] = (
        pd.Series(np.arange(len(ratings.lines)), index=ratings.lines)
        if "timestamp" in missing
        else ratings.time("timestamp")
    )
    rows = pd.DataFrame(columns).astype({"rating": "float32"})
    if scale is None:
        scale = (float(rows["rating"].min()), float(rows["rating"].max()))
    user_frame = _user_frame(users, user_ids[-1]) if users else unknown_users(user_ids[0])
    if items is None:  # then each item's first row has its words
        item_frame = _item_frame(ratings, item_ids[0].drop_duplicates(), words)
    else:
        item_frame = _item_frame(items, item_ids[-1], words)
    return RawTables(rows, user_frame, item_frame, scale, missing)


INSTEAD = {
    "rating": "each interaction has the rating 1",
    "timestamp": "rows are in the order of the file",
}


def _user_frame(table: TableColumns, raw_ids: pd.Series) -> pd.DataFrame:
    columns = {name: table.text(name) for name in PROFILE}
    columns["gender"] = columns["gender"].replace(movielens.GENDERS)
    return pd.DataFrame({"raw_id": raw_ids} | columns)


def _item_frame(table: TableColumns, raw_ids: pd.Series, words: Words) -> pd.DataFrame:
    first = raw_ids.index
    titles, years, genres = (
        column[first] for column in (table.text("title"), table.year("year"), table.text("genres"))
    )
    if words.year_in_title:
        parted = [movielens.split_title(title) for title in titles]
        titles = pd.Series([title for title, _ in parted], index=titles.index, dtype=object)
        found = pd.array([year for _, year in parted], dtype="Int32")
        years = years.fillna(pd.Series(found, index=years.index))
    if words.genres_separator != "|":
        genres = genres.str.replace(words.genres_separator, "|", regex=False)
    titles = titles.where(titles != "", raw_ids.astype(str))
    return pd.DataFrame({"raw_id": raw_ids, "title": titles, "year": years, "genres": genres})
