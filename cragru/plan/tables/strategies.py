"""Figures that compare retrieval strategies (the paper's Figure 4)."""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from cragru.config.types import Name, VariantName, distinct
from cragru.core.errors import Problem
from cragru.plan import places
from cragru.plan.cells import strategy_cells
from cragru.plan.rows import NO_LLM, Row, cell_row, cohort_panel, model_rows, without
from cragru.plan.run import Run
from cragru.plan.tables.base import (
    Cutoffs,
    Entries,
    Figure,
    Mask,
    not_forget_first,
    unknown_cutoffs,
    unknown_names,
)
from cragru.plan.words import scoring_note


class StrategiesFigure(Figure):
    """A figure that compares retrieval strategies (the paper's Figure 4)."""

    maker: ClassVar[str] = "cragru.reporting.strategies_figure"
    needs_llm: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    kind: Literal["strategies"]
    protocol: Name
    mask: Mask
    cutoffs: Cutoffs
    rivals: Annotated[list[VariantName], AfterValidator(distinct)] = Field(
        default=[],
        description="methods to stand beside, by their names in params.yaml; those that the run has are drawn",
    )

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return the backbone alone, each strategy, and the rivals that the run has."""
        cells = strategy_cells(run, self.protocol)
        panel, files = cohort_panel(run), {"per_user": places.PER_USER}
        rivals = [name for name in self.rivals if name in run.settings.methods]
        rows = []
        for pair, group in groupby(cells, attrgetter("pair")):
            own = list(group)
            alone = [cell for cell in own if cell.strategy == own[0].strategy]
            rows += [cell_row(run, cell, NO_LLM, per_user=places.PER_USER_NO_LLM) for cell in alone]
            for cell in own:
                label = run.strategy(cell.strategy).label
                rows.append(cell_row(run, cell, label, **files))
            rows += model_rows(run, self.protocol, pair, rivals, panel, **files)
        return without(rows, "cost")

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what is said of the LLM's part."""
        return {"note": scoring_note(run, self.rows(run, tables))}

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from not_forget_first(run, self.protocol)
        yield from unknown_cutoffs(self.cutoffs)
        yield from unknown_names("rivals", self.rivals, run.params.methods)
