"""Read the paper's printed values, to stand beside ours: a CSV file that a person keeps."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cragru.core.errors import CragruError, Problem, Problems
from cragru.core.place import PathLike, spot
from cragru.written.spreadsheets import CsvRow, check_widths, plain_number, read_spreadsheet

Key = tuple[str | int, ...]
Printed = Mapping[Key, Mapping[str, float]]

ADVICE = "name the row; write digits, with a decimal point where there is one, such as 1682 or 0.65"
_WHOLE = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class PrintedColumns:
    """The columns that a kind of table reads of its file of printed values.

    Attributes:
        labels: Columns of text that name a row, as tables call things.
        values: Columns of numbers that there may be; what the paper does not have is an empty cell, or no column.
        whole: Columns of whole numbers that name a row beside the labels.
    """

    labels: tuple[str, ...]
    values: tuple[str, ...]
    whole: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns that name a row."""
        return self.labels + self.whole


def printed_values(path: PathLike | None, columns: PrintedColumns) -> Printed:
    """Read a CSV of printed values.

    A number is digits with at most one point, such as ``1682`` or ``0.291``. What may mean two things is refused, not
    guessed: ``1,682`` is a thousand times more here than there, ``65 %`` may be 65 or .65.

    Returns:
        By the values of the keys, in the order of `columns.keys`, each row's numbers by column; none for an empty cell,
        and no rows without a file.

    Raises:
        CragruError: With the line and the column, if the file is not such a CSV.
    """
    if path is None:
        return {}
    header, *rows = read_spreadsheet(path, "printed values") or [CsvRow(1, [])]
    _check_header(path, header.cells, columns)
    values: dict[Key, dict[str, float]] = {}
    check_widths(path, header, rows)
    for row in rows:
        found: dict[str, Any] = {}
        for name, cell in zip(header.cells, row.cells, strict=True):
            if cell or name in columns.keys:
                found[name] = _value(columns, name, cell)
            if found.get(name, 0) is None:
                raise CragruError(place=spot(path, row.line, name), got=cell, advice=ADVICE)
        key = tuple(found.pop(name) for name in columns.keys)
        if key in values:
            place = spot(path, row.line)
            raise CragruError("is there twice", place=place, got=key, advice="keep one")
        values[key] = found
    return values


def printed(values: Printed, row: Key, column: str) -> float | None:
    """Return one printed value, or None where the paper has none."""
    return values.get(row, {}).get(column)


def _check_header(path: PathLike, header: list[str], columns: PrintedColumns) -> None:
    known = columns.keys + columns.values
    problems = Problems()
    for name in columns.keys:
        if name not in header:
            problems.found.append(Problem("missing", spot(path, column=name), advice="add it"))
    for name in header:
        if name not in known or header.count(name) > 1:
            problems.found.append(Problem("unknown or there twice", spot(path), name, known))
    problems.tell()


def _value(columns: PrintedColumns, name: str, cell: str) -> str | float | None:
    """Return what a cell says, or None where it says nothing that its column takes."""
    if name in columns.labels:
        return cell or None
    if name in columns.whole:
        return int(cell) if _WHOLE.fullmatch(cell) else None
    return plain_number(cell)
