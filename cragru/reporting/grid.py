"""A table as text: cells with marks, rendered to Markdown and to LaTeX (booktabs) through tabulate."""

from collections.abc import Sequence
from dataclasses import dataclass

from tabulate import DataRow, Line, TableFormat, tabulate

LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


@dataclass(frozen=True)
class Cell:
    """One cell: a text, what stands beside it in brackets, and its mark.

    Attributes:
        text: The value, formatted.
        paper: The printed value, formatted; empty where the paper has none.
        mark: `best` (bold), `second` (underlined) or nothing.
    """

    text: str
    paper: str = ""
    mark: str = ""


Grid = Sequence[Sequence[Cell]]


def escape_latex(text: str) -> str:
    """Make text safe for LaTeX."""
    return "".join(LATEX_SPECIAL.get(character, character) for character in text)


def markdown(header: Sequence[str], grid: Grid, caption: str, notes: Sequence[str] = ()) -> str:
    """The table in GitHub's Markdown: bold best, underlined second, printed values in brackets.

    Args:
        header: Column names.
        grid: Rows of cells.
        caption: Text above the table.
        notes: Lines below it.
    """
    around = {"best": "**{}**", "second": "<u>{}</u>", "": "{}"}
    rows = [[_beside(around[cell.mark].format(_plain(cell.text)), cell.paper) for cell in row] for row in grid]
    table = tabulate(rows, [_plain(name) for name in header], tablefmt="pipe", disable_numparse=True)
    return "\n\n".join([caption, table, *notes]) + "\n"


def latex(header: Sequence[str], grid: Grid, caption: str, label: str, notes: Sequence[str] = ()) -> str:
    """The table as a LaTeX `table*` for ``\\input``; the document loads booktabs and graphicx.

    Args:
        header: Column names.
        grid: Rows of cells.
        caption: Text above the table.
        label: For ``\\ref``.
        notes: Lines below it.
    """
    around = {"best": r"\textbf{{{}}}", "second": r"\underline{{{}}}", "": "{}"}
    rows = [[_beside(around[cell.mark].format(escape_latex(cell.text)), cell.paper) for cell in row] for row in grid]
    body = tabulate(rows, [escape_latex(name) for name in header], tablefmt=_booktabs(grid), disable_numparse=True)
    lines = [
        r"% \usepackage{booktabs,graphicx}",
        r"\begin{table*}[t]",
        r"\centering",
        rf"\caption{{{escape_latex(caption)}}}",
        rf"\label{{{label}}}",
        r"\resizebox{\textwidth}{!}{%",
        body,
        "}",
        *(rf"\par\smallskip\footnotesize {escape_latex(note)}" for note in notes),
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _beside(value: str, paper: str) -> str:
    return f"{value} [{paper}]" if paper else value


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


def _booktabs(grid: Grid) -> TableFormat:
    """Tabulate's own booktabs format escapes what is already LaTeX, so this one does not."""
    columns = "l" * (len(grid[0]) if grid else 1)
    row = DataRow("", " & ", r" \\")
    return TableFormat(
        lineabove=Line(rf"\begin{{tabular}}{{{columns}}}" + "\n" + r"\toprule", "", "", ""),
        linebelowheader=Line(r"\midrule", "", "", ""),
        linebetweenrows=None,
        linebelow=Line(r"\bottomrule" + "\n" + r"\end{tabular}", "", "", ""),
        headerrow=row,
        datarow=row,
        padding=0,
        with_header_hide=None,
    )
