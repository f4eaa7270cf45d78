"""CSV files of people, as spreadsheets save them: read cell by cell, and refused in one line that says what to do.

Plans are made of what this module reads, so it does without pandas.
"""

import csv
import io
from dataclasses import dataclass

from cragru.core.errors import CragruError
from cragru.core.place import PathLike
from cragru.written.texts import read_text

SEPARATORS = {
    ";": "semicolons",
    "\t": "tabs",
}  # of other files that a spreadsheet calls CSV or text


@dataclass(frozen=True)
class CsvRow:
    """A row of a CSV file.

    Attributes:
        line: The line of the file that it begins on, counted from 1.
        cells: Its cells, as text.
    """

    line: int
    cells: list[str]


def parse_rows(text: str, path: PathLike) -> list[CsvRow]:
    """Cut a text into the rows of a CSV file; an empty line is a row without cells.

    Args:
        text: The text, its line ends as the file has them.
        path: The file, for the message.

    Raises:
        CragruError: With the line of the row, if a quote is not closed or stands within a cell, or a cell is longer
            than the csv module reads (`csv.field_size_limit`).
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = []
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise CragruError(
                f"{path}, line {line}: not a row of CSV ({error}); look for a quote that is not closed or a cell that "
                "is too long"
            ) from error
        if cells is None:
            return rows
        rows.append(CsvRow(line, cells))


def read_spreadsheet(path: PathLike, what: str) -> list[CsvRow]:
    """Read a CSV file that a person has saved: UTF-8, with or without a byte-order mark, cells parted by commas.

    Blanks around a cell are dropped, and so are rows without any text and what is blank in all rows at their ends.

    Args:
        path: The file.
        what: What it is to be, such as ``a request``, for the message.

    Returns:
        The rows, the header first; none of a file without any text.

    Raises:
        CragruError: If the file cannot be read, is no text in UTF-8, has other separators, or a row is no row of CSV.
    """
    rows = []
    for row in parse_rows(read_text(path, what), path):
        cells = [cell.strip() for cell in row.cells]
        if any(cells):
            rows.append(CsvRow(row.line, cells))
    if rows:
        _refuse_separators(path, rows[0])
    width = max((_width(row) for row in rows), default=0)
    return [CsvRow(row.line, row.cells[:width]) for row in rows]


def _refuse_separators(path: PathLike, header: CsvRow) -> None:
    """A header of one cell that holds another separator is that of a file whose columns it parts."""
    if any(header.cells[1:]):
        return
    for separator, name in SEPARATORS.items():
        if separator in header.cells[0]:
            raise CragruError(
                f"{path}, line {header.line}: columns are parted by {name}; save it with commas between them"
            )


def _width(row: CsvRow) -> int:
    """Cells up to the last that is not blank."""
    return max(place + 1 for place, cell in enumerate(row.cells) if cell)
