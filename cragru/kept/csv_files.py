"""CSV files of our own: text is read back as text, and numbers as numbers.

A reader names the columns that it wants and the dtype of each; no cell is guessed. Only an empty cell is a missing
number. So a method may be called ``NA``, ``1`` or ``True``.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.place import PathLike, spot
from cragru.kept.files import AGAIN, write_text
from cragru.written.spreadsheets import CsvRow, parse_rows


def _number(cell: str) -> float:
    return float(cell) if cell else float("nan")


CONVERSIONS = {"object": str, "int64": int, "float64": _number}
"""How a cell is read, by the dtype of its column; in a column of text an empty cell is the empty text."""


def write_csv(path: PathLike, frame: pd.DataFrame) -> None:
    """Write a frame without its index, atomically; numbers in full precision, missing ones as empty cells."""
    text = frame.to_csv(index=False)
    if "\r" in text:  # ends a line for every reader, but is not quoted by itself
        text = frame.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)
    write_text(path, text)


def read_csv(path: PathLike, schema: Mapping[str, str]) -> pd.DataFrame:
    """Read columns of a file that `write_csv` wrote.

    Args:
        path: The file.
        schema: The columns to read and the dtype of each, one of `CONVERSIONS`; other columns are left out.

    Raises:
        CragruError: If the file is unreadable, lacks a column or has one twice, or a cell is not of its dtype.
    """
    header, *rows = _rows(path) or [CsvRow(1, [])]
    wrong = [name for name in schema if header.cells.count(name) != 1]
    if wrong:
        raise CragruError(
            f"column {wrong[0]!r} is not there once",
            place=spot(path),
            got=header.cells,
            advice=AGAIN,
        )
    for row in rows:
        if len(row.cells) != len(header.cells):
            raise CragruError(
                f"not {len(header.cells)} cells, as the header has",
                place=spot(path, row.line),
                got=len(row.cells),
                advice=AGAIN,
            )
    return pd.DataFrame({name: _column(path, header, rows, name, schema[name]) for name in schema})


def _rows(path: PathLike) -> list[CsvRow]:
    try:
        text = Path(path).read_bytes().decode("utf-8")  # not read_text(), which changes line ends
    except (OSError, UnicodeDecodeError) as error:
        raise CragruError(f"not a CSV file ({error})", place=spot(path), advice=AGAIN) from error
    return parse_rows(text, path)


def _column(path: PathLike, header: CsvRow, rows: list[CsvRow], name: str, dtype: str) -> pd.Series:
    place, convert = header.cells.index(name), CONVERSIONS[dtype]
    values = []
    for row in rows:
        cell = row.cells[place]
        try:
            values.append(convert(cell))
        except ValueError as error:
            where = spot(path, row.line, name)
            raise CragruError(f"no {dtype}", place=where, got=cell, advice=AGAIN) from error
    return pd.Series(values, dtype=dtype)
