"""CSV files of our own: text is read back as text, and numbers as numbers.

A reader names the columns that it wants and the dtype of each; no cell is guessed. Only an empty cell is a missing
number. So a method may be called ``NA``, ``1`` or ``True``.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.place import PathLike, spot
from cragru.kept.files import AGAIN, write_text
from cragru.written.spreadsheets import CsvRow, check_widths, parse_rows

CONVERSIONS = {"object": str, "int64": int, "float64": lambda cell: float(cell or "nan")}
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
    try:
        text = Path(path).read_bytes().decode()  # not read_text(), which changes line ends
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise CragruError(f"not a CSV file ({error})", place=spot(path), advice=AGAIN) from error
    header, *rows = parse_rows(text, path) or [CsvRow(1, [])]
    for name in schema:
        if header.cells.count(name) != 1:
            place = spot(path, column=name)
            raise CragruError("not there once", place=place, got=header.cells, advice=AGAIN)
    check_widths(path, header, rows)
    columns = {}
    for name, dtype in schema.items():
        cells = {row.line: row.cells[header.cells.index(name)] for row in rows}
        columns[name] = pd.Series(_values(path, name, cells, dtype), dtype=dtype)
    return pd.DataFrame(columns)


def _values(path: PathLike, name: str, cells: dict[int, str], dtype: str) -> list[Any]:
    """Return the values of a column's cells, which are by their lines."""
    values = []
    for line, cell in cells.items():
        try:
            values.append(CONVERSIONS[dtype](cell))
        except ValueError as error:
            where = spot(path, line, name)
            raise CragruError(f"no {dtype}", place=where, got=cell, advice=AGAIN) from error
    return values
