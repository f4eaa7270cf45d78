"""Points with intervals in panels, one below the other on a common axis, for PDF and PNG."""

import math
from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cragru.core.place import PathLike
from cragru.reporting.bars import COLOURS, COLUMN_WIDTH, DPI, PAGE_WIDTH, save, surround

LINE, AROUND = 0.17, 0.75  # inches: of a point, and of a panel's title and axis
MARGIN = 0.04  # of the axis, beyond the outermost interval
BOUND, BESIDE, OWN = "bound", "beside", "own"  # kinds of points
LOOKS = {  # they differ in form, too
    BOUND: {"marker": "|", "color": "black"},
    BESIDE: {"marker": "o", "color": COLOURS[5]},
    OWN: {"marker": "D", "color": COLOURS[4]},
}


def draw_points(data: pd.DataFrame, title: str, note: str, paths: dict[str, PathLike]) -> None:
    """Draw points with intervals, from top to bottom in their order; equal data give equal bytes.

    Args:
        data: One row per point: `panel`, its title; `point`, the point's label, which has the same place in all panels;
            `kind`, a key of `LOOKS`; `mean`, `low` and `high`, the bounds missing where it has none; `axis`, what the
            numbers are.
        title: As in `cragru.reporting.bars.draw_bars`.
        note: Likewise.
        paths: Likewise.
    """
    save(partial(_figure, data), title, note, paths)


def _figure(data: pd.DataFrame, title: str, note: str) -> Figure:
    """Return panels in lines of two with common axes, with the heading and the note around."""
    panels = list(data.groupby("panel", sort=False))
    labels = list(data["point"].unique())
    columns = min(len(panels), 2)
    lines = math.ceil(len(panels) / columns)
    size = (PAGE_WIDTH if columns > 1 else COLUMN_WIDTH, lines * (LINE * len(labels) + AROUND))
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    shared = {"sharex": True, "sharey": True, "squeeze": False}
    axes = list(figure.subplots(lines, columns, **shared).flat)
    for axis, (name, points) in zip(axes, panels, strict=False):
        _draw_panel(axis, points, labels)
        axis.set_title(name)
    axes[0].set_ylim(len(labels) - 0.5, -0.5)
    axes[0].margins(x=MARGIN)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    surround(figure, title, note)
    return figure


def _draw_panel(axis: Axes, data: pd.DataFrame, labels: list[str]) -> None:
    """Draw each point in the line of its label."""
    for kind, points in data.groupby("kind", sort=False):
        bounds = points[["low", "high"]].sub(points["mean"], axis="index").abs()
        places = points["point"].map(labels.index)
        look = {"linestyle": "none", "markersize": 4, "elinewidth": 0.9} | LOOKS[kind]
        axis.errorbar(points["mean"], places, xerr=bounds.to_numpy().T, **look)
    axis.set_yticks(range(len(labels)), labels)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelbottom=True)
    axis.grid(axis="x", linewidth=0.3)
    axis.set_axisbelow(True)
    axis.set_xlabel(data["axis"].iloc[0])
    axis.spines[["top", "right"]].set_visible(False)
