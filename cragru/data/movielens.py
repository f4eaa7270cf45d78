"""Read MovieLens as its publisher lays it out, and as RecBole does."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cragru.config.datasets import Loader
from cragru.data.frames import RawTables
from cragru.errors import CragruError

_SCALE = (1.0, 5.0)
_GENDERS = {"M": "male", "F": "female"}

# Codes of ML-1M, from its README.
_AGES_1M = {
    "1": "Under 18",
    "18": "18-24",
    "25": "25-34",
    "35": "35-44",
    "45": "45-49",
    "50": "50-55",
    "56": "56+",
}
# fmt: off
_OCCUPATIONS_1M = (
    "other", "academic/educator", "artist", "clerical/admin", "college/grad student", "customer service",
    "doctor/health care", "executive/managerial", "farmer", "homemaker", "K-12 student", "lawyer", "programmer",
    "retired", "sales/marketing", "scientist", "self-employed", "technician/engineer", "tradesman/craftsman",
    "unemployed", "writer",
)
# fmt: on

# Title and year of the items that RecBole's conversion of ML-100K got wrong, as the publisher has them.
_RECBOLE_PATCHES: dict[int, tuple[str, int | None]] = {
    267: ("unknown", None),
    1412: ("Land Before Time III: The Time of the Great Giving", 1995),
}

# Some titles have no space before the year, some end in one, and direct-to-video films have '(V)' after it.
_TITLE = re.compile(r"(.*?)\s*\(([0-9]{4})\)\s*(?:\([A-Z]+\))?\s*")


@dataclass(frozen=True)
class _Layout:
    """How a raw file is written: the pattern of a whole line, the same in words, encoding and lines of header."""

    name: str
    pattern: str
    words: str
    encoding: str = "latin-1"
    header: int = 0


_ID = r"([0-9]{1,9})"
_RATING = r"(-?[0-9]{1,3}(?:\.[0-9]{1,3})?)"
_TIME = r"([0-9]{1,18})"

_RATINGS_100K = _Layout("u.data", rf"{_ID}\t{_ID}\t{_RATING}\t{_TIME}", "user, item, rating, time, with tabs between")
_USERS_100K = _Layout("u.user", rf"{_ID}\|([0-9]+)\|([MF])\|([^|]+)\|([^|]*)", "user|age|M or F|occupation|zip code")
_ITEMS_100K = _Layout(
    "u.item", rf"{_ID}\|([^|]+)\|[^|]*\|[^|]*\|[^|]*\|([01](?:\|[01])*)", "item|title|date|video date|URL|genre flags"
)
_GENRES_100K = _Layout("u.genre", r"([^|]+)\|([0-9]{1,3})", "genre|number")

_RATINGS_1M = _Layout("ratings.dat", f"{_ID}::{_ID}::{_RATING}::{_TIME}", "user::item::rating::time")
_USERS_1M = _Layout(
    "users.dat",
    rf"{_ID}::([MF])::({'|'.join(_AGES_1M)})::(1?[0-9]|20)::(.*)",
    f"user::M or F::age code ({', '.join(_AGES_1M)})::occupation code (0 to 20)::zip code",
)
_ITEMS_1M = _Layout("movies.dat", rf"{_ID}::(.+)::([^:]*)", "item::title::genres")

_RATINGS_RECBOLE = _Layout("ml-100k.inter", _RATINGS_100K.pattern, _RATINGS_100K.words, encoding="utf-8", header=1)
_USERS_RECBOLE = _Layout(
    "ml-100k.user",
    rf"{_ID}\t([0-9]+)\t([MF])\t([^\t]+)\t([^\t]*)",
    "user, age, M or F, occupation, zip code, with tabs between",
    encoding="utf-8",
    header=1,
)
_ITEMS_RECBOLE = _Layout(
    "ml-100k.item",
    rf"{_ID}\t([^\t]+)\t([^\t]*)\t([^\t]*)",
    "item, title, year, genres, with tabs between",
    encoding="utf-8",
    header=1,
)


class _RawFile:
    """The rows of a raw file, each a tuple of its fields as text, and where each stands."""

    def __init__(self, folder: Path, layout: _Layout) -> None:
        self.name = layout.name
        self._path = folder / layout.name
        self._layout = layout
        self.rows = self._parse()

    def columns(self) -> list[tuple[str, ...]]:
        return list(zip(*self.rows, strict=True))

    def line(self, row: int) -> int:
        return row + 1 + self._layout.header

    def error(self, row: int, problem: str) -> CragruError:
        where = f"{self._path}:{self.line(row)}"
        return CragruError(f"{where}: {problem}; download the data set again, or correct its loader in the registry")

    def _parse(self) -> list[tuple[str, ...]]:
        pattern = re.compile(self._layout.pattern)
        rows = []
        for row, line in enumerate(self._lines()):
            match = pattern.fullmatch(line)
            if match is None:
                raise self.error(row, f"{line[:80]!r} does not parse, expected {self._layout.words}")
            rows.append(match.groups())
        if not rows:
            raise self.error(0, "the file has no rows")
        return rows

    def _lines(self) -> list[str]:
        try:
            text = self._path.read_text(encoding=self._layout.encoding)
        except FileNotFoundError as error:
            raise CragruError(f"{self._path}: no such file; download the data set again") from error
        except UnicodeDecodeError as error:
            raise CragruError(f"{self._path}: not {error.encoding} text; download the data set again") from error
        # not splitlines(), which takes some letters of latin-1 for line ends; u.genre ends in an empty line
        return text.rstrip("\n").split("\n")[self._layout.header :]


def _interactions(file: _RawFile) -> pd.DataFrame:
    user, item, rating, timestamp = file.columns()
    frame = pd.DataFrame(
        {
            "user": np.array(user, dtype=np.int64),
            "item": np.array(item, dtype=np.int64),
            "rating": np.array(rating, dtype=np.float32),
            "timestamp": np.array(timestamp, dtype=np.int64),
        }
    )
    outside = ~frame["rating"].between(*_SCALE)
    if outside.any():
        row = int(outside.argmax())
        raise file.error(row, f"rating {rating[row]} is outside the scale, {_SCALE[0]:g} to {_SCALE[1]:g}")
    _check_unique(file, frame, ["user", "item"])
    return frame


def _check_unique(file: _RawFile, frame: pd.DataFrame, keys: list[str]) -> None:
    repeated = frame.duplicated(keys)
    if repeated.any():
        row = int(repeated.argmax())
        values = frame[keys].iloc[row]
        first = int((frame[keys] == values).all(axis=1).argmax())
        what = ", ".join(f"{key} {value}" for key, value in values.items())
        raise file.error(row, f"{what} is there already, on line {file.line(first)}")


def _check_known(file: _RawFile, ids: pd.Series, known: pd.Series, where: str) -> None:
    unknown = ~ids.isin(known)
    if unknown.any():
        row = int(unknown.argmax())
        raise file.error(row, f"{ids.name} {ids[row]} is not listed in {where}")


def _tables(ratings: _RawFile, users: tuple[_RawFile, pd.DataFrame], items: tuple[_RawFile, pd.DataFrame]) -> RawTables:
    """Put the three tables together and check what one must say about another."""
    interactions = _interactions(ratings)
    for column, (file, frame) in (("user", users), ("item", items)):
        _check_unique(file, frame, ["raw_id"])
        _check_known(ratings, interactions[column], frame["raw_id"], file.name)
    return RawTables(interactions, users[1], items[1], _SCALE)


def _user_frame(raw_id: tuple[str, ...], **columns: list[str] | tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame({"raw_id": np.array(raw_id, dtype=np.int64), **columns})


def _item_frame(raw_id: tuple[str, ...], named: list[tuple[str, int | None]], genres: Sequence[str]) -> pd.DataFrame:
    titles, years = zip(*named, strict=True)
    return pd.DataFrame(
        {
            "raw_id": np.array(raw_id, dtype=np.int64),
            "title": titles,
            "year": pd.array(years, dtype="Int32"),
            "genres": genres,
        }
    )


def _split_title(title: str) -> tuple[str, int | None]:
    """Part ``Toy Story (1995)`` into title and year; the year is None where there is none."""
    match = _TITLE.fullmatch(title)
    return (match[1], int(match[2])) if match else (title.strip(), None)


def movielens_100k(folder: Path) -> RawTables:
    """Read MovieLens 100K in its publisher's layout (u.data, u.user, u.item, u.genre).

    Args:
        folder: Where the raw files are.

    Returns:
        The checked tables; titles without the year, genres in the order of u.genre.

    Raises:
        CragruError: If a file is missing, a line does not parse, a rating is off the scale, an id is unknown or twice.
    """
    users, items = _RawFile(folder, _USERS_100K), _RawFile(folder, _ITEMS_100K)
    user, age, gender, occupation, zip_code = users.columns()
    item, title, flags = items.columns()
    user_frame = _user_frame(
        user, age=age, gender=[_GENDERS[letter] for letter in gender], occupation=occupation, zip=zip_code
    )
    genres = _flagged_genres(items, _RawFile(folder, _GENRES_100K), flags)
    item_frame = _item_frame(item, [_split_title(one) for one in title], genres)
    return _tables(_RawFile(folder, _RATINGS_100K), (users, user_frame), (items, item_frame))


def _flagged_genres(items: _RawFile, genres: _RawFile, flags: Sequence[str]) -> list[str]:
    names = [name for name, _ in sorted(genres.rows, key=lambda row: int(row[1]))]
    joined = []
    for row, one in enumerate(flags):
        bits = one.split("|")
        if len(bits) != len(names):
            raise items.error(row, f"{len(bits)} genre flags, but {genres.name} lists {len(names)} genres")
        joined.append("|".join(name for name, bit in zip(names, bits, strict=True) if bit == "1"))
    return joined


def movielens_1m(folder: Path) -> RawTables:
    """Read MovieLens 1M in its publisher's layout (ratings.dat, users.dat, movies.dat).

    Args:
        folder: Where the raw files are.

    Returns:
        The checked tables; ages and occupations as the words of its README, titles without the year.

    Raises:
        CragruError: If a file is missing, a line does not parse, a rating is off the scale, an id is unknown or twice.
    """
    users, items = _RawFile(folder, _USERS_1M), _RawFile(folder, _ITEMS_1M)
    user, gender, age, occupation, zip_code = users.columns()
    item, title, genres = items.columns()
    user_frame = _user_frame(
        user,
        age=[_AGES_1M[code] for code in age],
        gender=[_GENDERS[letter] for letter in gender],
        occupation=[_OCCUPATIONS_1M[int(code)] for code in occupation],
        zip=zip_code,
    )
    item_frame = _item_frame(item, [_split_title(one) for one in title], genres)
    return _tables(_RawFile(folder, _RATINGS_1M), (users, user_frame), (items, item_frame))


def recbole_ml_100k(folder: Path) -> RawTables:
    """Read MovieLens 100K as the recbole wheel carries it (ml-100k.inter, .user, .item), its slips put right.

    Args:
        folder: Where the raw files are.

    Returns:
        The checked tables, equal to those of `movielens_100k`.

    Raises:
        CragruError: If a file is missing, a line does not parse, a rating is off the scale, an id is unknown or twice.
    """
    users, items = _RawFile(folder, _USERS_RECBOLE), _RawFile(folder, _ITEMS_RECBOLE)
    user, age, gender, occupation, zip_code = users.columns()
    user_frame = _user_frame(
        user, age=age, gender=[_GENDERS[letter] for letter in gender], occupation=occupation, zip=zip_code
    )
    named = []
    for row, (item, title, year, _) in enumerate(items.rows):
        patch = _RECBOLE_PATCHES.get(int(item))
        if patch is None and not re.fullmatch(r"[0-9]{4}", year):
            raise items.error(row, f"{year!r} is not a year")
        named.append(patch or (title, int(year)))
    item_column, _, _, genres = items.columns()
    item_frame = _item_frame(item_column, named, [words.replace(" ", "|") for words in genres])
    return _tables(_RawFile(folder, _RATINGS_RECBOLE), (users, user_frame), (items, item_frame))


LOADERS: dict[Loader, Callable[[Path], RawTables]] = {
    "movielens-100k": movielens_100k,
    "movielens-1m": movielens_1m,
    "recbole-ml-100k": recbole_ml_100k,
}
"""How to read each layout: a folder of raw files to checked tables, or one clear error."""
