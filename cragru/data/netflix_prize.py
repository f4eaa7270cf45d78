"""Read the Netflix Prize data in the layouts that the prize and its copies have.

A hundred million lines are too many for an object each: blocks of whole lines become arrays, by the places of their
bytes. Only a line that is refused is looked for.
"""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from cragru.core.errors import CragruError
from cragru.core.place import spot
from cragru.data import movielens
from cragru.data.frames import RawTables, unknown_users
from cragru.data.raw_files import PLACES, Layout, read_rows

TITLES = r"(?P<raw_id>[0-9]{1,9}),(?P<year>[0-9]{4}|NULL),(?P<title>.+)"
TITLE_FILES = ("movie_titles.csv", "movie_titles.txt")  # a later copy's name, and the prize's
COMBINED, SINGLE, PACKED = "combined_data_*.txt", "mv_*.txt", "training_set.tar"
LOWEST, HIGHEST = 1.0, 5.0  # ratings

BLOCK_BYTES = 1 << 20  # what is made of a block is some ten times as large
SECONDS_A_DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
# the longest line that has the form of a rating; a shorter one lacks digits of the user
_FORM = np.frombuffer(b"000000000,0,0000-00-00", dtype=np.uint8)
_LENGTH, _SHORTEST = len(_FORM), len("0,0,0000-00-00")
_MOST = np.where(ord("0") == _FORM, 9, 0).astype(np.uint8)  # what a byte may be above its form's
_USER, _RATING, _DATE = range(9), 10, (12, 13, 14, 15, 17, 18, 20, 21)
# what a digit at each place is worth
_WORTH_OF_USER = np.zeros(_LENGTH, dtype=np.int32)
_WORTH_OF_USER[_USER] = 10 ** np.arange(len(_USER))[::-1]
_WORTH_OF_DATE = np.zeros(_LENGTH, dtype=np.int32)
_WORTH_OF_DATE[list(_DATE)] = 10 ** np.arange(len(_DATE))[::-1]
_MOVIE = re.compile(rb"[0-9]{1,9}:")


@dataclass(frozen=True)
class _Lines:
    """Some whole lines of a file, each with a newline at its end.

    Attributes:
        name: The file.
        first: Number of the first line.
        content: The lines.
        movie: The movie whose ratings they begin with; None where none was named yet.
    """

    name: str
    first: int
    content: bytes
    movie: int | None

    @cached_property
    def ends(self) -> np.ndarray:
        """Where each line's newline is."""
        return np.flatnonzero(np.frombuffer(self.content, dtype=np.uint8) == ord("\n"))

    def line(self, number: int) -> bytes:
        """Return a line, of which the first is 0."""
        begin = self.ends[number - 1] + 1 if number else 0
        return self.content[begin : self.ends[number]]

    def refusal(self, number: int, what: str) -> CragruError:
        """Return the error of a line."""
        place = spot(self.name, self.first + number)
        return CragruError(what, place=place, got=self.line(number).decode("latin-1"))


def load(folder: Path) -> RawTables:
    """Read the prize's ratings and titles.

    Ratings are in files combined_data_1.txt and so on, in which a line ``MOVIE:`` stands above the movie's lines
    ``user,rating,date``; or in files mv_0000001.txt and so on, one movie in each; or in training_set.tar, which holds
    those. Titles are in movie_titles.csv (or .txt), as lines ``movie,year,title``.

    Returns:
        The checked tables; timestamps are midnight (UTC) of the date, years may be missing (NULL), nothing is known of
        users, and there are no genres.

    Raises:
        CragruError: If a file is missing, a line does not parse, a rating is off the scale, an id is unknown or twice.
    """
    titles = next((name for name in TITLE_FILES if (folder / name).is_file()), TITLE_FILES[0])
    rows = read_rows(folder, Layout(titles, TITLES))
    years = [None if year == "NULL" else int(year) for year in rows["year"]]
    named = zip(rows["title"], years, strict=True)
    items = movielens.frame_of_items(rows["raw_id"], named, [""] * len(rows))
    ratings = _read_ratings(folder)
    users = unknown_users(pd.Series(pd.unique(ratings["user"])))
    return RawTables(ratings, users, items, (LOWEST, HIGHEST))


def _read_ratings(folder: Path) -> pd.DataFrame:
    """Return the interactions as `RawTables` has them, under the file and the line of each."""
    names: list[str] = []
    parts = []
    for lines in _blocks_of(folder):
        if not names or names[-1] != lines.name:
            names.append(lines.name)
        part = _parse(lines)
        parts.append((*part, np.full(len(part[0]), len(names) - 1, dtype=np.int32)))
    columns = map(np.concatenate, zip(*parts, strict=True))
    user, item, rating, day, line, file = columns if parts else [np.empty(0, dtype=np.int32)] * 6
    if not len(user):
        raise CragruError("no ratings", place=spot(folder))
    numbers = pd.RangeIndex(line.max() + 1)
    index = pd.MultiIndex([names, numbers], [file, line], names=PLACES, verify_integrity=False)
    columns = {
        "user": user,
        "item": item,
        "rating": rating.astype(np.float32),
        "timestamp": day.astype(np.int64) * SECONDS_A_DAY,
    }
    return pd.DataFrame(columns, index=index, copy=False)


def _blocks_of(folder: Path) -> Iterator[_Lines]:
    """Yield the ratings in blocks of lines, by the first layout that is there."""
    for pattern in (COMBINED, SINGLE):
        paths = sorted(folder.glob(pattern), key=lambda path: int(re.sub("[^0-9]", "", path.name)))
        for path in paths:
            with path.open("rb") as opened:
                yield from _blocks(spot(path), opened)
        if paths:
            return
    packed = folder / PACKED
    if not packed.is_file():
        what = f"neither {COMBINED}, nor {SINGLE}, nor {PACKED}"
        raise CragruError(what, place=spot(folder))
    yield from _packed_blocks(packed)


def _packed_blocks(packed: Path) -> Iterator[_Lines]:
    """Yield the files of single movies in an archive."""
    try:
        with tarfile.open(packed, "r:") as archive:
            for member in archive:
                if member.isfile() and PurePosixPath(member.name).match(SINGLE):
                    yield from _blocks(spot(packed / member.name), archive.extractfile(member))
    except tarfile.TarError as error:
        raise CragruError(f"truncated or corrupt tar ({error})", place=spot(packed)) from error


def _blocks(name: str, opened: BinaryIO) -> Iterator[_Lines]:
    """Yield a file in blocks of whole lines."""
    first, rest, movie = 1, b"", None
    while block := opened.read(BLOCK_BYTES):
        whole, newline, rest = (rest + block).rpartition(b"\n")
        content = (whole + newline).replace(b"\r\n", b"\n")
        if content:
            yield _Lines(name, first, content, movie)
            first += content.count(b"\n")
            movie = _last_movie(content, movie)
    if rest:
        yield _Lines(name, first, rest + b"\n", movie)


def _last_movie(content: bytes, movie: int | None) -> int | None:
    """Return the movie that the lines after these begin with."""
    colon = content.rfind(b":\n")
    begin = content.rfind(b"\n", 0, max(colon, 0)) + 1
    return movie if colon < 0 else int(content[begin:colon])


def _parse(lines: _Lines) -> tuple[np.ndarray, ...]:
    """Return user, item, rating, day since 1970 and number of the line of each rating.

    Raises:
        CragruError: If a line is neither a movie nor a rating, or has no movie above it.
    """
    # bytes before the first line, so that every line has as many before its end as the longest
    content = np.frombuffer(b"\n" * _LENGTH + lines.content, dtype=np.uint8)
    ends = lines.ends + _LENGTH
    heads = np.flatnonzero(content[ends - 1] == ord(":"))
    movies = [lines.movie or 0, *(_movie(lines, head) for head in heads)]
    if lines.movie is None and 0 not in heads[:1]:
        raise lines.refusal(0, "no movie above it")
    is_rating = np.ones(len(ends), dtype=bool)
    is_rating[heads] = False
    rows = np.flatnonzero(is_rating)
    lengths = np.diff(ends, prepend=_LENGTH - 1) - 1
    values = sliding_window_view(content, _LENGTH)[ends[rows] - _LENGTH] - _FORM
    values[np.arange(_LENGTH) < _LENGTH - lengths[rows, None]] = 0  # of the lines before
    fits = (lengths[rows] >= _SHORTEST) & (lengths[rows] <= _LENGTH)
    wrong = ~(fits & (values <= _MOST).all(axis=1))
    if wrong.any():
        number = rows[int(wrong.argmax())]
        raise lines.refusal(number, "not a line with user, rating, date")
    digits = values.astype(np.int32)
    days = _days(lines, rows, digits @ _WORTH_OF_DATE)
    above = np.cumsum(~is_rating)[rows]
    item = np.array(movies, dtype=np.int32)[above]
    rating = values[:, _RATING].astype(np.int8)
    return digits @ _WORTH_OF_USER, item, rating, days, (rows + lines.first).astype(np.int32)


def _movie(lines: _Lines, number: int) -> int:
    """Return the movie that a line names."""
    line = lines.line(number)
    if not _MOVIE.fullmatch(line):
        raise lines.refusal(number, "not a line with a movie")
    return int(line[:-1])


def _days(lines: _Lines, rows: np.ndarray, dates: np.ndarray) -> np.ndarray:
    """Return days since 1970 of dates such as 20050906; there are few, so each is looked up once."""
    which, different = pd.factorize(dates)
    days = []
    for one in different.tolist():
        try:
            days.append(date(one // 10_000, one // 100 % 100, one % 100).toordinal() - _EPOCH)
        except ValueError as error:
            number = rows[int((dates == one).argmax())]
            raise lines.refusal(number, "no such date") from error
    return np.array(days, dtype=np.int32)[which]
