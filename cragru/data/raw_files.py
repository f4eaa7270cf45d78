"""Raw text files of a data set: lines of a layout, checked, with errors that name file and line."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError, excerpt
from cragru.data.frames import RawTables
from cragru.written.encodings import decode


@dataclass(frozen=True)
class Layout:
    """How a raw file is written: the pattern of a whole line, the same in words, encoding, and its first line.

    Attributes:
        name: The file's name.
        pattern: What a whole line must match.
        words: The same in words, for messages.
        encoding: ``latin-1`` or ``utf-8``.
        header: The line above the rows, letter by letter; empty where there is none.
    """

    name: str
    pattern: str
    words: str
    encoding: str = "latin-1"
    header: str = ""


ID = r"([0-9]{1,9})"
RATING = r"(-?[0-9]{1,3}(?:\.[0-9]{1,3})?)"
TIME = r"([0-9]{1,18})"


class RawFile:
    """The rows of a raw file, each a tuple of its fields as text, and where each stands.

    Attributes:
        name: The file's name.
        rows: The groups of the layout's pattern, line by line.
    """

    def __init__(self, folder: Path, layout: Layout) -> None:
        """Read a file of a folder.

        Raises:
            CragruError: If it cannot be read, is in another encoding (`cragru.written.encodings.decode`), has another
                header or no rows, or a line is not of the layout.
        """
        self.name = layout.name
        self._path = folder / layout.name
        self._layout = layout
        self.rows = self._parse()

    def columns(self) -> list[tuple[str, ...]]:
        """The fields column by column."""
        return list(zip(*self.rows, strict=True))

    def line(self, row: int) -> int:
        """The line of the file that a row stands on, counted from 1."""
        return row + 1 + bool(self._layout.header)

    def error(self, row: int, problem: str) -> CragruError:
        """An error that names file and line."""
        return self._error_on(self.line(row), problem)

    def _error_on(self, line: int, problem: str) -> CragruError:
        return CragruError(
            f"{self._path}:{line}: {problem}; download the data set again, or correct its loader in the registry"
        )

    def _parse(self) -> list[tuple[str, ...]]:
        pattern = re.compile(self._layout.pattern)
        rows = []
        for row, line in enumerate(self._lines()):
            match = pattern.fullmatch(line)
            if match is None:
                raise self.error(
                    row, f"{excerpt(line)} does not parse, expected {self._layout.words}"
                )
            rows.append(match.groups())
        if not rows:
            raise self.error(0, "the file has no rows")
        return rows

    def _lines(self) -> list[str]:
        """The lines below the header, which must be the layout's."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError as error:
            raise CragruError(f"{self._path}: no such file; download the data set again") from error
        except OSError as error:
            raise CragruError(f"{self._path}: cannot be read ({error})") from error
        text = decode(content, self._layout.encoding, self._path)
        # not splitlines(), which takes some letters of latin-1 for line ends; u.genre ends in an empty line
        lines = text.rstrip("\n").split("\n")
        header = self._layout.header
        if not header:
            return lines
        if lines[0] != header:
            raise self._error_on(1, f"got {excerpt(lines[0])}, expected the header {header!r}")
        return lines[1:]


def _interactions(file: RawFile, scale: tuple[float, float]) -> pd.DataFrame:
    user, item, rating, timestamp = file.columns()
    frame = pd.DataFrame(
        {
            "user": np.array(user, dtype=np.int64),
            "item": np.array(item, dtype=np.int64),
            "rating": np.array(rating, dtype=np.float32),
            "timestamp": np.array(timestamp, dtype=np.int64),
        }
    )
    outside = ~frame["rating"].between(*scale)
    if outside.any():
        row = int(outside.argmax())
        raise file.error(
            row, f"rating {rating[row]} is outside the scale, {scale[0]:g} to {scale[1]:g}"
        )
    _check_unique(file, frame, ["user", "item"])
    return frame


def _check_unique(file: RawFile, frame: pd.DataFrame, keys: list[str]) -> None:
    repeated = frame.duplicated(keys)
    if repeated.any():
        row = int(repeated.argmax())
        values = frame[keys].iloc[row]
        first = int((frame[keys] == values).all(axis=1).argmax())
        what = ", ".join(f"{key} {value}" for key, value in values.items())
        raise file.error(row, f"{what} is there already, on line {file.line(first)}")


def _check_known(file: RawFile, ids: pd.Series, known: pd.Series, where: str) -> None:
    unknown = ~ids.isin(known)
    if unknown.any():
        row = int(unknown.argmax())
        raise file.error(row, f"{ids.name} {ids[row]} is not listed in {where}")


def checked_tables(
    ratings: RawFile,
    users: tuple[RawFile, pd.DataFrame],
    items: tuple[RawFile, pd.DataFrame],
    scale: tuple[float, float],
) -> RawTables:
    """Put the three tables together and check what one must say about another.

    Args:
        ratings: The file whose rows are user, item, rating, time.
        users: The users' file, and the frame that was made of it (`cragru.data.frames.RawTables`).
        items: The same of items.
        scale: The lowest and the highest rating that the data set allows.

    Raises:
        CragruError: If a rating is off the scale, or an id or a pair is unknown or there twice.
    """
    interactions = _interactions(ratings, scale)
    for column, (file, frame) in (("user", users), ("item", items)):
        _check_unique(file, frame, ["raw_id"])
        _check_known(ratings, interactions[column], frame["raw_id"], file.name)
    return RawTables(interactions, users[1], items[1], scale)
