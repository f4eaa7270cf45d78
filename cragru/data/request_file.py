"""The file of a deletion request: its header and lines, before they are held against the data.

Plans are made of what this module reads, so it does without pandas.
"""

from cragru.core.errors import CragruError
from cragru.core.place import PathLike, spot
from cragru.written.spreadsheets import CsvRow, read_spreadsheet

HEADER = ["user", "item"]


def read_lines(path: PathLike) -> list[CsvRow]:
    """Return the rows below the header; the item is empty where all of the user's are asked for."""
    header, *rows = read_spreadsheet(path, "a request") or [CsvRow(1, [])]
    if header.cells != HEADER:  # in no other order: many a number is an id of a user and of an item
        raise _misread(path, header, "the header must be user,item")
    for row in rows:
        if len(row.cells) != len(HEADER) or not row.cells[0]:
            raise _misread(path, row, "expected user,item or user, for all items")
    return rows


def _misread(path: PathLike, row: CsvRow, what: str) -> CragruError:
    return CragruError(what, place=spot(path, row.line), got=",".join(row.cells))
