"""Read CSV files of people, as spreadsheets save them: cell by cell, or one line that says what to do.

Plans are made of what this module reads, so it does without pandas.
"""

import csv
import io
import math
import re
from typing import NamedTuple

from cragru.core.errors import CragruError
from cragru.core.place import PathLike, spot
from cragru.written.texts import read_text

NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
OTHERS = re.compile("[;\t]")  # separators of other files that a spreadsheet calls CSV or text
NO_COMMA = "write numbers without a comma, and quotes around a text with one"  # an advice


class CsvRow(NamedTuple):
    """A row of a CSV file: the line that it begins on, counted from 1, and its cells as text."""

    line: int
    cells: list[str]


def parse_rows(text: str, path: PathLike, separator: str = ",") -> list[CsvRow]:
    """Cut a text, its line ends as the file has them, into rows; an empty line is a row without cells.

    Raises:
        CragruError: With the line of the row, if a quote is not closed or stands within a cell, or a cell is longer
            than the csv module reads (`csv.field_size_limit`).
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, line = [], 1
    try:
        for cells in reader:
            rows.append(CsvRow(line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        place = spot(path, line)
        raise CragruError(f"not a row of CSV ({error})", place=place, advice="mend it") from error
    return rows


def plain_number(cell: str) -> float | None:
    """Return the number that a cell says; None where it is no plain digits with at most one point, or too large."""
    value = float(cell) if NUMBER.fullmatch(cell) else math.inf
    return value if math.isfinite(value) else None


def check_widths(path: PathLike, header: CsvRow, rows: list[CsvRow]) -> None:
    """Refuse rows with more or fewer cells than the header."""
    for row in rows:
        got, wanted, place = len(row.cells), len(header.cells), spot(path, row.line)
        if got != wanted:
            raise CragruError(f"not {wanted} cells", place=place, got=got, advice=NO_COMMA)


def read_spreadsheet(path: PathLike, what: str) -> list[CsvRow]:
    """Read a CSV file that a person has saved: UTF-8, with or without a byte-order mark, commas between cells.

    Blanks around a cell are dropped, and so are rows without any text and what is blank in all rows at their ends.
    The header comes first; a file without any text has no rows. Messages call the file `what`, such as ``a request``.

    Raises:
        CragruError: If the file cannot be read, is no text in UTF-8, has other separators, or a row is no row of CSV.
    """
    rows, width = [], 0
    for row in parse_rows(read_text(path, what), path):
        cells = [cell.strip() for cell in row.cells]
        filled = [place for place, cell in enumerate(cells, 1) if cell]
        if filled:
            rows.append(CsvRow(row.line, cells))
            width = max(width, filled[-1])
    for row in rows[:1]:
        wrong = OTHERS.search(row.cells[0])
        if wrong and not any(row.cells[1:]):
            place = spot(path, row.line)
            raise CragruError("wrong separator", place=place, got=wrong[0], advice="use commas")
    return [CsvRow(row.line, row.cells[:width]) for row in rows]
