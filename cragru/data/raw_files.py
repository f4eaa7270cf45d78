"""Raw files of a data set: lines of a layout, or a CSV table, checked, with errors that name file and line.

Rows keep the line that they are on as their index, under the path of the file; those of several files have file and
line (`PLACES`). So `row_error` can name it, also where columns were made of theirs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.place import PathLike, spot
from cragru.data.keys import are_distinct
from cragru.written.encodings import decode
from cragru.written.spreadsheets import CsvRow, check_widths, plain_number, read_spreadsheet

PLACES = ("file", "line")
"""Names of the index of rows that several files have."""


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


def read_rows(folder: Path, layout: Layout) -> pd.DataFrame:
    """Read a file of a folder: the columns of its layout, as text.

    Raises:
        CragruError: If there is no such file, it is in another encoding, has another header or no rows, or a line is
            not of the layout.
    """
    path = folder / layout.name
    if not path.is_file():
        raise CragruError("no such file", place=spot(path))
    text = decode(path.read_bytes(), layout.encoding, path)
    # not splitlines(), which takes some letters of latin-1 for line ends; u.genre ends in an empty line
    lines = text.rstrip("\n").split("\n")
    if layout.header and lines[0] != layout.header:
        place = spot(path, 1)
        raise CragruError(f"the header is not {layout.header!r}", place=place, got=lines[0])
    first = 2 if layout.header else 1  # line of the first row
    pattern, fields = re.compile(layout.pattern), []
    for number, line in enumerate(lines[first - 1 :], first):
        match = pattern.fullmatch(line)
        if match is None:
            names, place = ", ".join(pattern.groupindex), spot(path, number)
            raise CragruError(f"not a line with {names}", place=place, got=line)
        fields.append(match.groups())
    return _on_lines(path, range(first, first + len(fields)), fields, list(pattern.groupindex))


def read_table(path: PathLike, columns: Mapping[str, str]) -> pd.DataFrame:
    """Read columns of a CSV file that a person or a program has written: UTF-8, commas, names in the first line.

    Args:
        path: The file.
        columns: The columns to read, and what each holds; the file may have others. ``text``; ``integer``; ``number``;
            ``year`` (an empty cell: not known); ``time``, as seconds since 1970 or an ISO date, with or without a time
            of day, in UTC where it names no zone, and read as seconds.

    Raises:
        CragruError: If the file is no such CSV, has no rows, lacks a column or has one twice, or a cell is not what its
            column holds.
    """
    header, *rows = read_spreadsheet(path, "data") or [CsvRow(1, [])]
    for name in columns:
        if header.cells.count(name) != 1:
            place = spot(path, header.line)
            raise CragruError("no such column, or two", place=place, got=name, allowed=header.cells)
    check_widths(path, header, rows)
    fields = []
    for row in rows:
        cells = dict(zip(header.cells, row.cells, strict=True))
        fields.append(
            [_value(spot(path, row.line, name), columns[name], cells[name]) for name in columns]
        )
    frame = _on_lines(path, [row.line for row in rows], fields, list(columns))
    return frame.astype({name: _DTYPES[kind] for name, kind in columns.items()})


ADVICE = {
    "integer": "write digits alone, and number what has other names",
    "number": "write digits, with a decimal point where there is one",
    "year": "write digits, or leave the cell empty",
    "time": "write seconds since 1970, or a date as 2024-12-31 or 2024-12-31T23:59:59",
}
"""What to write into a cell instead, by what its column holds."""
_DTYPES = {
    "text": "object",
    "integer": "int64",
    "number": "float64",
    "year": "Int32",
    "time": "int64",
}
_DIGITS = re.compile("[0-9]{1,18}")
_YEAR = re.compile("[0-9]{1,4}")


def _value(place: str, kind: str, cell: str) -> Any:
    """Return what a cell says."""
    match kind:
        case "text":
            return cell
        case "year" if not cell:
            return None
        case "year" if _YEAR.fullmatch(cell):
            return int(cell)
        case "integer" | "time" if _DIGITS.fullmatch(cell):
            return int(cell)
        case "number" if (value := plain_number(cell)) is not None:
            return value
        case "time" if (seconds := _seconds(cell)) is not None:
            return seconds
    raise CragruError(f"no {kind}", place=place, got=cell, advice=ADVICE[kind])


def _seconds(cell: str) -> int | None:
    """Return a date of ISO 8601 in seconds since 1970; None where it is none."""
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _on_lines(path: PathLike, lines: Any, fields: list[Any], columns: list[str]) -> pd.DataFrame:
    """Return rows with the lines that they are on."""
    if not fields:
        raise CragruError("the file has no rows", place=spot(path))
    return pd.DataFrame(fields, columns=columns, index=pd.Index(lines, name=spot(path)))


def row_error(
    rows: pd.DataFrame, wrong: pd.Series, what: str, *columns: str, advice: str = ""
) -> CragruError:
    """Return the error of rows that are wrong: the first is named, with its values in these columns."""
    number = int(wrong.to_numpy().argmax())
    values = [rows[column].iloc[number] for column in columns]
    got = ", ".join(f"{one:g}" if isinstance(one, np.floating) else str(one) for one in values)
    more = f" (and {wrong.sum() - 1} further rows)" if wrong.sum() > 1 else ""
    place = spot(*_file_and_line(rows, number))
    return CragruError(f"{what}{more}", place=place, got=got, advice=advice)


def _file_and_line(rows: pd.DataFrame, number: int) -> tuple[str, int]:
    """Return where a row is, by its place in the table."""
    index = rows.index
    return index[number] if tuple(index.names) == PLACES else (index.name, index[number])


def refuse_repeats(rows: pd.DataFrame, *columns: str) -> None:
    """Refuse two rows that are alike in some columns."""
    keys = rows[list(columns)]
    if are_distinct(*(keys[column].to_numpy() for column in columns)):
        return
    repeated = keys.duplicated()
    if repeated.any():
        again = int(repeated.to_numpy().argmax())
        same = (keys == keys.iloc[again]).all(axis=1)
        file, line = _file_and_line(rows, int(same.to_numpy().argmax()))
        is_near = file == _file_and_line(rows, again)[0]
        where = f"line {line}" if is_near else spot(Path(file).name, line)
        names = " and ".join(columns).replace("raw_id", "id")
        raise row_error(
            rows,
            repeated,
            f"{where} has the same {names}",
            *columns,
            advice="keep one, or let the entry say `keep: {repeats: last}`"
            if "item" in columns
            else "keep one",
        )
