"""Hold the numbers of a page against the CSVs that it quotes (`docs/fidelity/quotes.yaml` shows how to write it).

Texts and tables of the page are named in a file of quotes, each with the file, the row and the columns of its numbers.
A number agrees if the CSV's, rounded to as many digits, is the printed one. Positions are those of characters.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from cragru.core.errors import CragruError, Problem

NUMBER = re.compile(
    r"(?P<than>[<>]\s*)?"
    r"(?<![\w.@/§])(?<![A-Za-z]-)"  # no part of table2, @10, 1.2.1, 80/10/10, Llama-3.1
    r"(?P<sign>[-\u2212])?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*\.\d+|\d+)"
    r"(?![\w⁻/]|\.\w|,\d{3})"
)
NOT_READ = re.compile(
    r"^```.*?^```|^#.*?$|`[^`\n]*`|\]\([^)]*\)|</?\w+>", re.MULTILINE | re.DOTALL
)  # code, headings, targets of links, HTML
ROUNDING = 1e-9  # beyond half of the last digit: of binary numbers

Span = tuple[int, int]
Row = dict[str, Any]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Where(Strict):
    """Where a number is; what is missing is as further out.

    Attributes:
        csv: A file of docs/fidelity, or of a run's tables and figures.
        row: Columns and the values that they have in the one row that is meant; a list allows several, nothing
            (null) takes an outer choice back.
    """

    csv: str | None = None
    row: Row = Field(default_factory=dict)

    def inside(self, outer: "Where") -> "Where":
        return Where(csv=self.csv or outer.csv, row={**outer.row, **self.row})


class Number(Where):
    """A number of a CSV.

    Attributes:
        column: The column; missing in `less` and `over`: the same.
        take: What is meant of several rows.
        times: A factor, such as 100 for a percentage, or -1.
        less: Another number, to be taken off.
        over: Another number, to divide by.
    """

    column: str | None = None
    take: Literal["min", "max", "mean", "sum", "count"] | None = None
    times: float = 1
    less: "Number | None" = None
    over: "Number | None" = None


Spec = str | Number | None  # a text is a column; nothing: a number that is of no run


class Text(Where):
    """A text of the page, to the letter but for its line breaks, and what its numbers are, in order."""

    text: str
    numbers: list[Spec]


class Column(Where):
    """A column of a table of the page: `head` is its header.

    Attributes:
        key: The cell chooses rows: this column of the CSV has the cell's text ...
        names: ... or the row or the file has, which stands here for that text.
        numbers: What a cell's numbers are, in order. Without them, or in an empty cell, nothing is compared.
        of_no_run: Nothing needs to be quoted here.
    """

    head: str
    key: str | None = None
    names: dict[str, Where] = Field(default_factory=dict)
    numbers: list[Spec] | None = None
    of_no_run: bool = False


class PageTable(Where):
    """A table of the page.

    Attributes:
        table: The heading of its section.
        number: Which of the section's tables.
        columns: From left to right.
        skip: Texts of first cells: rows that another quote has.
    """

    table: str
    number: Annotated[int, Field(ge=1)] = 1
    columns: list[Column]
    skip: list[str] = Field(default_factory=list)


class Quotes(Strict):
    """A file of quotes.

    Attributes:
        sections: Headings; each number below them must be quoted, or be of no run.
        not_of_a_run: Texts whose numbers are of no run: the paper's printed values, versions, constants.
        elsewhere: CSVs that no run makes.
        quotes: Texts and tables.
    """

    sections: list[str] = Field(default_factory=list)
    not_of_a_run: list[str] = Field(default_factory=list)
    elsewhere: list[str] = Field(default_factory=list)
    quotes: list[Text | PageTable] = Field(default_factory=list)


@dataclass(frozen=True)
class Printed:
    """A number as the page prints it; `than` is < or > where the page gives a bound."""

    span: Span
    text: str
    value: float
    digits: int
    than: str

    def agrees(self, value: float) -> bool:
        if self.than:
            return value < self.value if self.than == "<" else value > self.value
        return abs(value - self.value) <= 0.5 * 10**-self.digits + ROUNDING


@dataclass(frozen=True)
class Tables:
    """CSVs of a folder and the folders in it; those that are `elsewhere` are of another folder."""

    folder: Path
    home: Path
    elsewhere: Sequence[str] = ()

    def read(self, name: str) -> pd.DataFrame:
        folder = self.home if name in self.elsewhere else self.folder
        found = sorted(folder.rglob(name))
        if not found:
            raise CragruError("no such file", place=str(folder), got=name)
        return read_once(found[0])

    def column(self, where: Where, column: str) -> pd.Series:
        """Return what a column has in the rows that are meant."""
        table = self.read(where.csv or "")
        chosen = {name: values for name, values in where.row.items() if values is not None}
        for name in [column, *chosen]:
            if name not in table:
                raise CragruError("no such column", place=where.csv, got=name, allowed=[*table])
        for name, values in chosen.items():
            wanted = values if isinstance(values, list) else [values]
            table = table[table[name].isin(wanted)]
        return table[column]

    def number(self, spec: str | Number, around: Where, column: str | None = None) -> float:
        """Look up a number."""
        spec = Number(column=spec) if isinstance(spec, str) else spec
        where, column = spec.inside(around), spec.column or column
        place = f"{where.csv}, {described(where.row)}"
        if column is None:
            raise CragruError("no column", place=place)
        found = self.column(where, column)
        if spec.take is None and len(found) != 1:
            raise CragruError("one row is wanted", place=place, got=f"{len(found)} rows")
        value = float(found.agg(spec.take) if spec.take else found.iloc[0])
        if spec.less:
            value -= self.number(spec.less, where, column)
        if spec.over:
            value /= self.number(spec.over, where, column)
        return value * spec.times


@cache
def read_once(path: Path) -> pd.DataFrame:
    return pd.read_csv(path)


def described(row: Row) -> str:
    chosen = [f"{name} {value}" for name, value in row.items() if value is not None]
    return ", ".join(chosen) or "any row"


class Page:
    """A page of Markdown, and its numbers in order."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        readable = NOT_READ.sub(lambda found: " " * len(found[0]), text)
        self.numbers = [printed(found) for found in NUMBER.finditer(readable)]

    def place(self, at: int) -> str:
        return f"{self.name}:{self.text.count(chr(10), 0, at) + 1}"

    def within(self, span: Span) -> list[Printed]:
        """Return the numbers between two positions."""
        return [number for number in self.numbers if span[0] <= number.span[0] < span[1]]

    def spans(self, text: str) -> list[Span]:
        """Find a text, whatever its line breaks are.

        Raises:
            CragruError: If the page lacks it.
        """
        pattern = r"\s+".join(map(re.escape, text.split()))
        found = [match.span() for match in re.finditer(pattern, self.text)]
        if not found:
            raise CragruError("no such text", place=self.name, got=text)
        return found

    def section(self, heading: str) -> Span:
        """Return from where to where a section is, its subsections included.

        Raises:
            CragruError: If the page has no such heading.
        """
        heads = [
            (len(match[1]), match[2].strip(), match.start())
            for match in re.finditer(r"^(#+) (.*)$", self.text, re.MULTILINE)
        ]
        for place, (level, title, start) in enumerate(heads):
            if title == heading:
                ends = [after for depth, _, after in heads[place + 1 :] if depth <= level]
                return start, min(ends, default=len(self.text))
        titles = [title for _, title, _ in heads]
        raise CragruError("no such heading", place=self.name, got=heading, allowed=titles)

    def table(self, quote: PageTable) -> list[list[Span]]:
        """Return the cells of a table, row by row, its header first.

        Raises:
            CragruError: If the section has no such table.
        """
        start, end = self.section(quote.table)
        blocks = [*re.finditer(r"(?:^\|.*\n?)+", self.text[start:end], re.MULTILINE)]
        if len(blocks) < quote.number:
            place = f"{self.name}, {quote.table}"
            raise CragruError("no such table", place=place, got=quote.number)
        block = blocks[quote.number - 1]
        lines = re.finditer(r"^\|.*$", block[0], re.MULTILINE)
        rows = [cells(line[0], start + block.start() + line.start()) for line in lines]
        return [rows[0], *rows[2:]]  # without the line of dashes

    def words(self, span: Span) -> str:
        return self.text[slice(*span)].replace("`", "").strip()


def printed(found: re.Match[str]) -> Printed:
    digits = found["digits"].replace(",", "")
    value = float(digits) * (-1 if found["sign"] else 1)
    than = (found["than"] or "").strip()
    text = f"{found['sign'] or ''}{found['digits']}"
    return Printed(found.span("digits"), text, value, len(digits.partition(".")[2]), than)


def cells(line: str, start: int) -> list[Span]:
    """Return where the cells of a line of a table are, which begins at `start`."""
    bars = [match.start() for match in re.finditer(r"(?<!\\)\|", line)]
    return [(start + a + 1, start + b) for a, b in pairwise(bars)]


Quoted = tuple[Span, Sequence[Spec], Where]


def quoted(page: Page, quote: Text | PageTable) -> Iterator[Quoted]:
    """Yield places of the page, what their numbers are, and where."""
    if isinstance(quote, Text):
        for span in page.spans(quote.text):
            yield span, quote.numbers, Where(csv=quote.csv, row=quote.row)
        return
    header, *rows = page.table(quote)
    heads, wanted = [page.words(span) for span in header], [column.head for column in quote.columns]
    if heads != wanted:
        place = f"{page.name}, {quote.table}"
        raise CragruError("other columns than in the quote", place=place, got=heads, allowed=wanted)
    for row in rows:
        if page.words(row[0]) in quote.skip:
            continue
        where = Where(csv=quote.csv, row=quote.row)
        for column, cell in zip(quote.columns, row, strict=True):
            if column.key:
                words = page.words(cell)
                named = column.names.get(words, Where(row={column.key: words}))
                where = named.inside(where)
        for column, cell in zip(quote.columns, row, strict=True):
            here = page.within(cell)
            if column.of_no_run:
                yield cell, [None] * len(here), where
            elif column.numbers is not None and here:
                yield cell, column.numbers, Where(csv=column.csv, row=column.row).inside(where)


def problems(page: Page, quotes: Quotes, tables: Tables) -> list[Problem]:
    """List what is wrong: numbers that are not the CSV's, quotes that fit nothing, numbers that nothing covers."""
    found, covered = [], set()
    for quote in quotes.quotes:
        try:
            for span, specs, where in quoted(page, quote):
                numbers = page.within(span)
                covered.update(number.span for number in numbers)
                found += compared(page, span, numbers, specs, where, tables)
        except CragruError as error:
            found += error.problems
    for text in quotes.not_of_a_run:
        try:
            for span in page.spans(text):
                covered.update(number.span for number in page.within(span))
        except CragruError as error:
            found += error.within("not_of_a_run").problems
    for heading in quotes.sections:
        try:
            found += uncovered(page, heading, covered)
        except CragruError as error:
            found += error.within("sections").problems
    return found


def compared(
    page: Page,
    span: Span,
    numbers: Sequence[Printed],
    specs: Sequence[Spec],
    where: Where,
    tables: Tables,
) -> Iterator[Problem]:
    """Compare the numbers of a place with what they are to be."""
    if len(numbers) != len(specs):
        texts = [number.text for number in numbers]
        yield Problem(f"{len(specs)} numbers are wanted", place=page.place(span[0]), got=texts)
        return
    for number, spec in zip(numbers, specs, strict=True):
        if spec is None:
            continue
        place = page.place(number.span[0])
        try:
            value = tables.number(spec, where)
        except CragruError as error:
            yield from error.within(place).problems
            continue
        if math.isnan(value) or not number.agrees(value):
            inner = Number(column=spec) if isinstance(spec, str) else spec
            at = inner.inside(where)
            what = f"{at.csv} has {value:.{number.digits}f} ({inner.column}; {described(at.row)})"
            yield Problem(what, place=place, got=number.text)


def uncovered(page: Page, heading: str, covered: set[Span]) -> Iterator[Problem]:
    """Yield the numbers of a section that nothing covers."""
    for number in page.within(page.section(heading)):
        if number.span not in covered:
            yield Problem("no quote covers it", page.place(number.span[0]), number.text)
