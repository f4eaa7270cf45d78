"""The three files of a table."""

from collections.abc import Mapping
from typing import Any

from cragru.core.place import PathLike
from cragru.kept.csv_files import write_csv
from cragru.kept.files import write_text
from cragru.reporting.base import Table
from cragru.reporting.grid import latex, markdown


def write_table(table: Table, spec: Mapping[str, Any], paths: Mapping[str, PathLike]) -> None:
    """Write a table as CSV (every number, full precision), Markdown and LaTeX.

    Args:
        table: The table.
        spec: Its entry in tables.yaml (`caption`, `label`).
        paths: Where to write, by `csv`, `md` and `tex`.
    """
    header, grid, notes, caption = table.header, table.grid, table.notes, spec["caption"]
    write_csv(paths["csv"], table.frame)
    write_text(paths["md"], markdown(header, grid, caption, notes))
    write_text(paths["tex"], latex(header, grid, caption, spec["label"], notes))
