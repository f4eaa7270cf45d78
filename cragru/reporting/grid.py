"""A table as text: texts with marks, rendered to Markdown and to LaTeX (booktabs) through tabulate."""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from tabulate import DataRow, Line, TableFormat, tabulate

from cragru.reporting.escapes import MINUS, escape_latex, escape_markdown, markdown_paragraph

LATEX_FIT = (  # box 0, shrunk to what a page can hold
    r"\ifdim\wd0>\textwidth\sbox0{\resizebox{\textwidth}{!}{\usebox0}}\fi",
    r"\ifdim\dimexpr\ht0+\dp0\relax>.75\textheight\sbox0{\resizebox*{!}{.75\textheight}{\usebox0}}\fi",
    r"\usebox0",
)
LATEX_NOTE = r"{{\par\smallskip\raggedright\footnotesize {}\par}}"
READABLE = 100  # characters in a line that LaTeX need not shrink much below 6 points in a one-column article
MARKDOWN_MARKS = {"best": "**{}**", "second": "<u>{}</u>", "": "{}"}
LATEX_MARKS = {"best": r"\textbf{{{}}}", "second": r"\underline{{{}}}", "": "{}"}


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


def interval_text(value: float, low: float, high: float, n: float, digits: int) -> Text:
    """Return a value with its bounds, if it has any, beside it.

    Where the value is missing, n; and a dash where n is 0, for there it is not defined.
    """
    if math.isnan(value):
        return Text(f"(n = {n:.0f})" if n else "\N{EN DASH}")
    bounds = "" if math.isnan(low + high) else f"{low:z.{digits}f}, {high:z.{digits}f}"
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


def latex(
    header: Sequence[str], grid: Grid, caption: str, label: str, notes: Sequence[str] = ()
) -> str:
    """Return the table as a LaTeX `table*` for ``\\input``; the document loads booktabs and graphicx.

    It is shrunk where it would not fit the page. Names that repeat the row above are blank, and groups stand apart.
    """
    names = list(map(escape_latex, header))
    style = _booktabs(len(header))
    lines = [
        r"% \usepackage{booktabs,graphicx}",
        r"\begin{table*}[tp]",
        r"\centering",
        rf"\caption{{{escape_latex(caption)}}}",
        rf"\label{{{label}}}",
        r"\smallskip",
        r"\sbox0{\setlength{\tabcolsep}{4pt}%",
        tabulate(_latex_rows(grid), names, tablefmt=style, disable_numparse=True) + "}%",
        *LATEX_FIT,
    ]
    lines += map(LATEX_NOTE.format, map(escape_latex, notes))
    return "\n".join([*lines, r"\end{table*}"]) + "\n"


def _latex_rows(grid: Grid) -> list[list[str]]:
    """Return a grid as LaTeX; where a line would be long, printed values go below ours, in a line of their own."""
    width = 0
    for column in zip(*grid, strict=True):
        width += max(len(_beside(text.value, text.paper)) for text in column)
    rows = []
    for row, names in zip(grid, _group_names(grid), strict=True):
        ours = [*names, *map(_in_latex, row[len(names) :])]
        printed = [escape_latex(text.paper) for text in row]
        if width <= READABLE:
            rows.append(list(map(_beside, ours, printed)))
            continue
        rows.append(ours)
        if any(printed):
            rows.append([f"{{[}}{paper}]" if paper else "" for paper in printed])
    return rows


def _group_names(grid: Grid) -> Iterator[list[str]]:
    """Yield the names on the left that several rows share: blank where they repeat, set apart where they change."""
    depth = 0
    for count in range(1, len(grid[0]) if grid else 0):
        beginnings = {tuple(row[:count]) for row in grid}
        depth += len(beginnings) < len(grid)
    above: list[str] = []
    for row in grid:
        names = [escape_latex(text.value) for text in row[:depth]]
        same = 0
        while same < depth and above[same : same + 1] == [names[same]]:
            same += 1
        shown = [""] * same + names[same:]
        if above and same < depth:
            shown[0] = (r"\addlinespace " if same else r"\midrule ") + shown[0]
        yield shown
        above = names


def _in_markdown(text: Text) -> str:
    return _beside(MARKDOWN_MARKS[text.mark].format(escape_markdown(text.value)), text.paper)


def _in_latex(text: Text) -> str:
    return LATEX_MARKS[text.mark].format(escape_latex(text.value))


def _beside(value: str, paper: str) -> str:
    return f"{value} [{paper}]" if paper else value


def _booktabs(columns: int) -> TableFormat:
    """Return the style of tabulate's own booktabs, which would escape what is already LaTeX."""
    row = DataRow("", " & ", r" \\")
    top = rf"\begin{{tabular}}{{{'l' * columns}}}" + "\n" + r"\toprule"
    return TableFormat(
        lineabove=Line(top, "", "", ""),
        linebelowheader=Line(r"\midrule", "", "", ""),
        linebetweenrows=None,
        linebelow=Line(r"\bottomrule" + "\n" + r"\end{tabular}", "", "", ""),
        headerrow=row,
        datarow=row,
        padding=0,
        with_header_hide=None,
    )
