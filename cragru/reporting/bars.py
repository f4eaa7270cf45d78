"""Bars in panels, as a page of a paper holds them, for PDF and PNG."""

import logging
import math
from collections.abc import Hashable

import matplotlib.style
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.patches import Patch
from matplotlib.textpath import text_to_path

from cragru.core.place import PathLike
from cragru.kept.files import atomic_path

# Inches and points. One panel is as wide as a column of the paper, two side by side as its page, so that the figure is
# never scaled and letters keep their size.
COLUMN_WIDTH, PAGE_WIDTH, PANEL_HEIGHT = 3.5, 7.16, 2.1
GAP = 0.06
HEADING, PLAIN, SMALL = 8.5, 7.5, 6.5
DPI = 200

# Okabe and Ito's colours, which colour-blind people can tell apart. Where two are alike in grey, the hatch tells them.
COLOURS = ["#e0e0e0", "#56b4e9", "#f0e442", "#009e73", "#e69f00", "#0072b2", "#cc79a7", "#ffffff"]
HATCHES = ["", "////", "....", "\\\\\\\\", "xxxx", "", "----", "++++"]
KIN_COLOURS = [
    COLOURS[place] for place in (0, 1, 3, 7, 4, 5, 6, 2)
]  # the first four differ in grey, too
KIN_HATCHES = ["////", "", "....", "xxxx"]
LOOK = [
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

    Args:
        data: One row per bar: `panel`, its title; `scale`, panels of one scale can be compared; `axis`, what heights
            are; `row`, the bar's label, the same in all panels; `k`; `mean`; `error`, missing where it has none; and,
            where bars belong together, `kin`: those of one kin share a colour and differ in hatch.
        title: Stands above the panels if it fits into a line there, else before the note.
        note: Stands below, in small letters.
        paths: Where to, by `pdf` and `png` (200 dots per inch).
    """
    logging.getLogger("fontTools").setLevel(
        logging.WARNING
    )  # it tells every table of every font that it embeds
    unclocked = {"pdf": {"CreationDate": None}, "png": {"Software": None}}
    with matplotlib.style.context(LOOK):
        figure = _figure(data, title, note)
        for ending, metadata in unclocked.items():
            with atomic_path(paths[ending]) as temporary:
                figure.savefig(temporary, format=ending, dpi=DPI, metadata=metadata)


def _figure(data: pd.DataFrame, title: str, note: str) -> Figure:
    """Panels in lines of two, what explains them around."""
    panels = list(data.groupby("panel", sort=False))
    columns = min(len(panels), 2)
    lines = math.ceil(len(panels) / columns)
    width = PAGE_WIDTH if columns > 1 else COLUMN_WIDTH
    figure = Figure(figsize=(width, lines * PANEL_HEIGHT), dpi=DPI, layout="constrained")
    looks = _looks(data)
    axes = list(figure.subplots(lines, columns, squeeze=False).flat)
    for axis, (title_of_panel, bars) in zip(axes, panels, strict=False):
        _draw_panel(axis, bars, looks)
        axis.set_title(title_of_panel)
        alike = data[data["scale"] == bars["scale"].iloc[0]]
        axis.set_ylim(0, 1.06 * max((alike["mean"] + alike["error"].fillna(0)).max(), 0.01))
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    _surround(figure, looks, title, note)
    return figure


def _looks(data: pd.DataFrame) -> dict[Hashable, dict[str, str]]:
    """How each bar looks, by its label."""
    if "kin" not in data:
        return {row: _look(place) for place, row in enumerate(data["row"].unique())}
    bars = data.drop_duplicates("row")
    families = list(bars["kin"].unique())
    return {
        row: {
            "facecolor": KIN_COLOURS[families.index(kin) % len(KIN_COLOURS)],
            "hatch": KIN_HATCHES[place % len(KIN_HATCHES)],
            "edgecolor": "black",
        }
        for row, kin, place in zip(
            bars["row"], bars["kin"], bars.groupby("kin").cumcount(), strict=True
        )
    }


def _look(place: int) -> dict[str, str]:
    """How the bar at a place looks; after eight, colours come again with other hatches."""
    count = len(COLOURS)
    return {
        "facecolor": COLOURS[place % count],
        "hatch": HATCHES[(place + place // count) % count],
        "edgecolor": "black",
    }


def _draw_panel(axis: Axes, bars: pd.DataFrame, looks: dict[Hashable, dict[str, str]]) -> None:
    """A group for each K; a bar has the same place in the groups of all panels."""
    cutoffs = list(bars["k"].unique())
    width = 0.84 / len(looks)
    for place, (row, look) in enumerate(looks.items()):
        own = bars[bars["row"] == row]
        middles = [cutoffs.index(k) + (place - (len(looks) - 1) / 2) * width for k in own["k"]]
        error = {"elinewidth": 0.7, "capsize": min(2.0, 14 / len(looks)), "capthick": 0.7}
        axis.bar(middles, own["mean"], width, yerr=own["error"], error_kw=error, **look)
    axis.set_xticks(range(len(cutoffs)), list(map(str, cutoffs)))
    axis.set_xlim(-0.5, len(cutoffs) - 0.5)
    axis.tick_params(axis="x", length=0)
    axis.set_xlabel("K")
    axis.set_ylabel(bars["axis"].iloc[0])
    axis.spines[["top", "right"]].set_visible(False)


def _surround(figure: Figure, looks: dict[Hashable, dict[str, str]], title: str, note: str) -> None:
    """Add the heading, the legend and the note, each in room of its own that makes the figure higher."""
    width, panels = figure.get_size_inches()
    room = width - 2 * GAP
    is_short = _width(title, HEADING) <= room
    lines = _wrap(note if is_short else f"{title.rstrip('.')}. {note}", SMALL, room)
    below = figure.text(
        GAP / width, 0, "\n".join(lines), fontsize=SMALL, va="bottom", linespacing=1.3
    )
    legend = _legend(figure, looks, room)
    above = figure.text(
        0.5, 1, title if is_short else "", fontsize=HEADING, ha="center", va="bottom"
    )
    extents = [artist.get_window_extent().height / figure.dpi for artist in (below, legend, above)]
    note_height, legend_height, heading_height = extents
    legend_at = note_height + 2 * GAP
    panels_at = legend_at + legend_height + GAP
    heading_at = panels_at + panels + GAP
    height = math.ceil(DPI * (heading_at + heading_height + GAP)) / DPI  # whole pixels
    figure.set_size_inches(width, height)
    below.set_y(GAP / height)
    legend.set_bbox_to_anchor((0.5, legend_at / height))
    above.set_y(heading_at / height)
    figure.get_layout_engine().set(rect=(0, panels_at / height, 1, panels / height))


def _legend(figure: Figure, looks: dict[Hashable, dict[str, str]], room: float) -> Legend:
    """A legend for all panels, in as few lines as fit into `room` inches, to be read line by line."""
    patches = [Patch(label=row, **look) for row, look in looks.items()]
    for columns in dict.fromkeys(
        math.ceil(len(patches) / lines) for lines in range(1, len(patches) + 1)
    ):
        for wider in figure.legends:
            wider.remove()
        legend = figure.legend(
            handles=[
                patch for start in range(columns) for patch in patches[start::columns]
            ],  # it fills columns first
            ncols=columns,
            loc="lower center",
            borderaxespad=0,
            frameon=False,
            columnspacing=1.2,
            handlelength=1.8,
            handleheight=1.0,
        )
        if legend.get_window_extent().width / figure.dpi <= room:
            break
    return legend


def _width(text: str, size: float) -> float:
    """Inches that a line takes, of no renderer's rounding, so that the PDF and the PNG break lines alike."""
    return (
        text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)[0]
        / 72
    )


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
