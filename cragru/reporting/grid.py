"""A table as text: texts with marks, rendered to Markdown and to LaTeX (booktabs) through tabulate."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tabulate import DataRow, Line, TableFormat, tabulate

from cragru.reporting.escapes import MINUS, escape_latex, escape_markdown, markdown_paragraph

LATEX_FIT = (  # box 0, shrunk to what a page can hold
    r"\ifdim\wd0>\textwidth\sbox0{\resizebox{\textwidth}{!}{\usebox0}}\fi",
    r"\ifdim\dimexpr\ht0+\dp0\relax>.75\textheight\sbox0{\resizebox*{!}{.75\textheight}{\usebox0}}\fi",
    r"\usebox0",
)
READABLE = 100  # characters in a line that LaTeX need not shrink much below 6 points in a one-column article


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


def interval_text(value: float, low: float, high: float, n: float, digits: int) -> Text:
    """A value with its bounds, if it has any, beside it.

    Where the value is missing, n; and a dash where n is 0, for there it is not defined.
    """
    if math.isnan(value):
        return Text(f"(n = {n:.0f})" if n else "\N{EN DASH}")
    texts = [f"{number:z.{digits}f}".replace("-", MINUS) for number in (value, low, high)]
    return Text(texts[0], "" if math.isnan(low + high) else f"{texts[1]}, {texts[2]}")


def significant(value: float, digits: int = 3) -> str:
    """Format a number with so many significant digits.

    Whole digits are never rounded away, thousands have commas, and what is below 0.0001 is in powers of ten: 0.00123,
    12.3, 1,235, 5.12e-06.
    """
    if value == 0:
        return "0"
    scientific = f"{value:.{digits - 1}e}"  # rounds first: 9.996 has one decimal, not two
    exponent = int(scientific.partition("e")[2])
    return scientific if exponent < -4 else f"{value:,.{max(0, digits - 1 - exponent)}f}"


def markdown(header: Sequence[str], grid: Grid, caption: str, notes: Sequence[str] = ()) -> str:
    """The table in GitHub's Markdown: bold best, underlined second, printed values in brackets.

    Args:
        header: Column names.
        grid: Rows of texts.
        caption: Text above the table.
        notes: Lines below it.
    """
    around = {"best": "**{}**", "second": "<u>{}</u>", "": "{}"}
    rows = [
        [_beside(around[text.mark].format(escape_markdown(text.value)), text.paper) for text in row]
        for row in grid
    ]
    table = tabulate(
        rows, [escape_markdown(name) for name in header], tablefmt="pipe", disable_numparse=True
    )
    texts = [markdown_paragraph(note) for note in notes]
    return "\n\n".join([markdown_paragraph(caption), table, *texts]) + "\n"


def latex(
    header: Sequence[str], grid: Grid, caption: str, label: str, notes: Sequence[str] = ()
) -> str:
    """The table as a LaTeX `table*` for ``\\input``; the document loads booktabs and graphicx.

    It is shrunk where it would not fit the page. Names that repeat the row above are blank, and groups stand apart.

    Args:
        header: Column names.
        grid: Rows of texts.
        caption: Text above the table.
        label: For ``\\ref``.
        notes: Lines below it.
    """
    names = [escape_latex(name) for name in header]
    body = tabulate(
        _latex_rows(grid), names, tablefmt=_booktabs(len(header)), disable_numparse=True
    )
    lines = [
        r"% \usepackage{booktabs,graphicx}",
        r"\begin{table*}[tp]",
        r"\centering",
        rf"\caption{{{escape_latex(caption)}}}",
        rf"\label{{{label}}}",
        r"\smallskip",
        r"\sbox0{\setlength{\tabcolsep}{4pt}%",
        body + "}%",
        *LATEX_FIT,
        *(
            rf"{{\par\smallskip\raggedright\footnotesize {escape_latex(note)}\par}}"
            for note in notes
        ),
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _latex_rows(grid: Grid) -> list[list[str]]:
    """A grid as LaTeX; where a line would be long, printed values go below ours, in a line of their own."""
    around = {"best": r"\textbf{{{}}}", "second": r"\underline{{{}}}", "": "{}"}
    width = sum(
        max(len(_beside(text.value, text.paper)) for text in column)
        for column in zip(*grid, strict=True)
    )
    rows = []
    for row, names in zip(grid, _group_names(grid), strict=True):
        ours = names + [
            around[text.mark].format(escape_latex(text.value)) for text in row[len(names) :]
        ]
        printed = [escape_latex(text.paper) for text in row]
        if width <= READABLE:
            rows.append([_beside(*both) for both in zip(ours, printed, strict=True)])
            continue
        rows.append(ours)
        if any(printed):
            rows.append([f"{{[}}{paper}]" if paper else "" for paper in printed])
    return rows


def _group_names(grid: Grid) -> Iterator[list[str]]:
    """The columns on the left whose names several rows share: blank where they repeat, set apart where they change."""
    columns = range(1, len(grid[0]) if grid else 1)
    depth = sum(len({tuple(row[:count]) for row in grid}) < len(grid) for count in columns)
    above: list[str] = []
    for row in grid:
        names = [escape_latex(text.value) for text in row[:depth]]
        same = next((n for n, name in enumerate(names) if above[n : n + 1] != [name]), depth)
        shown = [""] * same + names[same:]
        if above and same < depth:
            shown[0] = (r"\addlinespace " if same else r"\midrule ") + shown[0]
        yield shown
        above = names


def _beside(value: str, paper: str) -> str:
    return f"{value} [{paper}]" if paper else value


def _booktabs(columns: int) -> TableFormat:
    """Tabulate's own booktabs format escapes what is already LaTeX, so this one does not."""
    row = DataRow("", " & ", r" \\")
    return TableFormat(
        lineabove=Line(rf"\begin{{tabular}}{{{'l' * columns}}}" + "\n" + r"\toprule", "", "", ""),
        linebelowheader=Line(r"\midrule", "", "", ""),
        linebetweenrows=None,
        linebelow=Line(r"\bottomrule" + "\n" + r"\end{tabular}", "", "", ""),
        headerrow=row,
        datarow=row,
        padding=0,
        with_header_hide=None,
    )
