"""Figures of the forget set beside the remain set (the paper's Figure 3)."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from cragru.config.types import VariantName, distinct
from cragru.core.errors import Problem
from cragru.core.names import ORIGINAL
from cragru.plan.cells import plain_cells
from cragru.plan.rows import EVERYONE, Row, cohort_panel, pairs_of
from cragru.plan.run import Run
from cragru.plan.tables.base import AgainstRetrain, Entries, Figure, unknown_names
from cragru.plan.tables.forgetting import measured_cell_rows, measured_model_rows
from cragru.plan.words import scoring_note

MEASURES = ("forget_remain",)  # what is read of a bar


class ForgetRemainFigure(AgainstRetrain, Figure):
    """A figure of the forget set beside the remain set (the paper's Figure 3)."""

    maker: ClassVar[str] = "cragru.reporting.forget_remain_figure"

    kind: Literal["forget-remain"]
    rivals: Annotated[list[VariantName], AfterValidator(distinct)] = Field(
        description="methods to stand beside the original; those that the run has are drawn"
    )

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return the models on all users; with an LLM then the same, CRAGRU and its controls on the cohort."""
        rows = []
        for pair in pairs_of(run):
            rows += self._models(run, pair, EVERYONE)
        cells = plain_cells(run, self.protocol)
        for pair in pairs_of(run) if cells else []:
            own = [cell for cell in cells if cell.pair == pair]
            rows += self._models(run, pair, cohort_panel(run))
            rows += measured_cell_rows(run, own, MEASURES)
        return rows

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what is said of the LLM's part."""
        return {"note": scoring_note(run, self.rows(run, tables))}

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from super().problems(run, tables)
        yield from unknown_names("rivals", self.rivals, run.params.methods)

    def _models(self, run: Run, pair: tuple[str, str], panel: str) -> list[Row]:
        """Return original and rivals, each under every seed."""
        models = [ORIGINAL, *(name for name in self.rivals if name in run.settings.methods)]
        return measured_model_rows(run, self.protocol, pair, models, panel, MEASURES)
