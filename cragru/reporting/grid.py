"""A table as text: texts with marks, rendered to Markdown through tabulate."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from tabulate import tabulate

from cragru.reporting.escapes import MINUS, escape_markdown, markdown_paragraph

LARGE_ERROR, FEW_DIGITS = 0.03, 2
NO_WIDTH = 1e-9  # of an interval whose bounds differ by rounding alone
MARKDOWN_MARKS = {"best": "**{}**", "second": "<u>{}</u>", "": "{}"}


@dataclass(frozen=True)
class Text:
    """What stands at one place of a table: a value, what is beside it in brackets, and its mark.

    Attributes:
        value: The value, formatted.
        paper: The printed value, formatted; empty where the paper has none. A table without printed values may have
            bounds there.
        mark: `best` (bold), `second` (underlined) or nothing.
    """

    value: str
    paper: str = ""
    mark: str = ""


Grid = Sequence[Sequence[Text]]
HeadedGrid = tuple[list[str], list[list[Text]]]
"""Names of columns, and the texts below them, `[lines][columns]`."""


def filled(template: str, value: Any) -> str:
    """Return a value in a template, or nothing where the value is missing."""
    return "" if pd.isna(value) else template.format(value)


def decimals(standard_error: float, most: int) -> int:
    """Return how many digits past the point a number is printed with.

    The one rule for all tables of measures between 0 and 1: two where the standard error is `LARGE_ERROR` or more, as
    of a hit rate over fewer than some 200 users; there a third digit says nothing. Else `most`.
    """
    return min(most, FEW_DIGITS) if standard_error >= LARGE_ERROR else most


def has_width(low: float, high: float) -> bool:
    """Return whether two bounds are there and apart: else there is no interval to print."""
    return high - low > NO_WIDTH


def interval_text(value: float, low: float, high: float, n: float, digits: int) -> Text:
    """Return a value with its bounds beside it, if it has any and they are apart.

    Where the value is missing, n; and a dash where n is 0, for there it is not defined.
    """
    if math.isnan(value):
        return Text(f"(n = {n:.0f})" if n else "\N{EN DASH}")
    bounds = f"{low:z.{digits}f}, {high:z.{digits}f}" if has_width(low, high) else ""
    return Text(f"{value:z.{digits}f}".replace("-", MINUS), bounds.replace("-", MINUS))


def interval_texts(
    measures: pd.DataFrame, shown: Mapping[Hashable, tuple[str, int]], numbers: Sequence[str]
) -> list[Text]:
    """Return a text for each measure of `shown` (with its digits), of its `numbers`: value, low, high, n."""
    texts = []
    for measure, (_, digits) in shown.items():
        texts.append(interval_text(*measures.loc[measure, [*numbers]], digits))
    return texts


def significant(value: float, digits: int = 3) -> str:
    """Format a number with so many significant digits; a missing number is blank.

    Whole digits are never rounded away, thousands have commas, and what is below 0.0001 is in powers of ten: 0.00123,
    12.3, 1,235, 5.12e-06.
    """
    if pd.isna(value):
        return ""
    if value == 0:
        return "0"
    scientific = f"{value:.{digits - 1}e}"  # rounds first: 9.996 has one decimal, not two
    exponent = int(scientific.partition("e")[2])
    return scientific if exponent < -4 else f"{value:,.{max(0, digits - 1 - exponent)}f}"


def markdown(header: Sequence[str], grid: Grid, caption: str, notes: Sequence[str] = ()) -> str:
    """Return the table in GitHub's Markdown: bold best, underlined second, printed values in brackets."""
    rows = [list(map(_in_markdown, row)) for row in grid]
    names = list(map(escape_markdown, header))
    table = tabulate(rows, names, tablefmt="pipe", disable_numparse=True)
    above, *below = map(markdown_paragraph, [caption, *notes])
    return "\n\n".join([above, table, *below]) + "\n"


def _in_markdown(text: Text) -> str:
    return beside(MARKDOWN_MARKS[text.mark].format(escape_markdown(text.value)), text.paper)


def beside(value: str, paper: str) -> str:
    """Return a value with what is beside it in brackets, if anything."""
    return f"{value} [{paper}]" if paper else value
