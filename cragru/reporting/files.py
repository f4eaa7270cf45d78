"""The three files of a table."""

from collections.abc import Sequence

import pandas as pd

from cragru.io import PathLike, write_text
from cragru.reporting.grid import Grid, latex, markdown


def write_table(
    paths: dict[str, PathLike],
    table: pd.DataFrame,
    header: Sequence[str],
    grid: Grid,
    spec: dict,
    notes: Sequence[str] = (),
) -> None:
    """Write a table as CSV (every number, full precision), Markdown and LaTeX.

    Args:
        paths: Where to, by `csv`, `md` and `tex`.
        table: The numbers.
        header: Column names of the grid.
        grid: The texts to be read by people.
        spec: The table's entry in tables.yaml (`caption`, `label`).
        notes: Lines below the table.
    """
    write_text(paths["csv"], table.to_csv(index=False))
    write_text(paths["md"], markdown(header, grid, spec["caption"], notes))
    write_text(paths["tex"], latex(header, grid, spec["caption"], spec["label"], notes))
