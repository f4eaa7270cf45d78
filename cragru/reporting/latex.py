"""A table as LaTeX (booktabs), in parts that a page can hold in letters that can be read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, starmap

from cragru.reporting.escapes import escape_latex
from cragru.reporting.grid import Grid, Text, beside

# Points of a one-column article, the narrowest page that is likely; letters have 8 points, 7 where they are shrunk.
LETTERS, LEAST_LETTERS, PAGE_WIDTH, SEPARATOR = 8, 7, 345, 6
MOST_WIDTH = PAGE_WIDTH * LETTERS / LEAST_LETTERS
SHORT_HEADING = 40  # points that the name of a column may have in one line, however narrow it is
MOST_LINES = 40  # of a table, beside which a caption has room
NOTE_LINES, NOTE_LINE = 11, 85  # lines of notes that have room, too; letters of such a line
FIT = (  # box 0, shrunk to what a page can hold beside the notes, box 1
    r"\ifdim\wd0>\textwidth\sbox0{\resizebox{\textwidth}{!}{\usebox0}}\fi",
    r"\dimen0=\dimexpr\textheight-6pc-\ht1-\dp1\relax",  # six lines are the caption's
    r"\ifdim\dimexpr\ht0+\dp0\relax>\dimen0\sbox0{\resizebox*{!}{\dimen0}{\usebox0}}\fi",
    r"\usebox0",
)
MARKS = {"best": r"\textbf{{{}}}", "second": r"\underline{{{}}}", "": "{}"}
NARROW, WIDE = frozenset(" .,:;'|!()[]/fijlrtI"), frozenset("mwMW%@+=<>")


@dataclass(frozen=True)
class Group:
    """Rows that share the names on their left, wherever they stand in the grid.

    Attributes:
        names: These names, from general to particular.
        rows: Each one the lines that it takes, `[lines][columns]`, the first with the row's own name.
    """

    names: tuple[str, ...]
    rows: list[list[list[Text]]]

    @property
    def lines(self) -> int:
        """How many lines it takes, its own heading among them."""
        return sum(map(len, self.rows)) + bool(self.names)


@dataclass(frozen=True)
class Part:
    """What one LaTeX table shows: groups of rows, and some of the columns."""

    groups: list[Group]
    columns: Sequence[int]


def latex(
    header: Sequence[str],
    grid: Grid,
    caption: str,
    label: str,
    notes: Sequence[str] = (),
    compact: bool = False,
) -> str:
    r"""Return the table as LaTeX for ``\input``: one `table*`, or several; the document loads booktabs and graphicx.

    Rows that share names stand below a line of these. Where a page would have to shrink the table below `LEAST_LETTERS`
    points, it is cut at a change of these names, from general to particular, then into columns. Printed values or
    bounds stand in a line of their own where that makes fewer parts. The last part has the notes.

    Args:
        header: Names of the columns.
        grid: What stands below them.
        caption: Stands above the first part; the others refer to it.
        label: What `\ref` calls the first part; the second is called `label@2`.
        notes: Stand below.
        compact: One table whatever its size, without what is in brackets and without notes, which would shrink it.
    """
    if compact:
        notes = ()
        grid = [[replace(text, paper="") for text in row] for row in grid]
    depth = _shared(grid)
    forms = [_parts(header, grid, depth, form, notes, compact) for form in (_one_line, _two_lines)]
    parts = min(forms, key=len)  # the first of equal ones
    lines = [r"% \usepackage{booktabs,graphicx}"]
    for number, part in enumerate(parts, 1):
        of = f"part {number} of {len(parts)}"
        title, anchor = escape_latex(caption), label
        if number > 1:
            title, anchor = rf"Table~\ref{{{label}}}, {of}.", f"{label}@{number}"
        elif len(parts) > 1:
            title += f" {of.capitalize()}."
        below = notes if number == len(parts) else ()
        lines += _table(header[depth:], part, title, anchor, below)
    return "\n".join(lines) + "\n"


def latex_figure(file: str, caption: str, note: str, label: str) -> str:
    r"""Return a figure as LaTeX for ``\input``: the PDF `file`, which has neither caption nor note, with both."""
    title = escape_latex(caption.rstrip("."))
    return (
        "\n".join(
            [
                r"% \usepackage{graphicx} \graphicspath{{the folder of this file/}}",
                r"\begin{figure*}[tp]",
                r"\centering",
                rf"\sbox0{{\includegraphics{{{file}}}}}%",
                r"\setbox1\vbox{}%",
                *FIT,
                rf"\caption[{{{title}}}]{{{title}. {escape_latex(note)}}}",
                rf"\label{{{label}}}",
                r"\end{figure*}",
            ]
        )
        + "\n"
    )


def _parts(
    header: Sequence[str],
    grid: Grid,
    depth: int,
    form: Callable[[Sequence[Text]], list[list[Text]]],
    notes: Sequence[str],
    compact: bool,
) -> list[Part]:
    """Return the parts of a grid whose rows take `form`, a row's lines."""
    found: dict[tuple[str, ...], list[list[list[Text]]]] = {}
    for row in grid:
        names = tuple(text.value for text in row[:depth])
        found.setdefault(names, []).append(form(row[depth:]))
    groups = list(starmap(Group, found.items()))
    if compact:
        return [Part(groups, range(len(header) - depth))]
    below = sum(-(-len(note) // NOTE_LINE) for note in notes)
    cut = list(_cut(groups, 0, MOST_LINES))
    last = MOST_LINES - max(0, below - NOTE_LINES)
    cut[-1:] = _cut(cut[-1], 0, max(last, MOST_LINES // 4))
    return [Part(own, shown) for own in cut for shown in _columns(header[depth:], own)]


def _shared(grid: Grid) -> int:
    """Return how many names on the left several rows share."""
    depth = 0
    for count in range(1, len(grid[0]) if grid else 0):
        beginnings = {tuple(text.value for text in row[:count]) for row in grid}
        depth += len(beginnings) < len(grid)
    return depth


def _one_line(row: Sequence[Text]) -> list[list[Text]]:
    return [list(row)]


def _two_lines(row: Sequence[Text]) -> list[list[Text]]:
    """Return a row with what is in brackets below what it belongs to."""
    ours = [replace(text, paper="") for text in row]
    printed = [Text("", text.paper) for text in row]
    return [ours, printed] if any(text.paper for text in row) else [ours]


def _cut(groups: list[Group], level: int, most: int) -> Iterator[list[Group]]:
    """Yield groups that take at most so many lines together, cut where the name at a level or below changes."""
    if sum(group.lines for group in groups) <= most:
        yield groups
    elif len(groups) > 1:
        for _, own in groupby(groups, lambda group: group.names[: level + 1]):
            yield from _cut(list(own), level + 1, most)
    else:
        (group,) = groups
        count = -(-group.lines // most)
        size = -(-len(group.rows) // count)
        for start in range(0, len(group.rows), size):
            yield [replace(group, rows=group.rows[start : start + size])]


def _columns(header: Sequence[str], groups: Sequence[Group]) -> Iterator[list[int]]:
    """Yield the columns that fit beside each other, each time with the first, which names rows."""
    widths = []
    for place, name in enumerate(header):
        room = _room(groups, place)
        widths.append(SEPARATOR + max(room, *map(_width, _heading(name, room))))
    shown = [0]
    for place in range(1, len(widths)):
        if len(shown) > 1 and sum(widths[other] for other in [*shown, place]) > MOST_WIDTH:
            yield shown
            shown = [0]
        shown.append(place)
    yield shown


def _width(text: str) -> float:
    """Return about how many points a text takes in Computer Modern of 8 points."""
    ems = 0.0
    for letter in text:
        if letter in NARROW:
            ems += 0.33
        elif letter in WIDE or not letter.isascii():
            ems += 0.8
        else:
            ems += 0.72 if letter.isupper() else 0.51
    return 1.06 * LETTERS * ems


def _table(
    header: Sequence[str], part: Part, caption: str, label: str, notes: Sequence[str]
) -> list[str]:
    """Return the lines of one LaTeX table."""
    body = []
    for number, group in enumerate(part.groups):
        if group.names:
            names = escape_latex(", ".join(filter(None, group.names)))
            rule = r"\midrule " if number else ""
            body.append(
                rf"{rule}\multicolumn{{{len(part.columns)}}}{{@{{}}l}}{{\textit{{{names}}}}} \\"
            )
        for row in group.rows:
            for line in row:
                texts = [_in_latex(line[place]) for place in part.columns]
                body.append(" & ".join(texts) + r" \\")
    names = []
    for place in part.columns:
        lines = list(map(escape_latex, _heading(header[place], _room(part.groups, place))))
        stacked = r" \\ ".join(lines)
        names.append(rf"\shortstack[l]{{{stacked}}}" if len(lines) > 1 else stacked)
    below = "".join(rf"{escape_latex(note)}\par " for note in notes)
    return [
        r"\begin{table*}[tp]",
        r"\centering",
        rf"\caption{{{caption}}}",
        rf"\label{{{label}}}",
        r"\smallskip\footnotesize",
        r"\sbox0{\setlength{\tabcolsep}{3pt}%",
        rf"\begin{{tabular}}{{@{{}}{'l' * len(names)}@{{}}}}",
        r"\toprule",
        " & ".join(names) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}}%",
        rf"\setbox1\vbox{{\hsize\textwidth\raggedright {below}}}%"
        if notes
        else r"\setbox1\vbox{}%",
        *FIT,
        *([r"\par\smallskip\box1"] if notes else []),
        r"\end{table*}",
    ]


def _room(groups: Sequence[Group], place: int) -> float:
    """Return about how many points the texts of a column take."""
    texts = [line[place] for group in groups for row in group.rows for line in row]
    return max(_width(beside(text.value, text.paper)) for text in texts)


def _heading(name: str, room: float) -> list[str]:
    """Return the name of a column, in several lines where it would be wider than what stands below."""
    room = max(room, SHORT_HEADING)
    lines: list[str] = []
    for word in name.split():
        longer = " ".join([*lines[-1:], word])
        if lines and _width(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _in_latex(text: Text) -> str:
    """Return a text as LaTeX; brackets at the beginning of a line would be read as an option of the line before."""
    value = MARKS[text.mark].format(escape_latex(text.value)) if text.value else ""
    paper = escape_latex(text.paper)
    if not value and paper:
        return f"{{[}}{paper}]"
    return beside(value, paper)
