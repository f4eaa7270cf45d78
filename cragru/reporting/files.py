"""The three files of a table."""

from collections.abc import Mapping
from typing import Any

from cragru.core.place import PathLike
from cragru.kept.csv_files import write_csv
from cragru.kept.files import write_text
from cragru.reporting.base import Table
from cragru.reporting.grid import markdown
from cragru.reporting.latex import latex


def write_table(table: Table, spec: Mapping[str, Any], paths: Mapping[str, PathLike]) -> None:
    """Write a table as CSV (every number, full precision), Markdown and LaTeX: to `paths`, by `csv`, `md` and `tex`."""
    shown = (table.header, table.grid, spec["caption"])
    write_csv(paths["csv"], table.frame)
    write_text(paths["md"], markdown(*shown, table.notes))
    tex = latex(*shown, spec["label"], table.notes, spec["compact"])
    write_text(paths["tex"], tex)
