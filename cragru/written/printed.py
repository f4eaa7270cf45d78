"""The paper's printed values, to stand beside ours: a CSV file that a person keeps."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cragru.core.errors import CragruError, excerpt, nearest
from cragru.core.place import PathLike
from cragru.written.spreadsheets import CsvRow, read_spreadsheet

Key = tuple[str | int, ...]
Printed = Mapping[Key, Mapping[str, float]]

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
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

    Args:
        path: The file, or None for a table that the paper does not have.
        columns: What it holds.

    Returns:
        By the values of the keys, in the order of `columns.keys`, each row's numbers by column; none for an empty cell.

    Raises:
        CragruError: With the line, and the column where there is one, if the file is no CSV in UTF-8, lacks a key, has
            a column that is not known or is there twice, names a row twice, or a cell is not of its column.
    """
    if path is None:
        return {}
    header, *rows = read_spreadsheet(path, "printed values") or [CsvRow(1, [])]
    _check_header(path, header.cells, columns)
    values: dict[Key, dict[str, float]] = {}
    for row in rows:
        if len(row.cells) != len(header.cells):
            raise CragruError(
                f"{path}, line {row.line}: {len(row.cells)} cells, expected {len(header.cells)} as in the header; a "
                "number has no comma"
            )
        cells = dict(zip(header.cells, row.cells, strict=True))
        key = _key(path, row, cells, columns)
        if key in values:
            called = ", ".join(f"{name} {excerpt(cells[name])}" for name in columns.keys)
            raise CragruError(
                f"{path}, line {row.line}: the row of {called} is there twice; keep one"
            )
        filled = [name for name in columns.values if cells.get(name)]
        values[key] = {name: _number(path, row, name, cells[name]) for name in filled}
    return values


def printed(values: Printed, row: Key, column: str) -> float | None:
    """One printed value, or None where the paper has none."""
    return values.get(row, {}).get(column)


def _check_header(path: PathLike, header: list[str], columns: PrintedColumns) -> None:
    missing = [name for name in columns.keys if name not in header]
    if missing:
        raise CragruError(f"{path}: columns {missing} are missing; it has {excerpt(header)}")
    for name in header:
        if name not in columns.keys + columns.values:
            hint = nearest(name, columns.keys + columns.values)
            raise CragruError(
                f"{path}: column {excerpt(name)}: not known ({hint}); rename or remove it"
            )
        if header.count(name) > 1:
            raise CragruError(f"{path}: column {name!r} is there twice; keep one")


def _key(path: PathLike, row: CsvRow, cells: Mapping[str, str], columns: PrintedColumns) -> Key:
    for name in columns.labels:
        if not cells[name]:
            raise CragruError(
                f"{path}, line {row.line}, column {name!r}: empty; name what the row is of"
            )
    for name in columns.whole:
        if not _WHOLE.fullmatch(cells[name]):
            raise CragruError(
                f"{path}, line {row.line}, column {name!r}: got {excerpt(cells[name])}; write a whole number, digits "
                "alone"
            )
    return tuple(
        int(cells[name]) if name in columns.whole else cells[name] for name in columns.keys
    )


def _number(path: PathLike, row: CsvRow, name: str, cell: str) -> float:
    value = float(cell) if _NUMBER.fullmatch(cell) else math.inf
    if not math.isfinite(value):
        raise CragruError(
            f"{path}, line {row.line}, column {name!r}: got {excerpt(cell)}; write digits with a decimal point, "
            "such as 1682 or 0.65, or leave it empty"
        )
    return value
