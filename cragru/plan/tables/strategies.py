"""Figures that compare retrieval strategies (the paper's Figure 4)."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from cragru.config.types import Name, distinct
from cragru.plan import places
from cragru.plan.cells import strategy_cells
from cragru.plan.rows import (
    NO_LLM,
    Row,
    candidates_suffix,
    cell_row,
    cells_of,
    cohort_panel,
    model_rows,
)
from cragru.plan.run import Run
from cragru.plan.tables.base import (
    Cutoffs,
    Entries,
    Figure,
    Mask,
    Problem,
    needing_llm,
    not_forget_first,
    unknown_cutoffs,
    unknown_methods,
    unknown_protocol,
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
    rivals: Annotated[list[Name], AfterValidator(distinct)] = Field(
        default=[],
        description="methods to stand beside, by their names in params.yaml; those that the run has are drawn",
    )

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """The backbone alone, each strategy, and the rivals that the run has."""
        cells = strategy_cells(run, self.protocol)
        if not cells:
            raise needing_llm()
        panel = cohort_panel(run)
        rivals = [name for name in self.rivals if name in run.settings.methods]
        rows = []
        for pair in dict.fromkeys(cell.pair for cell in cells):
            own = [cell for cell in cells if cell.pair == pair]
            for cell in own:
                if cell.strategy == own[0].strategy:
                    label = NO_LLM + candidates_suffix(run, cell.candidates_of)
                    rows.append(cell_row(run, cell, label, per_user=places.PER_USER_NO_LLM))
            for cell in own:
                label = run.params.strategies[cell.strategy].label + candidates_suffix(
                    run, cell.candidates_of
                )
                rows.append(cell_row(run, cell, label, per_user=places.PER_USER))
            rows += model_rows(run, self.protocol, pair, rivals, panel, per_user=places.PER_USER)
        return [row.of_files(cost=None) for row in rows]

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """What is said of the LLM's part."""
        return {"note": scoring_note(run, cells_of(self.rows(run, tables)))}

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from unknown_protocol(run, self.protocol)
        yield from unknown_cutoffs(self.cutoffs)
        yield from unknown_methods(run, "rivals", self.rivals)
        yield from not_forget_first(run, self.protocol)
