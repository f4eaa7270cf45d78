"""CSV files of our own: what is written is read back as it was, text as text and numbers as numbers.

Nothing is guessed of what a cell looks like. A reader names the columns that it wants and the dtype of each; an empty
cell, and nothing else, is a missing number. So a method may be called ``NA``, ``1`` or ``True``.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cragru.core.errors import CragruError, excerpt
from cragru.core.place import PathLike
from cragru.kept.files import write_text
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
        schema: The columns to read and the dtype of each, one of `CONVERSIONS`; the file's others are left out.

    Raises:
        CragruError: If the file is unreadable, lacks a column or has one twice, or a cell is not of its dtype.
    """
    header, *rows = _rows(path) or [CsvRow(1, [])]
    wrong = [name for name in schema if header.cells.count(name) != 1]
    if wrong:
        raise CragruError(
            f"{path}: columns are {excerpt(header.cells)}, expected {wrong[0]!r} once; delete it and run again"
        )
    for row in rows:
        if len(row.cells) != len(header.cells):
            raise CragruError(
                f"{path}, line {row.line}: {len(row.cells)} cells, expected {len(header.cells)}; delete the file and "
                "run again"
            )
    return pd.DataFrame({name: _column(path, header, rows, name, schema[name]) for name in schema})


def _rows(path: PathLike) -> list[CsvRow]:
    try:
        text = Path(path).read_bytes().decode("utf-8")  # not read_text(), which changes line ends
    except (OSError, UnicodeDecodeError) as error:
        raise CragruError(
            f"{path}: not a readable CSV file ({error}); delete it and run again"
        ) from error
    return parse_rows(text, path)


def _column(path: PathLike, header: CsvRow, rows: list[CsvRow], name: str, dtype: str) -> pd.Series:
    place, convert = header.cells.index(name), CONVERSIONS[dtype]
    values = []
    for row in rows:
        cell = row.cells[place]
        try:
            values.append(convert(cell))
        except ValueError as error:
            raise CragruError(
                f"{path}, line {row.line}, column {name!r}: got {excerpt(cell)}, expected {dtype}; delete the file "
                "and run again"
            ) from error
    return pd.Series(values, dtype=dtype)
