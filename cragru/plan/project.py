"""A run with the tables and figures that it can show: what the Snakefile asks."""

from dataclasses import dataclass
from functools import cached_property

from cragru.core.names import NO_FUSION, TRAINING
from cragru.plan.cells import Cell
from cragru.plan.rows import Row, cells_of
from cragru.plan.run import Run
from cragru.plan.tables import Figures, Tables
from cragru.plan.tables.base import Shown


@dataclass(frozen=True)
class Project(Run):
    """A run with all tables and figures that are defined."""

    tables: Tables
    figures: Figures

    @cached_property
    def shown(self) -> dict[str, Shown]:
        """The run's tables and figures and the tables that these take numbers from, each once, by name.

        Names that are defined nowhere are passed over: they are refused when the configuration is read.
        """
        tables, figures = self.tables.tables, self.figures.figures
        found: dict[str, Shown] = {}
        waiting = list(self.settings.tables)
        while waiting:
            name = waiting.pop(0)
            if name in tables and name not in found:
                found[name] = tables[name]
                waiting += tables[name].tables().values()
        for name in self.settings.figures:
            if name in figures:
                found[name] = figures[name]
        return found

    @cached_property
    def rows(self) -> list[Row]:
        """All rows that the run shows or tests."""
        rows, tables = [], self.tables.tables
        for entry in self.shown.values():
            rows += entry.rows(self, tables)
            rows += entry.tested_rows(self, tables)
        return rows

    @cached_property
    def cells(self) -> list[Cell]:
        """What an LLM has to answer for the run, each cell once, in a fixed order."""
        return cells_of(self.rows)

    @cached_property
    def asked(self) -> list[Cell]:
        """Whose prompts an LLM is asked: those of the cells, and of validation lists for what is fused."""
        found: dict[Cell, None] = {}
        for cell in self.cells:
            if cell.has_prompts:
                found[cell._replace(fusion=NO_FUSION)] = None
                if cell.fusion != NO_FUSION:
                    found[cell._replace(fusion=NO_FUSION, history=TRAINING)] = None
        return list(found)
