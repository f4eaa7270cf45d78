"""Read columns of large files with a table: as texts first, all cells at once; the line of a wrong cell is sought last.

A file is text with separators, plain or compressed, or Parquet. `TableColumns` holds the columns that somebody asked
for, and turns one at a time into numbers, times, ids or words, or names the first cell that is none.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from cragru.core.errors import CragruError, short
from cragru.core.place import spot
from cragru.data.options import TableFile
from cragru.data.raw_files import ADVICE
from cragru.written.encodings import decode
from cragru.written.spreadsheets import CsvRow, check_widths, parse_rows

PARQUET = ".parquet"
NOTHING_USUAL: Mapping[str, Sequence[str]] = {}
NO_ROWS = "the file has no rows"


class TableColumns:
    """Columns of a file, by what they hold.

    Attributes:
        path: The file.
        names: What the file calls each column.
    """

    def __init__(
        self,
        folder: Path,
        how: TableFile,
        wanted: Mapping[str, str | int],
        usual: Mapping[str, Sequence[str]] = NOTHING_USUAL,
        name_of: Callable[[str], str] = str,
        has_quotes: bool = True,
    ) -> None:
        """Read columns of a file in a folder.

        Args:
            folder: Where the file lies.
            how: How the file is written.
            wanted: The columns to read: a name of the header, or a number from 1 where there is no header.
            usual: Names that further columns may have; the first that is there counts.
            name_of: What a cell of the header names.
            has_quotes: Whether a cell in quotes may hold a separator or a line end.

        Raises:
            CragruError: If there is no such file, it is empty, in another encoding, has no such column or two of the
                name, or a line has more or fewer cells than others.
        """
        self.path, self._how, self._has_quotes = folder / how.file, how, has_quotes
        if not self.path.is_file():
            raise CragruError("no such file", place=spot(self.path))
        self._has_header = all(isinstance(column, str) for column in wanted.values())
        there, read = self._opened()
        try:
            known, columns = [name_of(one) for one in there], {}
        except CragruError as error:
            raise error.within(spot(self.path, 1)) from error
        found = {role: [one for one in names if one in known] for role, names in usual.items()}
        wanted = {role: names[0] for role, names in found.items() if names} | dict(wanted)
        for role, column in wanted.items():
            if known.count(str(column)) != 1:
                place = spot(self.path, 1 if self._is_text and self._has_header else None)
                what = "no such column, or two"
                raise CragruError(what, place=place, got=column, allowed=known)
            columns[role] = there[known.index(str(column))]
        self.names = {role: str(column) for role, column in wanted.items()}
        table = read(list(dict.fromkeys(columns.values())))
        if not table.num_rows:
            raise CragruError(NO_ROWS, place=spot(self.path))
        self._columns = {role: self._known(table[name]) for role, name in columns.items()}
        self._count = table.num_rows

    def __contains__(self, role: str) -> bool:
        """Tell whether a column was asked for."""
        return role in self._columns

    @cached_property
    def lines(self) -> pd.Index:
        """The line of each row, counted from 1; of Parquet, its number. The name is the path of the file."""
        name, above = spot(self.path), int(self._is_text and self._has_header)
        if self._is_text and self._lines_of_text() != self._count + above:
            filled = [row.line for row in self._rows_of_text() if row.cells]
            return pd.Index(filled[above:], name=name)  # blank lines, or cells of several
        return pd.RangeIndex(1 + above, self._count + 1 + above, name=name)

    def text(self, role: str) -> pd.Series:
        """Return a column as text without blanks around it; an empty one where nothing is known."""
        column = self._columns.get(role)
        words = "" if column is None else _trimmed(column).to_pandas().to_numpy()
        return pd.Series(words, index=self.lines, dtype=object)

    def number(self, role: str) -> pd.Series:
        """Return a column of finite numbers."""
        values = _numbers(self._columns[role])
        self._refuse(role, "number", ~np.isfinite(values))
        return pd.Series(values, index=self.lines)

    def time(self, role: str) -> pd.Series:
        """Return a column of seconds since 1970: such numbers, or ISO dates, in UTC where they name no zone."""
        column = self._columns[role]
        if pa.types.is_temporal(column.type):
            column = _cast(column.cast(pa.timestamp("s"), safe=False), pa.int64())
        whole = _cast(column, pa.int64())
        if whole is None:
            seconds = np.floor(_numbers(column))
            unread = ~np.isfinite(seconds)
            words = _trimmed(column.filter(pa.array(unread))).to_pandas()
            dates = pd.to_datetime(words, format="ISO8601", utc=True, errors="coerce")
            seconds[unread] = (dates - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(seconds=1)
            self._refuse(role, "time", ~np.isfinite(seconds))
        else:
            seconds = whole.to_numpy()
        return pd.Series(seconds, index=self.lines).astype("int64")

    def year(self, role: str) -> pd.Series:
        """Return a column of years, which may lack."""
        if role not in self._columns:
            return pd.Series(pd.NA, index=self.lines, dtype="Int32")
        column = _trimmed(self._columns[role])
        is_empty = pc.equal(column, "").to_numpy()
        values = np.where(is_empty, 0, _numbers(column))
        self._refuse(role, "year", ~(np.isfinite(values) & (values % 1 == 0) & (abs(values) < 1e4)))
        years = pd.array(values.astype("int32"), dtype="Int32")
        years[is_empty] = pd.NA
        return pd.Series(years, index=self.lines)

    def whole(self, role: str) -> pd.Series | None:
        """Return a column of ids as whole numbers; None where one is something else, or has zeros before it."""
        column = self._columns[role]
        numbers = _cast(column, pa.int64()) or _cast(_trimmed(column), pa.int64())
        is_plain = numbers is not None and (
            pa.types.is_integer(column.type)
            or pc.all(pc.equal(numbers.cast(pa.string()), _trimmed(column))).as_py()
        )
        return pd.Series(numbers.to_numpy(), index=self.lines) if is_plain else None

    def label(self, role: str) -> pd.Series:
        """Return a column of ids as text, none of which may lack."""
        words = self.text(role)
        self._refuse(role, role, (words == "").to_numpy())
        return words

    def _refuse(self, role: str, kind: str, wrong: np.ndarray) -> None:
        """Refuse cells that are no `kind`: the first is named, the others are counted."""
        if not wrong.any():
            return
        row, more = int(wrong.argmax()), int(wrong.sum()) - 1
        cell, place = self._columns[role][row].as_py(), spot(self.path, self.lines[row])
        what = f"no {kind}" + (f" (and {more} further rows)" if more else "")
        place += f", column {self.names[role]!r}"
        raise CragruError(what, place=place, got=cell, advice=ADVICE.get(kind, "write one"))

    def _known(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return a column whose cells that say nothing are empty."""
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if not self._how.unknown or not pa.types.is_string(column.type):
            return column
        is_unknown = pc.is_in(_trimmed(column), value_set=pa.array(self._how.unknown))
        return pc.if_else(is_unknown, "", column)

    # --- files

    @property
    def _is_text(self) -> bool:
        return self.path.suffix != PARQUET

    def _opened(self) -> tuple[list[str], Callable[[list[str]], pa.Table]]:
        """Return the names of all columns, and the function that reads some of them."""
        try:
            if not self._is_text:
                names = pa.parquet.read_schema(self.path).names
                return names, lambda some: pa.parquet.read_table(self.path, columns=some)
            if self._how.rest:
                table = self._cut_lines()
                return table.column_names, table.select
            with pa.csv.open_csv(self._stream(), **self._options([])) as reader:
                names = reader.schema.names
            numbers = names if self._has_header else [str(k + 1) for k in range(len(names))]
            own = dict(zip(numbers, names, strict=False))
            return numbers, lambda some: self._csv(own, some)
        except pa.ArrowInvalid as error:
            raise self._explained(error) from error

    def _csv(self, own: Mapping[str, str], some: list[str]) -> pa.Table:
        """Read columns, in the order of `some`; `own` has pyarrow's names."""
        try:
            table = pa.csv.read_csv(self._stream(), **self._options([own[one] for one in some]))
        except pa.ArrowInvalid as error:
            raise self._explained(error) from error
        return table.rename_columns(some)

    def _options(self, columns: list[str]) -> dict[str, Any]:
        """Return how pyarrow reads the file: each cell of some columns as text, or all columns for their names."""
        quotes = '"' if self._has_quotes else False
        return {
            "read_options": pa.csv.ReadOptions(autogenerate_column_names=not self._has_header),
            "parse_options": pa.csv.ParseOptions(
                delimiter=self._how.separator,
                quote_char=quotes,
                newlines_in_values=self._has_quotes,
            ),
            "convert_options": pa.csv.ConvertOptions(
                include_columns=columns, column_types=dict.fromkeys(columns, pa.string())
            ),
        }

    def _stream(self) -> pa.NativeFile:
        """Open the file, decompressed, in UTF-8."""
        if self._how.encoding == "utf-8":
            return pa.input_stream(str(self.path))
        return pa.BufferReader(self._text().encode())

    def _text(self) -> str:
        content = _read(self.path)
        return decode(content, self._how.encoding, self.path).removeprefix("\ufeff")

    def _rows_of_text(self) -> list[CsvRow]:
        """Return the rows, each with its line, cell by cell: slow, for a few files and for errors."""
        if self._how.rest or not self._has_quotes:
            lines = self._text().split("\n")
            cut = [line.split(self._how.separator) if line else [] for line in lines]
            return list(map(CsvRow, range(1, len(cut) + 1), cut))
        return parse_rows(self._text(), self.path, self._how.separator)

    def _cut_lines(self) -> pa.Table:
        """Cut each line into as many cells as the header has, or as the numbers of columns ask for."""
        lines = list(filter(None, self._text().split("\n")))
        columns = self._how.columns.named.values()
        width = len(lines[0].split(self._how.separator)) if self._has_header else max(columns)
        header = lines.pop(0).split(self._how.separator) if self._has_header and lines else []
        cells = [line.split(self._how.separator, width - 1) for line in lines]
        short_row = next((row for row in cells if len(row) < width), None)
        if short_row is not None:
            rows = [row for row in self._rows_of_text() if row.cells]
            line = rows[cells.index(short_row) + bool(header)].line
            place = spot(self.path, line)
            raise CragruError(f"not {width} cells", place=place, got=len(short_row))
        names = header or [str(number) for number in range(1, width + 1)]
        return pa.table([pa.array(column) for column in zip(*cells, strict=True)], names=names)

    def _lines_of_text(self) -> int:
        """Return how many lines the file has, but for blank ones at its end."""
        lines = above = 0
        with self._stream() as stream:
            while block := stream.read(1 << 24):
                filled = block.rstrip(b"\r\n")
                lines = above + filled.count(b"\n") + 1 if filled else lines
                above += block.count(b"\n")
        return lines

    def _explained(self, error: pa.ArrowInvalid) -> CragruError:
        """Return what is wrong with a file that pyarrow refuses: where letters or rows are, that line."""
        if self._is_text:
            rows = [row for row in self._rows_of_text() if row.cells]
            if len(rows) <= self._has_header:
                return CragruError(NO_ROWS, place=spot(self.path))
            check_widths(self.path, rows[0], rows)
        return CragruError(short(str(error)), place=spot(self.path))


def ids(*tables: tuple[TableColumns, str]) -> list[pd.Series]:
    """Return columns of ids of several tables, all as whole numbers, or where one cell is none all as text.

    Whole numbers have no zeros before them: ``007`` is another id than ``7``, and makes all of them text.

    Raises:
        CragruError: If an id lacks.
    """
    whole = [table.whole(role) for table, role in tables]
    if all(column is not None for column in whole):
        return whole
    return [table.label(role) for table, role in tables]


def _read(path: Path) -> bytes:
    with pa.input_stream(str(path)) as stream:
        return stream.read()


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as text without blanks around it; an empty one where a cell lacks."""
    return pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    """Return a column as another kind; None where a cell lacks or is none."""
    if column.null_count:
        return None
    try:
        return column.cast(kind)
    except pa.ArrowInvalid:
        return None


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    """Return the numbers of a column, NaN where a cell is none."""
    fast = _cast(column, pa.float64())
    if fast is not None:
        return fast.to_numpy()
    return pd.to_numeric(_trimmed(column).to_pandas(), errors="coerce").to_numpy("float64")
