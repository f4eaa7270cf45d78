"""Bars in panels, as a page of a paper holds them, for PDF and PNG."""

import logging
import math
from collections.abc import Callable
from functools import partial

import matplotlib.style
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.patches import Patch
from matplotlib.textpath import text_to_path

from cragru.core.place import PathLike
from cragru.kept.files import atomic_path

Looks = dict[str, dict[str, str]]
"""How each bar is drawn, by its label."""

# Inches and points. One panel is as wide as a column of the paper, two side by side as its page, so that the figure is
# never scaled and letters keep their size.
COLUMN_WIDTH, PAGE_WIDTH, PANEL_HEIGHT = 3.5, 7.16, 2.1
MOST_HEIGHT = 6.4  # of all panels; a legend and a caption stand on the same page
GAP = 0.06
HEADING, PLAIN, SMALL = 8.5, 7.5, 6.5
DPI = 200

# Okabe and Ito's colours, which colour-blind people can tell apart. Where two are alike in grey, the hatch tells them.
COLOURS = ["#e0e0e0", "#56b4e9", "#f0e442", "#009e73", "#e69f00", "#0072b2", "#cc79a7", "#ffffff"]
HATCHES = ["", "////", "....", "\\\\\\\\", "xxxx", "", "----", "++++"]
# of families of bars; the first four differ in grey, too
FAMILY_COLOURS = [COLOURS[number] for number in (0, 1, 3, 7, 4, 5, 6, 2)]
FAMILY_HATCHES = ["////", "", "....", "xxxx"]
UNCLOCKED = {"pdf": {"CreationDate": None}, "png": {"Software": None}}  # metadata of the files
STYLE = [
    "default",  # whatever matplotlibrc says, so that every machine draws the same
    {
        "font.size": PLAIN,
        "axes.titlesize": PLAIN + 0.5,
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "hatch.linewidth": 0.5,
        "patch.linewidth": 0.5,
        "pdf.fonttype": 42,  # TrueType: many publishers refuse matplotlib's own choice, Type 3
        "text.parse_math": False,  # a label may have a dollar sign
    },
]


def draw_bars(data: pd.DataFrame, title: str, note: str, paths: dict[str, PathLike]) -> None:
    """Draw bars with error bars, grouped by K, in panels; equal data give equal bytes.

    The PDF has no title and no note, for a document says them in its caption (`cragru.reporting.latex.latex_figure`).

    Args:
        data: One row per bar and K: `panel`, its title; `scale`, panels of one scale can be compared, and have room for
            the same bars; `axis`, what heights are; `bar`, the bar's label, the same in all panels; `k`; `mean`;
            `error`, missing where it has none; and, where bars belong together, `family`: bars of one family share a
            colour and differ in hatch.
        title: Stands above the panels of the PNG if it fits into a line there, else before the note.
        note: Stands below, in small letters.
        paths: Where to write, by `pdf` and `png` (200 dots per inch).
    """
    save(partial(_figure, data), title, note, paths)


def save(
    draw: Callable[[str, str], Figure], title: str, note: str, paths: dict[str, PathLike]
) -> None:
    """Write the figure that `draw` makes of a title and a note: as PNG with both, as PDF without."""
    # fontTools tells of every table of every font that it embeds
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    with matplotlib.style.context(STYLE):
        for ending, metadata in UNCLOCKED.items():
            figure = draw(*(("", "") if ending == "pdf" else (title, note)))
            with atomic_path(paths[ending]) as temporary:
                figure.savefig(temporary, format=ending, dpi=DPI, metadata=metadata)


def _figure(data: pd.DataFrame, title: str, note: str) -> Figure:
    """Return panels in lines of two, with what explains them around."""
    panels = list(data.groupby("panel", sort=False))
    columns = min(len(panels), 2)
    lines = math.ceil(len(panels) / columns)
    width = PAGE_WIDTH if columns > 1 else COLUMN_WIDTH
    height = min(lines * PANEL_HEIGHT, MOST_HEIGHT)
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    looks = _looks(data)
    axes = list(figure.subplots(lines, columns, squeeze=False).flat)
    for axis, (name, bars) in zip(axes, panels, strict=False):
        alike = data[data["scale"] == bars["scale"].iloc[0]]
        own = set(alike["bar"])
        _draw_panel(axis, bars, {bar: look for bar, look in looks.items() if bar in own})
        axis.set_title(name)
        tops = alike["mean"] + alike["error"].fillna(0)
        axis.set_ylim(0, 1.06 * max(tops.max(), 0.01))
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    together = data.groupby("family")["bar"].nunique().max() if "family" in data else 1
    surround(figure, title, note, _legend(figure, looks, together))
    return figure


def _looks(data: pd.DataFrame) -> Looks:
    """Return how each bar looks, by its label; where colours are used up, they come again with other hatches."""
    looks, count = {}, len(COLOURS)
    bars = data.drop_duplicates("bar")
    if "family" not in bars:
        for number, bar in enumerate(bars["bar"]):
            hatch = HATCHES[(number + number // count) % count]
            looks[bar] = _look(COLOURS[number % count], hatch)
        return looks
    families = list(bars["family"].unique())
    members = bars.assign(member=bars.groupby("family").cumcount())[["bar", "family", "member"]]
    for bar, family, member in members.itertuples(index=False):
        colour = FAMILY_COLOURS[families.index(family) % count]
        looks[bar] = _look(colour, FAMILY_HATCHES[member % len(FAMILY_HATCHES)])
    return looks


def _look(colour: str, hatch: str) -> dict[str, str]:
    return {"facecolor": colour, "hatch": hatch, "edgecolor": "black"}


def _draw_panel(axis: Axes, data: pd.DataFrame, looks: Looks) -> None:
    """Draw a group of bars for each K; each bar of `looks` has its place in all groups, drawn or not."""
    cutoffs = list(data["k"].unique())
    width = 0.84 / len(looks)
    error = {"elinewidth": 0.7, "capsize": min(2.0, 14 / len(looks)), "capthick": 0.7}
    for number, (bar, look) in enumerate(looks.items()):
        own = data[data["bar"] == bar]
        shift = (number - (len(looks) - 1) / 2) * width
        middles = own["k"].map(cutoffs.index) + shift
        axis.bar(middles, own["mean"], width, yerr=own["error"], error_kw=error, **look)
    axis.set_xticks(range(len(cutoffs)), map(str, cutoffs))
    axis.set_xlim(-0.5, len(cutoffs) - 0.5)
    axis.tick_params(axis="x", length=0)
    axis.set_xlabel("K")
    axis.set_ylabel(data["axis"].iloc[0])
    axis.spines[["top", "right"]].set_visible(False)


def surround(figure: Figure, title: str, note: str, legend: Legend | None = None) -> None:
    """Add the heading and the note to panels and a legend, each in room of its own that makes the figure higher."""
    width, panels = figure.get_size_inches()
    room = width - 2 * GAP
    is_short = _width(title, HEADING) <= room
    text = note if is_short else f"{title.rstrip('.')}. {note}"
    wrapped = "\n".join(_wrap(text, SMALL, room))
    below = figure.text(GAP / width, 0, wrapped, fontsize=SMALL, va="bottom", linespacing=1.3)
    heading = title if is_short else ""
    above = figure.text(0.5, 1, heading, fontsize=HEADING, ha="center", va="bottom")
    legend_at = panels_at = _height(below) + 2 * GAP
    if legend is not None:
        panels_at += _height(legend) + GAP
    heading_at = panels_at + panels + GAP
    height = heading_at + _height(above) + GAP
    height = math.ceil(DPI * height) / DPI  # whole pixels
    figure.set_size_inches(width, height)
    below.set_y(GAP / height)
    if legend is not None:
        legend.set_bbox_to_anchor((0.5, legend_at / height))
    above.set_y(heading_at / height)
    room_of_panels = (0, panels_at / height, 1, panels / height)
    figure.get_layout_engine().set(rect=room_of_panels)


def _legend(figure: Figure, looks: Looks, together: int) -> Legend:
    """Return a legend for all panels, in as few lines as fit, to be read line by line.

    A line has whole families, of `together` bars each, unless one family is too long for a line.
    """
    room = figure.get_size_inches()[0] - 2 * GAP
    patches = [Patch(label=bar, **look) for bar, look in looks.items()]
    legend = None
    for lines in range(1, len(patches) + 1):
        if legend is not None:
            legend.remove()
        columns = math.ceil(len(patches) / lines)
        if columns > together:
            columns -= columns % together
        handles = []
        for column in range(columns):  # a legend fills columns first
            handles += patches[column::columns]
        legend = figure.legend(
            handles=handles,
            ncols=columns,
            loc="lower center",
            borderaxespad=0,
            frameon=False,
            columnspacing=1.2,
            handlelength=1.8,
            handleheight=1.0,
        )
        if legend.get_window_extent().width / DPI <= room:
            break
    return legend


def _height(artist: Artist) -> float:
    """Return the inches that something takes."""
    return artist.get_window_extent().height / DPI


def _width(text: str, size: float) -> float:
    """Return the inches that a line takes, of no renderer's rounding, so that PDF and PNG break lines alike."""
    font = FontProperties(size=size)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def _wrap(text: str, size: float, room: float) -> list[str]:
    """Break text into lines of at most `room` inches; a longer word stands alone."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _width(longer, size) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
