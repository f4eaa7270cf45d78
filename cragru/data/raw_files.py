"""Raw text files of a data set: lines of a layout, checked, with errors that name file and line."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cragru.core.errors import NOTHING, CragruError
from cragru.core.place import spot
from cragru.written.encodings import decode

AGAIN = "download the data set again, or correct its loader in the registry"


@dataclass(frozen=True)
class Layout:
    """How a raw file is written.

    Attributes:
        name: The file's name.
        pattern: What a whole line must match; its named groups are the columns.
        encoding: ``latin-1`` or ``utf-8``.
        header: The line above the rows, letter by letter; empty where there is none.
    """

    name: str
    pattern: str
    encoding: str = "latin-1"
    header: str = ""


class RawFile:
    """A raw file's rows.

    Attributes:
        name: The file's name.
        rows: The columns of the layout, as text.
    """

    def __init__(self, folder: Path, layout: Layout) -> None:
        """Read a file of a folder.

        Raises:
            CragruError: If there is no such file, it is in another encoding, has another header or no rows, or a line
                is not of the layout.
        """
        self.name = layout.name
        self._path = folder / layout.name
        self._first = 2 if layout.header else 1  # line of the first row
        if not self._path.is_file():
            raise self._error_on(None, "no such file")
        text = decode(self._path.read_bytes(), layout.encoding, self._path)
        # not splitlines(), which takes some letters of latin-1 for line ends; u.genre ends in an empty line
        lines = text.rstrip("\n").split("\n")
        if layout.header and lines[0] != layout.header:
            raise self._error_on(1, f"the header is not {layout.header!r}", lines[0])
        pattern, fields = re.compile(layout.pattern), []
        for number, line in enumerate(lines[self._first - 1 :], self._first):
            match = pattern.fullmatch(line)
            if match is None:
                raise self._error_on(
                    number, f"not a line with {', '.join(pattern.groupindex)}", line
                )
            fields.append(match.groups())
        if not fields:
            raise self._error_on(self._first, "the file has no rows")
        self.rows = pd.DataFrame(fields, columns=list(pattern.groupindex))

    def error(self, wrong: pd.Series, what: str, *columns: str) -> CragruError:
        """Return the error of the first row that is wrong, with its text in these columns."""
        row = int(wrong.argmax())
        got = ", ".join(self.rows.loc[row, list(columns)])
        return self._error_on(self._first + row, what, got)

    def refuse_repeats(self, keys: pd.DataFrame) -> None:
        """Refuse two rows with the same keys, which are some of the columns, converted."""
        repeated = keys.duplicated()
        if repeated.any():
            first = int((keys == keys.loc[repeated.argmax()]).all(axis=1).argmax())
            raise self.error(repeated, f"line {self._first + first} has the same", *keys)

    def _error_on(self, line: int | None, what: str, got: Any = NOTHING) -> CragruError:
        return CragruError(what, place=spot(self._path, line), got=got, advice=AGAIN)
